// What a member says of itself in ConsumerGroupHeartbeat, taken over: what a request does not say stays as it was. Who asks is
// described anew only when it joins, so that a client whose requests come from changing addresses does not make the group's
// document change each time.
import type { ConsumerMember } from '../group.ts'
import type { ConsumerHeartbeatRequest } from '../requests.ts'
import type { GroupSettings } from '../step.ts'
import { namesIn } from './naming.ts'

/** The member as the request describes it; the very same object if it says nothing new. */
export function describedBy(
  member: ConsumerMember,
  request: ConsumerHeartbeatRequest,
  { consumerSessionTimeoutMs }: GroupSettings,
): ConsumerMember {
  const { instanceId, rackId, serverAssignor, subscribedPattern, clientId, clientHost } = request
  const { classic: _, subscribedPattern: pattern, ...rest } = member
  const wanted = subscribedPattern ?? pattern ?? ''
  const topics = request.subscribedTopics === undefined ? undefined : namesIn(request.subscribedTopics)
  const described: ConsumerMember = {
    ...rest,
    ...(instanceId === undefined ? {} : { instanceId }),
    ...(rackId === undefined ? {} : { rackId }),
    ...(request.memberEpoch === 0 ? { clientId, clientHost, sessionTimeoutMs: consumerSessionTimeoutMs } : {}),
    ...(request.rebalanceTimeoutMs === -1 ? {} : { rebalanceTimeoutMs: request.rebalanceTimeoutMs }),
    ...(topics === undefined || isSameNames(topics, member.subscribedTopics) ? {} : { subscribedTopics: topics }),
    ...(wanted === '' ? {} : { subscribedPattern: wanted }),
    ...(serverAssignor === undefined ? {} : { serverAssignor }),
  }
  return isSameDescription(member, described) ? member : described
}

const isSameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, i) => name === b[i])

const DESCRIBING = [
  'instanceId',
  'rackId',
  'clientId',
  'clientHost',
  'sessionTimeoutMs',
  'rebalanceTimeoutMs',
  'subscribedTopics',
  'subscribedPattern',
  'serverAssignor',
  'classic',
] as const

const isSameDescription = (a: ConsumerMember, b: ConsumerMember): boolean =>
  DESCRIBING.every((name) => a[name] === b[name])

/** Whether a member wants other topics than before. Names are kept in one order. */
export const isSubscriptionChanged = (before: ConsumerMember, after: ConsumerMember): boolean =>
  before.subscribedPattern !== after.subscribedPattern || !isSameNames(before.subscribedTopics, after.subscribedTopics)

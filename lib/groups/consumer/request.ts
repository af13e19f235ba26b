// What is wrong with a heartbeat whatever the group is: fields that an epoch needs or forbids, an assignor that nobody has, a
// pattern that is none, and more than a group's document has room for.
import type { Group } from '../group.ts'
import type { ConsumerHeartbeatRequest } from '../requests.ts'
import type { GroupRefusal, GroupSettings } from '../step.ts'
import { tooMuchSaid } from './bounds.ts'
import { checkPattern } from './pattern.ts'
import { isAssignor } from './targets.ts'

/** The member leaves the group. */
export const LEAVES = -1
/** The static member leaves for a while. */
export const LEAVES_FOR_A_WHILE = -2

const refuse = (message: string): GroupRefusal => ({ kind: 'invalidRequest', message })

/** Why the request is refused, or undefined. A pattern that a member of the group already has is known to be one. */
export function invalidity(
  request: ConsumerHeartbeatRequest,
  group: Group | undefined,
  settings: GroupSettings,
): GroupRefusal | undefined {
  const { groupId, memberId, memberEpoch, instanceId, rackId, serverAssignor, subscribedPattern } = request
  if (groupId.trim() === '') return refuse('A group has an id.')
  if (instanceId?.trim() === '' || rackId?.trim() === '') return refuse('An instance id or rack is not empty.')
  if (memberId.trim() === '' && (memberEpoch !== 0 || memberId !== '')) return refuse('A member has an id.')
  const unfit = memberEpoch > 0 ? undefined : unfitForEpoch(request)
  if (unfit !== undefined) return refuse(unfit)
  if (serverAssignor !== undefined && !isAssignor(serverAssignor, settings)) {
    const message = `${serverAssignor} is none of the assignors: ${settings.consumerAssignors.join(', ')}.`
    return { kind: 'unsupportedAssignor', message }
  }
  const tooMuch = tooMuchSaid(request)
  if (tooMuch !== undefined) return tooMuch
  const isKnown = group?.kind === 'consumer' && group.patterns.some(({ pattern }) => pattern === subscribedPattern)
  if (subscribedPattern === undefined || isKnown) return undefined
  const check = checkPattern(subscribedPattern)
  if (check.kind === 'valid') return undefined
  return { kind: 'invalidPattern', message: `${subscribedPattern} is no RE2 pattern: ${check.message}.` }
}

function unfitForEpoch(request: ConsumerHeartbeatRequest): string | undefined {
  const { memberEpoch, instanceId, rebalanceTimeoutMs, owned, subscribedTopics, subscribedPattern } = request
  if (memberEpoch < LEAVES_FOR_A_WHILE) return `There is no member epoch ${memberEpoch}.`
  if (memberEpoch === LEAVES_FOR_A_WHILE && instanceId === undefined) return 'Only a static member leaves for a while.'
  if (memberEpoch !== 0) return undefined
  if (rebalanceTimeoutMs === -1) return 'Who joins says its rebalance timeout.'
  if (owned === undefined || owned.length > 0) return 'Who joins owns nothing, and says so.'
  if (subscribedTopics === undefined && subscribedPattern === undefined) return 'Who joins says topics or a pattern.'
  return undefined
}

// When a request is sent to another gateway although this one could serve it. Any gateway answers every request correctly, so
// this is only ever about warmth: the members of a group are served best from one room in one process, where those who wait
// for a rebalance are woken by it at once instead of looking every second. Whoever is sent away pays a round trip, so it
// happens only where all gateways must agree about the coordinator, and at most once per connection and group: two gateways
// that each name the other, for whatever reason, serve a client at the second try.
//
// JoinGroup is the request to send away: nothing of the member is under way, every client finds the coordinator and joins
// there, and each rebalance brings a whole group together. ConsumerGroupHeartbeat is the only one that its protocol has, and
// costs no rebalance either. Heartbeat is not: a group without a rebalance is as warm as it can be wherever it is, and some
// clients (sarama, kafka-go) take the error for the end of their generation. SyncGroup is not: its member would join again,
// and so would all others. Offsets, leaving and everything for administrators need no room.
import { HINT_STEADY_MS, HINTED_GROUPS_MAX } from '../../base/limits.ts'
import type { BrokerConnection } from '../broker.ts'
import { coordinatorOf } from '../cluster/leaders.ts'
import type { BrokerContext, Call } from '../context.ts'

/** What the decision rests on. */
export interface HintFacts {
  /** Node ids: this gateway, the coordinator by its reckoning, and all that it takes for alive. */
  readonly self: number
  readonly coordinator: number
  readonly live: readonly number[]
  /** For how long this gateway has read the same list of gateways, on time. */
  readonly steadyMs: number
  /** This client was sent away once, on this connection and for this group. */
  readonly sentBefore: boolean
}

/** Whether the client is better off at the coordinator. */
export function isForAnother({ self, coordinator, live, steadyMs, sentBefore }: HintFacts): boolean {
  if (coordinator === self || sentBefore) return false
  // Who is not in the list itself was dropped and comes back in a moment: its view is the odd one.
  if (!live.includes(self) || !live.includes(coordinator)) return false
  return steadyMs >= HINT_STEADY_MS
}

const sentAway = new WeakMap<BrokerConnection, Set<string>>()

/**
 * Whether to answer NOT_COORDINATOR to this JoinGroup or (unless its member leaves) ConsumerGroupHeartbeat. Remembers a yes,
 * so ask once per request.
 *
 * @example if (isForCoordinator(context, call, groupId)) return joinGroupError(request, ErrorCode.NOT_COORDINATOR, call)
 */
export function isForCoordinator({ members }: BrokerContext, { connection }: Call, groupId: string): boolean {
  // A request that travels by itself has no connection on which it could be remembered, and nowhere else to go.
  if (connection.exchange !== undefined) return false
  const nodes = members.nodes()
  const groups = sentAway.get(connection) ?? new Set()
  const isSent = isForAnother({
    self: members.self,
    coordinator: coordinatorOf(groupId, nodes).nodeId,
    live: nodes.map(({ nodeId }) => nodeId),
    steadyMs: members.steadyMs?.() ?? 0,
    sentBefore: groups.has(groupId) || groups.size >= HINTED_GROUPS_MAX,
  })
  if (isSent) sentAway.set(connection, groups.add(groupId))
  return isSent
}

// Whole requests as clients send them, for tests that say only what matters to them.
import type { ConsumerHeartbeatRequest, JoinRequest, SyncRequest } from '../../../../lib/groups/requests.ts'

const CLIENT = { clientId: 'client', clientHost: '/127.0.0.1' } as const

/** Of a new member, which is told its id first. Each join needs a token of its own. */
export const JOIN: Omit<JoinRequest, 'token'> = {
  ...CLIENT,
  groupId: 'g',
  memberId: '',
  instanceId: undefined,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: 'bWV0YQ==' }],
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 30_000,
  memberIdRequired: true,
  knowsSkipAssignment: true,
}

/** Of one that assigns nothing. */
export const SYNC: SyncRequest = {
  groupId: 'g',
  memberId: '',
  instanceId: undefined,
  generation: 1,
  protocolType: 'consumer',
  protocol: 'range',
  assignments: [],
}

/** A heartbeat that says nothing new. */
export const QUIET_HEARTBEAT: ConsumerHeartbeatRequest = {
  ...CLIENT,
  groupId: 'g',
  memberId: '',
  memberEpoch: 0,
  instanceId: undefined,
  rackId: undefined,
  rebalanceTimeoutMs: -1,
  subscribedTopics: undefined,
  subscribedPattern: undefined,
  serverAssignor: undefined,
  owned: undefined,
}

// Groups that answer whatever a test tells them to and remember what they were asked: for the handlers' tests, which are
// about what becomes of a request on the way in and of an answer on the way out. The real groups have tests of their own.
import type { Groups } from '../../../../lib/groups/groups.ts'

type Method = keyof Groups
type Asked = { readonly [M in Method]: Parameters<Groups[M]>[] }
type Answers = { [M in Method]: Awaited<ReturnType<Groups[M]>> }

export interface FakeGroups extends Groups {
  /** What each method was called with. */
  readonly asked: Asked
  /** What each method answers. */
  readonly answers: Answers
}

export function fakeGroups(): FakeGroups {
  const asked: Asked = {
    join: [],
    sync: [],
    heartbeat: [],
    leave: [],
    consumerHeartbeat: [],
    commit: [],
    committed: [],
    deleteOffsets: [],
    list: [],
    describe: [],
    delete: [],
  }
  const answers: Answers = {
    join: {
      kind: 'joined',
      generation: 1,
      protocolType: 'consumer',
      protocol: 'range',
      leader: 'm-1',
      memberId: 'm-1',
      skipAssignment: false,
      members: [],
    },
    sync: { kind: 'synced', protocolType: 'consumer', protocol: 'range', assignment: '' },
    heartbeat: { kind: 'alive' },
    leave: { kind: 'left', refusals: [] },
    consumerHeartbeat: {
      kind: 'beat',
      memberId: 'm-1',
      memberEpoch: 1,
      heartbeatIntervalMs: 5000,
      assignment: undefined,
    },
    commit: { kind: 'committed' },
    committed: { kind: 'found', offsets: [] },
    deleteOffsets: { kind: 'unavailable' },
    list: { kind: 'found', groups: [] },
    describe: { kind: 'missing' },
    delete: { kind: 'deleted' },
  }
  const fake =
    <M extends Method>(method: M) =>
    async (...args: Parameters<Groups[M]>): Promise<Answers[M]> => {
      asked[method].push(args)
      return answers[method]
    }
  return {
    asked,
    answers,
    join: fake('join'),
    sync: fake('sync'),
    heartbeat: fake('heartbeat'),
    leave: fake('leave'),
    consumerHeartbeat: fake('consumerHeartbeat'),
    commit: fake('commit'),
    committed: fake('committed'),
    deleteOffsets: fake('deleteOffsets'),
    list: fake('list'),
    describe: fake('describe'),
    delete: fake('delete'),
  }
}

/** Every way in which a process cannot serve now. */
export const UNSERVED = ['unavailable', 'unknown', 'halted'] as const

// The checks of groups are checked as those of the log are: for every anomaly a history written by hand that shows it and must
// be flagged under its name, beside one that is like it and allowed.
import { describe, expect, it } from 'vitest'
import { check } from './checker.ts'
import type { GroupCommit, GroupEffect, GroupFetch, GroupOwns, GroupRemoval, GroupTold } from './group-history.ts'
import type { Op } from './history.ts'

const P0 = 't1/0'
const P1 = 't1/1'
const GROUP = { group: 'g' }
/** Who commits: `‹client›/‹generation›/‹offset›` is the metadata. */
const MINE = { client: 'a', protocol: 'classic', memberId: 'a1', generation: 1 } as const

let order = 0
const next = () => ({ invoked: order++, completed: order++ })

function commit(offset: number, outcome: GroupCommit['outcome'], more: Partial<GroupCommit> = {}): GroupCommit {
  const who = { ...MINE, ...more }
  const metadata = `${who.client}/${who.generation}/${offset}`
  const offsets = [{ partition: P0, offset, metadata }]
  const { invoked, completed } = next()
  const base = { kind: 'groupCommit', ...GROUP, ...who, offsets, invoked, outcome, ...more } as const
  return { ...base, completed: more.completed ?? (outcome === 'info' ? undefined : completed) }
}
function fetched(offset: number, metadata: string, more: Partial<GroupFetch> = {}): GroupFetch {
  const offsets = [{ partition: P0, offset, metadata }]
  const nobody = { client: 'w', protocol: 'classic', memberId: '', generation: -1 } as const
  return { kind: 'groupFetch', ...GROUP, ...nobody, process: 'p1.1', ...next(), offsets, owned: [], ...more }
}
function told(what: GroupTold['what'], more: Partial<GroupTold> = {}): GroupTold {
  const empty = { instanceId: undefined, leader: '', chosen: 'range', members: [], assignment: undefined }
  return { kind: 'groupTold', ...GROUP, ...MINE, what, ...next(), ...empty, ...more }
}
function owns(memberId: string, owned: readonly string[]): GroupOwns {
  return { kind: 'groupOwns', ...GROUP, client: memberId, memberId, owned, invoked: order++ }
}
function removal(what: GroupRemoval['what'], outcome: GroupRemoval['outcome'] = 'ok'): GroupRemoval {
  const { invoked, completed } = next()
  return {
    kind: 'groupRemoval',
    ...GROUP,
    client: 'admin',
    what,
    invoked,
    completed: outcome === 'info' ? undefined : completed,
    outcome,
  }
}
const stored = (offset: number, metadata: string): GroupEffect => ({
  kind: 'groupEffect',
  ...GROUP,
  what: 'committed',
  offsets: [{ partition: P0, offset, metadata }],
})
const names = (ops: readonly Op[]): string[] => [...new Set(check({ ops: [...ops] }).map(({ name }) => name))].sort()

const OTHER = { client: 'b', memberId: 'b1', generation: 2 } as const
const beat = (memberId: string, generation: number, assignment: readonly string[] | undefined): GroupTold =>
  told('beat', { client: memberId, memberId, protocol: 'consumer', generation, assignment })

describe('committed offsets', () => {
  it('that only go on are not flagged', () => {
    const ops = [
      commit(3, 'ok'),
      fetched(3, 'a/1/3'),
      commit(5, 'info'),
      fetched(3, 'a/1/3'),
      fetched(5, 'a/1/5'),
      commit(7, 'fail'),
      stored(3, 'a/1/3'),
      stored(5, 'a/1/5'),
    ]
    expect(names(ops)).toEqual([])
  })
  it('that are not there although they were acknowledged are lost', () => {
    expect(names([commit(3, 'ok'), fetched(-1, '')])).toEqual(['lost-commit'])
    expect(names([commit(3, 'ok'), commit(5, 'ok'), fetched(3, 'a/1/3')])).toEqual(['lost-commit'])
  })
  it('may be those of a try that nobody waited for, if no answer showed the later one', () => {
    const ops = [commit(3, 'info'), commit(5, 'ok'), fetched(3, 'a/1/3')]
    expect(names(ops)).toEqual([])
    expect(names([...ops.slice(0, 2), fetched(5, 'a/1/5'), fetched(3, 'a/1/3')])).toEqual(['regress'])
  })
  it('do not go back from one process to another', () => {
    const [first, second] = [commit(3, 'info'), commit(5, 'info')]
    expect(names([first, second, fetched(5, 'a/1/5'), fetched(3, 'a/1/3')])).toEqual(['regress'])
    const [long, short] = [fetched(5, 'a/1/5'), fetched(3, 'a/1/3')]
    expect(names([first, second, { ...long, completed: short.completed + 1 }, short])).toEqual([])
  })
  it('may be gone when somebody removed them', () => {
    expect(names([commit(3, 'ok'), removal('offsets'), fetched(-1, '')])).toEqual([])
    expect(names([commit(3, 'ok'), removal('offsets', 'info'), fetched(-1, '')])).toEqual([])
    expect(names([commit(3, 'ok'), removal('offsets', 'fail'), fetched(-1, '')])).toEqual(['lost-commit'])
    expect(names([removal('offsets'), commit(3, 'ok'), fetched(-1, '')])).toEqual(['lost-commit'])
  })
  it('are some that were committed', () => {
    expect(names([commit(3, 'info'), fetched(4, 'a/1/4')])).toEqual(['phantom-commit'])
    expect(names([commit(3, 'info'), fetched(4, 'a/1/3')])).toEqual(['phantom-commit'])
  })
  it('go on in the order of the journal, too', () => {
    const commits = [commit(3, 'info'), commit(5, 'info'), commit(4, 'info', OTHER)]
    expect(names([...commits, stored(5, 'a/1/5'), stored(3, 'a/1/3')])).toEqual(['regress'])
    expect(names([...commits, stored(4, 'b/2/4'), stored(5, 'a/1/5')])).toEqual(['zombie'])
    const removed: GroupEffect = { kind: 'groupEffect', ...GROUP, what: 'removed', offsets: [] }
    expect(names([...commits, stored(5, 'a/1/5'), removed, stored(3, 'a/1/3')])).toEqual([])
  })
})

describe('members of an old generation', () => {
  it('have nothing acknowledged once somebody was told of the next one', () => {
    expect(names([told('joined', OTHER), commit(3, 'ok')])).toEqual(['zombie'])
    expect(names([told('joined', OTHER), commit(3, 'fail')])).toEqual([])
    expect(names([told('joined', OTHER), removal('group'), commit(3, 'ok')])).toEqual([])
    const early = commit(3, 'ok')
    expect(names([told('joined', OTHER), { ...early, invoked: 0 }])).toEqual([])
  })
  it('commit nothing once somebody who came in the place of one has looked', () => {
    const [old, next] = [
      { ...MINE, instanceId: 's' },
      { ...MINE, client: 'b', memberId: 'a2', instanceId: 's' },
    ]
    const asks = { protocol: 'classic', memberId: 'a2', generation: 1 } as const
    const ops = (instanceId: string) => [
      told('joined', { ...old, instanceId }),
      commit(3, 'info'),
      told('joined', next),
      fetched(-1, '', { ...asks, client: 'b' }),
      fetched(3, 'a/1/3'),
    ]
    expect(names(ops('s'))).toEqual(['zombie'])
    expect(names(ops('another'))).toEqual([])
  })
  it('commit nothing that was refused', () => {
    expect(names([commit(3, 'fail'), fetched(3, 'a/1/3')])).toEqual(['zombie'])
    expect(names([commit(3, 'fail'), commit(3, 'info'), fetched(3, 'a/1/3')])).toEqual([])
  })
  it('commit nothing after the next owner has looked', () => {
    const late = commit(6, 'info')
    expect(names([commit(3, 'ok'), late, fetched(3, 'a/1/3', OTHER), fetched(6, 'a/1/6')])).toEqual(['zombie'])
    expect(names([commit(3, 'ok'), late, fetched(6, 'a/1/6', OTHER), fetched(6, 'a/1/6')])).toEqual([])
  })
  it('of KIP-848 may commit what is still theirs', () => {
    const [a, b] = [
      { ...MINE, protocol: 'consumer' },
      { ...OTHER, protocol: 'consumer' },
    ] as const
    const ops = (owned: readonly string[]) => [
      commit(3, 'ok', a),
      commit(6, 'info', a),
      fetched(3, 'a/1/3', { ...b, owned }),
      fetched(6, 'a/1/6'),
    ]
    expect(names(ops([P1]))).toEqual([])
    expect(names(ops([P0]))).toEqual(['zombie'])
    expect(names([beat('b1', 2, [P1]), commit(3, 'ok', a)])).toEqual([])
    expect(names([beat('b1', 2, [P0]), commit(3, 'ok', a)])).toEqual(['zombie'])
    expect(names([beat('a1', 2, [P0]), commit(3, 'ok', a)])).toEqual([])
  })
})

describe('generations', () => {
  it('do not go back, unless the group was deleted', () => {
    expect(names([told('joined', OTHER), told('joined')])).toEqual(['generation-back'])
    expect(names([told('joined', OTHER), removal('group'), told('joined')])).toEqual([])
    expect(names([told('joined', OTHER), removal('offsets'), told('joined')])).toEqual(['generation-back'])
  })
  it('of KIP-848 are those of one member', () => {
    expect(names([beat('b1', 2, undefined), beat('a1', 1, undefined)])).toEqual([])
    expect(names([beat('a1', 2, undefined), beat('a1', 1, undefined)])).toEqual(['generation-back'])
  })
  it('begin anew when the sweep dropped a group without members, which takes no offset away', () => {
    const again = (what: GroupRemoval['what']) => [beat('a1', 2, undefined), removal(what), beat('a1', 1, undefined)]
    expect(names(again('state'))).toEqual([])
    expect(names(again('offsets'))).toEqual(['generation-back'])
    const lost = (what: GroupRemoval['what']) => [commit(5, 'ok'), removal(what), fetched(-1, '')]
    expect(names(lost('state'))).toEqual(['lost-commit'])
    expect(names(lost('offsets'))).toEqual([])
  })
  it('have one leader, who is told of each member once', () => {
    const members = ['a1', 'b1'].map((memberId) => ({ memberId, joinName: `${memberId}#1` }))
    const lead = told('joined', { leader: 'a1', members })
    expect(names([lead, told('joined', { memberId: 'b1', leader: 'a1' })])).toEqual([])
    expect(names([lead, told('joined', { memberId: 'b1', leader: 'b1' })])).toEqual(['two-leaders'])
    expect(names([{ ...lead, members: [...members, members[0]!] }])).toEqual(['two-members'])
    const again = { memberId: 'a2', joinName: 'a1#1' }
    expect(names([{ ...lead, members: [...members, again] }])).toEqual(['two-members'])
  })
  it('have one protocol, and one owner of each partition', () => {
    const mine = told('synced', { assignment: [P0] })
    const other = (partition: string, chosen = 'range') =>
      told('synced', { memberId: 'b1', assignment: [partition], chosen })
    expect(names([mine, other(P1)])).toEqual([])
    expect(names([mine, other(P0)])).toEqual(['two-owners'])
    expect(names([mine, other(P1, 'sticky')])).toEqual(['two-protocols'])
    expect(names([mine, { ...other(P0), generation: 2 }])).toEqual([])
    // A static member that started anew has what it had.
    expect(
      names([
        { ...mine, instanceId: 's' },
        { ...other(P0), instanceId: 's' },
      ]),
    ).toEqual([])
  })
})

describe('partitions of KIP-848', () => {
  it('are given to nobody while somebody has them', () => {
    const ops = () => [beat('a1', 1, [P0, P1]), beat('b1', 2, [P0]), beat('a1', 2, [P0, P1])]
    expect(names(ops())).toEqual(['two-owners'])
    const [first, other, last] = ops()
    expect(names([first!, { ...other!, invoked: 0 }, last!])).toEqual([])
  })
  it('may be when they were given up in between, or the group was deleted', () => {
    const gaveUp = [beat('a1', 1, [P0]), owns('a1', []), beat('b1', 2, [P0]), beat('a1', 3, [P0])]
    expect(names(gaveUp)).toEqual([])
    const kept = [beat('a1', 1, [P0]), owns('a1', [P0]), beat('b1', 2, [P0]), beat('a1', 3, [P0])]
    expect(names(kept)).toEqual(['two-owners'])
    expect(names([beat('a1', 1, [P0]), removal('group'), beat('b1', 2, [P0]), beat('a1', 3, [P0])])).toEqual([])
  })
})

// Who may commit offsets, in each state of the group, and under which fence: the one that a later generation raises.
import { describe, expect, it } from 'vitest'
import { createSubject, enter, idIn, SESSION_MS, type Subject, stableGroup } from './support/subject.ts'

const preparing = (subject: Subject, ids: readonly string[]): void => void subject.join({ memberId: ids[0]! })
const completing = (subject: Subject, ids: readonly string[]): void => {
  for (const memberId of ids) subject.join({ memberId })
  expect(subject.group).toMatchObject({ phase: 'completingRebalance', generation: 2 })
}
const emptied = (subject: Subject, ids: readonly string[]): void =>
  void subject.leave(...ids.map((memberId) => ({ memberId })))
const stable = (): void => {}

const member = (ids: readonly string[], generationOrEpoch: number) => ({ memberId: ids[1]!, generationOrEpoch })
type Who = (ids: readonly string[]) => object
const simple: Who = () => ({})
const stranger: Who = () => ({ memberId: 'who', generationOrEpoch: 1 })

const cases: [string, typeof preparing, Who, string][] = [
  ['a member of the stable generation', stable, (ids) => member(ids, 1), 'allowed'],
  ['a member of an older generation', stable, (ids) => member(ids, 0), 'illegalGeneration'],
  ['a member that says no generation', stable, (ids) => member(ids, -1), 'illegalGeneration'],
  ['a stranger', stable, stranger, 'unknownMember'],
  ['nobody in particular, while there are members', stable, simple, 'unknownMember'],
  ['an instance that nobody has', stable, () => ({ instanceId: 'one' }), 'unknownMember'],
  ['a member of the generation that ends', preparing, (ids) => member(ids, 1), 'allowed'],
  ['nobody in particular, while the group prepares', preparing, simple, 'unknownMember'],
  ['a member of a generation that synchronises', completing, (ids) => member(ids, 2), 'rebalanceInProgress'],
  ['a member of the one before', completing, (ids) => member(ids, 1), 'illegalGeneration'],
  ['nobody in particular, while the group synchronises', completing, simple, 'unknownMember'],
  ['nobody in particular, once there are no members', emptied, simple, 'allowed'],
  ['who was a member, once there are none', emptied, (ids) => member(ids, 1), 'unknownMember'],
  ['an administrator with any name, once there are none', emptied, () => ({ memberId: 'who' }), 'allowed'],
]

describe('committing', () => {
  for (const [who, state, committer, kind] of cases) {
    it(`${kind === 'allowed' ? 'is allowed to' : `is refused (${kind}) to`} ${who}`, () => {
      const { subject, ids } = stableGroup(2)
      state(subject, ids)
      const before = subject.group
      const expected = kind === 'allowed' ? { kind, fence: before.fence } : { kind }
      expect(subject.commit(committer(ids))).toEqual(expected)
      expect(subject.group).toBe(before)
    })
  }

  it('for a group that is not there is for those without a generation', () => {
    const subject = createSubject({}, 7)
    expect(subject.commit({})).toEqual({ kind: 'allowed', fence: 7 })
    expect(subject.commit({ memberId: 'who', generationOrEpoch: 3 })).toEqual({ kind: 'groupNotFound' })
    expect(subject.commit({ memberId: 'who', generationOrEpoch: 3, knowsEpochs: false })).toEqual({
      kind: 'illegalGeneration',
    })
    expect(subject.stored).toBeUndefined()
  })

  it('is allowed in a group where somebody was only given an id', () => {
    const subject = createSubject({}, 7)
    const memberId = idIn(subject.join())
    expect(subject.commit({})).toEqual({ kind: 'allowed', fence: 8 })
    expect(subject.commit({ memberId, generationOrEpoch: 0 })).toEqual({ kind: 'unknownMember' })
  })

  it('is allowed to everybody once the last session has ended', () => {
    const { subject } = stableGroup(2)
    expect(subject.commit({}).kind).toBe('unknownMember')
    subject.advance(SESSION_MS)
    const { fence } = subject.group
    expect(subject.commit({})).toEqual({ kind: 'allowed', fence: fence + 1 })
  })

  it('is word from the member', () => {
    const { subject, ids } = stableGroup(1)
    for (let i = 0; i < 3; i++) {
      subject.advance(SESSION_MS - 1)
      expect(subject.commit({ memberId: ids[0]!, generationOrEpoch: 1 }).kind).toBe('allowed')
    }
  })

  it('is under a fence that rises when a static member is replaced', () => {
    const subject = createSubject({ initialRebalanceDelayMs: 0 })
    const instanceId = 'one'
    const memberId = enter(subject, { instanceId })
    subject.sync({ memberId, instanceId })
    const first = subject.commit({ memberId, instanceId, generationOrEpoch: 1 })
    const next = idIn(subject.join({ instanceId }))
    const second = subject.commit({ memberId: next, instanceId, generationOrEpoch: 1 })
    expect([first, second]).toEqual([
      { kind: 'allowed', fence: 2 },
      { kind: 'allowed', fence: 3 },
    ])
  })
})

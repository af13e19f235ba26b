// The protocol of a generation: each member votes for the first of its protocols that all support, and the most votes win. The
// rest of what ends a join phase is seen through joins and through time.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseProtocol } from '../../../../lib/groups/classic/complete-rebalance.ts'
import type { ClassicMember } from '../../../../lib/groups/group.ts'
import { createSubject, endInitial, enter } from './support/subject.ts'

const member = (names: readonly string[]): ClassicMember => ({
  memberId: 'm',
  number: 0,
  clientId: '',
  clientHost: '',
  sessionTimeoutMs: 1,
  rebalanceTimeoutMs: 1,
  protocols: names.map((name) => ({ name, metadata: '' })),
  assignment: '',
  synced: false,
})

const cases: [string, string[], string][] = [
  ['the only one', ['a'], 'a'],
  ['the first of one member', ['ab'], 'a'],
  ['the one with most votes', ['ab', 'ba', 'ba'], 'b'],
  ['only what all support, whoever prefers something else', ['ab', 'ab', 'b'], 'b'],
  ['the vote after what not all support', ['cab', 'cab', 'ba', 'ba', 'ba'], 'b'],
  ['of equals the one named first', ['ba', 'ab'], 'b'],
]

describe('the protocol of a generation', () => {
  for (const [what, members, chosen] of cases) {
    it(`is ${what}`, () => expect(chooseProtocol(members.map((names) => member([...names])))).toBe(chosen))
  }

  it('is always one that all support and that nobody could outvote', () => {
    const names = fc.shuffledSubarray(['x', 'a', 'b', 'c'], { minLength: 0 }).map((some) => [...some, 'common'])
    fc.assert(
      fc.property(fc.array(names, { minLength: 1, maxLength: 8 }), (lists) => {
        const common = lists[0]!.filter((name) => lists.every((list) => list.includes(name)))
        const votes = lists.map((list) => list.find((name) => common.includes(name))!)
        const count = (name: string): number => votes.filter((vote) => vote === name).length
        const chosen = chooseProtocol(lists.map(member))
        expect(common).toContain(chosen)
        expect(count(chosen)).toBe(Math.max(...votes.map(count)))
      }),
    )
  })

  it('may change from one generation to the next', () => {
    const subject = createSubject()
    const old = [
      { name: 'range', metadata: '' },
      { name: 'sticky', metadata: '' },
    ]
    const next = [old[1]!, old[0]!]
    const first = enter(subject, { protocols: old })
    endInitial(subject)
    expect(subject.group.protocol).toBe('range')
    enter(subject, { protocols: next })
    enter(subject, { protocols: next })
    subject.join({ memberId: first, protocols: old })
    expect(subject.group).toMatchObject({ phase: 'completingRebalance', protocol: 'sticky' })
    subject.leave({ memberId: first })
    expect(subject.join({ protocols: old }).kind).toBe('memberIdRequired')
  })
})

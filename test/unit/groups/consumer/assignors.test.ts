// Assignors by their properties, over random members, subscriptions, topics and targets so far.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TopicId } from '../../../../lib/base/ids.ts'
import { common, isSame, sizeOf } from '../../../../lib/groups/consumer/assignment.ts'
import type { Assignor, AssignorMember } from '../../../../lib/groups/consumer/assignors/assignor.ts'
import { createHeap } from '../../../../lib/groups/consumer/assignors/heap.ts'
import { range } from '../../../../lib/groups/consumer/assignors/range.ts'
import { uniform } from '../../../../lib/groups/consumer/assignors/uniform.ts'
import type { Assignment } from '../../../../lib/groups/group.ts'
import { placesOf, topicId } from './support/scene.ts'

type Topics = Map<TopicId, number>

const topicsArb = fc
  .array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 5 })
  .map((sizes): Topics => new Map(sizes.map((partitions, i) => [topicId(i + 1), partitions])))

const membersArb = (isAlike: boolean) =>
  topicsArb.chain((topics) =>
    fc.record({
      topics: fc.constant(topics),
      members: fc.array(
        fc.record({
          wants: isAlike ? fc.constant([...topics.keys()]) : fc.subarray([...topics.keys()]),
          isStatic: fc.boolean(),
        }),
        { minLength: 1, maxLength: 7 },
      ),
    }),
  )

function membersOf(
  wanted: readonly { readonly wants: readonly TopicId[]; readonly isStatic: boolean }[],
): AssignorMember[] {
  return wanted.map(({ wants, isStatic }, i) => ({
    memberId: `m${i}`,
    instanceId: isStatic ? `i${i}` : undefined,
    topics: new Set(wants),
    current: [],
  }))
}

const withTargets = (members: readonly AssignorMember[], targets: readonly Assignment[]): AssignorMember[] =>
  members.map((member, i) => ({ ...member, current: targets[i]! }))

/** Every partition that somebody wants is in exactly one target, of a member that wants it, and targets are in order. */
function checkComplete(members: readonly AssignorMember[], topics: Topics, targets: readonly Assignment[]): void {
  expect(targets).toHaveLength(members.length)
  const given = targets.flatMap(placesOf)
  expect(new Set(given).size).toBe(given.length)
  const wanted = [...topics].filter(([id]) => members.some((member) => member.topics.has(id)))
  expect(given).toHaveLength(wanted.reduce((sum, [, partitions]) => sum + partitions, 0))
  targets.forEach((target, i) => {
    for (const { topicId: id, partitions } of target) {
      expect(members[i]!.topics.has(id)).toBe(true)
      expect(partitions.every((partition) => partition >= 0 && partition < topics.get(id)!)).toBe(true)
      expect(partitions).toEqual([...partitions].sort((a, b) => a - b))
    }
    expect(target.map(({ topicId: id }) => id)).toEqual(target.map(({ topicId: id }) => id).sort())
  })
}

const isBalanced = (targets: readonly Assignment[]): boolean => {
  const sizes = targets.map(sizeOf)
  return Math.max(...sizes) - Math.min(...sizes) <= 1
}

const moved = (before: readonly Assignment[], after: readonly Assignment[]): number =>
  before.reduce((sum, target, i) => sum + sizeOf(target) - sizeOf(common(target, after[i] ?? [])), 0)

describe.each([
  ['uniform', uniform],
  ['range', range],
] as const)('%s', (_, assign: Assignor) => {
  it('gives each wanted partition to one member that wants it', () => {
    fc.assert(
      fc.property(membersArb(false), ({ topics, members: wanted }) => {
        const members = membersOf(wanted)
        checkComplete(members, topics, assign(members, topics))
      }),
    )
  })

  it('gives the same whatever the order of the members', () => {
    fc.assert(
      fc.property(membersArb(false), ({ topics, members: wanted }) => {
        const members = membersOf(wanted)
        const targets = assign(members, topics)
        const backwards = assign([...members].reverse(), topics)
        expect([...backwards].reverse()).toEqual(targets)
      }),
    )
  })

  it('has nothing to give without topics or members', () => {
    expect(assign([], new Map([[topicId(1), 3]]))).toEqual([])
    expect(assign(membersOf([{ wants: [], isStatic: false }]), new Map([[topicId(1), 3]]))).toEqual([[]])
  })
})

describe('uniform', () => {
  it('is balanced within one where all want the same', () => {
    fc.assert(
      fc.property(membersArb(true), ({ topics, members: wanted }) => {
        expect(isBalanced(uniform(membersOf(wanted), topics))).toBe(true)
      }),
    )
  })

  it('changes nothing when nothing changed', () => {
    fc.assert(
      fc.property(membersArb(false), ({ topics, members: wanted }) => {
        const members = membersOf(wanted)
        const targets = uniform(members, topics)
        const again = uniform(withTargets(members, targets), topics)
        expect(again.every((target, i) => isSame(target, targets[i]!))).toBe(true)
      }),
    )
  })

  it('moves no more than balance needs when one member comes', () => {
    fc.assert(
      fc.property(membersArb(true), ({ topics, members: wanted }) => {
        const [last, ...others] = membersOf(wanted).reverse()
        const before = uniform(others, topics)
        const all = [...withTargets(others, before), last!]
        const after = uniform(all, topics)
        checkComplete(all, topics, after)
        expect(isBalanced(after)).toBe(true)
        // What moves goes to the new member, and to nobody else.
        expect(moved(before, after)).toBe(others.length === 0 ? 0 : sizeOf(after.at(-1)!))
      }),
    )
  })

  it('moves nothing but what is free when a member goes', () => {
    fc.assert(
      fc.property(membersArb(true), ({ topics, members: wanted }) => {
        fc.pre(wanted.length > 1)
        const members = membersOf(wanted)
        const before = uniform(members, topics)
        const rest = withTargets(members, before).slice(1)
        const after = uniform(rest, topics)
        expect(isBalanced(after)).toBe(true)
        expect(moved(before.slice(1), after)).toBe(0)
      }),
    )
  })

  it('moves nothing when partitions are added and all stay below their share', () => {
    const members = membersOf([
      { wants: [topicId(1)], isStatic: false },
      { wants: [topicId(1)], isStatic: false },
    ])
    const before = uniform(members, new Map([[topicId(1), 4]]))
    const after = uniform(withTargets(members, before), new Map([[topicId(1), 7]]))
    expect(moved(before, after)).toBe(0)
    expect(isBalanced(after)).toBe(true)
  })

  it('takes any targets that are out of date: doubles, strangers, topics that are gone', () => {
    const current = [
      { topicId: topicId(1), partitions: [0, 1, 2, 9] },
      { topicId: topicId(7), partitions: [0] },
    ]
    const members = membersOf([
      { wants: [topicId(1)], isStatic: false },
      { wants: [topicId(1)], isStatic: false },
      { wants: [], isStatic: false },
    ]).map((member) => ({ ...member, current }))
    const topics = new Map([[topicId(1), 3]])
    const targets = uniform(members, topics)
    checkComplete(members, topics, targets)
    expect(targets.map(sizeOf)).toEqual([2, 1, 0])
  })

  it('gives the topics that few want to those few, and the others the rest', () => {
    const members = membersOf([
      { wants: [topicId(1)], isStatic: false },
      { wants: [topicId(1), topicId(2)], isStatic: false },
    ])
    const targets = uniform(
      members,
      new Map([
        [topicId(1), 4],
        [topicId(2), 4],
      ]),
    )
    expect(targets.map(sizeOf)).toEqual([4, 4])
    expect(targets[0]).toEqual([{ topicId: topicId(1), partitions: [0, 1, 2, 3] }])
  })

  it('evens out different subscriptions as far as one move at a time can', () => {
    fc.assert(
      fc.property(membersArb(false), ({ topics, members: wanted }) => {
        const members = membersOf(wanted)
        const targets = uniform(members, topics)
        for (const target of targets) {
          for (const { topicId: id } of target) {
            members.forEach((member, taker) => {
              if (!member.topics.has(id)) return
              expect(sizeOf(target) - sizeOf(targets[taker]!)).toBeLessThanOrEqual(1)
            })
          }
        }
      }),
    )
  })

  it('takes 1,000 members and 10,000 partitions within a second each time', () => {
    const topics: Topics = new Map(Array.from({ length: 100 }, (_, i) => [topicId(i + 1), 100]))
    const wants = [...topics.keys()]
    const members = membersOf(Array.from({ length: 1000 }, () => ({ wants, isStatic: false })))
    const before = process.cpuUsage()
    const targets = uniform(members, topics)
    const again = uniform(withTargets(members.slice(1), targets.slice(1)), topics)
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(2000)
    expect(isBalanced(again)).toBe(true)
  })
})

describe('range', () => {
  it('gives each member one range of a topic, the earlier ones the longer ranges', () => {
    const members = membersOf(Array.from({ length: 3 }, () => ({ wants: [topicId(1)], isStatic: false })))
    expect(range(members, new Map([[topicId(1), 8]])).map(([one]) => one?.partitions)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7],
    ])
    expect(range(members, new Map([[topicId(1), 2]]))[2]).toEqual([])
  })

  it('gives a member the same partitions of topics that are alike', () => {
    fc.assert(
      fc.property(membersArb(true), fc.integer({ min: 1, max: 9 }), ({ topics, members: wanted }, partitions) => {
        const alike = new Map([...topics.keys()].map((id) => [id, partitions]))
        for (const target of range(membersOf(wanted), alike)) {
          expect(new Set(target.map((one) => one.partitions.join())).size).toBeLessThanOrEqual(1)
        }
      }),
    )
  })

  it('keeps static members where they are when they come back under other member ids', () => {
    const members = membersOf(Array.from({ length: 4 }, () => ({ wants: [topicId(1)], isStatic: true })))
    const topics = new Map([[topicId(1), 9]])
    const before = range(members, topics)
    const renamed = members.map((member, i) => ({ ...member, memberId: `z${9 - i}` }))
    expect(range(renamed, topics)).toEqual(before)
  })
})

describe('a heap', () => {
  it('gives out what was put in, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (numbers) => {
        const heap = createHeap<number>((a, b) => a < b)
        for (const number of numbers) heap.push(number)
        expect(numbers.map(() => heap.pop())).toEqual([...numbers].sort((a, b) => a - b))
        expect(heap.pop()).toBeUndefined()
      }),
    )
  })
})

// Clients of all kinds beside each other, against everything that may happen to them: requests decided and never stored,
// answers lost, requests that come again long after, clients that vanish, start anew, leave or change their minds, two with one
// instance id, and time that jumps. Whatever happens, partitions have one owner, a commit that was allowed to somebody else
// lies under an older fence, and no repeat changes anything; and as soon as nothing happens any more, everybody who is
// there is in one stable generation. (`support/subject.ts` checks each step besides.)
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tick } from '../../../../lib/groups/classic/tick.ts'
import type { ClassicGroup } from '../../../../lib/groups/group.ts'
import type { CommitCheck, Synced } from '../../../../lib/groups/requests.ts'
import {
  type Asked,
  type Client,
  commitTurn,
  joinAsked,
  leaveTurn,
  newClient,
  nextTurn,
  PARTITIONS,
  partitionsIn,
  syncAsked,
  type Turn,
} from './support/client.ts'
import { createSubject } from './support/subject.ts'

const CLIENTS = [
  { instanceId: undefined, isOld: false },
  { instanceId: undefined, isOld: false },
  { instanceId: undefined, isOld: true },
  { instanceId: 'one', isOld: false },
  { instanceId: 'one', isOld: false },
  { instanceId: 'two', isOld: true },
]
const SESSION_MS = 6000
const CALM_MS_MAX = 120_000

const happening = fc.oneof(
  { weight: 30, arbitrary: fc.constant('turn' as const) },
  { weight: 4, arbitrary: fc.constant('commit' as const) },
  { weight: 3, arbitrary: fc.constant('stray' as const) },
  { weight: 2, arbitrary: fc.constant('reconnect' as const) },
  { weight: 2, arbitrary: fc.constant('restart' as const) },
  { weight: 2, arbitrary: fc.constant('change' as const) },
  { weight: 1, arbitrary: fc.constant('leave' as const) },
  { weight: 1, arbitrary: fc.constant('vanish' as const) },
)
const step = fc.record({
  what: happening,
  client: fc.nat(CLIENTS.length - 1),
  fate: fc.oneof(
    { weight: 8, arbitrary: fc.constant('answered' as const) },
    { weight: 1, arbitrary: fc.constant('answerLost' as const) },
    { weight: 1, arbitrary: fc.constant('neverStored' as const) },
  ),
  afterMs: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 1500 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1500, max: 15_000 }) },
  ),
  any: fc.nat(),
})

type Happening = typeof step extends fc.Arbitrary<infer T> ? T : never

function createModel(initialRebalanceDelayMs: number) {
  const subject = createSubject({ initialRebalanceDelayMs })
  const clients = CLIENTS.map(newClient)
  const strays: Asked[] = []
  /** By partition: who was allowed to commit it, and under which fence at last. */
  const commits = Array.from({ length: PARTITIONS }, () => new Map<string, number>())

  /** Decides and stores an event, and then once more, which must change nothing. */
  function decide({ event, generation }: Asked): { readonly kind: string } {
    const { answer } = subject.decide(event)
    const settled = subject.stored
    const again = subject.decide(event)
    if (subject.stored !== settled) expect(subject.stored, 'a repeat changes nothing').toBe(settled)
    if (answer.kind !== 'left' && !isDeepStrictEqual(again.answer, answer)) expect(again.answer).toEqual(answer)
    if (answer.kind === 'synced') {
      expect(generation, 'an assignment is told for its generation').toBe(again.group!.generation)
      checkOwner(answer as Synced, again.group!)
    }
    if (settled?.phase === 'stable') checkOwners(settled)
    return answer
  }

  function checkOwners({ members }: ClassicGroup): void {
    const owned = members.flatMap(({ assignment }) => partitionsIn(assignment))
    expect(new Set(owned).size).toBe(owned.length)
  }

  /** What somebody else committed before the partitions were given to this one can not land any more. */
  function checkOwner({ assignment }: Synced, group: ClassicGroup): void {
    const owner = group.members.find((member) => member.assignment === assignment && assignment !== '')
    for (const partition of partitionsIn(assignment)) {
      for (const [memberId, fence] of commits[partition]!) {
        if (memberId !== owner?.memberId) expect(fence).toBeLessThan(group.fence)
      }
    }
  }

  function take(client: Client, turn: Turn, fate: 'answered' | 'answerLost' | 'neverStored'): void {
    if (fate === 'neverStored') {
      const { stored } = subject
      const decided = turn.event(stored && tick(stored, subject.context()), subject.context())
      if (decided.seen !== undefined) subject.seen.set(decided.seen, subject.nowMs)
      return
    }
    const { partitions, memberId } = client
    const answer = decide(turn)
    if (answer.kind === 'allowed') {
      expect(client.generation, 'who commits is of the generation').toBe(subject.group.generation)
      expect(partitionsIn(subject.member(memberId)!.assignment)).toEqual(partitions)
      const { fence } = answer as Extract<CommitCheck, { kind: 'allowed' }>
      for (const partition of partitions) commits[partition]!.set(memberId, fence)
    }
    if (fate === 'answered') turn.hear(answer)
  }

  /** What the client asked last goes on by itself. */
  function abandon(client: Client): void {
    if (client.join !== undefined) strays.push(joinAsked(client.join))
    if (client.sync !== undefined) strays.push(syncAsked(client.sync))
    client.join = undefined
    client.sync = undefined
    client.partitions = []
    client.state = 'out'
  }

  return { subject, clients, strays, decide, take, abandon }
}

type Model = ReturnType<typeof createModel>

function happen(model: Model, { what, client: i, fate, afterMs, any }: Happening): void {
  const { subject, clients, strays } = model
  const client = clients[i]!
  subject.advance(afterMs)
  if (what === 'stray') {
    if (strays.length > 0) model.decide(strays[any % strays.length]!)
    return
  }
  if (what === 'restart') {
    model.abandon(client)
    client.memberId = ''
    return
  }
  if (client.state === 'dead') return
  switch (what) {
    case 'turn':
      model.take(client, nextTurn(client), fate)
      return
    case 'commit':
      if (client.state === 'active') model.take(client, commitTurn(client), fate)
      return
    case 'reconnect':
      model.abandon(client)
      return
    case 'change':
      client.metadata = ['AAAA', 'BBBB', 'CCCC'][any % 3]!
      client.prefersSticky = any % 2 === 0
      if (client.state === 'active') client.state = 'out'
      return
    case 'leave':
      if (client.memberId !== '') model.take(client, leaveTurn(client), fate)
      return
    case 'vanish':
      model.abandon(client)
      client.state = 'dead'
  }
}

const isSettled = ({ subject, clients }: Model): boolean => {
  const { stored } = subject
  const there = clients.filter(({ state }) => state !== 'dead')
  if (there.length === 0) return stored === undefined || (stored.phase === 'empty' && stored.pending.length === 0)
  if (stored?.phase !== 'stable' || stored.pending.length > 0 || stored.members.length !== there.length) return false
  return there.every(({ state, generation }) => state === 'active' && generation === stored.generation)
}

/** Nothing happens any more: clients go on, others are silent. */
function calmDown(model: Model): void {
  const { subject, clients } = model
  for (let ms = 0; ms < CALM_MS_MAX && !isSettled(model); ms += 500) {
    subject.advance(500)
    for (const client of clients) {
      for (let turns = 0; turns < 4 && client.state !== 'dead'; turns++) {
        const before = client.state
        model.take(client, nextTurn(client), 'answered')
        if (client.state === before || client.state === 'active') break
      }
    }
    subject.tick()
  }
  if (!isSettled(model)) expect({ group: subject.stored, clients }, 'nothing happens any more').toBe('settled')
}

/** Once it is calm it stays so, whatever comes again. */
function stayCalm(model: Model): void {
  const { subject, clients } = model
  const settled = subject.stored
  for (let ms = 0; ms < 2 * SESSION_MS; ms += 3000) {
    subject.advance(3000)
    for (const client of clients) {
      if (client.state === 'dead') continue
      model.take(client, nextTurn(client), 'answered')
      if (client.join !== undefined) model.decide(joinAsked(client.join))
      if (client.sync !== undefined) model.decide(syncAsked(client.sync))
    }
    subject.tick()
  }
  expect(subject.stored).toBe(settled)
  if (settled === undefined || settled.phase === 'empty') return
  const owned = clients.flatMap(({ state, partitions }) => (state === 'dead' ? [] : partitions))
  expect(owned.sort()).toEqual(Array.from({ length: PARTITIONS }, (_, partition) => partition))
}

describe('clients of a classic group', () => {
  for (const delayMs of [0, 1000]) {
    it(`end in one stable generation, whatever happened before (first rebalance after ${delayMs} ms)`, () => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }), (steps) => {
          const model = createModel(delayMs)
          for (const one of steps) happen(model, one)
          calmDown(model)
          stayCalm(model)
        }),
        { numRuns: 60 },
      )
    })
  }
})

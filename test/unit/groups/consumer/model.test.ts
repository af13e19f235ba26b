// Groups of consumers that come, go, fall silent, lose answers and repeat requests while topics grow, through processes that see
// the group's JSON only and topics sometimes late. Beside what every scene asserts after each step (`support/scene.ts`): no two
// consumers ever read from the same partition while both are members, and when things calm down, everything is read.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stateName } from '../../../../lib/groups/consumer/state-name.ts'
import { type Client, classicClient, modernClient, STRAIGHT, type Way } from './support/clients.ts'
import { createScene, type Scene } from './support/scene.ts'

type Kind = 'modern' | 'static' | 'classic' | 'staticClassic'
type Operation =
  | { readonly kind: 'step'; readonly slot: number; readonly way: Way }
  | { readonly kind: 'start'; readonly slot: number }
  | { readonly kind: 'obey'; readonly slot: number }
  | { readonly kind: 'crash'; readonly slot: number }
  | { readonly kind: 'leave'; readonly slot: number; readonly isForAWhile: boolean }
  | { readonly kind: 'subscribe'; readonly slot: number; readonly topics: readonly string[] }
  | { readonly kind: 'grow'; readonly topic: string }
  | { readonly kind: 'delete'; readonly topic: string }
  | { readonly kind: 'pass'; readonly ms: number }

type OfClient = Exclude<Operation, { readonly kind: 'grow' | 'delete' | 'pass' | 'start' }>

const TOPICS = ['orders', 'invoices']
const SLOTS = 4

const slot = fc.nat(SLOTS - 1)
const topicNames = fc.subarray(TOPICS, { minLength: 1 })
/** One in five. */
const seldom = fc.nat(4).map((one) => one === 0)
const way: fc.Arbitrary<Way> = fc.record({ isLost: seldom, isRepeated: seldom, viewsBehind: fc.nat(1) })
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({ kind: fc.constant('step' as const), slot, way }),
  },
  { weight: 18, arbitrary: fc.record({ kind: fc.constant('obey' as const), slot }) },
  { weight: 9, arbitrary: fc.record({ kind: fc.constant('start' as const), slot }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('crash' as const), slot }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('leave' as const), slot, isForAWhile: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('subscribe' as const), slot, topics: topicNames }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('grow' as const), topic: fc.constantFrom(...TOPICS) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), topic: fc.constantFrom(...TOPICS) }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 1000, 5000, 20_000, 50_000) }),
  },
)

/** Consumers in their slots, over one group. */
function createCluster(kinds: readonly Kind[], isEager: boolean) {
  const scene = createScene()
  const clients: (Client | undefined)[] = kinds.map(() => undefined)
  const isModern = kinds.every((kind) => kind === 'modern' || kind === 'static')
  let started = 0

  function start(at: number): void {
    const kind = kinds[at]!
    const name = `m${at}-${started++}`
    const isStatic = kind === 'static' || kind === 'staticClassic'
    const instanceId = isStatic ? `i${at}` : undefined
    clients[at] =
      kind === 'modern' || kind === 'static'
        ? modernClient(scene, name, instanceId, TOPICS)
        : classicClient(scene, isEager, instanceId, TOPICS, () => `t${started++}`)
  }

  function ask(client: Client, operation: OfClient): void {
    if (operation.kind === 'obey') client.obey()
    else if (operation.kind === 'subscribe') client.subscribe(operation.topics)
    else if (operation.kind === 'crash') clients[operation.slot] = undefined
    else if (operation.kind === 'leave') {
      if (client.leave(operation.isForAWhile)) clients[operation.slot] = undefined
    } else if (operation.kind === 'step') {
      client.step(operation.way)
    }
  }

  return {
    scene,
    clients,
    start,
    run(operation: Operation): void {
      if (operation.kind === 'pass') scene.pass(operation.ms)
      else if (operation.kind === 'delete') scene.deleteTopic(operation.topic)
      else if (operation.kind === 'grow') {
        const partitions = scene.topics().get(operation.topic)?.partitions
        // Classic members know topics by name alone, and would take a new one of the same name for the old one.
        if (partitions !== undefined || isModern) scene.topic(operation.topic, (partitions ?? 0) + 1)
      } else if (operation.kind === 'start') {
        if (clients[operation.slot] === undefined) start(operation.slot)
      } else {
        const client = clients[operation.slot]
        if (client !== undefined) ask(client, operation)
      }
    },
    /** Everybody who is there goes on, for ten minutes or until nothing is left to do. */
    calm(): void {
      for (let round = 0; round < 120 && whatIsLeft(scene, clients) !== undefined; round++) {
        for (const client of clients) {
          client?.step(STRAIGHT)
          client?.obey()
        }
        scene.pass(5000)
      }
    },
  }
}

/** No two consumers ever read from the same partition. */
function checkReaders(clients: readonly (Client | undefined)[]): void {
  const reads = clients.flatMap((client) => client?.reads ?? [])
  if (new Set(reads).size !== reads.length) throw new Error(`something is read by two: ${reads.join(' ')}`)
}

/** What is not as it is to be in the end: the members are those who are there, and each partition is read. */
function whatIsLeft(scene: Scene, clients: readonly (Client | undefined)[]): string | undefined {
  const alive = clients.filter((client) => client !== undefined)
  const { group } = scene
  if (alive.length === 0) return undefined
  if (group?.members.length !== alive.length) return `${group?.members.length} of ${alive.length} are members`
  const state = group.kind === 'consumer' ? stateName(group) : group.phase
  if (state !== 'Stable' && state !== 'stable') return `the group is ${state}`
  const wanted = [...scene.topics().values()].flatMap(({ id, name, partitions }) =>
    alive.some(({ wants }) => wants.includes(name))
      ? Array.from({ length: partitions }, (_, partition) => `${id}/${partition}`)
      : [],
  )
  const reads = alive.flatMap((client) => client.reads)
  return reads.sort().join() === wanted.sort().join() ? undefined : `of ${wanted.join()} ${reads.join()} are read`
}

const RUNS = 80

describe.each<readonly [string, readonly Kind[], boolean]>([
  ['KIP-848 members', ['modern', 'modern', 'modern', 'static'], false],
  ['static members', ['static', 'static', 'static', 'modern'], false],
  ['classic cooperative members and KIP-848 ones', ['modern', 'classic', 'classic', 'static'], false],
  ['classic eager members and KIP-848 ones', ['modern', 'classic', 'classic', 'modern'], true],
  ['static classic members and KIP-848 ones', ['modern', 'staticClassic', 'staticClassic', 'classic'], false],
])('%s', (_, kinds, isEager) => {
  it('never read the same, and all of it in the end', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 150, size: 'max' }), (operations) => {
        const { scene, clients, start, run, calm } = createCluster(kinds, isEager)
        for (const topic of TOPICS) scene.topic(topic, 3)
        start(0)
        start(1)
        for (const one of operations) {
          run(one)
          checkReaders(clients)
        }
        calm()
        checkReaders(clients)
        expect(whatIsLeft(scene, clients)).toBeUndefined()
      }),
      { numRuns: RUNS },
    )
  })
})

// A topic declared in CloudFormation, in the orders in which CloudFormation asks: deployments, rollbacks, replacements,
// duplicates, adoptions. What a stack did not make it never deletes; no rollback gets stuck.
import { describe, expect, it } from 'vitest'
import { kafkaConfigs } from '../../../lib/broker/cluster/replication.ts'
import {
  applyTopicRequest,
  DECLARED_BY_CONFIG,
  resourceIdentity,
  type TopicRequest,
  type TopicResourceOutcome,
} from '../../../lib/http/topic-resource.ts'
import { rest } from '../support/manual-clock.ts'
import { createWorld, type LogProcess, type World } from '../support/world.ts'

const STACK = 'arn:aws:cloudformation:us-east-1:000000000000:stack/Topics/1'
const ME = resourceIdentity(STACK, 'Orders')
const OTHER = resourceIdentity(STACK, 'OrdersMoved')

const declared = (partitions = 3, configs: Record<string, string> = {}, name = 'orders') => ({
  name,
  partitions,
  configs: new Map(Object.entries(configs)),
})
const create = (of = declared(), resource = ME, requestId = 'first'): TopicRequest => ({
  kind: 'create',
  resource,
  requestId,
  declared: of,
})
let updates = 0
const update = (to = declared(), partitionsBefore: number | undefined = 3, physicalId = 'orders'): TopicRequest => ({
  kind: 'update',
  resource: ME,
  requestId: `update-${updates++}`,
  declared: to,
  physicalId,
  partitionsBefore,
})
const remove = (destroy = true, physicalId = 'orders', resource = ME): TopicRequest => ({
  kind: 'delete',
  resource,
  physicalId,
  destroy,
})

interface Stack {
  readonly world: World
  readonly process: LogProcess
  ask(request: TopicRequest, rollingBack?: boolean): Promise<TopicResourceOutcome>
  topic(name?: string): { partitions: number; configs: Record<string, string>; by: string | undefined } | undefined
}

async function stack(): Promise<Stack> {
  const world = await createWorld()
  const process = await world.open()
  const { log } = process
  const { signal } = new AbortController()
  return {
    world,
    process,
    ask: (request, rollingBack = false) =>
      world.run(
        applyTopicRequest({ log, clock: world.clock, rollingBack: async () => rollingBack, signal }, request),
        120_000,
      ),
    topic(name = 'orders') {
      const found = log.topicByName(name)
      if (found === undefined) return undefined
      const by = found.configs.get(DECLARED_BY_CONFIG)?.split(' ')[0]
      return { partitions: found.partitions, configs: Object.fromEntries(kafkaConfigs(found)), by }
    },
  }
}

const reasonOf = (outcome: TopicResourceOutcome): string => (outcome.kind === 'failed' ? outcome.reason : outcome.kind)

async function byHand({ world, process }: Stack, partitions: number, name = 'orders'): Promise<void> {
  const made = await world.run(process.log.createTopic({ name, partitions, configs: new Map([['retention.ms', '5']]) }))
  expect(made.kind).toBe('created')
}

describe('create', () => {
  it('makes the topic as declared, and twice is once', async () => {
    const it = await stack()
    const first = await it.ask(create(declared(3, { 'retention.ms': '1000' })))
    expect(first).toMatchObject({ kind: 'done', physicalId: 'orders', topic: { partitions: 3 } })
    expect(it.topic()).toEqual({ partitions: 3, configs: { 'retention.ms': '1000' }, by: 'made' })
    expect(await it.ask(create(declared(3, { 'retention.ms': '1000' })))).toEqual(first)
    expect(it.topic()?.by).toBe('made')
  })

  it('adopts a topic with as many partitions or fewer, and raises it', async () => {
    const it = await stack()
    await byHand(it, 2)
    expect(await it.ask(create(declared(5, { 'segment.ms': '9' })))).toMatchObject({ kind: 'done' })
    expect(it.topic()).toEqual({ partitions: 5, configs: { 'segment.ms': '9' }, by: 'adopted' })
  })

  it('refuses a topic with more partitions, and its Delete leaves that alone', async () => {
    const it = await stack()
    await byHand(it, 8)
    const outcome = await it.ask(create(), true)
    expect(reasonOf(outcome)).toMatch(/'orders' has 8 partitions and cannot have 3.*Declare 8 or more/)
    expect(await it.ask(remove(true, outcome.physicalId))).toMatchObject({ kind: 'done' })
    expect(it.topic()).toEqual({ partitions: 8, configs: { 'retention.ms': '5' }, by: undefined })
  })

  it('says what cannot be declared', async () => {
    const it = await stack()
    expect(reasonOf(await it.ask(create(declared(3, {}, 'no spaces'))))).toMatch(/Topic name is invalid/)
    expect(reasonOf(await it.ask(create(declared(0))))).toMatch(/cannot have 0 partitions: from 1 to/)
    const typo = await it.ask(create(declared(3, { 'retention.msec': '1' })))
    expect(reasonOf(typo)).toMatch(/Unknown topic config name: retention.msec. Did you mean retention.ms/)
    expect(reasonOf(await it.ask(create(declared(3, { 'retention.ms': 'x' }))))).toMatch(/Invalid value x/)
    expect(it.topic()).toBeUndefined()
  })

  it('finds what an earlier try of its own left whose answer was lost', async () => {
    const it = await stack()
    it.process.script.next('append', 'lost')
    expect(await it.ask(create())).toMatchObject({ kind: 'done' })
    expect(it.topic()?.by).toBe('made')
    await it.ask(remove())
    expect(it.topic()).toBeUndefined()
  })
})

describe('update', () => {
  it('raises partitions and replaces configs', async () => {
    const it = await stack()
    await it.ask(create(declared(3, { 'retention.ms': '1000', 'segment.ms': '9' })))
    expect(await it.ask(update(declared(6, { 'retention.ms': '2' })))).toMatchObject({
      kind: 'done',
      physicalId: 'orders',
    })
    expect(it.topic()).toEqual({ partitions: 6, configs: { 'retention.ms': '2' }, by: 'made' })
  })

  it('fails for fewer partitions; the rollback that follows succeeds', async () => {
    const it = await stack()
    await it.ask(create(declared(6, { 'retention.ms': '1' })))
    const outcome = await it.ask(update(declared(3, { 'retention.ms': '2' }), 6))
    expect(outcome).toMatchObject({ kind: 'failed', physicalId: 'orders' })
    expect(reasonOf(outcome)).toMatch(/partitions can be added, not removed/)
    expect(it.topic()).toMatchObject({ partitions: 6, configs: { 'retention.ms': '1' } })
    expect(await it.ask(update(declared(6, { 'retention.ms': '1' }), 3), true)).toMatchObject({ kind: 'done' })
  })

  it('takes back the configs of a raise that is rolled back, and leaves its partitions', async () => {
    const it = await stack()
    await it.ask(create(declared(3, { 'retention.ms': '1' })))
    await it.ask(update(declared(6, { 'retention.ms': '2' })))
    expect(await it.ask(update(declared(3, { 'retention.ms': '1' }), 6), true)).toMatchObject({ kind: 'done' })
    expect(it.topic()).toEqual({ partitions: 6, configs: { 'retention.ms': '1' }, by: 'made' })
    // The next deployment says 3 as before: it is not this one that lowers the number.
    expect(await it.ask(update(declared(3, { 'retention.ms': '7' }), 3))).toMatchObject({ kind: 'done' })
    expect(reasonOf(await it.ask(update(declared(4), 3)))).toMatch(/has 6 partitions and cannot have 4/)
  })

  it('to another name makes another topic; the Delete behind it removes the first', async () => {
    const it = await stack()
    await it.ask(create())
    expect(await it.ask(update(declared(3, {}, 'orders2')))).toMatchObject({ kind: 'done', physicalId: 'orders2' })
    expect(await it.ask(remove(true, 'orders'))).toMatchObject({ kind: 'done' })
    expect([it.topic(), it.topic('orders2')?.by]).toEqual([undefined, 'made'])
  })

  it('to another name, rolled back, finds its first topic again as its own', async () => {
    const it = await stack()
    await it.ask(create())
    await it.ask(update(declared(5, {}, 'orders2')))
    await it.world.run(it.process.log.addPartitions(it.process.log.topicByName('orders')!, 4))
    const back = await it.ask(update(declared(3), 5, 'orders2'), true)
    expect(back).toMatchObject({ kind: 'done', physicalId: 'orders' })
    await it.ask(remove(true, 'orders2'))
    expect([it.topic()?.by, it.topic('orders2')]).toEqual(['made', undefined])
  })

  it('makes a topic anew that somebody deleted', async () => {
    const it = await stack()
    await it.ask(create())
    await it.world.run(it.process.log.deleteTopic(it.process.log.topicByName('orders')!))
    expect(await it.ask(update())).toMatchObject({ kind: 'done' })
    expect(it.topic()?.by).toBe('made')
  })

  it('looks again when another administrator was faster', async () => {
    const it = await stack()
    await it.ask(create())
    const other = await it.world.open()
    const { script } = it.process
    script.next('append', 'hold')
    const asked = it.ask(update(declared(6, { 'segment.ms': '9' })))
    await rest()
    expect((await other.log.addPartitions(other.log.topicByName('orders')!, 5)).kind).toBe('changed')
    script.release()
    expect(await asked).toMatchObject({ kind: 'done' })
    expect(it.topic()).toEqual({ partitions: 6, configs: { 'segment.ms': '9' }, by: 'made' })
  })
})

describe('delete', () => {
  it('destroys what the declaration made, twice as well as once', async () => {
    const it = await stack()
    await it.ask(create())
    expect(await it.ask(remove())).toEqual({ kind: 'done', physicalId: 'orders' })
    expect(await it.ask(remove())).toEqual({ kind: 'done', physicalId: 'orders' })
    expect(it.topic()).toBeUndefined()
  })

  it('retains, and then belongs to nobody', async () => {
    const it = await stack()
    await it.ask(create(declared(3, { 'retention.ms': '1' })))
    await it.ask(remove(false))
    expect(it.topic()).toEqual({ partitions: 3, configs: { 'retention.ms': '1' }, by: undefined })
  })

  it('never takes what was retained: who declares it again found it, and a rollback leaves it', async () => {
    const it = await stack()
    await it.ask(create())
    // CloudFormation retains a resource without a word, and the same declaration comes back in a later deployment.
    await it.ask(create(declared(), ME, 'second'))
    expect(it.topic()?.by).toBe('adopted')
    await it.ask(remove(true))
    expect(it.topic()?.partitions).toBe(3)

    const renamed = await stack()
    await renamed.ask(create())
    await renamed.ask(update(declared(3, {}, 'orders2')))
    await renamed.ask(update(declared(3), 3, 'orders2'))
    expect(renamed.topic()?.by).toBe('adopted')
    await renamed.ask(remove(true))
    expect(renamed.topic()?.partitions).toBe(3)
  })

  it('leaves an adopted topic, and one that another declaration took over', async () => {
    const it = await stack()
    await byHand(it, 1)
    await it.ask(create())
    await it.ask(remove(true))
    expect(it.topic()?.by).toBeUndefined()

    const moved = await stack()
    await moved.ask(create())
    await moved.ask(create(declared(), OTHER))
    await moved.ask(remove(true))
    expect(moved.topic()).toMatchObject({ by: 'adopted' })
  })

  it('is not held up by a log that does not answer, unless records are to go', async () => {
    const it = await stack()
    await it.ask(create())
    it.process.script.next('readHead', 'before', 1000)
    expect(await it.ask(remove(false))).toEqual({ kind: 'done', physicalId: 'orders' })
    expect(reasonOf(await it.ask(remove(true)))).toMatch(/store did not answer/)
  })
})

it('begins nothing once it was told that its time is over', async () => {
  const world = await createWorld()
  const { log } = await world.open()
  const outcome = await applyTopicRequest(
    { log, clock: world.clock, rollingBack: async () => false, signal: AbortSignal.abort() },
    create(),
  )
  expect(reasonOf(outcome)).toMatch(/not enough time/)
  expect(log.topicByName('orders')).toBeUndefined()
})

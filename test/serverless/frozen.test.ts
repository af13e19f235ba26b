// Functions that are frozen: between invocations, as Lambda does with every environment, and in the middle of an append, at
// each step of it, while the client repeats the request elsewhere and others write. Thawed later, each finishes what it was
// at. Nothing may be lost, doubled or out of place, and who was told an offset finds the record there.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../lib/base/clock.ts'
import { newUlid } from '../../lib/base/ids.ts'
import { CHECKPOINT_ENTRIES } from '../../lib/base/limits.ts'
import { systemRandom } from '../../lib/base/random.ts'
import { openFunctionRuntime } from '../../lib/http/function-runtime.ts'
import { openAwsDeployment } from '../../lib/storage/aws/deployment.ts'
import { initAws } from '../../lib/storage/aws/init.ts'
import { formatRequestId, isLongFrame } from '../../lib/wire/https.ts'
import { threadedCompression } from '../../lib/wire/native-compression.ts'
import { type Fault, type Injector, startInjector } from '../aws/inject.ts'
import { type Ministack, startMinistack } from '../aws/ministack.ts'
import {
  createTopicFrame,
  fetchFrame,
  produceFrame,
  readCreated,
  readFetched,
  readProduced,
  recordBatch,
  recordsOf,
} from '../clients/raw.ts'
import { type ApiAnswer, apiEvent, type Environment, frameIn, startEnvironment } from './environment.ts'

const TIMED_OUT = 7
const TRIES_MAX = 20
const HELD_MS = 2500

let ministack: Ministack
let injector: Injector
let admin: Environment
let reader: Environment
const environments: Environment[] = []
const place = { bucket: 'frozen', table: 'frozen', region: 'us-east-1' }
/** As the last answer told it. */
let generation = 1

beforeAll(async () => {
  ministack = await startMinistack()
  const made = await initAws({ ...place, endpointUrl: ministack.endpointUrl })
  if (made.kind !== 'ready') throw new Error(made.sentence)
  injector = await startInjector(ministack.endpointUrl)
  admin = start('admin')
  reader = start('fetch')
})

afterAll(async () => {
  await Promise.all(environments.map((environment) => environment.stop()))
  await injector?.close()
  await ministack?.stop()
})

/** `through` the injector, or straight. */
function start(name: Parameters<typeof startEnvironment>[0], through = false): Environment {
  const { endpointUrl } = through ? injector : ministack
  const environment = startEnvironment(name, { ...place, endpointUrl })
  environments.push(environment)
  return environment
}

async function makeTopic(topic: string, partitions = 1): Promise<void> {
  const answer = await admin.invoke(apiEvent('admin', createTopicFrame(topic, partitions)))
  generation = Number(answer.headers['tidelog-generation'])
  expect(readCreated(frameIn(answer))).toBe(0)
}

const newRequestId = (long = false): string =>
  formatRequestId({ generation, id: newUlid(systemClock, systemRandom), long })

function produceEvent(
  topic: string,
  value: string,
  requestId = newRequestId(isLongFrame(value.length)),
  partition = 0,
) {
  const batch = recordBatch([Buffer.from(value)], 1_700_000_000_000)
  return apiEvent('produce', produceFrame(topic, partition, batch), { 'tidelog-request-id': requestId })
}

/** Base offset of an answer, or undefined where it does not say that the record was written. */
function offsetIn(answer: ApiAnswer): number | undefined {
  if (answer.statusCode !== 200) {
    expect([503, 504], answer.body).toContain(answer.statusCode)
    return undefined
  }
  const { error, baseOffset } = readProduced(frameIn(answer))
  expect([0, TIMED_OUT]).toContain(error)
  return error === 0 ? baseOffset : undefined
}

/** Repeats an event as our clients do, until it is acknowledged; undefined when it was not. */
async function tryAgain(environment: Environment, event: unknown, triesMax: number): Promise<number | undefined> {
  for (let tries = 1; tries <= triesMax; tries++) {
    const offset = offsetIn(await environment.invoke(event))
    if (offset !== undefined) return offset
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  return undefined
}

async function repeat(environment: Environment, event: unknown): Promise<number> {
  const offset = await tryAgain(environment, event, TRIES_MAX)
  if (offset === undefined) throw new Error(`not acknowledged in ${TRIES_MAX} tries`)
  return offset
}

/** A whole partition, up to the first fetch that finds nothing more; asserts that offsets are dense. */
async function valuesIn(topic: string, partition = 0): Promise<string[]> {
  const values: string[] = []
  for (;;) {
    const answer = await reader.invoke(apiEvent('fetch', fetchFrame(topic, partition, values.length, 0)))
    const { error, records } = readFetched(frameIn(answer))
    expect(error).toBe(0)
    if (records.length === 0) return values
    for (const { offset, value } of recordsOf(records).records) {
      if (offset < values.length) continue
      expect(offset).toBe(values.length)
      values.push(value.toString())
    }
  }
}

/** Resolves when the injector has seen one more of these operations than before. */
async function sees(operation: string, before: number): Promise<void> {
  const count = (): number => injector.seen.filter((one) => one === operation).length
  const deadline = Date.now() + 10_000
  while (count() <= before) {
    if (Date.now() > deadline) throw new Error(`${operation} did not come`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** As many entries as make a checkpoint due, in few appends: topics that nobody uses. */
async function fillJournal(): Promise<void> {
  const deployment = openAwsDeployment({ ...place, endpointUrl: ministack.endpointUrl }, systemRandom)
  const opened = await openFunctionRuntime({ deployment, compression: threadedCompression })
  if (opened.kind !== 'opened') throw new Error('the journal cannot be opened')
  const { log, settle } = opened.runtime
  const made = Array.from({ length: CHECKPOINT_ENTRIES }, (_, index) =>
    log.createTopic({ name: `filler-${index}`, partitions: 1, configs: new Map() }),
  )
  expect(new Set((await Promise.all(made)).map(({ kind }) => kind))).toEqual(new Set(['created']))
  await settle()
  await deployment.stores.close()
}

describe('functions frozen between invocations', () => {
  it('go on where they were: three writers in turn, each frozen while the others write', async () => {
    await makeTopic('between')
    const writers = [start('produce'), start('produce'), start('produce')]
    const offsets: (number | undefined)[] = []
    for (let round = 0; round < 30; round++) {
      const answer = await writers[round % writers.length]!.invoke(produceEvent('between', `round ${round}`))
      offsets.push(offsetIn(answer))
    }
    expect(offsets).toEqual(Array.from({ length: 30 }, (_, round) => round))
    expect(await valuesIn('between')).toEqual(Array.from({ length: 30 }, (_, round) => `round ${round}`))
  })

  it('answer a repeat with the same offset, whoever answers it', async () => {
    await makeTopic('repeated')
    const [first, second] = [start('produce'), start('produce')]
    const event = produceEvent('repeated', 'once')
    expect(offsetIn(await first.invoke(event))).toBe(0)
    expect(await repeat(second, event)).toBe(0)
    expect(await repeat(first, event)).toBe(0)
    expect(await valuesIn('repeated')).toEqual(['once'])
  })

  it('append once when two of them get the same request at once', async () => {
    await makeTopic('at-once')
    const writers = [start('produce'), start('produce')]
    const values: string[] = []
    for (let round = 0; round < 8; round++) {
      const event = produceEvent('at-once', `round ${round}`)
      const answers = await Promise.all(writers.map((writer) => writer.invoke(event)))
      const offset = await repeat(writers[0]!, event)
      for (const known of answers.map(offsetIn)) if (known !== undefined) expect(known).toBe(offset)
      values.push(`round ${round}`)
    }
    expect(await valuesIn('at-once')).toEqual(values)
  })

  it('refuse a request id that was used for another frame, whoever is asked', async () => {
    await makeTopic('another-frame')
    const [first, second] = [start('produce'), start('produce')]
    const requestId = newRequestId()
    expect(offsetIn(await first.invoke(produceEvent('another-frame', 'first', requestId)))).toBe(0)
    for (const environment of [first, second]) {
      const answer = await environment.invoke(produceEvent('another-frame', 'other', requestId))
      expect(answer.statusCode).toBe(409)
      expect(JSON.parse(answer.body)).toMatchObject({ status: 409 })
    }
    expect(await valuesIn('another-frame')).toEqual(['first'])
  })
})

/** Where an append can be when its environment freezes: the request it waits for, and whether that is applied already. */
const PLACES: readonly {
  readonly step: string
  readonly operation: string
  readonly fault: Fault
  /** Whether a repeat elsewhere is acknowledged while this one is frozen; undefined where that is a matter of time. */
  readonly isKnown?: boolean
  /** Whether it is written in the end. A put whose answer came too late counts as another's, which nobody appends. */
  readonly isCertain: boolean
}[] = [
  {
    step: 'the segment is on its way',
    operation: 'dynamodb PutItem',
    fault: { kind: 'applyLate', delayMs: HELD_MS },
    isKnown: true,
    isCertain: true,
  },
  {
    step: 'the segment is stored, its answer not read',
    operation: 'dynamodb PutItem',
    fault: { kind: 'answerLate', delayMs: HELD_MS },
    isKnown: false,
    isCertain: false,
  },
  {
    step: 'a large segment is on its way',
    operation: 's3 PutObject',
    fault: { kind: 'applyLate', delayMs: HELD_MS },
    isKnown: true,
    isCertain: true,
  },
  {
    step: 'the append is on its way',
    operation: 'dynamodb UpdateItem',
    fault: { kind: 'applyLate', delayMs: HELD_MS },
    isCertain: true,
  },
  {
    step: 'the append is applied, its answer not read',
    operation: 'dynamodb UpdateItem',
    fault: { kind: 'answerLate', delayMs: HELD_MS },
    isKnown: true,
    isCertain: true,
  },
  {
    step: 'the append was lost on its way',
    operation: 'dynamodb UpdateItem',
    fault: { kind: 'dropBefore' },
    isKnown: false,
    isCertain: true,
  },
]

describe('functions frozen in the middle of an append', () => {
  it.each(PLACES)('while $step', async ({ step, operation, fault, isKnown, isCertain }) => {
    const topic = step.replace(/[^a-z]+/g, '-')
    await makeTopic(topic)
    const [frozen, other] = [start('produce', true), start('produce')]
    expect(offsetIn(await frozen.invoke(produceEvent(topic, 'first')))).toBe(0)
    expect(offsetIn(await other.invoke(produceEvent(topic, 'second')))).toBe(1)
    // What is larger than an item of the table goes to S3.
    const middle = operation.startsWith('s3') ? 'in the middle'.padEnd(10_000, '.') : 'in the middle'
    const event = produceEvent(topic, middle)
    const seen = injector.seen.filter((one) => one === operation).length
    injector.spoil(operation, fault)
    const answering = frozen.invoke(event)
    answering.catch(() => undefined)
    await sees(operation, seen)
    frozen.freeze()
    // The client has given up on it and repeats. Only the try that stored the segment may append it, so whether the repeat
    // can be answered depends on how far that one came.
    const atOnce = offsetIn(await other.invoke(event))
    const written = [await repeat(other, produceEvent(topic, 'while frozen'))]
    await injector.settled()
    const afterwards = offsetIn(await other.invoke(event))
    if (isKnown !== undefined) {
      expect([atOnce !== undefined, afterwards !== undefined]).toEqual([isKnown, isKnown])
    }
    written.push(await repeat(other, produceEvent(topic, 'still frozen')))
    frozen.thaw()
    const late = offsetIn(await answering)
    const acknowledged = await tryAgain(other, event, isCertain ? TRIES_MAX : 2)
    for (const known of [atOnce, afterwards, late]) if (known !== undefined) expect(known).toBe(acknowledged)
    expect(await tryAgain(frozen, event, 1)).toBe(acknowledged)
    if (isCertain) expect(acknowledged).toBeDefined()
    await repeat(frozen, produceEvent(topic, 'last'))
    const values = await valuesIn(topic)
    // Who was told an offset finds the record there; who was told none for ever has written nothing.
    expect(values.filter((value) => value === middle)).toHaveLength(acknowledged === undefined ? 0 : 1)
    if (acknowledged !== undefined) expect(values[acknowledged]).toBe(middle)
    expect(written.map((offset) => values[offset])).toEqual(['while frozen', 'still frozen'])
    const others = ['first', 'second', 'while frozen', 'still frozen', 'last']
    expect(values.filter((value) => value !== middle)).toEqual(others)
  })

  it('and an idempotent producer that sends its batch anew, under another request id, has written it once', async () => {
    await makeTopic('idempotent')
    const [frozen, other] = [start('produce', true), start('produce')]
    const event = (sequence: number) => {
      const batch = recordBatch([Buffer.from(`sequence ${sequence}`)], 1_700_000_000_000, {
        id: 2 ** 40,
        epoch: 0,
        sequence,
      })
      return apiEvent('produce', produceFrame('idempotent', 0, batch), { 'tidelog-request-id': newRequestId() })
    }
    expect(await repeat(frozen, event(0))).toBe(0)
    const seen = injector.seen.filter((one) => one === 'dynamodb UpdateItem').length
    injector.spoil('dynamodb UpdateItem', { kind: 'applyLate', delayMs: HELD_MS })
    const answering = frozen.invoke(event(1))
    answering.catch(() => undefined)
    await sees('dynamodb UpdateItem', seen)
    frozen.freeze()
    expect(await repeat(other, event(1))).toBe(1)
    expect(await repeat(other, event(2))).toBe(2)
    await injector.settled()
    frozen.thaw()
    const late = offsetIn(await answering)
    if (late !== undefined) expect(late).toBe(1)
    expect(await repeat(frozen, event(3))).toBe(3)
    expect(await valuesIn('idempotent')).toEqual([0, 1, 2, 3].map((sequence) => `sequence ${sequence}`))
  })

  it('maintenance is frozen in the middle of a checkpoint', async () => {
    await makeTopic('maintained')
    const writer = start('produce')
    for (let round = 0; round < 10; round++) await repeat(writer, produceEvent('maintained', `round ${round}`))
    await fillJournal()
    const maintenance = start('maintenance', true)
    const seen = injector.seen.filter((one) => one === 's3 PutObject').length
    injector.spoil('s3 PutObject', { kind: 'answerLate', delayMs: HELD_MS })
    const working = maintenance.invoke({})
    working.catch(() => undefined)
    await sees('s3 PutObject', seen)
    maintenance.freeze()
    for (let round = 10; round < 30; round++) await repeat(writer, produceEvent('maintained', `round ${round}`))
    maintenance.thaw()
    await working
    await maintenance.invoke({})
    const values = Array.from({ length: 30 }, (_, round) => `round ${round}`)
    expect(await valuesIn('maintained')).toEqual(values)
    // A process that begins now begins with that checkpoint.
    expect(await repeat(start('produce'), produceEvent('maintained', 'round 30'))).toBe(30)
    expect(await valuesIn('maintained')).toEqual([...values, 'round 30'])
  })
})

describe('what an event may be', () => {
  it('says that a body is base 64 and lies', async () => {
    await makeTopic('lies')
    const writer = start('produce')
    const event = produceEvent('lies', 'value')
    for (const body of [`!${event.body}`, `${event.body.slice(0, 40)}~~~~${event.body.slice(44)}`, 'ÿÿÿÿ']) {
      const answer = await writer.invoke({ ...event, body })
      expect(answer.statusCode).toBe(400)
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
      expect(JSON.parse(answer.body)).toMatchObject({ status: 400 })
      expect(answer.body).not.toMatch(/\bat .*:\d+/)
    }
    expect(await valuesIn('lies')).toEqual([])
  })

  it('is no event of an HTTP API at all', async () => {
    const writer = start('produce')
    for (const event of [{}, { rawPath: 7 }, { body: 'x' }]) {
      const answer = await writer.invoke(event)
      expect(answer.statusCode).toBe(400)
      expect(JSON.parse(answer.body)).toMatchObject({ status: 400 })
    }
  })

  it('has less time than the stores take: an answer before it is over, and one effect', async () => {
    await makeTopic('slow')
    const writer = start('produce', true)
    expect(await repeat(writer, produceEvent('slow', 'first'))).toBe(0)
    injector.spoil('dynamodb UpdateItem', { kind: 'answerLate', delayMs: 6000 })
    const event = produceEvent('slow', 'second')
    const answer = await writer.invoke(event, 4000)
    expect(offsetIn(answer)).toBeUndefined()
    expect(await repeat(start('produce'), event)).toBe(1)
    expect(await repeat(writer, event)).toBe(1)
    expect(await valuesIn('slow')).toEqual(['first', 'second'])
  })
})

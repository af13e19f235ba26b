// What every client does and what must come of it. Each scenario is one line of the report; a scenario that a client
// cannot take part in (its capabilities say so) is left out, never counted as passed. Records are compared exactly: key,
// value, headers, partition, offset, timestamp.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Command, Driver, ReadRecord, Reply, WireRecord } from './protocol.ts'
import { codecsIn, fetchFrame, hasFindCoordinator, openRaw, readFetched } from './raw.ts'

export interface Scenario {
  readonly name: string
  readonly run: () => Promise<string | undefined>
}

type Ok = Extract<Reply, { ok: true }>

export async function must(driver: Driver, command: Command): Promise<Ok> {
  const reply = await driver.ask(command)
  if (!reply.ok) throw new Error(`${driver.can.name}: ${command.op} failed with ${reply.code}: ${reply.error}`)
  return reply
}

export const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64')

interface Variant {
  readonly acks: number
  readonly codec: string
  readonly idempotent: boolean
}

/** acks 0, 1 and all; idempotent and not; each codec. */
function variantsOf(driver: Driver): Variant[] {
  const { codecs, idempotent } = driver.can
  const variants: Variant[] = [
    { acks: 1, codec: 'none', idempotent: false },
    { acks: -1, codec: 'none', idempotent: false },
  ]
  if (idempotent) variants.push({ acks: -1, codec: 'none', idempotent: true })
  for (const codec of codecs) {
    if (codec !== 'none')
      variants.push({ acks: codec === 'lz4' ? 1 : -1, codec, idempotent: idempotent && codec !== 'lz4' })
  }
  // Last, when the client has found its way: what is sent without acknowledgement to a leader not yet there is lost.
  return [...variants, { acks: 0, codec: 'none', idempotent: false }]
}

/** Bytes of any value but those that kcat prints or parses as something else. */
function noise(seed: string, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let block = createHash('sha256').update(seed).digest()
  for (let at = 0; at < length; at += 32) {
    block.copy(bytes, at)
    block = createHash('sha256').update(block).digest()
  }
  return bytes
}

const RECORDS_PER_PARTITION = 12
export const TIME_START = Date.now() - 3_600_000

function recordsFor(driver: Driver, variant: Variant, partition: number): WireRecord[] {
  const { can } = driver
  return Array.from({ length: RECORDS_PER_PARTITION }, (_, index) => {
    const id = `${can.name}/${partition}/${index}`
    const headers: (readonly [string, string | null])[] = [['id', base64(id)]]
    // kcat takes headers as arguments, which are text.
    const bytes = can.name.startsWith('kcat') ? 'ÿ€ ☃' : Buffer.from([0xff, 0xfe, 0x80, 0x7f])
    if (index % 3 === 1) headers.push(['bytes', base64(bytes)])
    if (index % 3 === 2 && can.nullHeaders) headers.push(['nothing', null])
    const size = index === 5 ? 20_000 : index === 6 && variant.codec !== 'none' ? 200_000 : 10 + index
    const value = index % 2 === 0 ? noise(id, size) : Buffer.from(`${id} `.repeat(Math.ceil(size / id.length)))
    return {
      key: index % 4 === 3 ? null : base64(index % 4 === 2 ? noise(`key ${id}`, 16) : `key ${id}`),
      value: index % 5 === 4 && can.nullValues ? null : base64(value),
      headers: index % 4 === 0 ? [] : headers,
      partition,
      timestamp: can.setsTimestamps ? TIME_START + partition * 1000 + index * 7 : null,
    }
  })
}

export interface Written {
  readonly topic: string
  readonly writer: Driver
  /** By partition, in order. */
  readonly partitions: WireRecord[][]
}

/** kcat starts a process per set of headers, so the order between those sets is its driver's; others keep the list's. */
function sortAsWritten(driver: Driver, records: readonly WireRecord[]): WireRecord[] {
  if (!driver.can.name.startsWith('kcat')) return [...records]
  return [...Map.groupBy(records, (record) => JSON.stringify(record.headers)).values()].flat()
}

/** One topic per writer, one partition per variant. */
export function writeScenarios(admin: Driver, writer: Driver, written: Written[]): Scenario[] {
  const variants = variantsOf(writer)
  const topic = `from-${writer.can.name.replace(/[^a-zA-Z0-9.]+/g, '-').replace(/^-|-$/g, '')}`
  const partitions: WireRecord[][] = variants.map((variant, partition) => recordsFor(writer, variant, partition))
  const create: Scenario = {
    name: `topic ${topic} with ${variants.length} partitions`,
    run: async () => {
      await must(admin, { op: 'createTopic', topic, partitions: variants.length, replicationFactor: 1, configs: {} })
      written.push({ topic, writer, partitions: partitions.map((records) => sortAsWritten(writer, records)) })
      return undefined
    },
  }
  return [
    create,
    ...variants.map((variant, partition) => ({
      name: `writes acks=${variant.acks === -1 ? 'all' : variant.acks} ${variant.codec}${variant.idempotent ? ' idempotent' : ''}`,
      run: async () => {
        const records = partitions[partition] ?? []
        const reply = await must(writer, { op: 'produce', topic, ...variant, records })
        const offsets = reply['offsets'] as number[]
        assert.equal(offsets.length, records.length)
        if (variant.acks !== 0) {
          const known = offsets.filter((offset) => offset >= 0)
          assert.deepEqual(
            known,
            known.map((_, index) => index),
            'the offsets of the acknowledgements',
          )
        }
        return `${records.length} records`
      },
    })),
  ]
}

/** What is stored is what was sent: batches keep the codec of their producer. */
export function codecScenario(port: number, { topic, writer }: Written): Scenario {
  return {
    name: 'its batches are stored with the codec it chose',
    run: async () => {
      const lz4 = (await hasFindCoordinator(port)) || !writer.can.name.includes('librdkafka')
      const connection = await openRaw(port)
      const seen: string[] = []
      for (const [partition, { codec }] of variantsOf(writer).entries()) {
        const fetched = readFetched(await connection.ask(fetchFrame(topic, partition, 0, 0)))
        const codecs = new Set(codecsIn(fetched.records))
        // A client may leave a batch as it is where compressing gains nothing.
        for (const stored of codecs) assert.ok(stored === codec || stored === 'none', `${stored} instead of ${codec}`)
        if (codec !== 'lz4' || lz4) assert.ok(codecs.has(codec), `partition ${partition}: no batch with ${codec}`)
        seen.push([...codecs].join('+'))
      }
      connection.close()
      return seen.join(' ')
    },
  }
}

/** Each reader reads what each writer wrote. */
export function readScenario(
  reader: Driver,
  { topic, writer, partitions }: Written,
  seen: Map<string, number>,
): Scenario {
  return {
    name: `reads ${writer.can.name}`,
    run: async () => {
      const counts = Object.fromEntries(partitions.map((records, partition) => [String(partition), records.length]))
      const records = (await must(reader, { op: 'consume', topic, counts }))['records'] as ReadRecord[]
      const byPartition = Map.groupBy(records, ({ partition }) => partition)
      for (const [partition, expected] of partitions.entries()) {
        const got = byPartition.get(partition) ?? []
        assert.equal(got.length, expected.length, `records in partition ${partition}`)
        for (const [index, record] of got.entries()) {
          const want = expected[index] as WireRecord
          const where = `partition ${partition}, record ${index}`
          assert.equal(record.offset, index, `${where}: offset`)
          assert.equal(record.key, want.key, `${where}: key`)
          assert.equal(record.value, want.value, `${where}: value`)
          assert.deepEqual(record.headers, want.headers, `${where}: headers`)
          const at = `${topic} ${partition} ${index}`
          const timestamp = want.timestamp ?? seen.get(at) ?? record.timestamp
          assert.equal(record.timestamp, timestamp, `${where}: timestamp`)
          assert.ok(timestamp > TIME_START - 1 && timestamp <= Date.now() + 1000, `${where}: timestamp ${timestamp}`)
          seen.set(at, timestamp)
        }
      }
      return `${records.length} records`
    },
  }
}

/** Without a partition given, each client's own partitioner decides; one key stays in one partition. */
export function keyedScenario(admin: Driver, writer: Driver, reader: Driver): Scenario {
  return {
    name: 'writes by key, partition left to the client',
    run: async () => {
      const topic = `keyed-${writer.can.name.replace(/[^a-zA-Z0-9.]+/g, '-').replace(/^-|-$/g, '')}`
      await must(admin, { op: 'createTopic', topic, partitions: 4, replicationFactor: 1, configs: {} })
      const records: WireRecord[] = Array.from({ length: 60 }, (_, index) => ({
        key: base64(`key ${index % 20}`),
        value: base64(`value ${index}`),
        headers: [],
        partition: null,
        timestamp: null,
      }))
      const { idempotent } = writer.can
      await must(writer, { op: 'produce', topic, acks: -1, codec: 'none', idempotent, records })
      const counts: Record<string, number> = {}
      for (let partition = 0; partition < 4; partition += 1) {
        counts[partition] = (await must(admin, { op: 'listOffsets', topic, partition, at: 'latest' }))[
          'offset'
        ] as number
      }
      const got = (await must(reader, { op: 'consume', topic, counts }))['records'] as ReadRecord[]
      assert.equal(got.length, 60)
      const byKey = Map.groupBy(got, ({ key }) => key)
      assert.equal(byKey.size, 20)
      for (const [key, list] of byKey) {
        assert.equal(new Set(list.map(({ partition }) => partition)).size, 1, `partitions of ${key}`)
        const expected = records.filter((record) => record.key === key).map(({ value }) => value)
        assert.deepEqual(
          list.map(({ value }) => value),
          expected,
        )
      }
      return `${Object.values(counts)}`
    },
  }
}

/** A topic that is not there is made when somebody writes to it. */
export function autoCreateScenario(writer: Driver, reader: Driver): Scenario {
  return {
    name: 'writes to a topic that is not there',
    run: async () => {
      const topic = `auto-${writer.can.name.replace(/[^a-zA-Z0-9.]+/g, '-').replace(/^-|-$/g, '')}`
      const record: WireRecord = { key: null, value: base64(topic), headers: [], partition: null, timestamp: null }
      const { idempotent } = writer.can
      await must(writer, { op: 'produce', topic, acks: -1, codec: 'none', idempotent, records: [record] })
      const got = (await must(reader, { op: 'consume', topic, counts: { 0: 1 } }))['records'] as ReadRecord[]
      assert.deepEqual(
        got.map(({ value }) => value),
        [record.value],
      )
      return undefined
    },
  }
}

// Lambda and a gateway are equal writers: both write the same partitions of the same log at once, on the same bucket and
// table. Every acknowledged record is at the offset that its writer was told, offsets are dense, nothing is there twice, and
// each side reads what the other wrote.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import {
  createTopicFrame,
  fetchFrame,
  openRaw,
  produceFrame,
  type RawConnection,
  readCreated,
  readFetched,
  readProduced,
  recordBatch,
  recordsOf,
} from '../clients/raw.ts'
import { ask, readPartition } from './frames.ts'
import { type Running, startGateway } from './processes.ts'

const deployed = inject('deployed')
const door = { url: inject('url'), keys: deployed.caller }
const TOPIC = 'two-writers'
const PARTITIONS = 2
const ROUNDS = 40
const RECORDS = 5

interface Acknowledged {
  readonly partition: number
  readonly offset: number
  readonly value: string
}

/** Writes rounds of batches to partitions in turn, one request after the other. */
async function write(
  writer: string,
  send: (frame: Buffer) => Promise<Buffer>,
  acknowledged: Acknowledged[],
): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const partition = round % PARTITIONS
    const values = Array.from({ length: RECORDS }, (_, index) => `${writer}/${round}/${index}`)
    const batch = recordBatch(
      values.map((value) => Buffer.from(value)),
      Date.now(),
    )
    const { error, baseOffset } = readProduced(await send(produceFrame(TOPIC, partition, batch)))
    expect(error, `${writer} in round ${round}`).toBe(0)
    for (const [index, value] of values.entries()) acknowledged.push({ partition, offset: baseOffset + index, value })
  }
}

/** Everything in a partition as the gateway shows it. */
async function readThrough(connection: RawConnection, partition: number): Promise<string[]> {
  const values: string[] = []
  for (;;) {
    const { error, records } = readFetched(await connection.ask(fetchFrame(TOPIC, partition, values.length, 0)))
    expect(error).toBe(0)
    if (records.length === 0) return values
    for (const { offset, value } of recordsOf(records).records) {
      if (offset < values.length) continue
      expect(offset).toBe(values.length)
      values.push(value.toString())
    }
  }
}

describe('a gateway and Lambda on one log', () => {
  let gateway: Running
  let connections: RawConnection[] = []

  beforeAll(async () => {
    gateway = await startGateway(deployed)
    connections = await Promise.all([openRaw(gateway.port), openRaw(gateway.port)])
    expect(readCreated(await ask(door, 'admin', createTopicFrame(TOPIC, PARTITIONS)))).toBe(0)
  })

  afterAll(async () => {
    for (const connection of connections) connection.close()
    await gateway?.stop()
  })

  it('write at once: each record is once where its writer was told', async () => {
    const acknowledged: Acknowledged[] = []
    const [first, second] = connections
    const throughLambda = (frame: Buffer): Promise<Buffer> => ask(door, 'produce', frame)
    await Promise.all([
      write('lambda-a', throughLambda, acknowledged),
      write('lambda-b', throughLambda, acknowledged),
      write('gateway-a', (frame) => first!.ask(frame), acknowledged),
      write('gateway-b', (frame) => second!.ask(frame), acknowledged),
    ])
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const expected = acknowledged.filter((one) => one.partition === partition).sort((a, b) => a.offset - b.offset)
      expect(expected.map(({ offset }) => offset)).toEqual(expected.map((_, index) => index))
      const values = expected.map(({ value }) => value)
      const overHttps = await readPartition(door, TOPIC, partition)
      expect(overHttps.map(String)).toEqual(values)
      expect(await readThrough(first!, partition)).toEqual(values)
    }
    expect(acknowledged).toHaveLength(4 * ROUNDS * RECORDS)
  })

  it('see at once what the other one wrote', async () => {
    const [gatewayConnection] = connections
    const topic = 'seen-at-once'
    expect(readCreated(await gatewayConnection!.ask(createTopicFrame(topic, 1)))).toBe(0)
    for (let round = 0; round < 10; round++) {
      const batch = recordBatch([Buffer.from(`round ${round}`)], Date.now())
      const overHttps = round % 2 === 0
      const frame = produceFrame(topic, 0, batch)
      const answer = overHttps ? await ask(door, 'produce', frame) : await gatewayConnection!.ask(frame)
      expect(readProduced(answer)).toEqual({ error: 0, baseOffset: round })
      const asked = fetchFrame(topic, 0, round, 0)
      const fetched = overHttps ? await gatewayConnection!.ask(asked) : await ask(door, 'fetch', asked)
      expect(recordsOf(readFetched(fetched).records).records.map(({ value }) => String(value))).toEqual([
        `round ${round}`,
      ])
    }
  })
})

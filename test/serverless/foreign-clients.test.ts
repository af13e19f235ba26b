// kcat, confluent-kafka-python, kafka-python and the Java client, unmodified, through a real `tidelog connect` process,
// API Gateway and Lambda: the scenarios that `test/clients` runs on a gateway, and Debian's package index, written by each
// (idempotent where it can be) and read back by each, byte for byte, from every partition.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { adminScenarios } from '../clients/administration.ts'
import { DRIVERS } from '../clients/commands.ts'
import { loadPackages, type Stanza } from '../clients/packages.ts'
import { type Driver, type ReadRecord, startDriver, type WireRecord } from '../clients/protocol.ts'
import { base64, keyedScenario, must } from '../clients/suite.ts'
import { type Running, startConnect } from './processes.ts'

const CLIENTS: readonly string[] = ['java', 'kcat', 'confluent', 'kafka-python']
const PARTITIONS = 4
const STANZAS = 1000
/** What one command to a driver carries: it is a line of JSON. */
const RECORDS_PER_COMMAND = 250

const { caller } = inject('deployed')
let connect: Running
let stanzas: readonly Stanza[]
const drivers = new Map<string, Driver>()
/** What was written to each topic, by partition. */
const written = new Map<string, readonly (readonly WireRecord[])[]>()

beforeAll(async () => {
  connect = await startConnect(inject('url'), caller)
  stanzas = await loadPackages()
  for (const name of CLIENTS) {
    const [command, ...args] = DRIVERS[name]!
    drivers.set(name, await startDriver(command, args, connect.bootstrap))
  }
})

afterAll(async () => {
  await Promise.all([...drivers.values()].map((driver) => driver.close()))
  await connect?.stop()
})

const driverOf = (name: string): Driver => drivers.get(name)!
const topicOf = (name: string): string => `packages-${name}`

/** Every client writes other stanzas: those from its own place in the index on. */
function recordsFor(name: string): WireRecord[][] {
  const from = CLIENTS.indexOf(name) * STANZAS
  return Array.from({ length: PARTITIONS }, (_, partition) =>
    stanzas
      .slice(from, from + STANZAS)
      .filter((_, index) => index % PARTITIONS === partition)
      .map(({ key, value }) => ({ key: base64(key), value: base64(value), headers: [], partition, timestamp: null })),
  )
}

async function makeTopic(name: string): Promise<void> {
  const topic = topicOf(name)
  const driver = driverOf(name)
  // kcat administers nothing, so its topic is made for it.
  const admin = driver.can.admin.includes('createTopic') ? driver : driverOf('java')
  const create = { op: 'createTopic', topic, partitions: PARTITIONS - 1, replicationFactor: 1, configs: {} } as const
  await must(admin, create)
  await must(admin, { op: 'createPartitions', topic, total: PARTITIONS })
}

describe.each(CLIENTS)('%s through tidelog connect', (name) => {
  it('administers topics', async () => {
    const driver = driverOf(name)
    const scenarios = adminScenarios(driver, driverOf('java'), 3)
    for (const scenario of scenarios) {
      await scenario.run().catch((error: unknown) => {
        throw new Error(`${scenario.name}: ${error}\n${connect.output().slice(-2000)}`)
      })
    }
    expect(scenarios.length).toBe(driver.can.admin.includes('createTopic') ? scenarios.length : 0)
  })

  it('writes by key, partition left to the client', async () => {
    await keyedScenario(driverOf('java'), driverOf(name), driverOf('java')).run()
  })

  it(`writes ${STANZAS} stanzas of the package index`, async () => {
    await makeTopic(name)
    const driver = driverOf(name)
    const partitions = recordsFor(name)
    const { idempotent } = driver.can
    const topic = topicOf(name)
    for (const records of partitions) {
      for (let from = 0; from < records.length; from += RECORDS_PER_COMMAND) {
        const part = records.slice(from, from + RECORDS_PER_COMMAND)
        await must(driver, { op: 'produce', topic, acks: -1, codec: 'none', idempotent, records: part })
      }
    }
    written.set(topic, partitions)
  })
})

describe('what they wrote', () => {
  it.each(CLIENTS.flatMap((reader) => CLIENTS.map((writer) => ({ reader, writer }))))(
    '$reader reads what $writer wrote, byte for byte',
    async ({ reader, writer }) => {
      const topic = topicOf(writer)
      const expected = written.get(topic)!
      const counts = Object.fromEntries(expected.map((records, partition) => [String(partition), records.length]))
      const read = (await must(driverOf(reader), { op: 'consume', topic, counts }))['records'] as ReadRecord[]
      const byPartition = Map.groupBy(read, ({ partition }) => partition)
      for (const [partition, records] of expected.entries()) {
        const got = byPartition.get(partition) ?? []
        expect(got.map(({ offset }) => offset)).toEqual(records.map((_, index) => index))
        expect(got.map(({ key }) => key)).toEqual(records.map(({ key }) => key))
        expect(got.map(({ value }) => value)).toEqual(records.map(({ value }) => value))
      }
    },
  )
})

// Administration by each client that can: topics are made, described, altered, grown, deleted and made anew, bad wishes are
// refused with Kafka's code; and offsets are asked for by time. Scenarios have the form of suite.ts.
import assert from 'node:assert/strict'
import { z } from 'zod'
import type { Command, Driver } from './protocol.ts'
import { base64, must, type Scenario, TIME_START } from './suite.ts'

/** The command must fail with one of these codes of Kafka (clients that hide codes answer −1). */
async function mustFail(driver: Driver, command: Command, codes: readonly number[]): Promise<void> {
  const reply = await driver.ask(command)
  if (reply.ok) throw new Error(`${driver.can.name}: ${command.op} should have failed with ${codes}`)
  assert.ok(codes.includes(reply.code), `${command.op}: expected error ${codes}, got ${reply.code}: ${reply.error}`)
}

/** Asks until the condition holds: administration of a cluster may take a moment to be seen. */
async function eventually(check: () => Promise<void>, timeoutMs = 5000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

const NODES = z.array(z.number())
const PARTITION = z.object({ partition: z.number(), leader: z.number(), replicas: NODES, isr: NODES })
/** The id is empty where the client does not show it. */
const TOPIC = z.object({ id: z.string(), partitions: z.array(PARTITION) })
const TOPICS = z.object({ topics: z.array(z.string()) })
const CONFIGS = z.object({ configs: z.record(z.string(), z.string()) })
const CLUSTER = z.object({ clusterId: z.string(), controller: z.number(), nodes: NODES })

const describe = async (driver: Driver, topic: string): Promise<z.infer<typeof TOPIC>> =>
  TOPIC.parse(await must(driver, { op: 'describeTopic', topic }))
const configsOf = async (driver: Driver, topic: string): Promise<Record<string, string>> =>
  CONFIGS.parse(await must(driver, { op: 'describeConfigs', topic })).configs
const topicsOf = async (driver: Driver): Promise<readonly string[]> =>
  TOPICS.parse(await must(driver, { op: 'listTopics' })).topics

/** Creating, describing, altering, growing, deleting and making anew, with each client that can. */
export function adminScenarios(client: Driver, writer: Driver, replicas: number): Scenario[] {
  const { can } = client
  const topic = `admin-${can.name.replace(/[^a-zA-Z0-9.]+/g, '-').replace(/^-|-$/g, '')}`
  const create = (
    name: string,
    configs: Record<string, string>,
    partitions = 3,
    replicationFactor = replicas,
  ): Command => ({
    op: 'createTopic',
    topic: name,
    partitions,
    replicationFactor,
    configs,
  })
  const scenarios: (Scenario & { readonly needs: Command['op'] })[] = [
    {
      name: 'creates a topic with configs, describes it',
      needs: 'createTopic',
      run: async () => {
        await must(client, create(topic, { 'retention.ms': '86400000', 'cleanup.policy': 'compact,delete' }))
        await eventually(async () => {
          const { partitions } = await describe(client, topic)
          assert.deepEqual(
            partitions.map(({ partition }) => partition),
            [0, 1, 2],
          )
          for (const partition of partitions) {
            assert.ok(partition.leader >= 0, `leader ${partition.leader}`)
            // As many as there are nodes, where more were asked for.
            assert.ok(partition.replicas.length >= 1 && partition.replicas.length <= replicas, `${partition.replicas}`)
            assert.ok(partition.replicas.includes(partition.leader), `leader ${partition.leader}`)
            assert.deepEqual([...partition.isr].sort(), [...partition.replicas].sort())
          }
        })
        assert.ok((await topicsOf(client)).includes(topic))
        return `${replicas} replicas asked for`
      },
    },
    {
      name: 'is refused: existing topic, bad name, bad config, no partitions',
      needs: 'createTopic',
      run: async () => {
        await mustFail(client, create(topic, {}), [36])
        await mustFail(client, create('not/a/name', {}), [17])
        await mustFail(client, create(`${topic}-bad`, { 'retention.ms': 'soon' }), [40])
        await mustFail(client, create(`${topic}-bad`, { 'no.such.config': '1' }), [40])
        await mustFail(client, create(`${topic}-bad`, {}, 0), [37, -1])
        return undefined
      },
    },
    {
      name: 'describes configs, set ones and defaults',
      needs: 'describeConfigs',
      run: async () => {
        const configs = await configsOf(client, topic)
        assert.equal(configs['retention.ms'], '86400000')
        assert.equal(configs['cleanup.policy'], 'compact,delete')
        assert.equal(configs['compression.type'], 'producer')
        assert.equal(configs['segment.bytes'], '1073741824')
        assert.equal(configs['min.insync.replicas'], '1')
        return `${Object.keys(configs).length} configs`
      },
    },
    {
      name: 'alters configs (replacing all)',
      needs: 'alterConfigs',
      run: async () => {
        await must(client, { op: 'alterConfigs', topic, configs: { 'retention.ms': '7200000' } })
        await eventually(async () => {
          const configs = await configsOf(client, topic)
          assert.equal(configs['retention.ms'], '7200000')
          // kafka-python 3 sends what is set already along with what it is told.
          const kept = can.name.startsWith('kafka-python 3')
          assert.equal(configs['cleanup.policy'], kept ? 'compact,delete' : 'delete')
        })
        await mustFail(client, { op: 'alterConfigs', topic, configs: { 'cleanup.policy': 'burn' } }, [40, -1])
        return undefined
      },
    },
    {
      name: 'alters configs incrementally',
      needs: 'incrementalAlterConfigs',
      run: async () => {
        await must(client, { op: 'incrementalAlterConfigs', topic, configs: { 'max.message.bytes': '2000000' } })
        await must(client, { op: 'incrementalAlterConfigs', topic, configs: { 'retention.ms': '3600000' } })
        await eventually(async () => {
          const configs = await configsOf(client, topic)
          assert.equal(configs['max.message.bytes'], '2000000')
          assert.equal(configs['retention.ms'], '3600000')
        })
        const bad: Command = { op: 'incrementalAlterConfigs', topic, configs: { 'max.message.bytes': '-5' } }
        await mustFail(client, bad, [40, -1])
        return undefined
      },
    },
    {
      name: 'adds partitions, is refused to take some away',
      needs: 'createPartitions',
      run: async () => {
        await must(client, { op: 'createPartitions', topic, total: 5 })
        await eventually(async () => assert.equal((await describe(client, topic)).partitions.length, 5))
        await mustFail(client, { op: 'createPartitions', topic, total: 2 }, [37])
        return undefined
      },
    },
    {
      name: 'describes the cluster',
      needs: 'describeCluster',
      run: async () => {
        const cluster = CLUSTER.parse(await must(client, { op: 'describeCluster' }))
        assert.ok(cluster.clusterId.length > 0)
        assert.ok(cluster.nodes.length > 0)
        assert.ok(cluster.nodes.includes(cluster.controller), `controller ${cluster.controller} of ${cluster.nodes}`)
        return `${cluster.nodes.length} node(s)`
      },
    },
    {
      name: 'deletes a topic, makes it anew: offsets start at 0, new id',
      needs: 'deleteTopic',
      run: async () => {
        const before = await describe(client, topic)
        const record = { key: base64('key'), value: base64('old'), headers: [], partition: 1, timestamp: null }
        const produce: Command = { op: 'produce', topic, acks: -1, codec: 'none', idempotent: false, records: [record] }
        const listed: Command = { op: 'listOffsets', topic, partition: 1, at: 'latest' }
        await must(writer, produce)
        assert.equal((await must(client, listed))['offset'], 1)
        await must(client, { op: 'deleteTopic', topic })
        await eventually(async () => assert.ok(!(await topicsOf(client)).includes(topic)))
        await mustFail(client, { op: 'deleteTopic', topic }, [3])
        await must(client, create(topic, {}))
        await eventually(async () => assert.equal((await must(client, listed))['offset'], 0))
        const after = await describe(client, topic)
        if (before.id !== '') assert.notEqual(after.id, before.id)
        assert.equal(after.partitions.length, 3)
        assert.equal((await configsOf(client, topic))['retention.ms'], '604800000')
        return before.id === '' ? 'ids not shown' : undefined
      },
    },
  ]
  return scenarios.filter(({ needs }) => can.admin.includes(needs))
}

/** Offsets by time, exact to the record inside a compressed batch; the client that writes can set timestamps. */
export function timeScenarios(writer: Driver, clients: readonly Driver[]): Scenario[] {
  const topic = 'by-time'
  const start = Math.floor(TIME_START / 1000) * 1000
  const times = [0, 1000, 1000, 5000, 3000, 9000].map((delta) => start + delta)
  const setUp: Scenario = {
    name: 'writes a compressed batch with timestamps out of order',
    run: async () => {
      await must(writer, { op: 'createTopic', topic, partitions: 2, replicationFactor: 1, configs: {} })
      const records = times.map((timestamp, index) => ({
        key: null,
        value: base64(`at ${index}`),
        headers: [],
        partition: 1,
        timestamp,
      }))
      await must(writer, { op: 'produce', topic, acks: -1, codec: 'gzip', idempotent: true, records })
      return undefined
    },
  }
  const expected: readonly (readonly [string | number, number])[] = [
    ['earliest', 0],
    ['latest', 6],
    [start - 1, 0],
    [start, 0],
    [start + 1, 1],
    [start + 1000, 1],
    [start + 2000, 3],
    [start + 5001, 5],
    [start + 9000, 5],
    [start + 9001, -1],
  ]
  const ask = clients.filter(({ can }) => can.admin.includes('listOffsets'))
  return [
    setUp,
    ...ask.map((client) => ({
      name: `${client.can.name}: earliest, latest, offsets by time`,
      run: async () => {
        for (const [at, offset] of expected) {
          const reply = await must(client, { op: 'listOffsets', topic, partition: 1, at })
          const got = reply['offset'] as number
          // Clients of librdkafka show the end (6, or −1 of its own) where no record is young enough.
          const none = offset === -1 && (got === -1 || got === 6)
          assert.ok(got === offset || none, `offset at ${at}: ${got}, expected ${offset}`)
        }
        assert.equal((await must(client, { op: 'listOffsets', topic, partition: 0, at: 'latest' }))['offset'], 0)
        if (client.can.name.startsWith('java')) {
          assert.equal((await must(client, { op: 'listOffsets', topic, partition: 1, at: 'max' }))['offset'], 5)
        }
        return `${expected.length} questions`
      },
    })),
  ]
}

// kafka-console-producer, kafka-console-consumer, kafka-get-offsets, kafka-delete-records and kafka-log-dirs: records go in
// and come out, are counted, deleted and measured.
import assert from 'node:assert/strict'
import { endOffsets, makeTopic, recordsOf, type Scenarios, type Toolbox, table } from './toolbox.ts'

const PARTITIONS = 3
const RECORDS = 60

/** Values of one partition from the earliest offset on. */
async function valuesOf(tools: Toolbox, topic: string, partition: number, count: number): Promise<string[]> {
  const where = ['--topic', topic, '--partition', String(partition), '--offset', 'earliest']
  return (await tools.ok('kafka-console-consumer', ...where, '--max-messages', String(count))).split('\n')
}

interface LogDirs {
  readonly brokers: readonly {
    readonly broker: number
    readonly logDirs: readonly {
      readonly error: string | null
      readonly logDir: string
      readonly partitions: readonly { readonly partition: string; readonly size: number; readonly offsetLag: number }[]
    }[]
  }[]
}

async function logDirs(tools: Toolbox, ...args: readonly string[]): Promise<LogDirs['brokers']> {
  const lines = (await tools.ok('kafka-log-dirs', '--describe', ...args)).split('\n')
  assert.equal(lines[0], 'Querying brokers for log directories information')
  assert.match(lines[1] ?? '', /^Received log directory information from brokers [\d,]+$/)
  const { brokers } = JSON.parse(lines[2] ?? '') as LogDirs
  for (const { logDirs: dirs } of brokers) {
    assert.equal(dirs.length, 1)
    assert.equal(dirs[0]?.error, null)
    assert.ok((dirs[0]?.logDir ?? '') !== '')
  }
  return brokers
}

const sizesOf = (brokers: LogDirs['brokers']): Map<string, number> =>
  new Map(brokers.flatMap((one) => one.logDirs.flatMap((dir) => dir.partitions.map((p) => [p.partition, p.size]))))

export const recordScenarios: Scenarios = (tools) => {
  const deletion = (offsets: readonly (readonly [string, number, number])[]): object => ({
    version: 1,
    partitions: offsets.map(([topic, partition, offset]) => ({ topic, partition, offset })),
  })
  const remove = async (name: string, offsets: readonly (readonly [string, number, number])[]): Promise<string> =>
    tools.ok('kafka-delete-records', '--offset-json-file', await tools.file(name, deletion(offsets)))
  return [
    {
      name: 'kafka-console-producer, kafka-get-offsets',
      run: async () => {
        await makeTopic(tools, 'records', '--partitions', String(PARTITIONS))
        await tools.produce('records', recordsOf(RECORDS).slice(0, 30))
        await tools.produce('records', recordsOf(RECORDS).slice(30), '--compression-codec', 'zstd')
        const ends = await endOffsets(tools, 'records')
        assert.equal(ends.length, PARTITIONS)
        assert.equal(
          ends.reduce((sum, end) => sum + end, 0),
          RECORDS,
        )
        assert.deepEqual(await endOffsets(tools, 'records', '--time', 'latest'), ends)
        assert.deepEqual(
          await endOffsets(tools, 'records', '--time', 'earliest'),
          ends.map(() => 0),
        )
        assert.deepEqual(
          await endOffsets(tools, 'records', '--time', String(Date.now() - 3_600_000)),
          ends.map(() => 0),
        )
        const last = await endOffsets(tools, 'records', '--time', 'max-timestamp')
        assert.ok(
          last.every((offset, i) => offset >= 0 && offset < (ends[i] ?? 0)),
          `${last} of ${ends}`,
        )
        const some = await tools.ok('kafka-get-offsets', '--topic-partitions', 'records:0,records:2-9')
        assert.equal(some, `records:0:${ends[0]}\nrecords:2:${ends[2]}`)
        await tools.fails(/Could not match any topic-partitions/, 'kafka-get-offsets', '--topic', 'nowhere')
        return `${ends.join(' + ')} records`
      },
    },
    {
      name: 'kafka-console-consumer --partition',
      run: async () => {
        const ends = await endOffsets(tools, 'records')
        const seen = new Set<string>()
        for (const [partition, end] of ends.entries()) {
          for (const value of await valuesOf(tools, 'records', partition, end)) seen.add(value)
        }
        assert.deepEqual(
          [...seen].sort(),
          recordsOf(RECORDS)
            .map((line) => line.split(':')[1] ?? '')
            .sort(),
        )
        const where = ['--topic', 'records', '--partition', '1', '--offset', '2', '--max-messages', '1']
        const show = ['key', 'value', 'partition', 'offset', 'timestamp', 'headers'].flatMap((what) => [
          '--formatter-property',
          `print.${what}=true`,
        ])
        const shown = await tools.ok('kafka-console-consumer', ...where, ...show)
        assert.match(shown, /^CreateTime:\d{13}\tPartition:1\tOffset:2\tNO_HEADERS\tkey \d+\tvalue \d+$/)
        const beyond = ['--topic', 'records', '--partition', '1', '--offset', 'latest', '--timeout-ms', '500']
        assert.equal(await tools.ok('kafka-console-consumer', ...beyond), '')
        return undefined
      },
    },
    {
      name: 'kafka-log-dirs --describe',
      run: async () => {
        const brokers = await logDirs(tools, '--topic-list', 'records')
        assert.deepEqual(brokers.map(({ broker }) => broker).sort(), [...tools.nodes])
        const sizes = sizesOf(brokers)
        assert.deepEqual([...sizes.keys()].sort(), ['records-0', 'records-1', 'records-2'])
        for (const size of sizes.values()) assert.ok(size > 100, `${size} bytes`)
        assert.deepEqual([...sizesOf(await logDirs(tools, '--topic-list', 'nowhere')).keys()], [])
        const all = sizesOf(await logDirs(tools))
        for (const [partition, size] of sizes) assert.equal(all.get(partition), size)
        const words = /The given brokers do not exist from --broker-list: 99/
        await tools.fails(words, 'kafka-log-dirs', '--describe', '--broker-list', '99')
        return [...sizes].map(([partition, size]) => `${partition} ${size}`).join(', ')
      },
    },
    {
      name: 'kafka-delete-records',
      run: async () => {
        const ends = await endOffsets(tools, 'records')
        const before = sizesOf(await logDirs(tools, '--topic-list', 'records'))
        const most = (ends[0] ?? 0) - 1
        const said = await remove('delete.json', [
          ['records', 0, most],
          ['records', 1, -1],
        ])
        assert.deepEqual(said.split('\n').sort(), [
          'Executing records delete operation',
          'Records delete operation completed:',
          `partition: records-0\tlow_watermark: ${most}`,
          `partition: records-1\tlow_watermark: ${ends[1]}`,
        ])
        assert.deepEqual(await endOffsets(tools, 'records', '--time', 'earliest'), [most, ends[1], 0])
        assert.deepEqual(await endOffsets(tools, 'records'), ends)
        assert.equal((await valuesOf(tools, 'records', 0, 1)).length, 1)
        // A log start never moves back.
        const again = await remove('again.json', [['records', 0, 1]])
        assert.match(again, new RegExp(`partition: records-0\\tlow_watermark: ${most}`))
        if (tools.kind === 'kafka') return undefined
        const after = sizesOf(await logDirs(tools, '--topic-list', 'records'))
        assert.equal(after.get('records-1'), 0)
        assert.equal(after.get('records-2'), before.get('records-2'))
        assert.ok((after.get('records-0') ?? 0) < (before.get('records-0') ?? 0))
        return `${before.get('records-0')} bytes became ${after.get('records-0')}`
      },
    },
    {
      name: 'kafka-delete-records: the refusals',
      run: async () => {
        const outOfRange = await remove('beyond.json', [['records', 2, 100_000]])
        assert.match(outOfRange, /partition: records-2\terror: .*OffsetOutOfRangeException/)
        assert.match(await remove('negative.json', [['records', 2, -7]]), /partition: records-2\terror: /)
        await makeTopic(tools, 'compacted', '--config', 'cleanup.policy=compact')
        assert.match(
          await remove('compacted.json', [['compacted', 0, 0]]),
          /compacted-0\terror: .*PolicyViolationException/,
        )
        assert.deepEqual((await endOffsets(tools, 'records', '--time', 'earliest'))[2], 0)
        const twice = await tools.file(
          'twice.json',
          deletion([
            ['records', 2, 1],
            ['records', 2, 2],
          ]),
        )
        await tools.fails(/duplicate/, 'kafka-delete-records', '--offset-json-file', twice)
        return undefined
      },
    },
    {
      name: 'kafka-metadata-quorum describe, kafka-cluster cluster-id, kafka-broker-api-versions',
      run: async () => {
        const status = new Map(
          (await tools.ok('kafka-metadata-quorum', 'describe', '--status'))
            .split('\n')
            .map((line) => /^(\w+): +(.*)$/.exec(line)?.slice(1) as [string, string]),
        )
        assert.equal(
          status.get('ClusterId'),
          (await tools.ok('kafka-cluster', 'cluster-id')).replace('Cluster ID: ', ''),
        )
        const voters = JSON.parse(status.get('CurrentVoters') ?? '') as {
          readonly id: number
          readonly endpoints: string[]
        }[]
        assert.deepEqual(
          voters.map(({ id }) => id),
          tools.nodes,
        )
        for (const { endpoints } of voters) assert.match(endpoints.join(), /^[A-Z]+:\/\/127\.0\.0\.1:\d+$/)
        assert.ok(tools.nodes.includes(Number(status.get('LeaderId'))))
        for (const name of ['LeaderEpoch', 'HighWatermark']) assert.ok(Number(status.get(name)) > 0, name)
        for (const name of ['MaxFollowerLag', 'MaxFollowerLagTimeMs']) assert.equal(status.get(name), '0', name)
        assert.equal(status.get('CurrentObservers'), '[]')
        const replication = table(await tools.ok('kafka-metadata-quorum', 'describe', '--replication'))
        assert.deepEqual(replication.map((row) => Number(row['NodeId'])).sort(), tools.nodes)
        for (const row of replication) {
          assert.equal(row['Lag'], '0')
          assert.equal(row['Status'], row['NodeId'] === status.get('LeaderId') ? 'Leader' : 'Follower')
        }
        const versions = await tools.ok('kafka-broker-api-versions')
        for (const id of tools.nodes) assert.match(versions, new RegExp(`\\(id: ${id} rack: null`))
        assert.match(versions, /DeleteRecords\(21\): 0 to 2 \[usable: 2\]/)
        return `leader ${status.get('LeaderId')} of ${voters.length}, epoch ${status.get('LeaderEpoch')}`
      },
    },
  ]
}

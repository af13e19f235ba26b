// Apache Kafka's own command-line tools, each in a JVM of its own as their shell scripts start them: kafka-topics,
// kafka-configs, kafka-get-offsets, kafka-console-producer, kafka-console-consumer with a partition.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { JARS, run } from './servers.ts'
import type { Scenario } from './suite.ts'

const LOGGING = `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'java', 'log4j2.properties')}`

/** Runs a tool; resolves with its output. */
export function tool(name: string, args: readonly string[], input?: string): Promise<string> {
  const java = ['-XX:TieredStopAtLevel=1', '-Xshare:auto', '-Xmx256m', LOGGING, '-cp', JARS, name, ...args]
  return run('java', java, input === undefined ? {} : { input })
}

export function toolScenarios(bootstrap: string, replicas: number): Scenario[] {
  const topic = 'made-by-tools'
  const at = ['--bootstrap-server', bootstrap]
  const topics = (...args: readonly string[]): Promise<string> =>
    tool('org.apache.kafka.tools.TopicCommand', [...at, ...args])
  const configs = (...args: readonly string[]): Promise<string> => tool('kafka.admin.ConfigCommand', [...at, ...args])
  return [
    {
      name: 'kafka-topics --create',
      run: async () => {
        const made = await topics(
          ...['--create', '--topic', topic, '--partitions', '4', '--replication-factor', String(replicas)],
          ...['--config', 'retention.ms=3600000'],
        )
        assert.match(made, /Created topic made-by-tools/)
        return undefined
      },
    },
    {
      name: 'kafka-topics --list',
      run: async () => {
        assert.ok((await topics('--list')).split('\n').includes(topic))
        return undefined
      },
    },
    {
      name: 'kafka-topics --describe shows a leader and a full ISR',
      run: async () => {
        const described = await topics('--describe', '--topic', topic)
        const shown = Number(/PartitionCount: 4\s+ReplicationFactor: (\d)\s/.exec(described)?.[1])
        assert.ok(shown >= 1 && shown <= replicas, described)
        assert.match(described, /retention\.ms=3600000/)
        const lines = described.split('\n').filter((line) => /\tPartition: /.test(line))
        assert.equal(lines.length, 4, described)
        for (const line of lines) {
          const [, leader] = /Leader: (\S+)/.exec(line) ?? []
          const [, all] = /Replicas: (\S+)/.exec(line) ?? []
          const [, isr] = /Isr: (\S+)/.exec(line) ?? []
          assert.match(leader ?? '', /^\d+$/, line)
          assert.equal(all?.split(',').length, shown, line)
          assert.ok(all?.split(',').includes(leader ?? ''), line)
          assert.deepEqual(isr?.split(',').sort(), all?.split(',').sort(), line)
        }
        assert.equal((await topics('--describe', '--unavailable-partitions')).trim(), '')
        assert.equal((await topics('--describe', '--under-replicated-partitions')).trim(), '')
        return `${replicas} replicas asked for, ${shown} shown`
      },
    },
    {
      name: 'kafka-topics --alter --partitions',
      run: async () => {
        await topics('--alter', '--topic', topic, '--partitions', '6')
        assert.match(await topics('--describe', '--topic', topic), /PartitionCount: 6/)
        return undefined
      },
    },
    {
      name: 'kafka-configs --alter, --describe',
      run: async () => {
        const about = ['--entity-type', 'topics', '--entity-name', topic]
        await configs(...about, '--alter', '--add-config', 'segment.ms=60000,max.message.bytes=2000000')
        await configs(...about, '--alter', '--delete-config', 'max.message.bytes')
        const described = await configs(...about, '--describe')
        assert.match(described, /segment\.ms=60000/)
        assert.match(described, /retention\.ms=3600000/)
        assert.doesNotMatch(described, /max\.message\.bytes/)
        assert.match(await configs(...about, '--describe', '--all'), /compression\.type=producer/)
        return undefined
      },
    },
    {
      name: 'kafka-console-producer, kafka-get-offsets, kafka-console-consumer --partition',
      run: async () => {
        const lines = Array.from({ length: 50 }, (_, index) => `key ${index % 10}:line ${index}`)
        const keyed = ['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=:']
        const producer = 'org.apache.kafka.tools.ConsoleProducer'
        await tool(producer, [...at, '--topic', topic, ...keyed], `${lines.join('\n')}\n`)
        const listed = await tool('org.apache.kafka.tools.GetOffsetShell', [...at, '--topic', topic])
        const ends = listed
          .trim()
          .split('\n')
          .map((line) => line.split(':').map(Number) as [number, number, number])
        assert.equal(
          ends.reduce((sum, [, , end]) => sum + end, 0),
          50,
          listed,
        )
        const [, partition, end] = ends.find(([, , count]) => count > 0) ?? [0, 0, 0]
        const consumer = 'org.apache.kafka.tools.consumer.ConsoleConsumer'
        const from = ['--partition', String(partition), '--offset', 'earliest', '--max-messages', String(end)]
        const shown = await tool(consumer, [...at, '--topic', topic, ...from])
        const got = shown.trim().split('\n')
        assert.equal(got.length, end)
        for (const line of got)
          assert.ok(
            lines.some((sent) => sent.endsWith(`:${line}`)),
            line,
          )
        return undefined
      },
    },
    {
      name: 'kafka-topics --delete',
      run: async () => {
        await topics('--delete', '--topic', topic)
        assert.ok(!(await topics('--list')).split('\n').includes(topic))
        return undefined
      },
    },
  ]
}

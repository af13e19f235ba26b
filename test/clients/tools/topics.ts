// kafka-topics: made, listed, described in full and by what is wrong with them, grown, deleted; and what it refuses.
import assert from 'node:assert/strict'
import type { Scenario } from '../suite.ts'
import { eventually, type Scenarios, type Toolbox } from './toolbox.ts'

export interface DescribedPartition {
  readonly partition: number
  readonly leader: number
  readonly replicas: readonly number[]
}

/** A topic as `--describe` shows it; every line must have Apache Kafka's form, and every replica must be in sync. */
export async function describeTopic(tools: Toolbox, topic: string) {
  const [head = '', ...lines] = (await tools.ok('kafka-topics', '--describe', '--topic', topic)).split('\n')
  const form = /^Topic: (\S+)\tTopicId: (\S{22})\tPartitionCount: (\d+)\tReplicationFactor: (\d+)\tConfigs: (\S*)$/
  const [, name, id = '', count, factor, configs = ''] =
    form.exec(head.trimEnd()) ?? form.exec(`${head.trimEnd()} `) ?? []
  assert.equal(name, topic, head)
  const partitions = lines.map((line): DescribedPartition => {
    const parts = new Map(
      line
        .trim()
        .split('\t')
        .map((part) => part.split(': ') as [string, string]),
    )
    const numbers = (key: string): number[] => (parts.get(key) ?? '').split(',').map(Number)
    assert.deepEqual([...parts.keys()].slice(0, 5), ['Topic', 'Partition', 'Leader', 'Replicas', 'Isr'], line)
    const replicas = numbers('Replicas')
    const leader = Number(parts.get('Leader'))
    assert.equal(leader, replicas[0], line)
    assert.deepEqual(numbers('Isr').sort(), [...replicas].sort(), line)
    for (const replica of replicas) assert.ok(tools.nodes.includes(replica), line)
    return { partition: Number(parts.get('Partition')), leader, replicas }
  })
  assert.deepEqual(
    partitions.map(({ partition }) => partition),
    Array.from({ length: Number(count) }, (_, i) => i),
  )
  return { id, replicationFactor: Number(factor), configs: configs.split(','), partitions }
}

export const topicScenarios: Scenarios = (tools) => {
  const replicas = String(Math.min(2, tools.nodes.length))
  const run = (...args: readonly string[]): Promise<string> => tools.ok('kafka-topics', ...args)
  const fails = (words: RegExp, ...args: readonly string[]): Promise<void> =>
    tools.fails(words, 'kafka-topics', ...args)
  const list = async (): Promise<string[]> => (await run('--list')).split('\n')
  const wide: Scenario = {
    name: 'kafka-topics --describe of more partitions than one answer has',
    run: async () => {
      await run('--create', '--topic', 'wide', '--partitions', '2001')
      assert.equal((await describeTopic(tools, 'wide')).partitions.length, 2001)
      await run('--delete', '--topic', 'wide')
      return '2,001 partitions'
    },
  }
  return [
    {
      name: 'kafka-topics --create, with the refusals',
      run: async () => {
        const made = ['--create', '--topic', 'made', '--partitions', '4', '--replication-factor', replicas]
        assert.equal(await run(...made, '--config', 'retention.ms=3600000'), 'Created topic made.')
        await fails(/Topic 'made' already exists\./, ...made)
        assert.equal(await run(...made, '--if-not-exists'), '')
        const other = ['--create', '--topic', 'other']
        await fails(/Unknown topic config name: no\.such/, ...other, '--config', 'no.such=1')
        await fails(/retention\.ms/, ...other, '--config', 'retention.ms=soon')
        await fails(/Unable to replicate the partition 9 time\(s\)/, ...other, '--replication-factor', '9')
        await fails(/[Pp]artitions/, ...other, '--partitions', '0')
        await fails(/Topic name is invalid: 'no\/name' contains/, '--create', '--topic', 'no/name')
        assert.ok(!(await list()).includes('other'))
        return undefined
      },
    },
    {
      name: 'kafka-topics --list, --create with replicas by hand',
      run: async () => {
        const [first = 1] = tools.nodes
        assert.equal(
          await run('--create', '--topic', 'by-hand', '--replica-assignment', `${first},${first},${first}`),
          'Created topic by-hand.',
        )
        assert.equal((await describeTopic(tools, 'by-hand')).partitions.length, 3)
        await fails(/broker 99/, '--create', '--topic', 'by-hand-2', '--replica-assignment', '99')
        const names = await list()
        assert.ok(names.includes('made') && names.includes('by-hand'), names.join(' '))
        assert.deepEqual(names, [...names].sort())
        assert.equal(await run('--list', '--topic', 'by-.*'), 'by-hand')
        return undefined
      },
    },
    {
      name: 'kafka-topics --describe',
      run: async () => {
        const made = await describeTopic(tools, 'made')
        assert.equal(made.replicationFactor, Number(replicas))
        assert.equal(made.partitions.length, 4)
        assert.ok(made.configs.includes('retention.ms=3600000'), made.configs.join())
        const byId = await run('--describe', '--topic-id', made.id)
        assert.match(byId, /^Topic: made\t/)
        assert.match(await run('--describe', '--topics-with-overrides'), /^Topic: made\t.*retention\.ms=3600000/m)
        await fails(/Topic 'nowhere' does not exist as expected/, '--describe', '--topic', 'nowhere')
        assert.equal(await run('--describe', '--topic', 'nowhere', '--if-exists'), '')
        return `${replicas} replicas of ${tools.nodes.length} node(s)`
      },
    },
    {
      name: 'kafka-topics --describe of what is wrong shows nothing',
      run: async () => {
        for (const what of ['under-replicated', 'under-min-isr', 'unavailable']) {
          assert.equal(await run('--describe', `--${what}-partitions`), '', what)
        }
        // As many as min.insync.replicas asks for is at the limit: with a single replica every partition is.
        const atLimit = await run('--describe', '--at-min-isr-partitions', '--topic', 'made')
        assert.equal(atLimit.split('\n').filter((line) => line !== '').length, replicas === '1' ? 4 : 0, atLimit)
        return undefined
      },
    },
    {
      name: 'kafka-topics --alter --partitions',
      run: async () => {
        await run('--alter', '--topic', 'made', '--partitions', '6')
        assert.equal((await describeTopic(tools, 'made')).partitions.length, 6)
        const fewer = /currently has 6 partition\(s\); 2 would not be an increase/
        await fails(fewer, '--alter', '--topic', 'made', '--partitions', '2')
        await fails(/already has 6 partition/, '--alter', '--topic', 'made', '--partitions', '6')
        await fails(/'nowhere' does not exist/, '--alter', '--topic', 'nowhere', '--partitions', '2')
        await run('--alter', '--topic', 'nowhere', '--partitions', '2', '--if-exists')
        return undefined
      },
    },
    {
      name: 'kafka-topics --delete',
      run: async () => {
        const before = await describeTopic(tools, 'made')
        await run('--delete', '--topic', 'made')
        await eventually(async () => assert.ok(!(await list()).includes('made')))
        await fails(/'made' does not exist/, '--delete', '--topic', 'made')
        await run('--delete', '--topic', 'made', '--if-exists')
        await run('--create', '--topic', 'made')
        assert.notEqual((await describeTopic(tools, 'made')).id, before.id)
        return undefined
      },
    },
    // A single node of Apache Kafka takes minutes over so many partitions.
    ...(tools.kind === 'kafka' ? [] : [wide]),
  ]
}

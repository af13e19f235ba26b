// kafka-reassign-partitions and kafka-leader-election: which brokers a partition is said to be on, and who leads it.
import assert from 'node:assert/strict'
import { makeTopic, type Scenarios } from './toolbox.ts'
import { describeTopic } from './topics.ts'

interface Assignment {
  readonly topic: string
  readonly partition: number
  readonly replicas: readonly number[]
}
const json = (partitions: readonly Assignment[]): object => ({ version: 1, partitions })

export const replicaScenarios: Scenarios = (tools) => {
  const { nodes } = tools
  const run = (...args: readonly string[]): Promise<string> => tools.ok('kafka-reassign-partitions', ...args)
  const fails = (words: RegExp, ...args: readonly string[]): Promise<void> =>
    tools.fails(words, 'kafka-reassign-partitions', ...args)
  const from = async (name: string, partitions: readonly Assignment[]): Promise<string[]> => [
    '--reassignment-json-file',
    await tools.file(name, json(partitions)),
  ]
  /** Partition `i` on all nodes, beginning with a different one each. */
  const target = (count: number): Assignment[] =>
    Array.from({ length: count }, (_, partition) => {
      const at = (partition + 1) % nodes.length
      return { topic: 'moved', partition, replicas: [...nodes.slice(at), ...nodes.slice(0, at)] }
    })
  const factor = String(Math.min(2, nodes.length))
  const completed = (count: number): string[] => [
    'Status of partition reassignment:',
    ...target(count).map(({ partition }) => `Reassignment of partition moved-${partition} is completed.`),
    '',
    `Clearing broker-level throttles on broker${nodes.length > 1 ? 's' : ''} ${nodes.join(',')}`,
    'Clearing topic-level throttles on topic moved',
  ]
  return [
    {
      name: 'kafka-reassign-partitions --generate',
      run: async () => {
        const made = ['--partitions', '4', '--replication-factor', factor]
        await makeTopic(tools, 'moved', ...made)
        const file = await tools.file('to-move.json', { version: 1, topics: [{ topic: 'moved' }] })
        const which = ['--topics-to-move-json-file', file, '--broker-list', nodes.join(',')]
        const lines = (await run('--generate', ...which)).split('\n')
        assert.deepEqual(
          [lines[0], lines[3]],
          ['Current partition replica assignment', 'Proposed partition reassignment configuration'],
        )
        const { partitions } = await describeTopic(tools, 'moved')
        for (const line of [lines[1], lines[4]]) {
          const assignments = (JSON.parse(line ?? '') as { readonly partitions: readonly Assignment[] }).partitions
          assert.deepEqual(
            assignments.map(({ partition }) => partition),
            [0, 1, 2, 3],
          )
          for (const { replicas } of assignments) assert.equal(replicas.length, Number(factor))
        }
        const current = (JSON.parse(lines[1] ?? '') as { readonly partitions: readonly Assignment[] }).partitions
        assert.deepEqual(
          current.map(({ replicas }) => replicas),
          partitions.map(({ replicas }) => replicas),
        )
        return undefined
      },
    },
    {
      name: 'kafka-reassign-partitions --execute, --verify, --list, --cancel',
      run: async () => {
        const file = await from('target.json', target(3))
        const before = await describeTopic(tools, 'moved')
        const said = await run('--execute', ...file)
        assert.match(said, /^Current partition replica assignment\n/)
        assert.match(said, /Successfully started partition reassignments for moved-0,moved-1,moved-2$/)
        assert.deepEqual((await run('--verify', ...file)).split('\n'), completed(3))
        const after = await describeTopic(tools, 'moved')
        assert.deepEqual(
          after.partitions.map(({ replicas }) => replicas),
          [...target(3).map(({ replicas }) => replicas), before.partitions[3]?.replicas],
        )
        assert.equal(await run('--list'), 'No partition reassignments found.')
        assert.match(await run('--cancel', ...file), /^None of the specified partition reassignments are active\./)
        return `leaders ${after.partitions.map(({ leader }) => leader).join(' ')}`
      },
    },
    {
      name: 'kafka-reassign-partitions --execute --throttle, --additional; --verify of something else',
      run: async () => {
        const all = await from('all.json', target(4))
        assert.match(await run('--execute', ...all, '--throttle', '1000000'), /Successfully started/)
        assert.match(await run('--execute', ...all, '--additional', '--throttle', '2000000'), /Successfully started/)
        assert.deepEqual((await run('--verify', ...all)).split('\n'), completed(4))
        const other = await from('other.json', [{ topic: 'moved', partition: 0, replicas: [99] }])
        const verified = await tools.run('kafka-reassign-partitions', ['--verify', '--preserve-throttles', ...other])
        const [wanted] = target(1)
        assert.match(
          verified.out,
          new RegExp(
            `There is no active reassignment of partition moved-0, but replica set is ${wanted?.replicas} rather than 99\\.`,
          ),
        )
        return undefined
      },
    },
    {
      name: 'kafka-reassign-partitions: the refusals',
      run: async () => {
        const [first = 1] = nodes
        const one = (topic: string, partition: number, replicas: readonly number[]) =>
          from(`refused-${topic}-${partition}-${replicas}.json`, [{ topic, partition, replicas }])
        await fails(/Unknown broker id 99/, '--execute', ...(await one('moved', 0, [99])))
        await fails(/Topic nowhere not found|nowhere/, '--execute', ...(await one('nowhere', 0, [first])))
        await fails(/moved-77/, '--execute', ...(await one('moved', 77, [first])))
        await fails(/duplicate entries|more than once/, '--execute', ...(await one('moved', 0, [first, first])))
        await fails(/empty/, '--execute', ...(await one('moved', 0, [])))
        await fails(/empty/, '--execute', ...(await from('nothing.json', [])))
        return undefined
      },
    },
    {
      name: 'kafka-leader-election',
      run: async () => {
        const elect = (...args: readonly string[]): Promise<string> => tools.ok('kafka-leader-election', ...args)
        for (const type of ['preferred', 'unclean']) {
          const how = ['--election-type', type]
          assert.equal(
            await elect(...how, '--topic', 'moved', '--partition', '0'),
            'Valid replica already elected for partitions moved-0',
          )
          assert.equal(await elect(...how, '--all-topic-partitions'), '')
          const file = await tools.file('election.json', {
            partitions: [1, 2].map((partition) => ({ topic: 'moved', partition })),
          })
          const elected = await elect(...how, '--path-to-json-file', file)
          assert.match(elected, /^Valid replica already elected for partitions moved-[12], moved-[12]$/)
          const unknown = /nowhere-0: .*UnknownTopicOrPartitionException: No such topic as nowhere/
          await tools.fails(unknown, 'kafka-leader-election', ...how, '--topic', 'nowhere', '--partition', '0')
          const partition = /UnknownTopicOrPartitionException: No such partition as moved-9/
          await tools.fails(partition, 'kafka-leader-election', ...how, '--topic', 'moved', '--partition', '9')
        }
        return undefined
      },
    },
  ]
}

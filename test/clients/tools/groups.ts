// kafka-consumer-groups and kafka-groups, with groups of console consumers of both protocols: listed, described while they are
// active and when they are empty, their offsets moved in every way there is, and deleted; and what is refused while a
// member is there.
import assert from 'node:assert/strict'
import type { Said } from './host.ts'
import { endOffsets, eventually, makeTopic, recordsOf, type Scenarios, type Toolbox, table } from './toolbox.ts'

const TOPIC = 'grouped'
const RECORDS = 30

interface Member {
  /** Resolves when it has read all it wanted. */
  readonly ended: Promise<Said>
}

/** A console consumer in a group, until it has read so many records. */
function startMember(tools: Toolbox, group: string, protocol: string, count: number): Member {
  const how = ['--command-property', `group.protocol=${protocol}`, '--command-property', 'client.id=tool']
  const what = ['--topic', TOPIC, '--group', group, '--from-beginning', '--max-messages', String(count)]
  return { ended: tools.run('kafka-console-consumer', [...what, ...how]) }
}

/** Rows of a description, by partition where there is one. */
async function describe(tools: Toolbox, group: string, ...args: readonly string[]): Promise<Record<string, string>[]> {
  const rows = table(await tools.ok('kafka-consumer-groups', '--describe', '--group', group, ...args))
  for (const row of rows) assert.equal(row['GROUP'], group)
  return rows.sort((a, b) => Number(a['PARTITION']) - Number(b['PARTITION']))
}

async function committed(tools: Toolbox, group: string): Promise<(number | string)[]> {
  return (await describe(tools, group)).map((row) => {
    const offset = row['CURRENT-OFFSET'] ?? ''
    return offset === '-' ? offset : Number(offset)
  })
}

function activeScenarios(tools: Toolbox, protocol: 'classic' | 'consumer') {
  const group = `with-${protocol}`
  const run = (...args: readonly string[]): Promise<string> => tools.ok('kafka-consumer-groups', ...args)
  const type = protocol === 'classic' ? 'Classic' : 'Consumer'
  let member: Member | undefined
  return [
    {
      name: `kafka-console-consumer --group (${protocol}), kafka-consumer-groups while it is active`,
      run: async () => {
        await startAnew(tools)
        const ends = await endOffsets(tools, TOPIC)
        // It waits for one record that is not there yet.
        member = startMember(tools, group, protocol, RECORDS + 1)
        await eventually(async () => {
          assert.deepEqual(await committed(tools, group), ends)
        })
        const rows = await describe(tools, group)
        for (const [partition, row] of rows.entries()) {
          assert.equal(row['TOPIC'], TOPIC)
          assert.equal(Number(row['LOG-END-OFFSET']), ends[partition])
          assert.equal(row['LAG'], '0')
          assert.match(row['CONSUMER-ID'] ?? '', /^\S{22,}$/)
          // Over HTTPS it is the connection's name.
          assert.match(row['HOST'] ?? '', /^\/(127\.0\.0\.1|[0-9A-Z]{26}-\w+)$/)
          assert.equal(row['CLIENT-ID'], 'tool')
        }
        const [one, ...none] = await describe(tools, group, '--members')
        assert.deepEqual([one?.['CONSUMER-ID'], one?.['#PARTITIONS']], [rows[0]?.['CONSUMER-ID'], '3'])
        assert.deepEqual(none, [])
        const [verbose] = await describe(tools, group, '--members', '--verbose')
        assert.match(verbose?.['CURRENT-ASSIGNMENT'] ?? '', new RegExp(`^${TOPIC}:0,1,2$`))
        const [state] = await describe(tools, group, '--state')
        assert.deepEqual([state?.['STATE'], state?.['#MEMBERS']], ['Stable', '1'])
        assert.match(state?.['COORDINATOR(ID)'] ?? '', /^127\.0\.0\.1:\d+\(\d+\)$/)
        assert.equal(state?.['ASSIGNMENT-STRATEGY'], protocol === 'classic' ? 'range' : 'uniform')
        return `coordinator ${state?.['COORDINATOR(ID)']}`
      },
    },
    {
      name: `kafka-consumer-groups: what is refused while a member is there (${protocol})`,
      run: async () => {
        const reset = await tools.run('kafka-consumer-groups', [
          ...['--reset-offsets', '--group', group, '--topic', TOPIC, '--to-earliest', '--execute'],
        ])
        const words = `Assignments can only be reset if the group '${group}' is inactive, but the current state is Stable.`
        assert.ok(`${reset.out}${reset.err}`.includes(words), `${reset.out}${reset.err}`)
        const gone = await run('--delete', '--group', group)
        assert.match(gone, new RegExp(`Group '${group}' could not be deleted due to: .*GroupNotEmptyException`))
        const offsets = await run('--delete-offsets', '--group', group, '--topic', TOPIC)
        assert.match(offsets, /GroupSubscribedToTopicException/)
        assert.deepEqual(await committed(tools, group), await endOffsets(tools, TOPIC))
        return undefined
      },
    },
    {
      name: `kafka-consumer-groups --list, kafka-groups --list (${protocol})`,
      run: async () => {
        assert.ok((await run('--list')).split('\n').includes(group))
        const find = (rows: Record<string, string>[]) => rows.find((row) => row['GROUP'] === group)
        assert.equal(find(table(await run('--list', '--state')))?.['STATE'], 'Stable')
        assert.equal(find(table(await run('--list', '--state', 'Stable')))?.['STATE'], 'Stable')
        assert.equal(find(table(await run('--list', '--state', 'Empty'))), undefined)
        assert.equal(find(table(await run('--list', '--type')))?.['TYPE'], type)
        assert.equal(find(table(await run('--list', '--type', type.toLowerCase())))?.['TYPE'], type)
        const other = protocol === 'classic' ? 'consumer' : 'classic'
        assert.equal(find(table(await run('--list', '--type', other))), undefined)
        await tools.fails(/Invalid state list/, 'kafka-consumer-groups', '--list', '--state', 'Nonsense')
        const listed = find(table(await tools.ok('kafka-groups', '--list')))
        assert.deepEqual([listed?.['TYPE'], listed?.['PROTOCOL']], [type, 'consumer'])
        return undefined
      },
    },
    {
      name: `kafka-console-consumer --group (${protocol}) reads to the end and leaves`,
      run: async () => {
        await tools.produce(TOPIC, ['last:the last'])
        const said = await member?.ended
        assert.match(said?.err ?? '', new RegExp(`Processed a total of ${RECORDS + 1} messages`))
        const values = (said?.out ?? '').trim().split('\n')
        assert.equal(new Set(values).size, RECORDS + 1)
        assert.ok(values.includes('the last'))
        await eventually(async () => {
          assert.deepEqual(await committed(tools, group), await endOffsets(tools, TOPIC))
        })
        const empty = await tools.run('kafka-consumer-groups', ['--describe', '--group', group])
        assert.match(`${empty.out}${empty.err}`, new RegExp(`Consumer group '${group}' has no active members\\.`))
        for (const row of table(empty.out)) assert.deepEqual([row['LAG'], row['CONSUMER-ID']], ['0', '-'])
        const [state] = await describe(tools, group, '--state')
        assert.deepEqual([state?.['STATE'], state?.['#MEMBERS']], ['Empty', '0'])
        assert.deepEqual(await describe(tools, group, '--members'), [])
        // The next member does not get it again.
        await tools.produce(TOPIC, ['next:the next'])
        const again = await startMember(tools, group, protocol, 1).ended
        assert.equal(again.out.trim(), 'the next')
        return undefined
      },
    },
  ]
}

/** The topic with its first records only. */
async function startAnew(tools: Toolbox): Promise<void> {
  await tools.ok('kafka-topics', '--delete', '--topic', TOPIC, '--if-exists')
  await eventually(async () => assert.ok(!(await tools.ok('kafka-topics', '--list')).split('\n').includes(TOPIC)))
  await makeTopic(tools, TOPIC, '--partitions', '3')
  await tools.produce(TOPIC, recordsOf(RECORDS))
}

/** What the tool says of a group that is not there; it ends as if all were well. */
async function isUnknown(tools: Toolbox, group: string): Promise<void> {
  const { out } = await tools.run('kafka-consumer-groups', ['--describe', '--group', group])
  assert.match(out, new RegExp(`GroupIdNotFoundException: Group ${group} not found\\.`))
}

export const groupScenarios: Scenarios = (tools) => {
  const run = (...args: readonly string[]): Promise<string> => tools.ok('kafka-consumer-groups', ...args)
  const group = 'moved-about'
  /** Resets and checks what the tool says it did; new offsets by partition. */
  const reset = async (...args: readonly string[]): Promise<number[]> => {
    const rows = table(await run('--reset-offsets', '--group', group, ...args))
    for (const row of rows) assert.deepEqual([row['GROUP'], row['TOPIC']], [group, TOPIC])
    return rows.sort((a, b) => Number(a['PARTITION']) - Number(b['PARTITION'])).map((row) => Number(row['NEW-OFFSET']))
  }
  const execute = async (...args: readonly string[]): Promise<number[]> => {
    const offsets = await reset(...args, '--execute')
    return offsets
  }
  const topic = ['--topic', TOPIC]
  return [
    ...activeScenarios(tools, 'classic'),
    ...activeScenarios(tools, 'consumer'),
    {
      name: 'kafka-consumer-groups --reset-offsets: a group that is not there yet, dry and in earnest',
      run: async () => {
        await startAnew(tools)
        assert.deepEqual(await reset(...topic, '--to-earliest', '--dry-run'), [0, 0, 0])
        await isUnknown(tools, group)
        assert.deepEqual(await execute(...topic, '--to-earliest'), [0, 0, 0])
        assert.deepEqual(await committed(tools, group), [0, 0, 0])
        const ends = await endOffsets(tools, TOPIC)
        assert.deepEqual(
          (await describe(tools, group)).map((row) => Number(row['LAG'])),
          ends,
        )
        return undefined
      },
    },
    {
      name: 'kafka-consumer-groups --reset-offsets --to-latest, --to-offset, --shift-by, --to-current',
      run: async () => {
        const ends = await endOffsets(tools, TOPIC)
        assert.deepEqual(await execute('--all-topics', '--to-latest'), ends)
        assert.deepEqual(await committed(tools, group), ends)
        assert.deepEqual(await execute('--topic', `${TOPIC}:0,2`, '--to-offset', '1'), [1, 1])
        assert.deepEqual(await committed(tools, group), [1, ends[1], 1])
        assert.deepEqual(await execute('--topic', `${TOPIC}:1`, '--to-offset', '100000'), [ends[1]])
        assert.deepEqual(await execute('--topic', `${TOPIC}:0`, '--shift-by', '1'), [2])
        assert.deepEqual(await execute(...topic, '--shift-by', '-100'), [0, 0, 0])
        assert.deepEqual(await execute(...topic, '--shift-by', '3'), [3, 3, 3])
        assert.deepEqual(await execute(...topic, '--to-current'), [3, 3, 3])
        assert.deepEqual(await committed(tools, group), [3, 3, 3])
        return undefined
      },
    },
    {
      name: 'kafka-consumer-groups --reset-offsets --to-datetime, --by-duration',
      run: async () => {
        const ends = await endOffsets(tools, TOPIC)
        assert.deepEqual(await execute(...topic, '--to-datetime', '2020-01-01T00:00:00.000'), [0, 0, 0])
        assert.deepEqual(await committed(tools, group), [0, 0, 0])
        assert.deepEqual(await execute(...topic, '--by-duration', 'P1D'), [0, 0, 0])
        const later = await tools.run('kafka-consumer-groups', [
          ...['--reset-offsets', '--group', group, ...topic, '--by-duration', 'PT0S', '--execute'],
        ])
        // It says so of each partition: nothing is younger.
        assert.equal(later.out.match(/Falling back to latest known offset/g)?.length, 3, later.out)
        assert.deepEqual(await committed(tools, group), ends)
        return undefined
      },
    },
    {
      name: 'kafka-consumer-groups --reset-offsets --export, --from-file',
      run: async () => {
        const exported = await run(
          '--reset-offsets',
          '--group',
          group,
          ...topic,
          '--to-offset',
          '2',
          '--export',
          '--dry-run',
        )
        assert.deepEqual(
          exported.split('\n').sort(),
          [0, 1, 2].map((partition) => `${TOPIC},${partition},2`),
        )
        const file = await tools.file('offsets.csv', `${TOPIC},0,4\n${TOPIC},2,1\n`)
        const before = await committed(tools, group)
        assert.deepEqual(await execute('--from-file', file), [4, 1])
        assert.deepEqual(await committed(tools, group), [4, before[1], 1])
        return undefined
      },
    },
    {
      name: 'kafka-consumer-groups --reset-offsets --all-groups; of a topic that is not there',
      run: async () => {
        const ends = await endOffsets(tools, TOPIC)
        const rows = table(await run('--reset-offsets', '--all-groups', '--all-topics', '--to-latest', '--execute'))
        const mine = rows.filter((row) => row['GROUP'] === group && row['TOPIC'] === TOPIC)
        assert.equal(mine.length, 3)
        assert.deepEqual(await committed(tools, group), ends)
        const said = await tools.run('kafka-consumer-groups', [
          ...['--reset-offsets', '--group', group, '--topic', 'nowhere', '--to-earliest', '--execute'],
        ])
        assert.match(`${said.out}${said.err}`, /UnknownTopicOrPartition|does not host/)
        return `${rows.length} offsets`
      },
    },
    {
      name: 'kafka-consumer-groups --delete-offsets',
      run: async () => {
        const ends = await endOffsets(tools, TOPIC)
        const gone = await run('--delete-offsets', '--group', group, '--topic', `${TOPIC}:1`)
        assert.match(gone, new RegExp(`^Request succeeded for deleting offsets from group ${group}\\.`))
        assert.match(gone, new RegExp(`${TOPIC} +1 +Successful`))
        const left = (await describe(tools, group)).map((row) => [
          Number(row['PARTITION']),
          Number(row['CURRENT-OFFSET']),
        ])
        assert.deepEqual(left, [
          [0, ends[0]],
          [2, ends[2]],
        ])
        assert.match(
          await run('--delete-offsets', '--group', group, '--topic', 'nowhere'),
          /UnknownTopicOrPartitionException/,
        )
        const nobody = await run('--delete-offsets', '--group', 'nobody', '--topic', TOPIC)
        assert.match(nobody, /Error: The group id does not exist\./)
        assert.match(nobody, /GroupIdNotFoundException/)
        return undefined
      },
    },
    {
      name: 'kafka-consumer-groups --delete, --describe --all-groups',
      run: async () => {
        const all = table(await run('--describe', '--all-groups'))
        assert.ok(all.some((row) => row['GROUP'] === group))
        assert.equal(
          await run('--delete', '--group', group),
          `Deletion of requested consumer groups ('${group}') was successful.`,
        )
        assert.match(await run('--delete', '--group', group), /could not be deleted due to: .*GroupIdNotFoundException/)
        await isUnknown(tools, group)
        assert.match(await run('--delete', '--all-groups'), /was successful\.$/)
        assert.equal(await run('--list'), '')
        return undefined
      },
    },
  ]
}

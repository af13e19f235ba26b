// `tidelog group …`: lists, shows, resets and deletes consumer groups through the Kafka protocol, so it works with any
// server. What needs more than a few lines is in `groups/`.
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Address } from '../base/address.ts'
import { ClientError } from '../client/errors.ts'
import { committedOffsets, deleteGroup, deleteOffsets, listGroups } from '../client/group-admin.ts'
import { ErrorCode } from '../wire/errors.ts'
import { readLag } from './groups/lag.ts'
import { type ResetFlags, resetOffsets } from './groups/reset-offsets.ts'
import { addTargetOptions } from './groups/reset-target.ts'
import { readTopicScope, type Scope } from './groups/scope.ts'
import { lagView, membersView, type View, viewText } from './groups/views.ts'
import { watch } from './groups/watch.ts'
import { kafkaOption } from './options.ts'
import { Problem } from './problem.ts'
import { table } from './table.ts'
import { withCluster } from './with-cluster.ts'
import { printable } from './words.ts'

const STATES = ['Empty', 'PreparingRebalance', 'CompletingRebalance', 'Assigning', 'Reconciling', 'Stable', 'Dead']
const TYPES = ['Classic', 'Consumer']
const INTERVAL_S = 2

interface KafkaFlag {
  readonly kafka: Address
}

export function groupCommand(): Command {
  const group = new Command('group').description('Lists, shows, resets and deletes consumer groups.')
  group
    .command('list')
    .description('Lists all groups, with their state, type and protocol.')
    .addOption(
      new Option('--state <states>', `only groups in these states: ${STATES.join(', ')}`).argParser(oneOf(STATES)),
    )
    .addOption(new Option('--type <types>', `only groups of these types: ${TYPES.join(', ')}`).argParser(oneOf(TYPES)))
    .addOption(kafkaOption())
    .addHelpText('after', '\nExample:\n  $ tidelog group list --state Empty,Stable --type Classic')
    .action(list)
  group
    .command('describe <group>')
    .description('Shows how far a group has read each partition, how far it is behind, and who reads it.')
    .option('--members', 'a line per member instead of one per partition')
    .option('--watch', 'again and again, until Ctrl-C')
    .option('--interval <seconds>', `how often with --watch (default: ${INTERVAL_S})`, readSeconds)
    .addOption(kafkaOption())
    .addHelpText('after', '\nExamples:\n  $ tidelog group describe billing\n  $ tidelog group describe billing --watch')
    .action(describe)
  addTargetOptions(group.command('reset-offsets <group>'))
    .description('Sets the committed offsets of a group that nobody is in.')
    .option(
      '--topic <topic>',
      'a topic, or partitions of it as TOPIC:0,1; as often as wanted',
      readTopicScope,
      new Map() as Scope,
    )
    .addOption(new Option('--all-topics', 'all topics that the group has committed offsets of').conflicts('topic'))
    .addOption(new Option('--dry-run', 'only show what would be set; this is the default').conflicts('execute'))
    .option('--execute', 'set the offsets')
    .option('--export', 'print the offsets as CSV, which --from-file reads')
    .addOption(kafkaOption())
    .addHelpText(
      'after',
      `
Offsets outside the log are moved to its beginning or its end, with a warning.

Examples:
  $ tidelog group reset-offsets billing --topic orders --to-earliest             # only shows what it would do
  $ tidelog group reset-offsets billing --topic orders --to-earliest --execute
  $ tidelog group reset-offsets billing --topic orders:0,1 --shift-by -10 --execute
  $ tidelog group reset-offsets billing --all-topics --by-duration PT1H --execute
  $ tidelog group reset-offsets billing --all-topics --to-current --export > billing.csv
  $ tidelog group reset-offsets billing --from-file billing.csv --execute`,
    )
    .action((name: string, flags: ResetFlags) => resetOffsets(name, flags))
  group
    .command('delete <group...>')
    .description('Deletes groups that nobody is in, and their committed offsets.')
    .addOption(kafkaOption())
    .action(remove)
  group
    .command('delete-offsets <group>')
    .description('Deletes committed offsets of topics that nobody in the group reads.')
    .requiredOption(
      '--topic <topic>',
      'a topic, or partitions of it as TOPIC:0,1; as often as wanted',
      (text: string, before: Scope | undefined) => readTopicScope(text, before ?? new Map()),
    )
    .addOption(kafkaOption())
    .action(removeOffsets)
  return group
}

/** A list of words separated by commas, however they are capitalised. */
function oneOf(words: readonly string[]): (text: string) => readonly string[] {
  return (text) =>
    text.split(',').map((given) => {
      const word = words.find((known) => known.toLowerCase() === given.trim().toLowerCase())
      if (word === undefined) throw new InvalidArgumentError(`Give some of ${words.join(', ')}, separated by commas.`)
      return word
    })
}

function readSeconds(text: string): number {
  const seconds = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && seconds >= 0.1 && seconds <= 86_400) return seconds
  throw new InvalidArgumentError('Give a number of seconds between 0.1 and 86400.')
}

interface ListFlags extends KafkaFlag {
  readonly state?: readonly string[]
  readonly type?: readonly string[]
}

async function list({ kafka, state = [], type = [] }: ListFlags): Promise<void> {
  await withCluster(kafka, async (cluster) => {
    const { groups, unreachable } = await listGroups(cluster, { states: state, types: type })
    if (groups.length === 0 && process.stdout.isTTY) process.stderr.write('There are no such groups.\n')
    const rows = groups.map((group) =>
      [group.id, group.state, group.type, group.protocolType].map((s) => printable(s) || '-'),
    )
    if (rows.length > 0) process.stdout.write(table(['group', 'state', 'type', 'protocol'], rows))
    for (const address of unreachable) {
      process.stderr.write(`${address} cannot be reached; groups that only it knows of may be missing here.\n`)
    }
  })
}

interface DescribeFlags extends KafkaFlag {
  readonly members?: true
  readonly watch?: true
  readonly interval?: number
}

async function describe(name: string, { kafka, members, watch: again, interval }: DescribeFlags): Promise<void> {
  if (interval !== undefined && again !== true) throw new Problem('--interval says how often --watch looks: give both.')
  await withCluster(kafka, async (cluster) => {
    const look = async (): Promise<View> => {
      const lag = await readLag(cluster, name)
      return members === true ? membersView(lag) : lagView(lag)
    }
    if (again !== true) {
      process.stdout.write(viewText(await look()))
      return
    }
    const stop = new AbortController()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort())
    const { stdout: output, stderr: errors } = process
    const intervalMs = (interval ?? INTERVAL_S) * 1000
    await watch(look, { intervalMs, signal: stop.signal, output, errors, now: () => new Date() })
  })
}

async function remove(names: readonly string[], { kafka }: KafkaFlag): Promise<void> {
  await withCluster(kafka, async (cluster) => {
    for (const name of names) {
      await deleteGroup(cluster, name).catch((error: unknown) => {
        throw explained(error, name)
      })
      process.stdout.write(`Group ${name} was deleted.\n`)
    }
  })
}

async function removeOffsets(
  name: string,
  { kafka, topic: scope }: KafkaFlag & { readonly topic: Scope },
): Promise<void> {
  await withCluster(kafka, async (cluster) => {
    const committed = await committedOffsets(cluster, name)
    const chosen = committed.filter(({ topic, partition }) => {
      const wanted = scope.get(topic)
      return wanted === 'all' || wanted?.has(partition) === true
    })
    if (chosen.length === 0) throw new Problem(`Group ${name} has no committed offsets there.`)
    await deleteOffsets(cluster, name, chosen).catch((error: unknown) => {
      throw explained(error, name)
    })
    const where = chosen.map(({ topic, partition }) => `${topic}:${partition}`).join(', ')
    process.stdout.write(`Group ${name} has no committed offsets any more for ${where}.\n`)
  })
}

/** What to do about the refusals that a person can do something about. */
function explained(error: unknown, name: string): unknown {
  if (!(error instanceof ClientError)) return error
  const { code } = error
  if (code === ErrorCode.GROUP_ID_NOT_FOUND) return new Problem(`There is no group named ${name}.`)
  if (code !== ErrorCode.NON_EMPTY_GROUP && code !== ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC) return error
  const reads = code === ErrorCode.NON_EMPTY_GROUP ? 'has members' : 'has members that read this topic'
  const shows = `"tidelog group describe ${name} --members"`
  return new Problem(`Group ${name} ${reads}: stop them first. ${shows} shows who they are.`)
}

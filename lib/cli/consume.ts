// `tidelog consume`: prints records of a topic. With a place to begin it prints what is there and ends; without one it waits
// for what comes, as a person who watches a log expects.
import { Command, Option } from 'commander'
import type { Address } from '../base/address.ts'
import { openCluster } from '../client/cluster.ts'
import { type ConsumedRecord, consume, planConsume, type StartAt } from '../client/consumer.ts'
import { formatJsonRecord } from './json-lines.ts'
import { kafkaOption, readInteger } from './options.ts'
import { Problem } from './problem.ts'
import { startProgress } from './progress.ts'
import { DEFAULT_FORMAT, recordFormat } from './record-format.ts'

interface ConsumeFlags {
  readonly kafka: Address
  readonly fromBeginning?: true
  readonly offset?: number
  readonly fromTimestamp?: number
  readonly partition?: number
  readonly follow?: true
  readonly max?: number
  readonly json?: true
  readonly format?: string
}

export function consumeCommand(): Command {
  return new Command('consume')
    .summary('print records')
    .description(
      'Prints the records of a topic. With a place to begin it prints what is there and ends, unless --follow is given; ' +
        'without one it waits for new records.',
    )
    .argument('<topic>')
    .addOption(new Option('--from-beginning', 'begin with the oldest record').conflicts(['offset', 'fromTimestamp']))
    .addOption(
      new Option('--offset <n>', 'begin at this offset (best with --partition)')
        .argParser(readInteger(0))
        .conflicts('fromTimestamp'),
    )
    .option('--from-timestamp <time>', 'begin at this time: milliseconds, or 2026-01-31T12:00:00Z', readTime)
    .option('--partition <n>', 'only this partition (default: all)', readInteger(0))
    .option('--follow', 'wait for more at the end')
    .option('--max <n>', 'end after so many records', readInteger(1))
    .addOption(new Option('--json', 'print each record as a line of JSON, with everything in it').conflicts('format'))
    .option('--format <text>', 'print each record like this (default: "%s\\n")')
    .addOption(kafkaOption())
    .addHelpText(
      'after',
      `
In a format: %t topic, %p partition, %o offset, %T timestamp, %k key, %s value, %h headers, %K and %S their lengths.

Examples:
  $ tidelog consume greetings --from-beginning
  $ tidelog consume greetings                                # waits for what comes
  $ tidelog consume orders --from-beginning --format '%p/%o %T %k: %s\\n'
  $ tidelog consume orders --partition 3 --offset 1000 --max 10 --json
  $ tidelog consume orders --from-timestamp 2026-01-31T12:00:00Z --follow`,
    )
    .action(runConsume)
}

function readTime(text: string): number {
  const time = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (Number.isSafeInteger(time) && time >= 0) return time
  throw new Problem(`"${text}" is no time. Give milliseconds since 1970, or a time like 2026-01-31T12:00:00Z.`)
}

async function runConsume(topicName: string, flags: ConsumeFlags): Promise<void> {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  const cluster = await openCluster(flags.kafka)
  try {
    const topic = await cluster.existingTopic(topicName)
    const from = startAt(flags)
    const follow = flags.follow === true || from.kind === 'end'
    const partitions = flags.partition === undefined ? {} : { partitions: [flags.partition] }
    const options = { topic, from, follow, signal: stop.signal, ...partitions }
    const plan = await planConsume(cluster, options)
    const print = printer(topicName, flags)
    const max = flags.max ?? Number.POSITIVE_INFINITY
    const progress = startProgress('Reading', follow ? 0 : Math.min(plan.total, max), process.stdout.isTTY)
    let count = 0
    for await (const records of consume(cluster, options, plan)) {
      const taken = records.slice(0, max - count)
      count += taken.length
      await print(taken)
      progress.update(count)
      if (count >= max) break
    }
    progress.stop()
  } finally {
    await cluster.close()
  }
}

function startAt(flags: ConsumeFlags): StartAt {
  if (flags.fromBeginning === true) return { kind: 'beginning' }
  if (flags.offset !== undefined) return { kind: 'offset', offset: flags.offset }
  if (flags.fromTimestamp !== undefined) return { kind: 'timestamp', timestamp: flags.fromTimestamp }
  return { kind: 'end' }
}

/** Writes records to standard output and waits until whoever reads it has room. */
function printer(topicName: string, flags: ConsumeFlags): (records: readonly ConsumedRecord[]) => Promise<void> {
  const format = recordFormat(flags.format ?? DEFAULT_FORMAT, topicName)
  const line = (record: ConsumedRecord): Uint8Array => {
    return flags.json === true ? Buffer.from(`${formatJsonRecord(record)}\n`) : format(record)
  }
  return async (records) => {
    const bytes = Buffer.concat(records.map(line))
    if (!process.stdout.write(bytes)) await new Promise<void>((resolve) => process.stdout.once('drain', resolve))
  }
}

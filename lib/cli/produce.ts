// `tidelog produce`: lines from standard input or files become records. What was read is in the log when it ends with 0.
import { createReadStream } from 'node:fs'
import { Command, Option } from 'commander'
import type { Address } from '../base/address.ts'
import { openCluster } from '../client/cluster.ts'
import { ClientError } from '../client/errors.ts'
import { openProducer } from '../client/producer.ts'
import { CODECS, type Codec } from '../wire/record-batch.ts'
import type { RecordHeader } from '../wire/records.ts'
import { type ParsedRecord, parseJsonRecord } from './json-lines.ts'
import { linesOf } from './lines.ts'
import { kafkaOption, readConfig, readInteger } from './options.ts'
import { Problem } from './problem.ts'
import { startProgress } from './progress.ts'

interface ProduceFlags {
  readonly kafka: Address
  readonly json?: true
  readonly keySeparator?: string
  readonly header: ReadonlyMap<string, string>
  readonly partition?: number
  readonly compression: Codec
  readonly acks: '0' | '1' | 'all'
}

export function produceCommand(): Command {
  return new Command('produce')
    .summary('write lines as records')
    .description(
      'Writes each line of standard input, or of files, as a record. Makes the topic if the server allows it.',
    )
    .argument('<topic>')
    .argument('[files...]')
    .option('--json', 'each line is a record: {"key", "value", "headers", "partition", "timestamp"}')
    .option('--key-separator <text>', 'what stands between key and value in a line')
    .option('--header <name=value>', 'a header of every record, as often as wanted', readConfig, new Map())
    .option('--partition <n>', "write to this partition (default: by the key's hash)", readInteger(0))
    .addOption(new Option('--compression <codec>', 'how batches are compressed').choices(CODECS).default('none'))
    .addOption(new Option('--acks <acks>', 'what to wait for').choices(['0', '1', 'all']).default('all'))
    .addOption(kafkaOption())
    .addHelpText(
      'after',
      `
Examples:
  $ echo 'hello, tide' | tidelog produce greetings
  $ tidelog produce people --key-separator : names.txt    # lines like  42:Ada
  $ echo '{"key":"42","value":{"name":"Ada"},"headers":{"source":"me"}}' | tidelog produce people --json
  $ tidelog consume people --from-beginning --json | tidelog produce copy --json --compression zstd`,
    )
    .action(runProduce)
}

async function runProduce(topicName: string, files: readonly string[], flags: ProduceFlags): Promise<void> {
  const cluster = await openCluster(flags.kafka)
  const parse = lineParser(flags)
  const progress = startProgress('Writing', 0, process.stdin.isTTY && files.length === 0)
  try {
    const topic = await cluster.topic(topicName, { create: true })
    if (topic === undefined) throw new Problem(`There is no topic named ${topicName}, and the server makes none.`)
    const acks = flags.acks === 'all' ? -1 : Number(flags.acks)
    const producer = await openProducer(cluster, { topic, acks, codec: flags.compression })
    let lineNumber = 0
    for await (const line of input(files)) {
      lineNumber++
      const { record, partition } = parse(line, lineNumber)
      await producer.write(record, partition ?? flags.partition).catch((error: unknown) => {
        throw error instanceof ClientError && error.kind === 'invalid'
          ? new Problem(`Line ${lineNumber}: ${error.message}`)
          : error
      })
      if (lineNumber % 1000 === 0) progress.update(producer.acknowledged)
    }
    await producer.flush()
    progress.stop()
    if (process.stderr.isTTY) process.stderr.write(`Wrote ${producer.acknowledged} records to ${topicName}.\n`)
  } finally {
    progress.stop()
    await cluster.close()
  }
}

function lineParser(flags: ProduceFlags): (line: Buffer, lineNumber: number) => ParsedRecord {
  const headers: RecordHeader[] = [...flags.header].map(([name, value]) => {
    return { key: Buffer.from(name), value: Buffer.from(value) }
  })
  const separator = flags.keySeparator === undefined ? undefined : Buffer.from(flags.keySeparator)
  return (line, lineNumber) => {
    if (flags.json === true) {
      const parsed = parseJsonRecord(line, lineNumber, Date.now())
      return { ...parsed, record: { ...parsed.record, headers: [...headers, ...(parsed.record.headers ?? [])] } }
    }
    const at = separator === undefined ? -1 : line.indexOf(separator)
    const key = at < 0 ? null : line.subarray(0, at)
    const value = at < 0 ? line : line.subarray(at + (separator?.length ?? 0))
    return { record: { timestamp: Date.now(), key, value, headers }, partition: undefined }
  }
}

async function* input(files: readonly string[]): AsyncGenerator<Buffer> {
  if (files.length === 0) {
    if (process.stdin.isTTY) process.stderr.write('Type one record per line; Ctrl-D ends.\n')
    yield* linesOf(process.stdin)
    return
  }
  for (const file of files) {
    try {
      yield* linesOf(file === '-' ? process.stdin : createReadStream(file))
    } catch (error) {
      if (error instanceof Error && 'code' in error && 'syscall' in error) {
        throw new Problem(`${file} cannot be read (${String(error.code)}).`)
      }
      throw error
    }
  }
}

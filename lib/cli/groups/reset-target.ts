// The flags of `group reset-offsets` that say where to, as one target: exactly one of them is given. They are named as in
// Kafka's own tool.
import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { readInteger } from '../options.ts'
import { Problem } from '../problem.ts'
import { parseOffsets } from './offsets-csv.ts'
import { partitionKey, type ResetTarget } from './plan-reset.ts'
import type { Scope } from './scope.ts'
import { readDateTime, readDuration } from './times.ts'

export interface TargetFlags {
  readonly toEarliest?: true
  readonly toLatest?: true
  readonly toCurrent?: true
  readonly toOffset?: number
  readonly shiftBy?: number
  readonly toDatetime?: number
  readonly byDuration?: number
  readonly fromFile?: string
}

const WHERE_TO =
  '--to-earliest, --to-latest, --to-offset, --to-datetime, --by-duration, --shift-by, --to-current or --from-file'

/** Adds the flags; any two of them conflict. */
export function addTargetOptions(command: Command): Command {
  const options = [
    new Option('--to-earliest', 'to the first record'),
    new Option('--to-latest', 'to the end'),
    new Option('--to-offset <n>', 'to this offset').argParser(readInteger(0)),
    new Option('--to-datetime <time>', 'to the first record of this time or later').argParser(readDateTime),
    new Option('--by-duration <duration>', 'to the first record of at most this age, like P7D or PT1H30M').argParser(
      readDuration,
    ),
    new Option('--shift-by <n>', 'by so many records, forward or (negative) back').argParser(
      readInteger(Number.MIN_SAFE_INTEGER),
    ),
    new Option('--to-current', 'to what is committed, and to the end where nothing is'),
    new Option('--from-file <path>', 'to the offsets in a file that --export wrote'),
  ]
  const names = options.map((option) => option.attributeName())
  for (const option of options) {
    command.addOption(option.conflicts(names.filter((name) => name !== option.attributeName())))
  }
  return command
}

/** A target, and the partitions it is for where it says so itself (a file does). */
export async function readTarget(
  flags: TargetFlags,
  groupId: string,
  nowMs: number,
): Promise<{ readonly target: ResetTarget; readonly scope?: Scope }> {
  if (flags.toEarliest === true) return { target: { kind: 'earliest' } }
  if (flags.toLatest === true) return { target: { kind: 'latest' } }
  if (flags.toCurrent === true) return { target: { kind: 'current' } }
  if (flags.toOffset !== undefined) return { target: { kind: 'offset', offset: flags.toOffset } }
  if (flags.shiftBy !== undefined) return { target: { kind: 'shift', by: flags.shiftBy } }
  if (flags.toDatetime !== undefined) return { target: atTime(flags.toDatetime) }
  if (flags.byDuration !== undefined) return { target: atTime(nowMs - flags.byDuration) }
  if (flags.fromFile !== undefined) return eachOf(await readText(flags.fromFile), flags.fromFile, groupId)
  throw new Problem(`Say where to: ${WHERE_TO}.`)
}

/** Kafka keeps negative timestamps for other questions, and no record is older than 1970. */
function atTime(timestampMs: number): ResetTarget {
  return { kind: 'timestamp', timestampMs: Math.max(0, timestampMs) }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? error.code : error
    throw new Problem(`${path} cannot be read (${why}).`)
  }
}

/** What a file says about one group: its lines, and those that name no group. */
export function eachOf(text: string, name: string, groupId: string): { target: ResetTarget; scope: Scope } {
  const offsets = new Map<string, number>()
  const scope = new Map<string, Set<number>>()
  for (const { group, topic, partition, offset } of parseOffsets(text, name)) {
    if (group !== undefined && group !== groupId) continue
    const key = partitionKey(topic, partition)
    if (offsets.has(key)) throw new Problem(`${name} names partition ${partition} of ${topic} twice.`)
    offsets.set(key, offset)
    scope.set(topic, (scope.get(topic) ?? new Set()).add(partition))
  }
  if (offsets.size === 0) throw new Problem(`${name} has no line for group ${groupId}.`)
  return { target: { kind: 'each', offsets }, scope }
}

// What the context of the CDK app says about the deployment, read once and judged here: `cdk.json` holds JSON values,
// `-c name=value` hands over strings, and both must mean the same. Whatever is wrong is told in one sentence that names
// the setting. Names that are not ours belong to CDK and are left alone.
import { Duration } from 'aws-cdk-lib'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import type { Node } from 'constructs'
import type { DeclaredTopics } from './constructs/log-topics.ts'
import { declaredTopics } from './declared-topics.ts'
import { durationOf } from './quantities.ts'

/** A deployment as its owner described it. */
export interface Settings {
  /** The names of the stacks begin with it. */
  readonly name: string
  readonly architecture: lambda.Architecture
  readonly memorySize: number | undefined
  readonly monitoring: boolean
  /** `create`, or the ARN of a key. */
  readonly encryptionKey: string | undefined
  readonly functionUrls: boolean
  readonly sweepEvery: Duration | undefined
  readonly topics: DeclaredTopics
}

/** The message is a sentence for whoever wrote the context. */
export class SettingProblem extends Error {
  override name = 'SettingProblem'
}

const NAME_DEFAULT = 'Tidelog'
/** Lambda's bounds. */
const MEMORY_MIB_MIN = 128
const MEMORY_MIB_MAX = 10_240
const MINUTE_MS = 60_000

/** The settings in a context. Throws `SettingProblem` with a sentence. */
export function settingsOf(node: Node): Settings {
  const read = (name: string): unknown => node.tryGetContext(name) as unknown
  return {
    name: stackPrefix(read('name')),
    architecture: architectureOf(read('architecture')),
    memorySize: memorySizeOf(read('memorySize')),
    monitoring: flag('monitoring', read('monitoring')),
    encryptionKey: encryptionKeyOf(read('encryptionKey')),
    functionUrls: flag('functionUrls', read('functionUrls')),
    sweepEvery: sweepEveryOf(read('sweepEvery')),
    topics: declaredTopics(read('topics')),
  }
}

function problem(name: string, wanted: string, value: unknown): SettingProblem {
  return new SettingProblem(`The context value "${name}" must be ${wanted}, not ${JSON.stringify(value)}.`)
}

function stackPrefix(value: unknown): string {
  if (value === undefined) return NAME_DEFAULT
  if (typeof value === 'string' && /^[A-Za-z][A-Za-z0-9-]{0,99}$/.test(value)) return value
  throw problem('name', 'a letter and up to 99 letters, digits and dashes', value)
}

function architectureOf(value: unknown): lambda.Architecture {
  const host = process.arch === 'arm64' ? 'arm64' : 'x86_64'
  const name = value === 'host' ? host : (value ?? 'arm64')
  if (name === 'arm64') return lambda.Architecture.ARM_64
  if (name === 'x86_64') return lambda.Architecture.X86_64
  throw problem('architecture', '"arm64", "x86_64" or "host" (for emulators)', value)
}

function memorySizeOf(value: unknown): number | undefined {
  if (value === undefined) return undefined
  const size = Number(value)
  if (Number.isInteger(size) && size >= MEMORY_MIB_MIN && size <= MEMORY_MIB_MAX) return size
  throw problem('memorySize', `a whole number of MB from ${MEMORY_MIB_MIN} to ${MEMORY_MIB_MAX}`, value)
}

function flag(name: string, value: unknown): boolean {
  if (value === undefined || value === false || value === 'false') return false
  if (value === true || value === 'true') return true
  throw problem(name, 'true or false', value)
}

function encryptionKeyOf(value: unknown): string | undefined {
  if (value === undefined) return undefined
  const isKey =
    typeof value === 'string' && (value === 'create' || /^arn:[a-z-]+:kms:[^:]+:\d{12}:key\/.+$/.test(value))
  if (isKey) return value
  throw problem('encryptionKey', '"create" or the ARN of a KMS key', value)
}

function sweepEveryOf(value: unknown): Duration | undefined {
  if (value === undefined) return undefined
  const every = durationOf(value)
  const ms = every?.toMilliseconds() ?? 0
  if (every !== undefined && ms >= MINUTE_MS && ms % MINUTE_MS === 0) return Duration.minutes(ms / MINUTE_MS)
  throw problem('sweepEvery', 'a duration of whole minutes, such as "15m"', value)
}

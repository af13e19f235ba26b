// `tidelog start --config FILE`: what a Kafka `server.properties` says to a gateway. Each setting of the file either acts, or
// is one of Kafka's that means nothing here and is told once, or is a mistake that ends the start: no line is passed over
// in silence. What the command line says beats the file, and is then not judged in it.
import { readFile } from 'node:fs/promises'
import type { Address } from '../base/address.ts'
import { BROKER_CONFIGS, brokerSettings, validateBrokerConfig } from '../broker/broker-settings.ts'
import { type ConfigDefinition, listElements, nearestName, validateConfig } from '../log/settings.ts'
import { TOPIC_CONFIGS } from '../log/topic-settings-table.ts'
import { isKafkaSetting, KAFKA_SETTINGS } from './kafka-settings.ts'
import { clientListener } from './listeners.ts'
import { Problem } from './problem.ts'
import { decodeProperties, type Property, parseProperties } from './properties.ts'

/** What the command line says itself. */
export interface GivenFlags {
  readonly kafka: boolean
  readonly advertise: boolean
  readonly data: boolean
  /** The data is in a directory of ours. */
  readonly embedded: boolean
}

/** What the file says; absent where it says nothing or the command line says it. */
export interface FileConfig {
  readonly kafka?: Address
  readonly advertise?: Address
  readonly data?: string
  readonly nodeId?: number
  /** Broker settings by Kafka's names. */
  readonly settings: Readonly<Record<string, string>>
  /** Kafka's settings that are in the file and mean nothing here, in the order of the alphabet. */
  readonly withoutEffect: readonly string[]
  /** Listeners of controllers, which are not opened. */
  readonly controllers: readonly string[]
}

/** Settings of the process itself, which is not told them as broker settings. */
const PROCESS_SETTINGS: ReadonlySet<string> = new Set([
  'advertised.listeners',
  'broker.id',
  'controller.listener.names',
  'listener.security.protocol.map',
  'listeners',
  'log.dir',
  'log.dirs',
  'node.id',
])
const BROKER_NAMES: ReadonlySet<string> = new Set(BROKER_CONFIGS.map(({ name }) => name))

/** Defaults for topics that are kept and shown, as in Kafka, but change nothing. */
const SHOWN_ONLY: ReadonlySet<string> = new Set(
  TOPIC_CONFIGS.filter(({ effect }) => effect !== 'acts').flatMap(({ synonyms }) => synonyms.map(({ name }) => name)),
)
/** Whatever its value, what it asks for holds: an acknowledged record is as durable as the store. */
const ALWAYS_MET = 'min.insync.replicas'

/** Reads the file. Throws `Problem`. */
export async function readConfigFile(path: string, given: GivenFlags): Promise<FileConfig> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new Problem(`There is no file ${path} (--config).`)
    if (error.code === 'EISDIR') throw new Problem(`${path} is a directory: --config takes a file of settings.`)
    throw new Problem(`${path} cannot be read (${error.code ?? error.message}).`)
  })
  return fileConfig(path, decodeProperties(bytes), given)
}

/** What the text of a file says. Throws `Problem` with the file's name and, where there is one, the line. */
export function fileConfig(path: string, text: string, given: GivenFlags): FileConfig {
  const parsed = parseProperties(text)
  if (parsed.kind === 'malformed') throw new Problem(`${path}:${parsed.line}: ${parsed.reason}.`)
  const { properties } = parsed
  for (const property of properties.values()) judge(path, property)
  const settings: Record<string, string> = {}
  for (const { name, value } of properties.values()) if (BROKER_NAMES.has(name)) settings[name] = value.trim()
  const together = brokerSettings(new Map(Object.entries(settings)))
  if (together.kind !== 'ok') throw new Problem(`${path}: ${together.message}.`)

  const inForce = (name: string): string | undefined => properties.get(name)?.value.trim()
  return inFile(path, () => {
    const listener = clientListener(
      {
        listeners: inForce('listeners'),
        advertisedListeners: inForce('advertised.listeners'),
        protocolMap: inForce('listener.security.protocol.map'),
        controllerNames: inForce('controller.listener.names'),
      },
      given,
    )
    const data = given.embedded && !given.data ? directory(inForce('log.dirs') ?? inForce('log.dir')) : undefined
    const nodeId = nodeIdOf(inForce('node.id'), inForce('broker.id'))
    return {
      ...listener,
      ...(data === undefined ? {} : { data }),
      ...(nodeId === undefined ? {} : { nodeId }),
      settings,
      withoutEffect: [...properties.keys()].filter((name) => !acts(name, given)).sort(),
    }
  })
}

function acts(name: string, given: GivenFlags): boolean {
  if (name === 'log.dir' || name === 'log.dirs') return given.embedded
  if (PROCESS_SETTINGS.has(name) || name === ALWAYS_MET) return true
  return BROKER_NAMES.has(name) && !SHOWN_ONLY.has(name)
}

/** A setting by itself: one that Kafka has, with a value that it can have if it is one of ours. */
function judge(path: string, { name, value, line }: Property): void {
  const place = `${path}:${line}:`
  if (BROKER_NAMES.has(name)) {
    const verdict = validateBrokerConfig(name, value)
    if (verdict.kind !== 'ok') throw new Problem(`${place} ${verdict.message}.`)
    return
  }
  if (PROCESS_SETTINGS.has(name) || isKafkaSetting(name)) return
  // Far more than a slip is forgiven: the best guess helps more than none.
  const nearest = nearestName(name, [...KAFKA_SETTINGS, ...BROKER_NAMES], Math.ceil(name.length / 2))
  const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`
  throw new Problem(`${place} "${name}" is not a broker setting of Kafka.${hint}`)
}

function inFile<Result>(path: string, read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    if (error instanceof Problem) throw new Problem(`${path}: ${error.message}`)
    throw error
  }
}

function directory(value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  const [first, ...more] = listElements(value)
  if (first === undefined || first === '') throw new Problem('log.dirs names no directory.')
  if (more.length === 0) return first
  throw new Problem('log.dirs names several directories, and a log lies in one. Keep one, or give it with --data.')
}

const NODE_ID: ConfigDefinition = {
  name: 'node.id',
  type: 'INT',
  default: null,
  range: { kind: 'between', min: 0 },
  documentation: 'The number of this gateway among the others.',
}

/** -1 for `broker.id` is Kafka's way of leaving the choice to the cluster. */
function nodeIdOf(nodeId: string | undefined, brokerId: string | undefined): number | undefined {
  const chosen = brokerId === '-1' ? undefined : brokerId
  for (const [name, value] of [
    ['node.id', nodeId],
    ['broker.id', chosen],
  ] as const) {
    if (value === undefined) continue
    const verdict = validateConfig({ ...NODE_ID, name }, value)
    if (verdict.kind !== 'ok') throw new Problem(`${verdict.message}.`)
  }
  if (nodeId !== undefined && chosen !== undefined && Number(nodeId) !== Number(chosen)) {
    throw new Problem(`node.id is ${nodeId} and broker.id is ${chosen}: they are two names of one number.`)
  }
  const value = nodeId ?? chosen
  return value === undefined ? undefined : Number(value)
}

// Members of groups that are @platformatic/kafka consumers, of either protocol. Its stream goes on handing over what it had
// buffered when a rebalance began, and fetches on from there if it keeps the partition, so whoever drops those records loses
// them: they are processed, late. Commits are made by hand, of owned partitions only: its autocommit counts records as
// consumed when they were fetched.
import {
  Consumer,
  GenericError,
  type Message,
  MessagesStreamFallbackModes,
  MessagesStreamModes,
} from '@platformatic/kafka'
import type { MemberCommand, Place } from '../events.ts'
import { type RunningMember, serveMembers, type Teller } from './members.ts'

const COMMIT_MS = 200

type Start = Extract<MemberCommand, { op: 'start' }>
type Text = Message<string, string, string, string>

const base = (bootstrap: string, clientId: string) => ({
  clientId,
  bootstrapBrokers: bootstrap.split(','),
  retries: 20,
  retryDelay: 250,
})

function consumerOf(spec: Start): Consumer<string, string, string, string> {
  const text = (bytes?: Buffer): string => bytes?.toString() ?? ''
  const common = {
    ...base(spec.bootstrap, spec.member),
    groupId: spec.group,
    deserializers: { key: text, value: text, headerKey: text, headerValue: text },
    ...(spec.instanceId === undefined ? {} : { groupInstanceId: spec.instanceId }),
    ...(spec.metadataMaxAgeMs === undefined ? {} : { metadataMaxAge: spec.metadataMaxAgeMs }),
  }
  if (spec.protocol === 'consumer') {
    const assignor = spec.assignor === undefined ? {} : { groupRemoteAssignor: spec.assignor }
    return new Consumer({ ...common, groupProtocol: 'consumer', ...assignor })
  }
  const { sessionTimeoutMs } = spec
  return new Consumer({ ...common, ...(sessionTimeoutMs === undefined ? {} : { sessionTimeout: sessionTimeoutMs }) })
}

/** Commits the positions that have changed, of what it owns still, one request at a time. */
function committer(consumer: Consumer<string, string, string, string>, told: Teller) {
  const positions = new Map<string, { topic: string; partition: number; offset: bigint; leaderEpoch: number }>()
  let under: Promise<void> | undefined
  const commit = async (): Promise<void> => {
    const offsets = [...positions.values()].filter(({ topic, partition }) => told.owns(topic, partition))
    positions.clear()
    if (offsets.length === 0) return
    const sentAt = Date.now()
    try {
      await consumer.commit({ offsets })
      const places = offsets.map(({ topic, partition, offset }) => [topic, partition, Number(offset)] as const)
      told.tell({ event: 'committed', sentAt, offsets: places })
    } catch (error) {
      told.tell({ event: 'commitFailed', code: codeOf(error), text: String(error) })
    }
  }
  const flush = (): Promise<void> => {
    under ??= commit().finally(() => {
      under = undefined
    })
    return under
  }
  return {
    flush,
    done: (message: Text): void => {
      const { topic, partition, offset, leaderEpoch } = message
      positions.set(`${topic}/${partition}`, { topic, partition, offset: offset + 1n, leaderEpoch })
    },
    forget: (): void => positions.clear(),
  }
}

async function start(spec: Start, told: Teller): Promise<RunningMember> {
  const consumer = consumerOf(spec)
  const commits = committer(consumer, told)
  const places = (): Place[] =>
    (consumer.assignments ?? []).flatMap(({ topic, partitions }) => partitions.map((at): Place => [topic, at]))
  const lookAgain = (): void => {
    const now = places()
    const same = now.length === known.length && now.every(([topic, partition]) => told.owns(topic, partition))
    if (same) return
    known = now
    told.own(now)
  }
  let known: readonly Place[] = []
  consumer.on('error', (error: Error) =>
    told.tell({ event: 'error', code: codeOf(error), text: String(error), fatal: false }),
  )
  if (spec.protocol === 'consumer') {
    // What it owns changes before the heartbeat that tells the coordinator so.
    consumer.on('consumer:heartbeat:start', lookAgain)
    consumer.on('consumer:heartbeat:end', lookAgain)
    consumer.on('consumer:heartbeat:error', ({ error }) => {
      if (codeOf(error) === 110 || codeOf(error) === 25) {
        told.give('lost')
        known = []
      }
    })
  } else {
    consumer.on('consumer:group:rebalance', () => {
      commits.forget()
      told.give('revoked')
    })
    consumer.on('consumer:group:join', () => {
      told.give('lost')
      told.own(places())
    })
  }
  const stream = await consumer.consume({
    topics: [...(spec.topics ?? [])],
    mode: MessagesStreamModes.COMMITTED,
    fallbackMode: MessagesStreamFallbackModes.EARLIEST,
    autocommit: false,
    maxWaitTime: 500,
  })
  stream.on('data', (message: Text) => {
    const { topic, partition, offset, key, value } = message
    if (spec.protocol === 'consumer') lookAgain()
    told.tell({ event: 'record', topic, partition, offset: Number(offset), key, value })
    if (told.owns(topic, partition)) commits.done(message)
  })
  stream.on('error', (error: Error) =>
    told.tell({ event: 'error', code: codeOf(error), text: String(error), fatal: true }),
  )
  const timer = setInterval(() => void commits.flush(), COMMIT_MS)
  return {
    stop: async () => {
      clearInterval(timer)
      await commits.flush()
      told.give('revoked')
      await consumer.close(true)
    },
  }
}

async function alone(
  command: Extract<MemberCommand, { op: 'commitAlone' | 'fetchCommitted' }>,
): Promise<Record<string, unknown>> {
  const consumer = new Consumer({ ...base(command.bootstrap, 'alone'), groupId: command.group })
  try {
    if (command.op !== 'fetchCommitted') throw new Error('@platformatic/kafka commits as a member only')
    const [topic, partition] = command.place
    const found = await consumer.listCommittedOffsets({ topics: [{ topic, partitions: [partition] }] })
    return { offset: Number(found.get(topic)?.[partition] ?? -1n) }
  } finally {
    await consumer.close(true)
  }
}

/** Kafka's code: the first one found among nested errors. */
function codeOf(error: unknown): number {
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  if (error instanceof GenericError) {
    const code: unknown = error['apiCode']
    if (typeof code === 'number') return code
  }
  return error instanceof Error && error.cause !== undefined ? codeOf(error.cause) : -1
}

await serveMembers(start, alone, codeOf)

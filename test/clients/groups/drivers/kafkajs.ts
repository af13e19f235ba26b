// Members of groups that are KafkaJS consumers. KafkaJS knows the classic protocol only, gives everything up in each
// rebalance, and tells of it by instrumentation events. `eachMessage` leaves commits to KafkaJS; `eachBatch` resolves and
// commits by hand.
import kafkajs, { type Consumer, type EachBatchPayload } from 'kafkajs'
import type { MemberCommand, Place } from '../events.ts'
import { type RunningMember, serveMembers, type Teller } from './members.ts'

// A CommonJS module whose names Node cannot see.
const { Kafka, KafkaJSProtocolError, logLevel } = kafkajs
const COMMIT_MS = 200
const COMMIT_RECORDS = 10

const connect = (bootstrap: string, clientId: string): InstanceType<typeof Kafka> =>
  new Kafka({
    brokers: bootstrap.split(','),
    clientId,
    logLevel: logLevel.ERROR,
    logCreator: () => (entry) => process.stderr.write(`${JSON.stringify(entry)}\n`),
    retry: { retries: 30, initialRetryTime: 100, maxRetryTime: 1000 },
  })

function watch(consumer: Consumer, told: Teller): void {
  const { events } = consumer
  consumer.on(events.REBALANCING, () => told.give('revoked'))
  consumer.on(events.GROUP_JOIN, ({ payload }) => {
    // Without a rebalance before it: the coordinator did not know this member any more.
    told.give('lost')
    const places = Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) =>
      partitions.map((partition): Place => [topic, partition]),
    )
    told.own(places)
  })
  let sentAt = Date.now()
  consumer.on(events.REQUEST, ({ payload }) => {
    if (payload.apiName === 'OffsetCommit') sentAt = payload.sentAt
    if (payload.apiName === 'LeaveGroup') told.give('revoked', payload.sentAt)
  })
  consumer.on(events.COMMIT_OFFSETS, ({ payload }) => {
    const offsets = payload.topics.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, offset }) => [topic, Number(partition), Number(offset)] as const),
    )
    told.tell({ event: 'committed', sentAt, offsets })
  })
  consumer.on(events.CRASH, ({ payload }) => {
    const { error, restart } = payload
    told.give('lost')
    told.tell({ event: 'error', code: codeOf(error), text: String(error), fatal: !restart })
  })
}

async function eachBatch(payload: EachBatchPayload, told: Teller): Promise<void> {
  const { batch } = payload
  for (const [index, message] of batch.messages.entries()) {
    if (!payload.isRunning() || payload.isStale()) break
    tellRecord(told, batch.topic, batch.partition, message)
    payload.resolveOffset(message.offset)
    if (index % COMMIT_RECORDS === COMMIT_RECORDS - 1) {
      await payload.commitOffsetsIfNecessary(payload.uncommittedOffsets())
      await payload.heartbeat()
    }
  }
  await payload.commitOffsetsIfNecessary(payload.uncommittedOffsets())
}

interface Message {
  readonly offset: string
  readonly key: Buffer | null
  readonly value: Buffer | null
}

function tellRecord(told: Teller, topic: string, partition: number, { offset, key, value }: Message): void {
  const about = { key: key?.toString() ?? null, value: value?.toString() ?? null }
  told.tell({ event: 'record', topic, partition, offset: Number(offset), ...about })
}

async function start(spec: Extract<MemberCommand, { op: 'start' }>, told: Teller): Promise<RunningMember> {
  const consumer = connect(spec.bootstrap, spec.member).consumer({
    groupId: spec.group,
    ...(spec.sessionTimeoutMs === undefined ? {} : { sessionTimeout: spec.sessionTimeoutMs }),
    ...(spec.metadataMaxAgeMs === undefined ? {} : { metadataMaxAge: spec.metadataMaxAgeMs }),
    // It looks for a coordinator that has moved only after it has given up on the old one and begins anew.
    retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 500 },
    // As the other clients: its own 5 s would delay the heartbeats of a member that has nothing to read.
    maxWaitTimeInMs: 500,
  })
  watch(consumer, told)
  await consumer.connect()
  const topics = spec.pattern === undefined ? [...(spec.topics ?? [])] : [new RegExp(spec.pattern)]
  await consumer.subscribe({ topics, fromBeginning: true })
  if (spec.style === 'eachBatch') {
    const handle = (payload: EachBatchPayload): Promise<void> => eachBatch(payload, told)
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: handle })
  } else {
    await consumer.run({
      autoCommitInterval: COMMIT_MS,
      eachMessage: async ({ topic, partition, message }) => tellRecord(told, topic, partition, message),
    })
  }
  return {
    stop: () => consumer.disconnect(),
    steer: (command) => {
      if (command.op === 'seek') {
        // Told first: what comes after it is judged by it.
        told.tell({ event: 'seeked', offsets: command.offsets })
        for (const [topic, partition, offset] of command.offsets) {
          consumer.seek({ topic, partition, offset: String(offset) })
        }
        return
      }
      const places = command.places.map(([topic, partition]) => ({ topic, partitions: [partition] }))
      if (command.op === 'pause') consumer.pause(places)
      else consumer.resume(places)
    },
  }
}

async function alone(
  command: Extract<MemberCommand, { op: 'commitAlone' | 'fetchCommitted' }>,
): Promise<Record<string, unknown>> {
  const admin = connect(command.bootstrap, 'alone').admin()
  await admin.connect()
  try {
    if (command.op === 'commitAlone') {
      const [topic, partition, offset] = command.offset
      // It joins the group for a moment, and has no way to give metadata.
      await admin.setOffsets({ groupId: command.group, topic, partitions: [{ partition, offset: String(offset) }] })
      return {}
    }
    const [topic, partition] = command.place
    const found = (await admin.fetchOffsets({ groupId: command.group, topics: [topic] }))[0]
    const offset = found?.partitions.find((one) => one.partition === partition)
    return { offset: Number(offset?.offset ?? -1), metadata: offset?.metadata ?? '' }
  } finally {
    await admin.disconnect()
  }
}

/** Kafka's code, wherever KafkaJS put it. */
function codeOf(error: unknown): number {
  if (error instanceof KafkaJSProtocolError) return error.code
  return error instanceof Error && error.cause !== undefined ? codeOf(error.cause) : -1
}

await serveMembers(start, alone, codeOf)

// What members of groups ask while costs are counted: they join, say that they live and commit, in simulated time and at the
// intervals of Kafka's clients. Frames are those that tests send by hand; whoever is answered otherwise than expected ends the
// run, so that no refused request is counted as a cheap one.
import {
  beat,
  commit,
  committed,
  consumerBeat,
  find,
  join,
  type Question,
  sync,
} from '../../test/serverless/group-frames.ts'
import { createTopic, ulid } from './clients.ts'
import { type Environment, type Invocation, type Measured, measured, type World } from './lambda.ts'

/** `heartbeat.interval.ms` of clients, and what `group.consumer.heartbeat.interval.ms` tells those of KIP-848. */
export const BEAT_SECONDS = { classic: 3, consumer: 3 } as const
/** `auto.commit.interval.ms`. */
export const COMMIT_SECONDS = 5

export interface CountedGroups {
  /** Of each request of a join, and how many there are to one. */
  readonly classicJoin: Measured
  readonly consumerJoin: Measured
  readonly requestsPerJoin: { readonly classic: number; readonly consumer: number }
  readonly classicBeat: Measured
  readonly consumerBeat: Measured
  readonly commit: Measured
  /** Of an offset that is committed already. */
  readonly commitAgain: Measured
  /** Writes of the document that says when members were last heard of, by a member that only beats. */
  readonly seenPerMinute: { readonly classic: number; readonly consumer: number }
}

const TOPIC = 'grouped'
const JOINS = 16
const BEATS = 160
const COMMITS = 96
/** How often `tidelog connect` asks again for a join that has to wait. */
const PARKED_MS = 250
const SECOND_MS = 1000
const PUT = 'dynamodb PutItem'

export async function countGroups(world: World, coordinate: Environment, admin: Environment): Promise<CountedGroups> {
  await createTopic(admin, TOPIC)

  /** Asks until there is an answer; all the requests that it took go to `invocations`. */
  async function ask<Answer>({ frame, read }: Question<Answer>, invocations: Invocation[]): Promise<Answer> {
    const id = ulid()
    for (;;) {
      const invocation = await coordinate.ask(frame, id)
      invocations.push(invocation)
      // The correlation id stands where the length was before.
      if (invocation.status === 200) return read(Buffer.concat([Buffer.alloc(8), invocation.body]))
      world.aheadMs += PARKED_MS
    }
  }

  function expectNone(what: string, errorCode: number | undefined): void {
    if (errorCode !== 0) throw new Error(`${what} answered ${errorCode}`)
  }

  async function classicMember(groupId: string, invocations: Invocation[]) {
    await ask(find(groupId), invocations)
    const { memberId } = await ask(join(groupId, '', TOPIC), invocations)
    const { errorCode, generationId } = await ask(join(groupId, memberId, TOPIC), invocations)
    expectNone('JoinGroup', errorCode)
    const member = { groupId, memberId, generationId }
    const synced = await ask(sync(member, TOPIC, new Map([[memberId, [0]]])), invocations)
    expectNone('SyncGroup', synced.errorCode)
    await ask(committed(groupId, TOPIC), invocations)
    return member
  }

  async function consumerMember(groupId: string, invocations: Invocation[]) {
    await ask(find(groupId), invocations)
    const memberId = `member-of-${groupId}`
    const { errorCode, memberEpoch } = await ask(consumerBeat(groupId, memberId, 0, TOPIC), invocations)
    expectNone('ConsumerGroupHeartbeat', errorCode)
    // It says at once that it owns what it was given.
    const owning = await ask(consumerBeat(groupId, memberId, memberEpoch, TOPIC), invocations)
    expectNone('ConsumerGroupHeartbeat', owning.errorCode)
    await ask(committed(groupId, TOPIC), invocations)
    return { groupId, memberId, generationId: owning.memberEpoch }
  }

  async function joins(member: (groupId: string, invocations: Invocation[]) => Promise<unknown>, kind: string) {
    const invocations: Invocation[] = []
    for (let i = 0; i < JOINS; i++) {
      world.aheadMs += SECOND_MS
      await member(`${kind}-${i}`, invocations)
    }
    return { measured: measured(invocations), requests: invocations.length / JOINS }
  }

  async function often(count: number, everySeconds: number, run: (i: number, into: Invocation[]) => Promise<unknown>) {
    const invocations: Invocation[] = []
    for (let i = 0; i < count; i++) {
      world.aheadMs += everySeconds * SECOND_MS
      await run(i, invocations)
    }
    const one = measured(invocations)
    return { measured: one, putsPerMinute: ((one.requests.get(PUT) ?? 0) * 60) / everySeconds }
  }

  const classicJoin = await joins(classicMember, 'classic')
  const consumerJoin = await joins(consumerMember, 'consumer')
  const classic = await classicMember('classic', [])
  const classicBeats = await often(BEATS, BEAT_SECONDS.classic, async (_, into) =>
    expectNone('Heartbeat', (await ask(beat(classic), into)).errorCode),
  )
  const consumer = await consumerMember('consumer', [])
  const consumerBeats = await often(BEATS, BEAT_SECONDS.consumer, async (_, into) => {
    const { groupId, memberId, generationId } = consumer
    expectNone(
      'ConsumerGroupHeartbeat',
      (await ask(consumerBeat(groupId, memberId, generationId, TOPIC), into)).errorCode,
    )
  })
  const committing = await classicMember('committing', [])
  const commits = (offsetOf: (i: number) => number) =>
    often(COMMITS, COMMIT_SECONDS, async (i, into) => {
      const { topics } = await ask(commit(committing, TOPIC, offsetOf(i)), into)
      expectNone('OffsetCommit', topics[0]?.partitions[0]?.errorCode)
    })
  const moving = await commits((i) => i + 1)
  const resting = await commits(() => COMMITS)
  return {
    classicJoin: classicJoin.measured,
    consumerJoin: consumerJoin.measured,
    requestsPerJoin: { classic: classicJoin.requests, consumer: consumerJoin.requests },
    classicBeat: classicBeats.measured,
    consumerBeat: consumerBeats.measured,
    commit: moving.measured,
    commitAgain: resting.measured,
    seenPerMinute: { classic: classicBeats.putsPerMinute, consumer: consumerBeats.putsPerMinute },
  }
}

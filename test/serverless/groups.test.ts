// KafkaJS's consumer groups by its socket factory, through API Gateway and Lambda, where no process lives between two requests:
// members share a topic, leave and come back, offsets are committed and fetched, and its admin client lists, describes and
// deletes groups. A group whose members all died is emptied by the sweep, as the clock invokes it, with the rights of its role.
import kafkajs, { type Consumer } from 'kafkajs'
import { expect, inject, it } from 'vitest'
import { systemClock } from '../../lib/base/clock.ts'
import { newUlid } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import { createTopicFrame, readCreated } from '../clients/raw.ts'
import { invokeFunction, resourceIn } from './aws-query.ts'
import { ask, post } from './frames.ts'
import { join, list, type Question, sync } from './group-frames.ts'
import { kafkaOver } from './kafkajs.ts'

const { AssignerProtocol, PartitionAssigners } = kafkajs
const { endpointUrl, caller } = inject('deployed')
const url = inject('url')
const door = { url, keys: caller }
const kafka = kafkaOver(url, caller)
const PARTITIONS = 4
const SESSION_MS = 6000

interface Member {
  readonly consumer: Consumer
  /** Values in the order in which they were processed. */
  readonly processed: string[]
  /** What the last rebalance gave it. */
  assigned: readonly number[]
}

async function startMember(groupId: string, topic: string): Promise<Member> {
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: SESSION_MS,
    rebalanceTimeout: 10_000,
    heartbeatInterval: 1000,
    maxWaitTimeInMs: 500,
    partitionAssigners: [PartitionAssigners.roundRobin],
  })
  const member: Member = { consumer, processed: [], assigned: [] }
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    member.assigned = payload.memberAssignment[topic] ?? []
  })
  consumer.on(consumer.events.REBALANCING, () => {
    member.assigned = []
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommitInterval: 500,
    eachMessage: async ({ message }) => void member.processed.push(String(message.value)),
  })
  return member
}

const shareOf = (...members: readonly Member[]): number[] => members.flatMap(({ assigned }) => assigned).sort()
const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition)

async function timed(work: () => PromiseLike<unknown>): Promise<string> {
  const startedAt = performance.now()
  await work()
  return `${((performance.now() - startedAt) / 1000).toFixed(1)} s`
}

it('members share a topic, leave and come back; what they committed stays', async () => {
  const [topic, groupId] = ['kafkajs-group', 'kafkajs group']
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS, replicationFactor: 1 }] })
  const producer = kafka.producer()
  await producer.connect()
  const written: string[] = []
  const write = async (round: string): Promise<void> => {
    const messages = Array.from({ length: 40 }, (_, at) => ({ value: `${round} ${at}`, partition: at % PARTITIONS }))
    await producer.send({ topic, messages })
    written.push(...messages.map(({ value }) => value))
  }
  const took: Record<string, string> = {}
  const step = async (name: string, work: () => PromiseLike<unknown>): Promise<void> => {
    took[name] = await timed(work)
  }
  const settled = (...members: readonly Member[]) =>
    expect.poll(() => shareOf(...members), { timeout: 30_000, interval: 20 }).toEqual(ALL)
  const members: Member[] = []
  const all = (): Set<string> => new Set(members.flatMap(({ processed }) => processed))
  const drained = () => expect.poll(() => all().size, { timeout: 30_000, interval: 50 }).toBe(written.length)

  await write('alone')
  const joined = async (): Promise<Member> => {
    const member = await startMember(groupId, topic)
    members.push(member)
    return member
  }
  let first!: Member
  await step('the first joins', async () => {
    first = await joined()
    await settled(first)
  })
  await drained()

  let second!: Member
  await step('a second joins', async () => {
    second = await joined()
    await settled(first, second)
    await expect.poll(() => Math.min(first.assigned.length, second.assigned.length), { timeout: 30_000 }).toBe(2)
  })
  await write('shared')
  await drained()
  const { groups: described } = await admin.describeGroups([groupId])
  expect(described).toMatchObject([
    { errorCode: 0, groupId, state: 'Stable', protocol: 'RoundRobinAssigner', protocolType: 'consumer' },
  ])
  const shares = described[0]!.members.map(
    ({ memberAssignment }) => AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment[topic],
  )
  expect(shares.flat().sort()).toEqual(ALL)
  await expect(admin.deleteGroups([groupId])).rejects.toMatchObject({ groups: [{ groupId, errorCode: 68 }] })

  const reached = all()
  await step('the first leaves', async () => {
    await first.consumer.disconnect()
    await settled(second)
  })
  await write('left alone')
  await drained()
  // What was processed before is not processed again by whoever takes over: its owner committed it when it left.
  expect(second.processed.filter((value) => reached.has(value) && first.processed.includes(value))).toEqual([])
  await second.consumer.disconnect()

  const committed = await admin.fetchOffsets({ groupId, topics: [topic] })
  const ends = await admin.fetchTopicOffsets(topic)
  const byPartition = (list: readonly { readonly partition: number }[]) =>
    [...list].sort((a, b) => a.partition - b.partition)
  expect(byPartition(committed[0]!.partitions).map((one) => (one as { offset?: string }).offset)).toEqual(
    byPartition(ends).map((one) => (one as { high?: string }).high),
  )
  await write('while nobody was there')
  let third!: Member
  await step('one comes back', async () => {
    third = await joined()
    await settled(third)
  })
  await drained()
  expect(third.processed.every((value) => value.startsWith('while nobody was there'))).toBe(true)
  await third.consumer.disconnect()

  const listed = await admin.listGroups()
  expect(listed.groups).toContainEqual(expect.objectContaining({ groupId, protocolType: 'consumer' }))
  expect(await admin.deleteGroups([groupId])).toEqual([expect.objectContaining({ groupId, errorCode: 0 })])
  expect((await admin.listGroups()).groups.map((group) => group.groupId)).not.toContain(groupId)
  const forgotten = await admin.fetchOffsets({ groupId, topics: [topic] })
  expect(forgotten[0]!.partitions.map(({ offset }) => offset)).toEqual(ALL.map(() => '-1'))
  await producer.disconnect()
  await admin.disconnect()
  console.log(`KafkaJS through the socket factory: ${JSON.stringify(took)}`)
})

it('a group whose members all died is emptied by the sweep', async () => {
  const [topic, groupId] = ['swept', 'swept']
  expect(readCreated(await ask(door, 'admin', createTopicFrame(topic, 1)))).toBe(0)
  let requests = 0
  /** As a client asks: the same request until there is an answer. */
  const asked = async <Answer>({ frame, read }: Question<Answer>): Promise<Answer> => {
    const headers = { 'tidelog-request-id': `1-${newUlid(systemClock, systemRandom)}` }
    for (;;) {
      requests += 1
      const { status, body } = await post(door, 'coordinate', frame, headers)
      if (status === 200) return read(body)
      expect(status).toBe(202)
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
  const { memberId } = await asked(join(groupId, '', topic, SESSION_MS))
  const { generationId, leader } = await asked(join(groupId, memberId, topic, SESSION_MS))
  expect(leader).toBe(memberId)
  const shares = new Map([[memberId, [0]]])
  expect(await asked(sync({ groupId, memberId, generationId }, topic, shares))).toMatchObject({ errorCode: 0 })
  const stateOf = async () => (await asked(list())).groups.find((group) => group.groupId === groupId)?.groupState
  expect(await stateOf()).toBe('Stable')

  const coordinate = await resourceIn(endpointUrl, 'TidelogApi', 'AWS::Lambda::Function', 'ApiCoordinate')
  const sweep = () => invokeFunction(endpointUrl, coordinate, { job: 'sweep' })
  expect(await sweep()).toEqual({ changed: expect.any(Number) })
  expect(await stateOf()).toBe('Stable')
  await new Promise((resolve) => setTimeout(resolve, SESSION_MS))
  // Nobody asks about this group, and what lists all groups changes none.
  expect(await stateOf()).toBe('Stable')
  expect(await sweep()).toMatchObject({ changed: expect.toSatisfy((changed: number) => changed >= 1) })
  expect(await stateOf()).toBe('Empty')
  console.log(`a group of one member by hand: ${requests} requests over HTTPS`)
})

// What must hold for two gateways on one log, whatever the store: both are written through at once, one is killed with
// SIGKILL in the middle and started again, and each tells the same, complete, dense log in the end. The embedded and the
// AWS suite run this very code.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { type Address, parseAddress } from '../../../lib/base/address.ts'
import { openCluster } from '../../../lib/client/cluster.ts'
import { type Connection, openConnection } from '../../../lib/client/connection.ts'
import { consume, planConsume } from '../../../lib/client/consumer.ts'
import { buildPlainBatch } from '../../../lib/wire/build-batch.ts'
import { ErrorCode } from '../../../lib/wire/errors.ts'
import { createTopics } from '../../../lib/wire/messages/create-topics.ts'
import { deleteTopics } from '../../../lib/wire/messages/delete-topics.ts'
import { findCoordinator } from '../../../lib/wire/messages/find-coordinator.ts'
import { joinGroup } from '../../../lib/wire/messages/join-group.ts'
import { metadata } from '../../../lib/wire/messages/metadata.ts'
import { produce } from '../../../lib/wire/messages/produce.ts'
import type { Running } from '../../unit/cli/processes.ts'
import { fetchAll, look, type Reading, readAlong } from './reading.ts'
import { startWriter, type Writing } from './writing.ts'

export type Server = Running & { readonly kafka: string }
/** Starts one more gateway of the same deployment, at a given address or any. */
export type StartGateway = (kafka?: string) => Promise<Server>

const PARTITIONS = 3

function addressOf(server: Server): Address {
  return parseAddress(server.kafka)!
}

async function kill(server: Server): Promise<void> {
  server.child.kill('SIGKILL')
  await server.ended
}

async function createTopic(connection: Connection, name: string, numPartitions: number): Promise<number> {
  const topics = [{ name, numPartitions, replicationFactor: 1 }]
  const answer = await connection.request(createTopics, { topics })
  return answer.topics[0]!.errorCode
}

/** Writes through both for as long as it takes; `each` is how many records every one of the four writers gets in. */
export async function writeThroughBoth(start: StartGateway, each: number): Promise<void> {
  const [one, two] = [await start(), await start()]
  const [a, b] = [addressOf(one), addressOf(two)]
  const admin = await openConnection(a)
  expect(await createTopic(admin, 'shared', PARTITIONS)).toBe(ErrorCode.NONE)
  const { id } = (await look(admin, ['shared'])).topics.get('shared')!
  const readings = [readAlong(a, id, PARTITIONS), readAlong(b, id, PARTITIONS)]
  const writers = await Promise.all(
    [a, b].flatMap((address, index) =>
      [true, false].map((idempotent) => {
        const name = `${idempotent ? 'idempotent' : 'plain'} ${index}`
        return startWriter({ name, address, topic: 'shared', partitions: PARTITIONS, idempotent })
      }),
    ),
  )
  const written = Promise.all(writers.map((writer) => writer.until(each)))
  await Promise.race([written, reached(writers, Math.floor(each / 3))])
  await kill(two)
  await sleep(200)
  const back = await start(two.kafka)
  await written
  await Promise.all(writers.map((writer) => writer.close()))
  expect((await look(admin)).ports).toEqual([a.port, b.port].sort((x, y) => x - y))

  // The plain writers show that the one gateway was away, and that nobody at the other noticed.
  expect(writers[1]!.unknown.size).toBe(0)
  expect(writers[3]!.unknown.size).toBeGreaterThan(0)
  const last = Math.max(...writers.flatMap((writer) => writer.acknowledged.map(({ offset }) => offset)))
  expect(last).toBeGreaterThan((4 * each) / PARTITIONS - PARTITIONS)
  await settled(readings, writers)
  await Promise.all(readings.map((reading) => reading.stop()))
  expect(readings[1]!.values).toEqual(readings[0]!.values)
  verify(readings[0]!, writers)
  expect(await readRouted(addressOf(back), 'shared')).toEqual(readings[0]!.values)
  await admin.close()
}

/** Waits until every writer got as many acknowledgements. */
async function reached(writers: readonly Writing[], count: number): Promise<void> {
  while (writers.some(({ acknowledged }) => acknowledged.length < count)) await sleep(5)
}

/** Waits until both readers have everything; how much that is, only they can tell, since unknown sends may be in it. */
async function settled(readings: readonly Reading[], writers: readonly Writing[]): Promise<void> {
  const least = writers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0)
  await expect
    .poll(() => readings.every((reading) => reading.count() >= least), { timeout: 10_000, interval: 50 })
    .toBe(true)
  // One more long poll of each: what is there by now has come.
  await sleep(700)
}

/** Each acknowledged record is at its offset, each record is there once, and nothing else is. */
function verify({ values }: Reading, writers: readonly Writing[]): void {
  const all = values.flat()
  expect(new Set(all).size).toBe(all.length)
  const rest = new Set(all)
  for (const { partition, offset, value } of writers.flatMap(({ acknowledged }) => acknowledged)) {
    expect(values[partition]![offset]).toBe(value)
    rest.delete(value)
  }
  const unknown = new Set(writers.flatMap((writer) => [...writer.unknown]))
  expect([...rest].filter((value) => !unknown.has(value))).toEqual([])
  // A writer's records of one partition are in the order in which it wrote them.
  for (const list of values) {
    const byWriter = Map.groupBy(list, (value) => value.slice(0, value.lastIndexOf(' ')))
    for (const [name, own] of byWriter) {
      const numbers = own.map((value) => Number(value.slice(name.length)))
      expect(numbers).toEqual([...numbers].sort((x, y) => x - y))
    }
  }
}

/** The whole topic as an ordinary client reads it: each partition at its leader. */
async function readRouted(address: Address, name: string): Promise<string[][]> {
  const cluster = await openCluster(address)
  const topic = await cluster.existingTopic(name)
  const options = { topic, from: { kind: 'beginning' }, follow: false } as const
  const values: string[][] = topic.partitions.map(() => [])
  for await (const records of consume(cluster, options, await planConsume(cluster, options))) {
    for (const { partition, value } of records) values[partition]!.push(Buffer.from(value ?? []).toString())
  }
  await cluster.close()
  return values
}

async function write(connection: Connection, name: string, value: string): Promise<{ error: number; offset: number }> {
  const records = [buildPlainBatch({ records: [{ timestamp: Date.now(), value: Buffer.from(value) }] })]
  const topicData = [{ name, partitionData: [{ index: 0, records }] }]
  const answer = await connection.request(produce, { acks: -1, timeoutMs: 10_000, topicData })
  const [result] = answer.responses[0]!.partitionResponses
  return { error: result!.errorCode, offset: result!.baseOffset }
}

/** Topics made, filled and deleted at one gateway, looked at through the other. */
export async function topicsAcross(start: StartGateway): Promise<void> {
  const [one, two] = await Promise.all([
    openConnection(addressOf(await start())),
    openConnection(addressOf(await start())),
  ])
  expect(await createTopic(one, 'short-lived', 2)).toBe(ErrorCode.NONE)
  const first = (await look(two, ['short-lived'])).topics.get('short-lived')!
  expect(first).toMatchObject({ errorCode: ErrorCode.NONE, partitions: 2 })
  expect((await look(one)).topics.get('short-lived')!.id).toBe(first.id)
  expect(await createTopic(two, 'short-lived', 1)).toBe(ErrorCode.TOPIC_ALREADY_EXISTS)
  expect(await write(one, 'short-lived', 'a')).toEqual({ error: ErrorCode.NONE, offset: 0 })
  expect(await write(two, 'short-lived', 'b')).toEqual({ error: ErrorCode.NONE, offset: 1 })

  // Somebody waits at the second gateway while the topic is deleted at the first.
  const waited = fetchAll(two, first.id, [2, 0], 20_000)
  await sleep(200)
  const began = performance.now()
  const deleted = await one.request(deleteTopics, { topics: [{ name: 'short-lived' }], timeoutMs: 10_000 })
  expect(deleted.responses[0]!.errorCode).toBe(ErrorCode.NONE)
  const woken = (await waited).responses.flatMap((topic) => topic.partitions)
  expect(woken.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.UNKNOWN_TOPIC_ID, ErrorCode.UNKNOWN_TOPIC_ID])
  expect(performance.now() - began).toBeLessThan(5000)
  expect((await look(two, ['short-lived'])).topics.get('short-lived')!.errorCode).toBe(
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  )

  expect(await createTopic(two, 'short-lived', 1)).toBe(ErrorCode.NONE)
  for (const connection of [one, two]) {
    const again = (await look(connection, ['short-lived'])).topics.get('short-lived')!
    expect(again).toMatchObject({ errorCode: ErrorCode.NONE, partitions: 1 })
    expect(again.id).not.toBe(first.id)
    const [old] = (await fetchAll(connection, first.id, [0], 0)).responses.flatMap((topic) => topic.partitions)
    expect(old!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID)
    const [empty] = (await fetchAll(connection, again.id, [0], 0)).responses.flatMap((topic) => topic.partitions)
    expect(empty).toMatchObject({ errorCode: ErrorCode.NONE, highWatermark: 0, logStartOffset: 0 })
  }
  expect(await write(one, 'short-lived', 'c')).toEqual({ error: ErrorCode.NONE, offset: 0 })
  expect(await write(two, 'short-lived', 'd')).toEqual({ error: ErrorCode.NONE, offset: 1 })
  await Promise.all([one.close(), two.close()])
}

/** Both list both; whoever leaves in order is gone at once, and the leader epoch has risen. */
export async function membersComeAndGo(start: StartGateway): Promise<void> {
  const [first, second] = [await start(), await start()]
  const one = await openConnection(addressOf(first))
  const two = await openConnection(addressOf(second))
  expect(await createTopic(one, 'led', 4)).toBe(ErrorCode.NONE)
  const ports = [addressOf(first).port, addressOf(second).port].sort((x, y) => x - y)
  const [seen, same] = [await look(one), await look(two)]
  expect(seen.ports).toEqual(ports)
  expect(same).toEqual(seen)
  const epoch = seen.topics.get('led')!.leaderEpochs[0]!
  expect(seen.topics.get('led')!.leaderEpochs).toEqual([epoch, epoch, epoch, epoch])
  await two.close()
  second.child.kill('SIGTERM')
  expect(await second.ended).toMatchObject({ code: 0 })
  const alone = await look(one)
  expect(alone.ports).toEqual([addressOf(first).port])
  expect(alone.clusterId).toBe(seen.clusterId)
  const risen = alone.topics.get('led')!.leaderEpochs[0]!
  expect(risen).toBeGreaterThan(epoch)
  await one.close()
}

/** Where a gateway sends clients: who leads each partition in which epoch, and who coordinates each group. */
interface Directions {
  readonly brokers: readonly { readonly nodeId: number; readonly port: number }[]
  readonly leaders: readonly number[]
  readonly leaderEpochs: readonly number[]
  readonly coordinators: readonly number[]
}

const GROUPS = Array.from({ length: 60 }, (_, i) => `group-${i}`)

async function directions(connection: Connection, topic: string): Promise<Directions> {
  const answer = await connection.request(metadata, { topics: [{ name: topic }], allowAutoTopicCreation: false })
  const found = await connection.request(findCoordinator, { keyType: 0, coordinatorKeys: GROUPS })
  const { partitions } = answer.topics[0]!
  expect(partitions.map(({ errorCode }) => errorCode)).toEqual(partitions.map(() => ErrorCode.NONE))
  expect(found.coordinators.map(({ key, errorCode }) => [key, errorCode])).toEqual(
    GROUPS.map((group) => [group, ErrorCode.NONE]),
  )
  const byNode = new Map(answer.brokers.map(({ nodeId, port }) => [nodeId, port]))
  // Whoever is named can be dialled: both answers give a node the same address.
  for (const { nodeId, port } of found.coordinators) expect(byNode.get(nodeId)).toBe(port)
  return {
    brokers: answer.brokers.map(({ nodeId, port }) => ({ nodeId, port })).sort((a, b) => a.nodeId - b.nodeId),
    leaders: partitions.map(({ leaderId }) => leaderId),
    leaderEpochs: partitions.map(({ leaderEpoch }) => leaderEpoch),
    coordinators: found.coordinators.map(({ nodeId }) => nodeId),
  }
}

/** Moves only away from `gone`: who had another leader or coordinator keeps it. */
function movedFrom(gone: number, before: readonly number[], after: readonly number[]): void {
  before.forEach((nodeId, i) => {
    if (nodeId === gone) expect(after[i]).not.toBe(gone)
    else expect(after[i]).toBe(nodeId)
  })
}

/** The answers of one gateway to the first requests of a new connection to join a group. */
async function joins(server: Server, groupId: string, count: number): Promise<number[]> {
  const connection = await openConnection(addressOf(server))
  const codes: number[] = []
  for (let i = 0; i < count; i++) {
    const protocols = [{ name: 'range', metadata: new Uint8Array(0) }]
    const times = { sessionTimeoutMs: 6000, rebalanceTimeoutMs: 6000 }
    const who = { groupId, memberId: '', protocolType: 'consumer' }
    const answer = await connection.request(joinGroup, { ...who, ...times, protocols })
    codes.push(answer.errorCode)
  }
  await connection.close()
  return codes
}

/**
 * Three gateways name the same leaders, epochs and coordinators. When one of them is killed the others notice within
 * `noticedMs`, agree again, and every leader that moved did so under a higher epoch. Members of groups are steered only while
 * the list is steady.
 */
export async function threeAgree(start: StartGateway, noticedMs: number): Promise<void> {
  const servers = [await start(), await start(), await start()]
  const connections = await Promise.all(servers.map((server) => openConnection(addressOf(server))))
  const [one, two] = [connections[0]!, connections[1]!]
  expect(await createTopic(one, 'led', 60)).toBe(ErrorCode.NONE)
  const seen = await Promise.all(connections.map((connection) => directions(connection, 'led')))
  const before = seen[0]!
  expect(seen).toEqual([before, before, before])
  expect(before.brokers.map(({ port }) => port)).toEqual(servers.map((server) => addressOf(server).port))
  expect(new Set(before.leaderEpochs).size).toBe(1)
  // All three are used: with 60 partitions and 60 groups one that is not would be an odd chance indeed.
  const all = before.brokers.map(({ nodeId }) => nodeId)
  expect([...new Set(before.leaders)].sort()).toEqual(all)
  expect([...new Set(before.coordinators)].sort()).toEqual(all)

  // Who comes to join at the wrong one is sent away once, when the list has been the same for a while; then it is served.
  const led = GROUPS[before.coordinators.indexOf(before.brokers[1]!.nodeId)]!
  await expect
    .poll(() => joins(servers[0]!, led, 3), { timeout: 15_000, interval: 250 })
    .toEqual([ErrorCode.NOT_COORDINATOR, ErrorCode.MEMBER_ID_REQUIRED, ErrorCode.MEMBER_ID_REQUIRED])
  expect(await joins(servers[1]!, led, 1)).toEqual([ErrorCode.MEMBER_ID_REQUIRED])

  const gone = before.brokers[2]!.nodeId
  const killed = performance.now()
  await kill(servers[2]!)
  const listed = async (connection: Connection): Promise<number> => (await look(connection, [])).ports.length
  await expect.poll(() => Promise.all([listed(one), listed(two)]), { timeout: 30_000, interval: 50 }).toEqual([2, 2])
  expect(performance.now() - killed).toBeLessThan(noticedMs)
  // The list has just changed, so nobody is sent anywhere.
  expect(await joins(servers[0]!, led, 1)).toEqual([ErrorCode.MEMBER_ID_REQUIRED])
  const [after, same] = [await directions(one, 'led'), await directions(two, 'led')]
  expect(same).toEqual(after)
  expect(new Set(after.leaderEpochs).size).toBe(1)
  expect(after.leaderEpochs[0]).toBeGreaterThan(before.leaderEpochs[0]!)
  movedFrom(gone, before.leaders, after.leaders)
  movedFrom(gone, before.coordinators, after.coordinators)
  await Promise.all([one.close(), two.close(), connections[2]!.close()])
}

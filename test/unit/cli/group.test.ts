// `tidelog group` as a person meets it: real processes against a running log, with real members of both protocols in the
// groups that it shows, and consumers that go on where a reset put them.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as platformatic from '@platformatic/kafka'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningTidelog, Tidelog } from '../../../lib/index.ts'
import { endAll, folder, run } from './processes.ts'

const { Kafka, logLevel } = kafkajs

let log: RunningTidelog
let kafka: InstanceType<typeof Kafka>
const tide = (...args: string[]) => run([...args, '--kafka', log.bootstrap]).ended
const group = (...args: string[]) => tide('group', ...args)

beforeAll(async () => {
  log = await Tidelog.start({ store: 'memory', settings: { 'group.initial.rebalance.delay.ms': '0' } })
  kafka = new Kafka({ clientId: 'till', brokers: [log.bootstrap], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const topics = ['orders', 'returns'].map((topic) => ({ topic, numPartitions: 3 }))
  await admin.createTopics({ topics })
  await admin.disconnect()
})
afterAll(async () => {
  await endAll()
  await log.close()
})

/** For tests that start a few dozen processes one after the other. */
const MANY_MS = 120_000

/** Ten records in each of the three partitions, a second apart from noon on. */
async function fill(topic: string): Promise<void> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  const noon = Date.UTC(2026, 0, 31, 12)
  const messages = Array.from({ length: 30 }, (_, i) => {
    const second = Math.floor(i / 3)
    return { partition: i % 3, value: `${i % 3}/${second}`, timestamp: String(noon + second * 1000) }
  })
  await producer.send({ topic, messages })
  await producer.disconnect()
}

/** A member that notes what it reads, as `partition/offset`. */
async function member(groupId: string, topic: string) {
  const consumer = kafka.consumer({ groupId, heartbeatInterval: 200, sessionTimeout: 10_000 })
  const read: string[] = []
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve))
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      read.push(`${partition}/${message.offset}`)
    },
  })
  await joined
  return { read, stop: () => consumer.disconnect() }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50))
}

test(
  'a group without members: made, listed, shown, moved, saved, restored, deleted',
  async () => {
    await fill('returns')
    const dry = await group('reset-offsets', 'refunds', '--topic', 'returns', '--to-offset', '4')
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing was changed') })

    const made = await group('reset-offsets', 'refunds', '--topic', 'returns:0,2', '--to-offset', '4', '--execute')
    expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining('was never used') })
    expect((await group('list', '--state', 'empty,stable')).stdout).toMatch(/^refunds +Empty +classic/im)
    const described = (await group('describe', 'refunds')).stdout
    expect(described).toMatch(/^refunds {2}Empty {2}0 members\n/)
    expect(described).toMatch(/^returns +0 +4 +10 +6 +- /m)
    expect(described).toMatch(/^total .* 12 +-/m)
    expect(described).not.toMatch(/^returns +1 /m)

    const at = async (...flags: string[]) => {
      const { code, stdout, stderr } = await group('reset-offsets', 'refunds', ...flags, '--export')
      return {
        code,
        csv: stdout.trim().split('\n').join(' '),
        warnings: stderr.trim().split('\n').filter(Boolean).length,
      }
    }
    const all = (a: number, b: number, c: number) => `returns,0,${a} returns,1,${b} returns,2,${c}`
    expect(await at('--all-topics', '--to-current')).toEqual({ code: 0, csv: 'returns,0,4 returns,2,4', warnings: 0 })
    expect(await at('--all-topics', '--shift-by', '-9')).toEqual({
      code: 0,
      csv: 'returns,0,0 returns,2,0',
      warnings: 2,
    })
    const noon = '2026-01-31T13:00:06.500+01:00'
    expect(await at('--topic', 'returns', '--to-datetime', noon)).toMatchObject({ csv: all(7, 7, 7), warnings: 0 })
    expect(await at('--topic', 'returns:1', '--by-duration', 'PT0S')).toEqual({
      code: 0,
      csv: 'returns,1,10',
      warnings: 1,
    })

    const path = join(await folder(), 'refunds.csv')
    await writeFile(path, (await group('reset-offsets', 'refunds', '--all-topics', '--to-current', '--export')).stdout)
    await group('reset-offsets', 'refunds', '--all-topics', '--to-latest', '--execute')
    expect((await group('describe', 'refunds')).stdout).toMatch(/^total .* 0 +-/m)
    expect(await group('reset-offsets', 'refunds', '--from-file', path, '--execute')).toMatchObject({ code: 0 })
    expect(await at('--all-topics', '--to-current')).toMatchObject({ csv: 'returns,0,4 returns,2,4' })
    await writeFile(path, `refunds,returns,1,1\nothers,returns,2,2\n${await readFile(path, 'utf8')}`)
    expect(await at('--from-file', path)).toMatchObject({ csv: all(4, 1, 4) })

    expect(await group('delete-offsets', 'refunds', '--topic', 'returns:2')).toMatchObject({ code: 0 })
    expect(await at('--all-topics', '--to-current')).toMatchObject({ csv: 'returns,0,4' })
    expect(await group('delete', 'refunds')).toMatchObject({ code: 0, stdout: 'Group refunds was deleted.\n' })
    expect((await group('list')).stdout).not.toContain('refunds')
  },
  MANY_MS,
)

test(
  'a group with members is shown and left alone; after them it is moved, and read from there',
  async () => {
    await fill('orders')
    const first = await member('billing', 'orders')
    await until(() => first.read.length === 30)
    await until(async () => / 0 +- +-/.test((await group('describe', 'billing')).stdout.split('total')[1] ?? ''))

    const shown = (await group('describe', 'billing')).stdout
    expect(shown).toMatch(/^billing {2}Stable {2}1 member\nclassic protocol, assignor RoundRobinAssigner, coordinator /)
    expect(shown).toMatch(/^orders +2 +10 +10 +0 +till-\S+ +till +\S+$/m)
    expect((await group('describe', 'billing', '--members')).stdout).toMatch(
      /^till-\S+ +- +till +\S+ +- +3 +orders:0-2$/m,
    )
    expect((await group('list', '--type', 'classic')).stdout).toMatch(/^billing +Stable +classic +consumer$/im)
    const watching = run(['group', 'describe', 'billing', '--watch', '--interval', '0.1', '--kafka', log.bootstrap])
    await watching.output(/(\n\d{4}-\S+Z +orders +0 [\s\S]*){3}/)
    watching.child.kill('SIGINT')
    expect(await watching.ended).toMatchObject({ code: 0, stderr: '' })

    for (const execute of [[], ['--execute']]) {
      const refused = await group('reset-offsets', 'billing', '--topic', 'orders', '--to-earliest', ...execute)
      expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/in use .*Stop them/) })
    }
    expect(await group('delete', 'billing')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('stop them first'),
    })
    const offsets = await group('delete-offsets', 'billing', '--topic', 'orders')
    expect(offsets).toMatchObject({ code: 1, stderr: expect.stringContaining('stop them first') })

    await first.stop()
    const reset = await group('reset-offsets', 'billing', '--topic', 'orders:0,1', '--shift-by', '-2', '--execute')
    expect(reset).toMatchObject({ code: 0, stderr: '' })
    const second = await member('billing', 'orders')
    await until(() => second.read.length >= 4)
    expect(second.read.sort()).toEqual(['0/8', '0/9', '1/8', '1/9'])
    await second.stop()
  },
  MANY_MS,
)

test(
  'a group of the consumer protocol',
  async () => {
    const consumer = new platformatic.Consumer({
      ...{ clientId: 'shelf', groupId: 'stock', bootstrapBrokers: [log.bootstrap] },
      groupProtocol: 'consumer',
    })
    const stream = await consumer.consume({ topics: ['orders'], mode: 'earliest', autocommit: false })
    await until(async () => /orders:0-2$/m.test((await group('describe', 'stock', '--members')).stdout))
    expect((await group('describe', 'stock')).stdout).toMatch(
      /^stock {2}Stable {2}1 member\nconsumer protocol, assignor /,
    )
    expect((await group('list', '--type', 'Consumer')).stdout).toMatch(/^stock +Stable +consumer +consumer$/im)
    const refused = await group('reset-offsets', 'stock', '--topic', 'orders', '--to-latest', '--execute')
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('in use') })
    await stream.close()
    await consumer.close()
    await until(async () => (await group('describe', 'stock')).stdout.startsWith('stock  Empty'))
    const reset = await group('reset-offsets', 'stock', '--topic', 'orders', '--to-latest', '--execute')
    expect(reset).toMatchObject({ code: 0 })
    expect(await group('delete', 'stock')).toMatchObject({ code: 0 })
  },
  MANY_MS,
)

describe('what a person can put right is one sentence', () => {
  const here = ['--topic', 'orders', '--to-latest']
  test.each([
    [['describe', 'nobody'], /There is no group named nobody/],
    [['describe', 'nobody', '--interval', '1'], /give both/],
    [['reset-offsets', 'g', '--topic', 'orders'], /Say where to: --to-earliest/],
    [['reset-offsets', 'g', '--to-latest'], /Say of which topics/],
    [['reset-offsets', 'g', ...here, '--to-earliest'], /cannot be used with option/],
    [['reset-offsets', 'g', '--to-latest', '--all-topics'], /has no committed offsets/],
    [['reset-offsets', 'g', '--to-latest', '--topic', 'nowhere'], /There is no topic named nowhere/],
    [['reset-offsets', 'g', '--to-latest', '--topic', 'orders:3'], /there is no partition 3/],
    [['reset-offsets', 'g', '--topic', 'orders', '--shift-by', '1'], /nothing to shift/],
    [['reset-offsets', 'g', '--topic', 'orders', '--by-duration', 'P1M'], /is no duration/],
    [['reset-offsets', 'g', '--from-file', '/does/not/exist'], /cannot be read \(ENOENT\)/],
    [['delete-offsets', 'g', '--topic', 'orders'], /has no committed offsets there/],
  ])('%j', async (args, sentence) => {
    const ended = await group(...args)
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(sentence)
    expect(ended.stderr).not.toMatch(/^\s+at /m)
  })
})

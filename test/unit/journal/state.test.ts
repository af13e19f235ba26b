// The state is the same whichever way a replica came to it: entry by entry with all pages in memory, from chunks alone, or
// from a checkpoint with pages that were loaded only when somebody asked. That is what makes pages separable.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../lib/base/clock.ts'
import { PAGE_GROUPS } from '../../../lib/base/limits.ts'
import { systemRandom } from '../../../lib/base/random.ts'
import { hashState } from '../../../lib/journal/checkpoint.ts'
import { encodeGroupFenced } from '../../../lib/journal/entries/group-fenced.ts'
import { encodeHorizonAdvanced } from '../../../lib/journal/entries/horizon-advanced.ts'
import { encodeOffsetsCommitted } from '../../../lib/journal/entries/offsets-committed.ts'
import { encodeOffsetsDeleted } from '../../../lib/journal/entries/offsets-deleted.ts'
import { encodeTrimmed } from '../../../lib/journal/entries/trimmed.ts'
import { type OpenedLog, openLog } from '../../../lib/log/open-log.ts'
import { createMemoryBackend, type MemoryBackend } from '../../../lib/storage/memory/memory.ts'
import { inlineCompression } from '../../../lib/wire/native-compression.ts'

async function open(backend: MemoryBackend, checkpointEntries: number): Promise<OpenedLog> {
  const stores = backend.open()
  await stores.journal.init()
  const options = { checkpointEntries }
  const args = { stores, clock: systemClock, random: systemRandom, compression: inlineCompression, options }
  const outcome = await openLog(args)
  if (outcome.kind !== 'opened') throw new Error(outcome.kind)
  return outcome.log
}

async function stateOf(log: OpenedLog): Promise<string> {
  await log.refresh()
  const state = await hashState(log.journal)
  if (state === undefined) throw new Error('no state')
  return `${state.position.generation}/${state.position.index} ${Buffer.from(state.hash).toString('hex')}`
}

const command = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('flush' as const),
      topic: fc.nat(3),
      partitions: fc.array(fc.nat(200), { minLength: 1, maxLength: 6 }),
      producer: fc.option(fc.record({ id: fc.nat(4), sequence: fc.nat(3) })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('create' as const), topic: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), topic: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('configure' as const), topic: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('checkpoint' as const), topic: fc.nat(3) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('trim' as const),
      topic: fc.nat(3),
      partition: fc.nat(200),
      offset: fc.nat(9),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      topic: fc.nat(3),
      group: fc.nat(150),
      fence: fc.nat(3),
      partitions: fc.uniqueArray(fc.nat(220), { maxLength: 5 }),
      lag: fc.nat(3),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fence' as const),
      topic: fc.nat(3),
      group: fc.nat(150),
      fence: fc.nat(4),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('remove' as const),
      topic: fc.nat(3),
      group: fc.nat(150),
      partitions: fc.option(fc.uniqueArray(fc.nat(220), { maxLength: 9 }), { freq: 1 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('horizon' as const), topic: fc.nat(3) }) },
)

type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

async function run(log: OpenedLog, step: Command): Promise<void> {
  const name = `t${step.topic}`
  const topic = log.topicByName(name)
  if (step.kind === 'create') await log.createTopic({ name, partitions: 150, configs: new Map([['a', 'b']]) })
  else if (step.kind === 'checkpoint') await log.checkpoint()
  else if (step.kind === 'fence' || step.kind === 'remove' || step.kind === 'horizon') await writeOf(log, step)
  else if (topic === undefined) return
  else if (step.kind === 'trim' || step.kind === 'commit') await writeOf(log, { ...step, topic: topic.number })
  else if (step.kind === 'delete') await log.deleteTopic(topic)
  else if (step.kind === 'configure') await log.configureTopic(topic, new Map([['retention.ms', '1']]))
  else {
    const batches = step.partitions.map((partition) => ({
      topic,
      partition,
      bytes: new Uint8Array(70),
      recordCount: 2,
      maxTimestamp: 5,
      producerId: step.producer?.id ?? -1,
      producerEpoch: step.producer === null ? -1 : 0,
      baseSequence: step.producer === null ? -1 : step.producer.sequence * 2,
    }))
    await log.append('c', batches).outcomes
  }
}

/** Few groups, so that they meet; their numbers come to lie in several pages. */
const groupOf = (n: number): string => `g${n % 9 === 0 ? n : n % 5}`

/** Entries as they are, also such as no handler would write. `topic` is a number here. */
async function writeOf(
  { journal }: OpenedLog,
  step: Extract<Command, { kind: 'trim' | 'commit' | 'fence' | 'remove' | 'horizon' }>,
): Promise<void> {
  const { topic: topicNumber } = step
  const { position, checkpoint } = journal.replica.root
  const write = (kind: Parameters<typeof journal.write>[0], payload: Uint8Array) =>
    journal.write(kind, journal.origin(), payload)
  if (step.kind === 'trim') await write('trimmed', encodeTrimmed({ topicNumber, ...step }))
  else if (step.kind === 'horizon') {
    const generation = checkpoint?.position.generation ?? 0
    await write('horizonAdvanced', encodeHorizonAdvanced({ generation }))
  } else if (step.kind === 'fence') {
    await write('groupFenced', encodeGroupFenced({ group: groupOf(step.group), fence: step.fence }))
  } else if (step.kind === 'remove') {
    const partitions = step.partitions?.map((partition) => ({ topicNumber, partition }))
    await write('offsetsDeleted', encodeOffsetsDeleted({ group: groupOf(step.group), position, partitions }))
  } else {
    const readTo = { ...position, index: Math.max(0, position.index - step.lag) }
    const sorted = [...step.partitions].sort((a, b) => a - b)
    const offsets = sorted.map((partition) => ({
      topicNumber,
      partition,
      offset: partition * step.lag,
      leaderEpoch: step.lag - 1,
      committedMs: 1_700_000_000_000 + step.lag,
      metadata: 'm'.repeat(step.lag),
    }))
    const entry = { group: groupOf(step.group), fence: step.fence, position: readTo, offsets }
    await write('offsetsCommitted', encodeOffsetsCommitted(entry))
  }
}

/** Groups that were there before and stay: they fill the first page, so that only those of a test lie in the second. */
async function makeGroups({ journal }: OpenedLog): Promise<void> {
  const fenced = Array.from({ length: PAGE_GROUPS - 1 }, (_, i) =>
    journal.write('groupFenced', journal.origin(), encodeGroupFenced({ group: `before${i}`, fence: 1 })),
  )
  await Promise.all(fenced)
}

describe('state', () => {
  it('is the same by every way there', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 20, maxLength: 150, size: 'max' }), async (commands) => {
        const backend = createMemoryBackend()
        const writer = await open(backend, 1e9)
        await makeGroups(writer)
        const lazy = await open(backend, 1e9)
        for (const name of ['t0', 't1']) await writer.createTopic({ name, partitions: 201, configs: new Map() })
        let checkpoints = 0
        for (const step of commands) {
          await run(step.kind === 'checkpoint' && checkpoints++ % 2 === 1 ? lazy : writer, step)
          if (step.kind === 'checkpoint') await Promise.all([lazy.refresh(), writer.refresh()])
        }
        const expected = await stateOf(writer)
        expect(await stateOf(lazy)).toBe(expected)
        expect(await stateOf(await open(backend, 1e9))).toBe(expected)
      }),
      { numRuns: 40 },
    )
  })
})

// The state is the same whichever way a replica came to it: entry by entry with all pages in memory, from chunks alone, or
// from a checkpoint with pages that were loaded only when somebody asked. That is what makes pages separable.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../lib/base/clock.ts'
import { systemRandom } from '../../../lib/base/random.ts'
import { hashState } from '../../../lib/journal/checkpoint.ts'
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
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('checkpoint' as const), topic: fc.nat(3) }) },
)

type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

async function run(log: OpenedLog, step: Command): Promise<void> {
  const name = `t${step.topic}`
  const topic = log.topicByName(name)
  if (step.kind === 'create') await log.createTopic({ name, partitions: 150, configs: new Map([['a', 'b']]) })
  else if (step.kind === 'checkpoint') await log.checkpoint()
  else if (topic === undefined) return
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

describe('state', () => {
  it('is the same by every way there', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 20, maxLength: 120 }), async (commands) => {
        const backend = createMemoryBackend()
        const writer = await open(backend, 1e9)
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

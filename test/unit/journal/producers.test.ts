// Idempotence, compared with a naive model that keeps every batch it ever accepted: what is accepted, what is a duplicate and
// with which offset, within a window of five batches, across the wrap of sequences, epochs and forgotten producers.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteReader, ByteWriter } from '../../../lib/base/bytes.ts'
import { PRODUCERS_PER_PARTITION_MAX } from '../../../lib/base/limits.ts'
import {
  judgeSequence,
  noProducers,
  type Producers,
  readProducers,
  rememberBatch,
  writeProducers,
} from '../../../lib/journal/state/producers.ts'

const TOP = 2 ** 31 - 1

interface Sent {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** The sequences of a batch, one by one. */
function sequencesOf({ baseSequence, recordCount }: Sent): number[] {
  const sequences: number[] = []
  let sequence = baseSequence
  for (let i = 0; i < recordCount; i++) {
    sequences.push(sequence)
    sequence = sequence === TOP ? 0 : sequence + 1
  }
  return sequences
}

function createModel() {
  const accepted: { readonly batch: Sent; readonly sequences: number[]; readonly offset: number }[] = []
  return {
    judge(batch: Sent): string {
      const own = accepted.filter((a) => a.batch.producerId === batch.producerId)
      const epoch = Math.max(-1, ...own.map((a) => a.batch.producerEpoch))
      if (own.length === 0) return batch.baseSequence === 0 ? 'accept' : 'outOfOrderSequence'
      if (batch.producerEpoch < epoch) return 'invalidProducerEpoch'
      const current = own.filter((a) => a.batch.producerEpoch === batch.producerEpoch)
      const sequences = sequencesOf(batch)
      const same = current.slice(-5).find((a) => a.sequences.join() === sequences.join())
      if (same !== undefined) return `duplicate ${same.offset}`
      const last = current.at(-1)?.sequences.at(-1)
      const expected = last === undefined ? 0 : last === TOP ? 0 : last + 1
      return batch.baseSequence === expected ? 'accept' : 'outOfOrderSequence'
    },
    remember: (batch: Sent, offset: number) => accepted.push({ batch, sequences: sequencesOf(batch), offset }),
  }
}

function judge(producers: Producers, batch: Sent): string {
  const verdict = judgeSequence(producers, batch)
  return verdict.kind === 'duplicate' ? `duplicate ${verdict.baseOffset}` : verdict.kind
}

function reread(producers: Producers): Producers {
  const writer = new ByteWriter()
  writeProducers(writer, producers)
  const reader = new ByteReader(writer.finish())
  const copy = readProducers(reader)
  reader.end()
  return copy
}

/** A step: the next batch of a producer, one from before, a gap, or a new epoch. */
const step = fc.record({
  producerId: fc.nat(2),
  recordCount: fc.integer({ min: 1, max: 4 }),
  what: fc.oneof(
    { weight: 6, arbitrary: fc.constant('next' as const) },
    { weight: 4, arbitrary: fc.constant('repeat' as const) },
    { weight: 1, arbitrary: fc.constant('gap' as const) },
    { weight: 1, arbitrary: fc.constant('epoch' as const) },
    { weight: 1, arbitrary: fc.constant('oldEpoch' as const) },
  ),
  back: fc.nat(7),
})

describe('producers', () => {
  it('judge as the model does, also after being stored', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), fc.boolean(), (steps, nearWrap) => {
        let producers = noProducers()
        const model = createModel()
        const next = new Map<number, { epoch: number; sequence: number; sent: Sent[] }>()
        let offset = 0
        const feed = (batch: Sent): string => {
          const verdict = judge(producers, batch)
          expect(verdict).toBe(model.judge(batch))
          if (verdict === 'accept') {
            rememberBatch(producers, batch, offset)
            model.remember(batch, offset)
            offset += batch.recordCount
          }
          producers = reread(producers)
          return verdict
        }
        for (const { producerId, recordCount, what, back } of steps) {
          let state = next.get(producerId)
          if (state === undefined) {
            state = { epoch: 0, sequence: 0, sent: [] }
            next.set(producerId, state)
            if (nearWrap) {
              // One huge batch brings the producer close to where sequences wrap.
              const first = { producerId, producerEpoch: 0, baseSequence: 0, recordCount: 1 }
              feed(first)
              rememberBatch(producers, { ...first, baseSequence: TOP - 8, recordCount: 2 }, offset)
              model.remember({ ...first, baseSequence: TOP - 8, recordCount: 2 }, offset)
              offset += 2
              state.sequence = TOP - 6
            }
          }
          if (what === 'epoch') {
            state.epoch++
            state.sequence = 0
          }
          const fresh = { producerId, producerEpoch: state.epoch, baseSequence: state.sequence, recordCount }
          const old = state.sent.at(-1 - back)
          if (what === 'repeat' && old !== undefined) feed(old)
          else if (what === 'gap') feed({ ...fresh, baseSequence: (state.sequence + 1 + back) % (TOP + 1) })
          else if (what === 'oldEpoch' && state.epoch > 0) feed({ ...fresh, producerEpoch: state.epoch - 1 })
          else if (feed(fresh) === 'accept') {
            state.sent.push(fresh)
            state.sequence = (state.sequence + recordCount) % (TOP + 1)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('wraps to 0 inside a batch and after one', () => {
    const producers = noProducers()
    const batch = { producerId: 1, producerEpoch: 0, baseSequence: TOP - 1, recordCount: 4 }
    rememberBatch(producers, batch, 100)
    expect(judge(producers, batch)).toBe('duplicate 100')
    expect(judge(producers, { ...batch, baseSequence: 2, recordCount: 1 })).toBe('accept')
    expect(judge(producers, { ...batch, baseSequence: 1, recordCount: 1 })).toBe('outOfOrderSequence')
    rememberBatch(producers, { ...batch, baseSequence: TOP, recordCount: 1 }, 104)
    expect(judge(producers, { ...batch, baseSequence: 0, recordCount: 9 })).toBe('accept')
  })

  it('forgets the least recently written first, and then lets anyone begin anywhere', () => {
    const producers = noProducers()
    const batch = (producerId: number, baseSequence = 0) => ({
      producerId,
      producerEpoch: 0,
      baseSequence,
      recordCount: 1,
    })
    for (let id = 0; id < PRODUCERS_PER_PARTITION_MAX; id++) rememberBatch(producers, batch(id), id)
    expect(judge(producers, batch(1e6, 5))).toBe('outOfOrderSequence')
    rememberBatch(producers, batch(0, 1), 5000)
    rememberBatch(producers, batch(1e6), 5001)
    expect(producers.states.size).toBe(PRODUCERS_PER_PARTITION_MAX)
    expect(producers.states.has(1)).toBe(false)
    expect(producers.states.has(0)).toBe(true)
    const stored = reread(producers)
    expect(stored).toEqual(producers)
    expect(judge(stored, batch(1, 7))).toBe('accept')
    expect(judge(stored, batch(0, 7))).toBe('outOfOrderSequence')
    // The order in which they are forgotten is part of the state.
    for (const state of [producers, stored]) rememberBatch(state, batch(2e6), 5002)
    expect([...stored.states.keys()]).toEqual([...producers.states.keys()])
  })
})

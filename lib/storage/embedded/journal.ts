// The journal's head and chunks in LMDB. Each condition is judged inside the transaction that writes, so it holds against
// other processes too; appends that wait at the same time share one commit and one fsync. Every read begins with a fresh
// snapshot, which makes it strongly consistent across processes.
import { assert } from '../../base/assert.ts'
import { EMBEDDED_SEAL_AFTER, READ_CHUNKS_BYTES, TAIL_ENTRIES_MAX } from '../../base/limits.ts'
import { appended, checkpointMoved, incarnationRaised, initialised, sealBegun, sealFinished } from '../head.ts'
import type { Head, JournalStore, ReadChunksOutcome, UpdateHeadOutcome } from '../ports.ts'
import { unavailable } from './failures.ts'
import type { Handle } from './handle.ts'
import { decodeHead, encodeHead } from './head-codec.ts'

const HEAD = 'head'
/** Generations deleted in one transaction: bounds how long others wait for it. */
const DELETE_CHUNKS_PER_COMMIT = 1024

/** The journal store of one handle. */
export function createEmbeddedJournal(handle: Handle): JournalStore {
  const { environment } = handle
  const { journal } = environment
  const update = (next: (head: Head | undefined) => Head | undefined): Promise<UpdateHeadOutcome> =>
    handle.run(() => updateHead(handle, next))
  return {
    init: () => update(initialised),
    readHead: () =>
      handle.run(async () => {
        const bytes = environment.read(() => journal.getBinary(HEAD))
        return bytes === undefined ? { kind: 'missing' } : { kind: 'found', head: decodeHead(bytes) }
      }, unavailable),
    append: async (args) => {
      assert(args.entries.length >= 1 && args.entries.length <= TAIL_ENTRIES_MAX, 'an append carries 1 to 64 entries')
      return update((head) => appended(head, args))
    },
    beginSeal: (args) => update((head) => sealBegun(head, args)),
    finishSeal: (args) => update((head) => sealFinished(head, args)),
    moveCheckpoint: (args) => update((head) => checkpointMoved(head, args)),
    putChunk: (generation, bytes) =>
      handle.run(async () => {
        const outcome = await environment.commit(() => {
          if (journal.doesExist(generation)) return 'exists'
          journal.put(generation, asBuffer(bytes))
          return 'applied'
        })
        return outcome.kind === 'committed' ? { kind: outcome.value } : outcome
      }),
    readChunks: (from, to) => handle.run(async () => environment.read(() => readChunks(handle, from, to)), unavailable),
    deleteChunks: (from, to) =>
      handle.run(async () => {
        for (;;) {
          const range = { start: from, end: to + 1, limit: DELETE_CHUNKS_PER_COMMIT }
          const generations = environment.read(() => [...journal.getKeys(range)])
          if (generations.length === 0) return { kind: 'applied' }
          const outcome = await environment.commit(() => {
            for (const generation of generations) journal.remove(generation)
          })
          if (outcome.kind !== 'committed') return outcome
        }
      }),
    watch: (onChange) => handle.watch(onChange),
    sealAfter: EMBEDDED_SEAL_AFTER,
  }
}

/** The head's record as it is committed by now; what watchers compare. */
export function readHeadRecord(environment: Handle['environment']): Buffer | undefined {
  return environment.read(() => environment.journal.getBinary(HEAD))
}

/** Raises the incarnation, as an operator does after a restore from backup. */
export function raiseIncarnation(handle: Handle): Promise<UpdateHeadOutcome> {
  return handle.run(() => updateHead(handle, incarnationRaised))
}

async function updateHead(
  handle: Handle,
  next: (head: Head | undefined) => Head | undefined,
): Promise<UpdateHeadOutcome> {
  const { environment } = handle
  let records: { before: Buffer | undefined; after: Buffer } | undefined
  const outcome = await environment.commit((): UpdateHeadOutcome => {
    const before = environment.journal.getBinary(HEAD)
    const head = before && decodeHead(before)
    const changed = next(head)
    if (changed === undefined) return { kind: 'rejected', head }
    const after = encodeHead(changed)
    environment.journal.put(HEAD, after)
    records = { before, after }
    return { kind: 'applied', head: changed }
  })
  if (outcome.kind !== 'committed') return outcome
  if (records !== undefined) handle.changed(records.before, records.after)
  return outcome.value
}

function readChunks(handle: Handle, from: number, to: number): ReadChunksOutcome {
  const chunks: { generation: number; bytes: Uint8Array }[] = []
  let sizeBytes = 0
  for (const { key, value } of handle.environment.journal.getRange({ start: from, end: to + 1 })) {
    if (chunks.length > 0 && sizeBytes + value.length > READ_CHUNKS_BYTES) {
      return { kind: 'found', chunks, complete: false }
    }
    chunks.push({ generation: Number(key), bytes: value })
    sizeBytes += value.length
  }
  return { kind: 'found', chunks, complete: true }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes)
}

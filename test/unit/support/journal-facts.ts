// What is in a journal, read from the store itself: tests compare it with what processes were told.
import { newTopicId } from '../../../lib/base/ids.ts'
import type { AppendOutcome } from '../../../lib/journal/appender.ts'
import { chainHash, decodeChunk, NO_CHUNKS_HASH } from '../../../lib/journal/chunk.ts'
import { decodeTopicCreated, encodeTopicCreated } from '../../../lib/journal/entries/topic-created.ts'
import { decodeEntry, type EncodedEntry, encodeEntry } from '../../../lib/journal/entry.ts'
import type { Journal } from '../../../lib/journal/journal.ts'
import type { Head } from '../../../lib/storage/ports.ts'
import { rest, seededRandom } from './manual-clock.ts'
import type { JournalProcess, World } from './world.ts'

const random = seededRandom(77)

/** An entry that a test can recognise: it creates a topic of this name. */
export function entryNamed(journal: Journal, name: string): EncodedEntry {
  const payload = encodeTopicCreated({ topicId: newTopicId(random), name, partitions: 1, configs: new Map() })
  return encodeEntry({ kind: 'topicCreated', id: journal.newId(), origin: journal.origin() }, payload)!
}

export function appendNamed(journal: Journal, ...names: string[]): Promise<AppendOutcome[]> {
  return Promise.all(journal.appender.append(names.map((name) => ({ entry: entryNamed(journal, name) }))))
}

export async function headOf(world: World): Promise<Head> {
  const read = await world.plain.journal.readHead()
  if (read.kind !== 'found') throw new Error(read.kind)
  return read.head
}

export async function chunksOf(world: World, from = 1): Promise<{ generation: number; bytes: Uint8Array }[]> {
  const chunks: { generation: number; bytes: Uint8Array }[] = []
  for (;;) {
    const read = await world.plain.journal.readChunks((chunks.at(-1)?.generation ?? from - 1) + 1, 1e6)
    if (read.kind !== 'found') throw new Error(read.kind)
    chunks.push(...read.chunks)
    if (read.complete) return chunks
  }
}

/** Names of the entries in the journal, in order; of other entries their kind. */
export async function namesIn(world: World, from = 1): Promise<string[]> {
  const head = await headOf(world)
  const sealedLast = head.sealed.length > 0 ? head.generation - 1 : head.generation
  const chunks = (await chunksOf(world, from)).filter(({ generation }) => generation < sealedLast)
  const entries = [...chunks.flatMap(({ bytes }) => decodeChunk(bytes)), ...head.sealed, ...head.tail]
  return entries.map(decodeEntry).map(({ kind, payload }) => {
    return kind === 'topicCreated' ? decodeTopicCreated(payload!).name : kind
  })
}

/** Fails unless every generation up to the head has its chunk and the head's hash is theirs. */
export async function verifyChain(world: World): Promise<void> {
  const head = await headOf(world)
  const last = head.sealed.length > 0 ? head.generation - 2 : head.generation - 1
  let hash = NO_CHUNKS_HASH
  let generation = 0
  for (const chunk of await chunksOf(world)) {
    if (chunk.generation > last) continue
    if (chunk.generation !== ++generation) throw new Error(`no chunk ${generation}`)
    hash = chainHash(hash, chunk.bytes)
  }
  if (generation !== last) throw new Error(`chunks end at ${generation}, not at ${last}`)
  if (Buffer.compare(hash, head.hash) !== 0) throw new Error('the hash of the head is not that of its chunks')
}

/** Appends through `other` until the journal was sealed `times` times. */
export async function sealAway(world: World, other: JournalProcess, label: string, times = 1): Promise<void> {
  for (let seal = 0; seal < times; seal++) {
    const { generation } = await headOf(world)
    for (let i = 0; (await headOf(world)).generation === generation; i++) {
      await world.run(appendNamed(other.journal, `${label}${seal}.${i}`))
      await rest()
    }
  }
}

// The end of a run, seen from inside: every replica at the same position has the same state, which is also that of the whole
// history folded once more from its first entry; and a process that meets what only a newer release can understand stops
// serving instead of guessing.

import { newUlid } from '../../lib/base/ids.ts'
import { encodeFoldVersion } from '../../lib/journal/entries/fold-version.ts'
import { decodeEntry, encodeEntry } from '../../lib/journal/entry.ts'
import { applyEntry, isBehindHorizon } from '../../lib/journal/fold.ts'
import { comparePositions } from '../../lib/journal/position.ts'
import {
  applyWork,
  emptyPage,
  encodePage,
  type Page,
  type PageVerdict,
  type PageWork,
} from '../../lib/journal/state/page.ts'
import { livingPages } from '../../lib/journal/state/page-keys.ts'
import { emptyRoot, encodeRoot, type PageKey, type RootState } from '../../lib/journal/state/root.ts'
import type { Log } from '../../lib/log/log.ts'
import type { OpenedLog } from '../../lib/log/open-log.ts'
import type { GroupEffect } from './group-history.ts'
import { type Effect, partitionName } from './history.ts'
import type { Oracle } from './oracle.ts'
import type { Seeded } from './random.ts'
import type { Scene } from './scene.ts'

type Sight = (anomaly: string, detail: string) => void

interface WholeState {
  readonly root: RootState
  readonly pages: ReadonlyMap<PageKey, Page>
  /** Topics as they were made and deleted, and what became of offsets of groups. */
  readonly effects: readonly (Effect | GroupEffect)[]
}

/** Folds every entry that ever reached the journal, bodies taken from what was ever stored. */
function foldAnew(oracle: Oracle): WholeState {
  const root = emptyRoot()
  const pages = new Map<PageKey, Page>()
  const effects: (Effect | GroupEffect)[] = []
  for (const [generation, entries] of [...oracle.generations].sort(([a], [b]) => a - b)) {
    for (const [index, bytes] of entries.entries()) {
      const envelope = decodeEntry(bytes)
      root.position = { generation, index }
      const passed = { generation, index: index + 1 }
      if (isBehindHorizon(root, envelope)) {
        root.position = passed
        continue
      }
      let { payload } = envelope
      if (payload === undefined) {
        const { key, start, length } = envelope.reference!
        const body = oracle.archive.get(key)
        if (body === undefined) throw new Error(`the body ${key} of an entry was never stored`)
        payload = body.subarray(start, start + length)
      }
      const verdict = applyEntry(root, envelope, payload)
      if (verdict.kind === 'created') effects.push({ kind: 'effect', action: 'create', name: verdict.topic.name })
      if (verdict.kind === 'deleted') effects.push({ kind: 'effect', action: 'delete', name: verdict.topic.name })
      for (const work of 'works' in verdict ? verdict.works : []) {
        const page = pages.get(work.pageKey) ?? emptyPage(work.pageKey)
        pages.set(work.pageKey, page)
        effects.push(...offsetEffects(root, work, applyWork(page, work)))
      }
      root.position = passed
    }
  }
  return { root, pages, effects }
}

/** What a page did with offsets of a group. */
function offsetEffects(
  root: RootState,
  work: PageWork,
  verdicts: readonly (PageVerdict | undefined)[],
): readonly GroupEffect[] {
  if (work.kind !== 'commit' && work.kind !== 'removeOffsets' && work.kind !== 'removeGroup') return []
  const group = [...root.groups.values()].find(({ number }) => number === work.groupNumber)?.name ?? ''
  const nameOf = (topicNumber: number, partition: number): string =>
    partitionName(root.topics.get(topicNumber)?.id ?? '', partition)
  if (work.kind === 'removeGroup') return [{ kind: 'groupEffect', group, what: 'removed', offsets: [] }]
  if (work.kind === 'removeOffsets') {
    const offsets = work.partitions.map(({ topicNumber, partition }) => ({
      partition: nameOf(topicNumber, partition),
      offset: -1,
      metadata: '',
    }))
    return [{ kind: 'groupEffect', group, what: 'removed', offsets }]
  }
  const offsets = work.offsets.flatMap((committed, i) => {
    if (committed === undefined || verdicts[i]?.kind !== 'committed') return []
    const { topicNumber, partition, offset, metadata } = committed
    return [{ partition: nameOf(topicNumber, partition), offset, metadata }]
  })
  return offsets.length === 0 ? [] : [{ kind: 'groupEffect', group, what: 'committed', offsets }]
}

/** The log with its journal. */
export const isOpened = (log: Log | undefined): log is OpenedLog => log !== undefined && 'journal' in log

/** Compares all replicas with the fold of the whole history, and notes what that says of topics. */
export function compareReplicas(scene: Scene, oracle: Oracle, sight: Sight): void {
  const truth = foldAnew(oracle)
  for (const effect of truth.effects) scene.history.add(effect)
  const functions = scene.fleet.environments.map(({ name, runtime }) => ({ name, log: runtime?.log }))
  for (const { name, log } of [...scene.cluster.processes, ...functions]) {
    if (!isOpened(log)) continue
    const { replica } = log.journal
    const { horizon, checkpoint } = replica.root
    if (horizon > (checkpoint?.position.generation ?? 0))
      sight('horizon', `${name}: the horizon ${horizon} has passed the checkpoint`)
    if (replica.haltedBecause !== undefined) continue
    // Nothing is appended any more: who is behind has nothing to be ahead of.
    const lag = comparePositions(replica.root.position, truth.root.position)
    if (lag > 0 && replica.root.position.index > 0) sight('divergence', `${name} is ahead of the journal`)
    if (lag === 0) compareRoots(name, replica.root, truth.root, sight)
    if (lag !== 0) continue
    const lives = livingPages(truth.root)
    for (const [key, page] of truth.pages) {
      const mine = replica.pages.loaded(key)
      if (mine === undefined || !lives(key)) continue
      if (Buffer.compare(encodePage(mine), encodePage(page)) !== 0) sight('divergence', `${name}: page ${key} differs`)
    }
  }
}

/** The chunks' running hash is checked where it is stored; a replica folds the rest. */
function compareRoots(name: string, mine: RootState, truth: RootState, sight: Sight): void {
  const plain = (root: RootState): RootState => ({
    ...root,
    chunksHash: new Uint8Array(32),
  })
  if (Buffer.compare(encodeRoot(plain(mine)), encodeRoot(plain(truth))) !== 0) {
    const show = ({ position, horizon, checkpoint, nextTopicNumber }: RootState): string =>
      JSON.stringify({ position, horizon, checkpoint: checkpoint?.key, nextTopicNumber })
    sight('divergence', `${name}: the root differs: ${show(mine)} is not ${show(truth)}`)
  }
}

/** Puts an entry of a newer release into the journal: nobody may serve anything after it. */
export async function poisonJournal(scene: Scene, oracle: Oracle, random: Seeded, sight: Sight): Promise<void> {
  const { world, cluster } = scene
  const { journal } = oracle.stores
  const processes = cluster.processes.filter((process) => isOpened(process.log) && process.host.state() === 'running')
  const read = await journal.readHead()
  if (read.kind !== 'found') return
  const { generation, incarnation } = read.head
  const id = newUlid({ now: world.now, monotonic: world.now, timer: () => () => {} }, random)
  const known = encodeEntry({ kind: 'foldVersion', id, origin: generation }, encodeFoldVersion({ version: 99 }))!
  const bytes = Uint8Array.from(known.bytes)
  if (random.chance(0.5)) bytes[1] = 99
  await journal.append({ generation, incarnation, entries: [bytes] })
  for (const { name, log } of processes) {
    if (log === undefined) continue
    const outcomes = await Promise.race([
      (async () => [await log.refresh(), await log.refresh()])(),
      world.pause(20_000).then(() => undefined),
    ])
    const last = outcomes?.at(-1)
    if (last?.kind !== 'halted')
      sight('zombie-release', `${name} goes on after an entry that it cannot know: ${last?.kind}`)
    const topic = [...log.topics()][0]
    if (topic === undefined) continue
    const offsets = await Promise.race([log.offsets(topic, 0), world.pause(20_000).then(() => undefined)])
    if (offsets !== undefined && offsets.kind === 'found') sight('zombie-release', `${name} still answers`)
  }
}

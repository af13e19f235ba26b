// The fold without a journal around it: entries one after the other, with all pages in memory, so that a test can say what
// an entry means without stores, processes or time.
import { newTopicId, ulidFromBytes } from '../../../lib/base/ids.ts'
import { encodeTopicCreated } from '../../../lib/journal/entries/topic-created.ts'
import { decodeEntry, type EntryKind, encodeEntry, encodeEntryByReference } from '../../../lib/journal/entry.ts'
import { applyEntry, type Verdict } from '../../../lib/journal/fold.ts'
import type { Position } from '../../../lib/journal/position.ts'
import { applyWork, emptyPage, type Page, type PageVerdict } from '../../../lib/journal/state/page.ts'
import { emptyRoot, type RootState, type TopicState } from '../../../lib/journal/state/root.ts'
import { seededRandom } from './manual-clock.ts'

export interface Fold {
  readonly root: RootState
  /** Where the next entry stands. */
  readonly position: Position
  /** Applies an entry and gives its work to its pages. `verdicts` are those of its parts, if pages decide some. */
  apply(
    kind: EntryKind,
    payload: Uint8Array,
    origin?: number,
  ): { readonly verdict: Verdict; readonly verdicts: readonly (PageVerdict | undefined)[] }
  page(key: string): Page
  createTopic(name: string, partitions: number): TopicState
  /** The next generation begins. */
  seal(): void
}

export function createFold(): Fold {
  const random = seededRandom(5)
  const root = emptyRoot()
  const pages = new Map<string, Page>()
  const pageOf = (key: string): Page => {
    const page = pages.get(key) ?? emptyPage(key)
    pages.set(key, page)
    return page
  }
  const apply: Fold['apply'] = (kind, payload, origin = root.position.generation) => {
    const head = { kind, id: ulidFromBytes(random.bytes(16)), origin }
    const entry = encodeEntry(head, payload) ?? encodeEntryByReference(head, payload, 0)
    const verdict = applyEntry(root, decodeEntry(entry.bytes), payload)
    const verdicts: (PageVerdict | undefined)[] = 'verdicts' in verdict ? verdict.verdicts : []
    for (const work of 'works' in verdict ? verdict.works : []) {
      for (const [i, settled] of applyWork(pageOf(work.pageKey), work).entries()) verdicts[work.from + i] ??= settled
    }
    root.position = { ...root.position, index: root.position.index + 1 }
    return { verdict, verdicts }
  }
  return {
    root,
    get position() {
      return root.position
    },
    apply,
    page: pageOf,
    createTopic(name, partitions) {
      const topic = { topicId: newTopicId(random), name, partitions, configs: new Map<string, string>() }
      const { verdict } = apply('topicCreated', encodeTopicCreated(topic))
      if (verdict.kind !== 'created') throw new Error(verdict.kind)
      return verdict.topic
    },
    seal() {
      root.position = { generation: root.position.generation + 1, index: 0 }
    },
  }
}

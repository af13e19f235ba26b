// A wrapper around the stores that reports every call: which store and operation, how it ended, how long it took and how
// many bytes of content it carried. Metrics are made of these reports, and so are the tests that count store calls. It adds
// no behaviour: arguments and answers pass through as they are, and `watch` is there only if the adapter has it.
import type { Clock } from '../base/clock.ts'
import type { DocumentStore, JournalStore, ObjectStore, Stores } from './ports.ts'

/** One finished call to a store. */
export interface StoreCall {
  readonly store: 'objects' | 'journal' | 'documents'
  /** The method's name in its port. */
  readonly operation: string
  /** The `kind` of the answer, or `threw`. */
  readonly outcome: string
  readonly durationMs: number
  /** Content written or read, where the operation carries any. */
  readonly bytes?: number
}

type Outcome = { readonly kind: string }
type Run = <T extends Outcome>(
  operation: string,
  call: () => Promise<T>,
  sizeOf?: (outcome: T) => number | undefined,
) => Promise<T>

/**
 * The same stores, every call of which is reported when it has ended.
 *
 * @example
 * const calls: StoreCall[] = []
 * const stores = observeStores(createMemoryStores(), (call) => calls.push(call), systemClock)
 */
export function observeStores(stores: Stores, onCall: (call: StoreCall) => void, clock: Clock): Stores {
  const running =
    (store: StoreCall['store']): Run =>
    async (operation, call, sizeOf) => {
      const startedMs = clock.monotonic()
      const report = (outcome: string, bytes?: number): void => {
        const durationMs = clock.monotonic() - startedMs
        onCall({ store, operation, outcome, durationMs, ...(bytes === undefined ? {} : { bytes }) })
      }
      try {
        const outcome = await call()
        report(outcome.kind, sizeOf?.(outcome))
        return outcome
      } catch (error) {
        report('threw')
        throw error
      }
    }
  return {
    objects: observeObjects(stores.objects, running('objects')),
    journal: observeJournal(stores.journal, running('journal')),
    documents: observeDocuments(stores.documents, running('documents')),
    close: () => stores.close(),
  }
}

function observeObjects(objects: ObjectStore, run: Run): ObjectStore {
  const { readsAreCheap } = objects
  return {
    ...(readsAreCheap === undefined ? {} : { readsAreCheap }),
    put: (key, body, options) =>
      run(
        'put',
        () => objects.put(key, body, options),
        () => sizeOfAll(body),
      ),
    get: (key, range) =>
      run(
        'get',
        () => objects.get(key, range),
        (outcome) => (outcome.kind === 'found' ? outcome.bytes.length : undefined),
      ),
    delete: (keys) => run('delete', () => objects.delete(keys)),
    list: (kind, options) => run('list', () => objects.list(kind, options)),
  }
}

function observeJournal(journal: JournalStore, run: Run): JournalStore {
  const { watch, sealAfter } = journal
  return {
    init: () => run('init', () => journal.init()),
    readHead: () => run('readHead', () => journal.readHead()),
    append: (args) =>
      run(
        'append',
        () => journal.append(args),
        () => sizeOfAll(args.entries),
      ),
    beginSeal: (args) => run('beginSeal', () => journal.beginSeal(args)),
    putChunk: (generation, bytes) =>
      run(
        'putChunk',
        () => journal.putChunk(generation, bytes),
        () => bytes.length,
      ),
    finishSeal: (args) => run('finishSeal', () => journal.finishSeal(args)),
    moveCheckpoint: (args) => run('moveCheckpoint', () => journal.moveCheckpoint(args)),
    readChunks: (from, to) =>
      run(
        'readChunks',
        () => journal.readChunks(from, to),
        (outcome) => (outcome.kind === 'found' ? sizeOfAll(outcome.chunks.map(({ bytes }) => bytes)) : undefined),
      ),
    deleteChunks: (from, to) => run('deleteChunks', () => journal.deleteChunks(from, to)),
    ...(sealAfter === undefined ? {} : { sealAfter }),
    ...(watch === undefined ? {} : { watch: (onChange: () => void) => watch.call(journal, onChange) }),
  }
}

function observeDocuments(documents: DocumentStore, run: Run): DocumentStore {
  return {
    get: (key) =>
      run(
        'get',
        () => documents.get(key),
        (outcome) => (outcome.kind === 'found' ? outcome.document.body.length : undefined),
      ),
    put: (key, body, expected, first) =>
      run(
        'put',
        () => documents.put(key, body, expected, first),
        () => body.length,
      ),
    delete: (key, expected) => run('delete', () => documents.delete(key, expected)),
    list: (collection, options) => run('list', () => documents.list(collection, options)),
  }
}

function sizeOfAll(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}

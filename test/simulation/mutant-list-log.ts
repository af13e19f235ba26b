// Mutants of the fold, and of the log on top of it: producers, ingest, fetch, the collector.
import type { Mutant } from './mutant-list.ts'

const REPLICA = 'lib/journal/replica.ts'

export const foldMutants: readonly Mutant[] = [
  {
    name: 'skip-unknown-kind',
    sentence: 'a process that meets a kind it does not know stops serving; it never skips an entry',
    edits: [
      {
        file: REPLICA,
        search: '    const envelope = decodeEntry(bytes)\n    const own',
        replace:
          '    let envelope: Envelope\n    try {\n      envelope = decodeEntry(bytes)\n    } catch {\n      root.position = { generation: root.position.generation, index: root.position.index + 1 }\n      return\n    }\n    const own',
      },
    ],
    seeds: 50,
  },
  {
    name: 'accept-newer-rules',
    sentence: 'a process that meets a fold version it does not know stops serving',
    edits: [
      {
        file: 'lib/journal/entries/fold-version.ts',
        search: 'if (entry.version > FOLD_VERSION_MAX)',
        replace: 'if (entry.version > FOLD_VERSION_MAX + 1e6)',
      },
    ],
    seeds: 50,
  },
  {
    name: 'two-creators',
    sentence: 'the fold is the only judge: two creators of one name get one topic and one error',
    edits: [
      {
        file: 'lib/journal/entries/topic-created.ts',
        search: 'if (root.numbersByName.has(entry.name) || root.numbersById.has(entry.topicId))',
        replace: 'if (root.numbersById.has(entry.topicId))',
      },
    ],
    seeds: 50,
  },
  {
    name: 'lost-update',
    sentence: 'the fold is the only judge: a change of a topic names the version that it rests on',
    edits: [
      {
        file: 'lib/journal/entries/topic-changed.ts',
        search: "if (topic.version !== entry.version) return { kind: 'stale' }",
        replace: '',
      },
    ],
    seeds: 1000,
  },
  {
    name: 'window-of-two',
    sentence: 'idempotence by producer id, epoch and sequence, remembering the last five batches',
    edits: [
      {
        file: 'lib/base/limits.ts',
        search: 'export const PRODUCER_BATCHES = 5',
        replace: 'export const PRODUCER_BATCHES = 2',
      },
    ],
    seeds: 50,
  },
  {
    name: 'any-sequence',
    sentence: 'idempotence: a gap in the sequence is out of order',
    edits: [
      {
        file: 'lib/journal/state/producers.ts',
        search: "return { kind: batch.baseSequence === expected ? 'accept' : 'outOfOrderSequence' }",
        replace: "return { kind: batch.baseSequence >= 0 || expected ? 'accept' : 'outOfOrderSequence' }",
      },
    ],
    seeds: 200,
  },
  {
    name: 'any-first-sequence',
    sentence: 'a producer without state in a partition starts at sequence 0',
    edits: [
      {
        file: 'lib/journal/state/producers.ts',
        search: "return { kind: batch.baseSequence === 0 || producers.forgotten ? 'accept' : 'outOfOrderSequence' }",
        replace: "return { kind: batch.baseSequence >= 0 ? 'accept' : 'outOfOrderSequence' }",
      },
    ],
    seeds: 200,
  },
  {
    name: 'old-epoch-lands',
    sentence: 'a fenced producer changes nothing after it was fenced',
    edits: [
      {
        file: 'lib/journal/state/producers.ts',
        search: "if (batch.producerEpoch < state.epoch) return { kind: 'invalidProducerEpoch' }",
        replace: "if (batch.producerEpoch < state.epoch) return { kind: 'accept' }",
      },
    ],
    seeds: 1000,
  },
]

export const logMutants: readonly Mutant[] = [
  {
    name: 'stale-offsets',
    sentence: 'an answer that is a fact about now is given only after a head read that began after the request arrived',
    edits: [
      {
        file: 'lib/log/offsets.ts',
        search: 'const refreshed = await replica.refresh()',
        replace:
          "const refreshed = await Promise.resolve({ kind: 'fresh' } as Awaited<ReturnType<typeof replica.refresh>>)",
      },
    ],
    seeds: 20,
  },
  {
    name: 'stale-fetch-at-the-end',
    sentence: "a fetch at or beyond the replica's end is answered only after a head read that began after it arrived",
    edits: [
      {
        file: 'lib/log/fetch.ts',
        search: 'if (offset < logStartOffset || offset >= lastStableOffset) return false',
        replace: 'if (offset < logStartOffset) return false',
      },
    ],
    seeds: 50,
  },
  {
    name: 'shared-read-that-began-before',
    sentence: 'concurrent requests share one head read that began after they arrived',
    edits: [
      {
        file: 'lib/journal/share-reads.ts',
        search: 'nextReading ??= reading.then(() => {',
        replace: 'nextReading = reading\n    void reading.then(() => {',
      },
    ],
    seeds: 50,
  },
  {
    name: 'append-as-uploaded',
    sentence: 'append to the journal in arrival order',
    edits: [
      {
        file: 'lib/log/ingest.ts',
        search: '      const first = flushes[0]\n',
        replace:
          "      flushes.sort((a, b) => Number(a.state === 'uploading') - Number(b.state === 'uploading'))\n      const first = flushes[0]\n",
      },
    ],
    seeds: 50,
  },
  {
    name: 'later-ones-go-on',
    sentence: 'when a segment cannot be committed, all later requests of the same connections fail; nothing overtakes',
    edits: [
      {
        file: 'lib/log/ingest.ts',
        search: 'if (connections.has(item.submission.connection)) settle(item',
        replace: 'if (connections.size < 0) settle(item',
      },
    ],
    seeds: 1000,
  },
  {
    name: 'journal-before-object',
    sentence: 'PUT first, sequence second',
    edits: [
      {
        file: 'lib/log/upload.ts',
        search: "if (outcome.kind === 'applied' || outcome.kind === 'exists') {",
        replace: "if (outcome.kind !== 'exists' || done === false) {",
      },
    ],
    seeds: 20,
  },
  {
    name: 'unchecked-bytes',
    sentence: 'a slow or torn object body, a flipped bit: detected by length and CRC, read again',
    edits: [
      {
        file: 'lib/log/read-batches.ts',
        search:
          'return batchSizeBytes(batch) === batch.length && readBatchHeader(batch).crc === crc32c(batch.subarray(21))',
        replace:
          'return batchSizeBytes(batch) === batch.length || readBatchHeader(batch).crc === crc32c(batch.subarray(21))',
      },
    ],
    seeds: 100,
  },
  {
    name: 'collect-without-horizon',
    sentence: 'garbage collection: the horizon first, folded, and only then what is older goes',
    edits: [
      {
        file: 'lib/log/collect.ts',
        search: 'if (journal.replica.root.horizon < generation) {',
        replace: 'if (journal.replica.root.horizon < -1) {',
      },
      {
        file: 'lib/log/collect.ts',
        search: 'return journal.replica.root.horizon >= generation ? journal.replica.root.position : undefined',
        replace: 'return journal.replica.root.position',
      },
    ],
    seeds: 1000,
  },
]

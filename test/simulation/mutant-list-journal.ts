// Mutants of the journal: appends, refreshes, seals, checkpoints, the head.
import type { Mutant } from './mutant-list.ts'

const HEAD = 'lib/storage/head.ts'
const APPENDER = 'lib/journal/appender.ts'
const REPLICA = 'lib/journal/replica.ts'
const SEAL = 'lib/journal/seal.ts'

export const journalMutants: readonly Mutant[] = [
  {
    name: 'append-without-contains',
    sentence: 'append on the condition NOT contains(tail, entry): a repeat can never append twice',
    edits: [
      {
        file: HEAD,
        search:
          'if (args.entries.some((entry) => head.tail.some((other) => Buffer.compare(entry, other) === 0))) return undefined',
        replace: '',
      },
    ],
    seeds: 20,
  },
  {
    name: 'append-to-any-generation',
    sentence: 'append on the condition generation = known: what arrives late is rejected',
    edits: [
      {
        file: HEAD,
        search: 'if (!isAt(head, args) || head.tail.length >= TAIL_ENTRIES_MAX) return undefined',
        replace: 'if (head === undefined || head.tail.length >= TAIL_ENTRIES_MAX) return undefined',
      },
    ],
    seeds: 50,
  },
  {
    name: 'resend-without-looking',
    sentence: 'the generation has passed: look for the entry, and only where it is not found try again on the new one',
    edits: [
      {
        file: APPENDER,
        search: 'open = settlePassed(open)\n      if (open.length === 0) return\n',
        replace: '',
      },
    ],
    seeds: 3000,
  },
  {
    name: 'resend-after-a-gap',
    sentence:
      'if any generation from the known one on is no longer there, the outcome is unknown and the entry is never sent again',
    edits: [
      {
        file: APPENDER,
        search:
          "if (replica.restarts !== restarts) return settleAll(open, { kind: doubtful ? 'unknown' : 'unavailable' })",
        replace: '',
      },
    ],
    seeds: 1000,
  },
  {
    name: 'unknown-is-failure',
    sentence: 'nobody may treat unknown as failure',
    edits: [
      {
        file: APPENDER,
        search: "if (outcome.kind !== 'rejected') for (const waiting of open) waiting.doubtful = true",
        replace: '',
      },
    ],
    // Giving up is rare after 30 s; sooner, it shows what the answer then is.
    beside: [{ file: APPENDER, search: 'const GIVE_UP_MS = 30_000', replace: 'const GIVE_UP_MS = 50' }],
    seeds: 50,
  },
  {
    name: 'begin-seal-over-sealed',
    sentence: 'beginSeal on the condition that sealed is empty',
    edits: [
      {
        file: HEAD,
        search: 'if (!isAt(head, args) || head.sealed.length > 0 || head.tail.length === 0) return undefined',
        replace: 'if (!isAt(head, args) || head.tail.length === 0) return undefined',
      },
    ],
    beside: [
      {
        file: APPENDER,
        search: 'if (head.sealed.length > 0) return finishInBackground(head)\n    const sentAt',
        replace: 'if (head.sealed.length > 0) void finishInBackground(head)\n    const sentAt',
      },
    ],
    seeds: 50,
  },
  {
    name: 'begin-seal-of-nothing',
    sentence: 'beginSeal on the condition that the tail is not empty: an empty sealed means finished',
    edits: [
      {
        file: HEAD,
        search: 'if (!isAt(head, args) || head.sealed.length > 0 || head.tail.length === 0) return undefined',
        replace: 'if (!isAt(head, args) || head.sealed.length > 0) return undefined',
      },
    ],
    beside: [
      {
        file: SEAL,
        search: 'if (head.tail.length >= sealAfter.entries) return true',
        replace: 'if (head.tail.length >= 0) return true',
      },
    ],
    seeds: 50,
  },
  {
    name: 'late-finish-seal',
    sentence:
      'sealed is emptied on the condition generation = next: a late finisher must not erase the following generation',
    edits: [
      {
        file: HEAD,
        search:
          "assert(args.hash.length === 32, 'the running hash has 32 bytes')\n  if (!isAt(head, args)) return undefined",
        replace: 'if (head === undefined) return undefined',
      },
    ],
    seeds: 200,
  },
  {
    name: 'chunk-from-an-old-view',
    sentence: 'the chunk, its content only from the head as that update or a strong read showed it',
    edits: [
      {
        file: SEAL,
        search:
          'export function beginSeal(journal: JournalStore, { generation, incarnation }: Head): Promise<UpdateHeadOutcome> {\n',
        replace:
          'export async function beginSeal(journal: JournalStore, { generation, incarnation, tail }: Head): Promise<UpdateHeadOutcome> {\n  await journal.putChunk(generation, encodeChunk(tail))\n',
      },
    ],
    seeds: 50,
  },
  {
    name: 'empty-before-the-chunk',
    sentence: 'only after the put of the chunk is acknowledged sealed is emptied',
    edits: [
      { file: SEAL, search: "if (put.kind !== 'applied' && put.kind !== 'exists') return undefined", replace: '' },
    ],
    seeds: 50,
  },
  {
    name: 'refresh-skips-sealed',
    sentence: 'refresh in this order: head, chunks, sealed, tail',
    edits: [
      {
        file: REPLICA,
        search: 'if (next.sealed.length > 0 && root.position.generation === next.generation - 1) {',
        replace:
          'if (next.sealed.length > 0) root.position = { generation: next.generation, index: 0 }\n      if (root.position.generation < 0) {',
      },
    ],
    seeds: 20,
  },
  {
    name: 'refresh-tail-before-sealed',
    sentence: 'refresh in this order: head, chunks, sealed, tail',
    edits: [
      {
        file: REPLICA,
        search: '    const { generation } = root.position\n    if (next.generation < generation) return\n',
        replace:
          '    const { generation } = root.position\n    if (next.generation < generation) return\n    if (next.sealed.length > 0 && next.generation === generation + 1) for (const entry of next.tail) await applyOne(entry)\n',
      },
    ],
    seeds: 50,
  },
  {
    name: 'gap-in-the-generations',
    sentence: 'generations must be gapless: a gap means collected, start again from the checkpoint',
    edits: [
      {
        file: REPLICA,
        search: 'if (generation !== root.position.generation) throw new GapError()',
        replace: 'root.position = generation === root.position.generation ? root.position : { generation, index: 0 }',
      },
    ],
    seeds: 1000,
  },
  {
    name: 'no-horizon',
    sentence: 'any entry whose origin is older than the horizon is rejected from here on',
    edits: [
      {
        file: 'lib/journal/fold.ts',
        search: 'return envelope.origin < root.horizon',
        replace: 'return envelope.origin < root.horizon - 1e9',
      },
    ],
    seeds: 1000,
  },
  {
    name: 'body-before-horizon',
    sentence:
      'the horizon is judged by what the entry itself carries, before its body is resolved, since that may be gone',
    edits: [
      {
        file: REPLICA,
        search: "if (isBehindHorizon(root, envelope)) applyVerdict(envelope, { kind: 'behindHorizon' }, own)",
        replace:
          "if (envelope.payload === undefined && own?.body === undefined) await reader.body(envelope.reference!)\n    if (isBehindHorizon(root, envelope)) applyVerdict(envelope, { kind: 'behindHorizon' }, own)",
      },
    ],
    // Late flushes by reference are rare; with shorter entries nearly every body lies elsewhere.
    beside: [{ file: 'lib/base/limits.ts', search: 'ENTRY_BYTES_MAX = 1024', replace: 'ENTRY_BYTES_MAX = 170' }],
    seeds: 300,
  },
  {
    name: 'horizon-beyond-checkpoint',
    sentence: 'the horizon never passes the generation of the last accepted checkpoint',
    edits: [
      {
        file: 'lib/journal/entries/horizon-advanced.ts',
        search: 'if (entry.generation <= root.horizon || entry.generation > limit)',
        replace: 'if (entry.generation <= root.horizon || entry.generation > limit + 1e9)',
      },
    ],
    seeds: 50,
  },
  {
    name: 'checkpoint-on-any-base',
    sentence: 'checkpointed is accepted only while the one that it builds on is the last accepted one',
    edits: [
      {
        file: 'lib/journal/entries/checkpointed.ts',
        search: "if (entry.base !== last?.key) return { kind: 'stale' }",
        replace: '',
      },
    ],
    beside: [
      {
        file: 'lib/journal/entries/checkpointed.ts',
        search:
          "if (last !== undefined && comparePositions(entry.position, last.position) <= 0) return { kind: 'stale' }",
        replace: '',
      },
    ],
    seeds: 1000,
  },
  {
    name: 'checkpoint-goes-back',
    sentence: 'checkpointed is accepted only while its position grows',
    edits: [
      {
        file: 'lib/journal/entries/checkpointed.ts',
        search:
          "if (last !== undefined && comparePositions(entry.position, last.position) <= 0) return { kind: 'stale' }",
        replace: '',
      },
    ],
    beside: [
      {
        file: 'lib/journal/entries/checkpointed.ts',
        search: "if (entry.base !== last?.key) return { kind: 'stale' }",
        replace: '',
      },
    ],
    seeds: 1000,
  },
  {
    name: 'head-before-acceptance',
    sentence: "only after checkpointed was accepted the head's checkpoint moves",
    edits: [
      {
        file: 'lib/journal/checkpoint.ts',
        search: "  const outcome = await journal.write('checkpointed', origin, encodeCheckpointed(announced))\n",
        replace:
          "  if (replica.head !== undefined) await stores.journal.moveCheckpoint({ incarnation: replica.head.incarnation, checkpoint: { key, ...snapshot.position } })\n  const outcome = await journal.write('checkpointed', origin, encodeCheckpointed(announced))\n",
      },
    ],
    seeds: 50,
  },
  {
    name: 'head-checkpoint-backward',
    sentence: "the head's checkpoint moves on the condition that its position grows",
    edits: [
      {
        file: HEAD,
        search: 'if (head.checkpoint !== undefined && !isBehind(head.checkpoint, args.checkpoint)) return undefined',
        replace: '',
      },
    ],
    seeds: 300,
  },
  {
    name: 'missing-checkpoint-is-final',
    sentence: 'if the object that the head names is missing, read the head again; if it is still named, stop',
    edits: [
      {
        file: REPLICA,
        search: 'if (again.checkpoint?.key === from.checkpoint?.key) {',
        replace: "if (again.checkpoint?.key !== 'none') {",
      },
    ],
    seeds: 3000,
  },
]

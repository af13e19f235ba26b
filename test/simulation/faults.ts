// What can go wrong at a store, how often, and how often it did. A write may fail before it is applied, be applied and lose
// its answer, or be applied late: long after its caller was told "unknown" and moved on. A read may fail, crawl, or (for
// objects) bring bytes that are cut short or flipped. The count of every variant at every call is the proof that a run
// tried what it claims; a variant that was never tried fails the run.
import type { Seeded } from './random.ts'

export const WRITE_CALLS = [
  'objects.put',
  'objects.delete',
  'journal.append',
  'journal.beginSeal',
  'journal.putChunk',
  'journal.finishSeal',
  'journal.moveCheckpoint',
  'journal.deleteChunks',
  'documents.put',
  'documents.delete',
  'journal.init',
] as const
export const READ_CALLS = [
  'objects.get',
  'objects.list',
  'journal.readHead',
  'journal.readChunks',
  'documents.get',
  'documents.list',
] as const
export type WriteCall = (typeof WRITE_CALLS)[number]
export type ReadCall = (typeof READ_CALLS)[number]
export type StoreCall = WriteCall | ReadCall

/** Variants of a write, of any read, and of the bytes of an object. */
export type Variant = 'before' | 'lost' | 'late' | 'slow' | 'short' | 'flipped'

/** Which variants each call can suffer. */
export function variantsOf(call: StoreCall): readonly Variant[] {
  if ((WRITE_CALLS as readonly string[]).includes(call)) return ['before', 'lost', 'late']
  return call === 'objects.get' ? ['before', 'slow', 'short', 'flipped'] : ['before', 'slow']
}

/** How likely each fault is at one call, and crashes and freezes per second of a host's life. */
export interface Mix {
  readonly name: string
  readonly before: number
  readonly lost: number
  readonly late: number
  readonly slow: number
  readonly torn: number
  readonly throttlingPerSecond: number
  readonly crashesPerSecond: number
  readonly freezesPerSecond: number
}

const calm: Mix = {
  name: 'calm',
  before: 0,
  lost: 0,
  late: 0,
  slow: 0,
  torn: 0,
  throttlingPerSecond: 0,
  crashesPerSecond: 0,
  freezesPerSecond: 0,
}

/** One quarter of the time is calm; otherwise each phase draws one of the others. */
export const CALM = calm
export const MIXES: readonly Mix[] = [
  { ...calm, name: 'refusing', before: 0.12, throttlingPerSecond: 0.3 },
  { ...calm, name: 'losing answers', lost: 0.1, slow: 0.03 },
  { ...calm, name: 'late', late: 0.1, lost: 0.03, slow: 0.03 },
  { ...calm, name: 'torn and slow', torn: 0.15, slow: 0.1, before: 0.02 },
  { ...calm, name: 'crashing', crashesPerSecond: 0.25, lost: 0.02, late: 0.03 },
  { ...calm, name: 'freezing', freezesPerSecond: 0.4, late: 0.03, slow: 0.05 },
  {
    name: 'everything',
    before: 0.04,
    lost: 0.04,
    late: 0.05,
    slow: 0.04,
    torn: 0.04,
    throttlingPerSecond: 0.1,
    crashesPerSecond: 0.08,
    freezesPerSecond: 0.12,
  },
]

/** Calls that happen seldom get more than their share, or a run would need ages to have tried them all. */
const RARE: ReadonlySet<StoreCall> = new Set([
  'journal.beginSeal',
  'journal.putChunk',
  'journal.finishSeal',
  'journal.moveCheckpoint',
  'journal.readChunks',
  'journal.deleteChunks',
  'journal.init',
  'objects.delete',
  'objects.list',
  'documents.get',
  'documents.put',
  'documents.delete',
  'documents.list',
])

/** Draws what happens to one call, or nothing. */
export function drawVariant(random: Seeded, mix: Mix, call: StoreCall): Variant | undefined {
  if (mix === CALM) return undefined
  const scale = RARE.has(call) ? 2.5 : 1
  let at = random.fraction()
  for (const variant of variantsOf(call)) {
    at -= scale * (variant === 'short' || variant === 'flipped' ? mix.torn / 2 : mix[variant])
    if (at < 0) return variant
  }
  return undefined
}

/** Counts by call and variant, over one or many runs. */
export interface FaultTable {
  count(call: StoreCall, variant: Variant): void
  called(call: StoreCall): void
  add(other: FaultTable): void
  total(): number
  get(call: StoreCall, variant: Variant): number
  calls(call: StoreCall): number
  /** Variants that never happened. */
  missing(): string[]
}

export function createFaultTable(): FaultTable {
  const hits = new Map<string, number>()
  const calls = new Map<StoreCall, number>()
  const all: readonly StoreCall[] = [...WRITE_CALLS, ...READ_CALLS]
  const get = (call: StoreCall, variant: Variant): number => hits.get(`${call} ${variant}`) ?? 0
  const bump = (call: StoreCall, variant: Variant, by: number): void => {
    if (by > 0) hits.set(`${call} ${variant}`, get(call, variant) + by)
  }
  return {
    get,
    calls: (call) => calls.get(call) ?? 0,
    count: (call, variant) => bump(call, variant, 1),
    called: (call) => void calls.set(call, (calls.get(call) ?? 0) + 1),
    add(other) {
      for (const call of all) {
        calls.set(call, (calls.get(call) ?? 0) + other.calls(call))
        for (const variant of variantsOf(call)) bump(call, variant, other.get(call, variant))
      }
    },
    total: () => [...hits.values()].reduce((sum, n) => sum + n, 0),
    missing: () =>
      all.flatMap((call) => variantsOf(call).flatMap((v) => (get(call, v) === 0 ? [`${call}: ${v}`] : []))),
  }
}

/** The table as lines of Markdown. */
export function renderFaultTable(table: FaultTable): string[] {
  const columns: readonly Variant[] = ['before', 'lost', 'late', 'slow', 'short', 'flipped']
  const lines = [`| store call | calls | ${columns.join(' | ')} |`, `|---|---:|${columns.map(() => '---:|').join('')}`]
  for (const call of [...WRITE_CALLS, ...READ_CALLS]) {
    const cells = columns.map((v) => (variantsOf(call).includes(v) ? String(table.get(call, v)) : ''))
    lines.push(`| ${call} | ${table.calls(call)} | ${cells.join(' | ')} |`)
  }
  return lines
}

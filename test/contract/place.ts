// What a contract suite needs of an adapter: a fresh deployment per test, and as many handles on it as it asks for, each as
// another process would have it. The suites know nothing else, so that every adapter runs the very same tests.
import { afterEach, beforeEach } from 'vitest'
import type { Head, JournalStore, ObjectKey, ObjectKind, Stores } from '../../lib/storage/ports.ts'

/** One deployment: empty but for the head, which may be there or not. */
export interface Place {
  /** A further handle. The suite leaves closing to `close`. */
  open(): Promise<Stores>
  /** Closes all handles and removes the deployment. */
  close(): Promise<void>
}

/** Makes a fresh deployment. */
export type PlaceFactory = () => Promise<Place>

/** Registers hooks that give each test a fresh place; returns how to get its handles. */
export function usePlace(factory: PlaceFactory): { one(): Stores; another(): Promise<Stores> } {
  let place: Place | undefined
  let stores: Stores | undefined
  beforeEach(async () => {
    place = await factory()
    stores = await place.open()
  })
  afterEach(async () => {
    await place?.close()
    place = undefined
  })
  return {
    one: () => stores!,
    another: () => place!.open(),
  }
}

/** The outcome, which must be of this kind. */
export function must<O extends { readonly kind: string }, K extends O['kind']>(
  outcome: O,
  kind: K,
): Extract<O, { readonly kind: K }> {
  if (outcome.kind !== kind) throw new Error(`expected ${kind}, got ${JSON.stringify(outcome)}`)
  return outcome as Extract<O, { readonly kind: K }>
}

/** The current head, made first if there is none. */
export async function headOf(journal: JournalStore): Promise<Head> {
  const read = await journal.readHead()
  if (read.kind === 'missing') must(await journal.init(), 'applied')
  return must(await journal.readHead(), 'found').head
}

/** A key of an object; different numbers give different keys. */
export function keyOf(kind: ObjectKind, n: number): ObjectKey {
  return `${kind}/${(n & 0xff).toString(16).padStart(2, '0')}/1/000000000001-${String(n).padStart(26, '0')}`
}

/** Bytes that differ by seed and position. */
export function patternOf(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + seed * 17 + (i >> 8)) & 0xff
  return bytes
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Texts of stored entries, for comparing whole lists. */
export function textsOf(entries: readonly Uint8Array[]): string[] {
  return entries.map((entry) => Buffer.from(entry).toString())
}

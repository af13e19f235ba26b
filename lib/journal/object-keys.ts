// Names of objects: `‹kind›/‹two hex digits›/‹journal›/‹origin generation›-‹ULID›`. The two digits come from the ULID's
// random part and spread keys over S3's prefixes. An entry that names an object needs only kind, origin and ULID, and a
// listing tells the origin without opening anything, which is what garbage collection judges by. Keys are never reused.
import type { Ulid } from '../base/ids.ts'
import { OBJECT_KINDS, type ObjectKey, type ObjectKind } from '../storage/ports.ts'

/** The only journal that this release has. */
export const JOURNAL = 1

/** The key of an object. */
export function objectKey(kind: ObjectKind, origin: number, id: Ulid): ObjectKey {
  const last = id.slice(-2)
  const spread = ((last.charCodeAt(0) * 33 + last.charCodeAt(1)) & 0xff).toString(16).padStart(2, '0')
  return `${kind}/${spread}/${JOURNAL}/${String(origin).padStart(12, '0')}-${id}`
}

const KEY = /^([a-z]+)\/[0-9a-f]{2}\/1\/(\d{12})-([0-9A-HJKMNP-TV-Z]{26})$/

/** The parts of a key, or undefined if it is none of ours. */
export function parseObjectKey(key: ObjectKey): { kind: ObjectKind; origin: number; id: Ulid } | undefined {
  const match = KEY.exec(key)
  const kind = OBJECT_KINDS.find((k) => k === match?.[1])
  if (match === null || kind === undefined) return undefined
  return { kind, origin: Number(match[2]), id: match[3] as Ulid }
}

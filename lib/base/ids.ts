// Identifiers: branded strings and the ULID, which names objects and entries. A ULID is 48 bits of wall time and 80
// random bits; its order by time is a convenience for people and listings, and nothing relies on it.
import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

declare const brand: unique symbol
type Brand<T, B extends string> = T & { readonly [brand]: B }

/** A ULID as 26 characters of Crockford base 32. */
export type Ulid = Brand<string, 'Ulid'>
/** A topic id: 32 lower-case hexadecimal digits (a UUID without dashes). */
export type TopicId = Brand<string, 'TopicId'>

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const VALUES = new Map([...ALPHABET].map((c, i) => [c, BigInt(i)]))

/** A fresh ULID. */
export function newUlid(clock: Clock, random: Random): Ulid {
  const bytes = new Uint8Array(16)
  const now = clock.now()
  const view = new DataView(bytes.buffer)
  view.setUint16(0, Math.floor(now / 0x1_0000_0000))
  view.setUint32(2, now >>> 0)
  bytes.set(random.bytes(10), 6)
  return ulidFromBytes(bytes)
}

/** The text form of 16 bytes. */
export function ulidFromBytes(bytes: Uint8Array): Ulid {
  let n = 0n
  for (let i = 0; i < 16; i++) n = (n << 8n) | BigInt(bytes[i]!)
  let text = ''
  for (let i = 0; i < 26; i++) {
    text = ALPHABET[Number(n & 31n)] + text
    n >>= 5n
  }
  return text as Ulid
}

/** The 16 bytes of a ULID. */
export function ulidToBytes(ulid: Ulid): Uint8Array {
  let n = 0n
  for (const c of ulid) n = (n << 5n) | (VALUES.get(c) ?? 0n)
  const bytes = new Uint8Array(16)
  for (let i = 15; i >= 0; i--) {
    bytes[i] = Number(n & 255n)
    n >>= 8n
  }
  return bytes
}

/** Whether the text is a ULID: 26 digits, of which the first leaves no more than 128 bits. */
export function isUlid(text: string): text is Ulid {
  return text.length === 26 && text[0]! <= '7' && [...text].every((c) => VALUES.has(c))
}

/** The wall time (ms) in a ULID. */
export function ulidTimeMs(ulid: Ulid): number {
  const b = ulidToBytes(ulid)
  return ((b[0]! << 8) | b[1]!) * 0x1_0000_0000 + (((b[2]! << 24) | (b[3]! << 16) | (b[4]! << 8) | b[5]!) >>> 0)
}

/** The id of no topic, on the wire. */
export const ZERO_TOPIC_ID = '0'.repeat(32) as TopicId

/** A fresh topic id: a random (version 4) UUID. */
export function newTopicId(random: Random): TopicId {
  const b = random.bytes(16)
  b[6] = (b[6]! & 0x0f) | 0x40
  b[8] = (b[8]! & 0x3f) | 0x80
  return Buffer.from(b).toString('hex') as TopicId
}

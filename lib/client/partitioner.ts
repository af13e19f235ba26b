// Which partition a record goes to when nobody says: by the key's murmur2 hash, exactly as the Java client and KafkaJS do,
// so that writers of one topic agree whatever they are written in.

const SEED = 0x9747b28c
const M = 0x5bd1e995
const R = 24

/** The 32-bit murmur2 hash that Kafka uses, as a signed number like Java's. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes
  let h = SEED ^ length
  const words = length >>> 2
  for (let i = 0; i < words; i++) {
    const at = i * 4
    let k = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    k = Math.imul(k, M)
    k ^= k >>> R
    h = Math.imul(h, M) ^ Math.imul(k, M)
  }
  const tail = words * 4
  const left = length - tail
  if (left === 3) h ^= bytes[tail + 2]! << 16
  if (left >= 2) h ^= bytes[tail + 1]! << 8
  if (left >= 1) h = Math.imul(h ^ bytes[tail]!, M)
  h = Math.imul(h ^ (h >>> 13), M)
  return h ^ (h >>> 15)
}

/** The partition of a keyed record. */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

// CRC-32C (Castagnoli), the checksum of Kafka's record batches and of all our objects.
import { crc32c as native } from '@node-rs/crc32'

/** CRC-32C of `bytes`, continuing from `seed` (the CRC of what came before). An unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  return native(bytes, seed)
}

// The compression port and the framings of Kafka's codecs. Domain code is handed a `Compression`: in production one that
// leaves the thread, in simulation one that does not, with the same bytes as a result. Nothing is decompressed before its
// output is known to fit `bytesMax`: gzip and zstd stop by themselves, snappy says its sizes up front, and the blocks of
// an LZ4 frame are measured here, so that a small batch can never become a large allocation.
import type { Codec } from './record-batch.ts'

export type Decompressed =
  | { readonly kind: 'ok'; readonly bytes: Uint8Array }
  /** The output would be longer than the caller allows. */
  | { readonly kind: 'tooLarge' }
  | { readonly kind: 'malformed'; readonly cause: string }

/** Codecs as a port. `compress` never fails; `level` is the codec's own scale, its default where absent. */
export interface Compression {
  compress(codec: Codec, bytes: Uint8Array, level?: number): Promise<Uint8Array>
  decompress(codec: Codec, bytes: Uint8Array, bytesMax: number): Promise<Decompressed>
}

/** Snappy blocks to be decompressed one after the other, or why not. */
export type SnappyBlocks =
  | { readonly kind: 'ok'; readonly blocks: readonly Uint8Array[]; readonly sizeBytes: number }
  | Exclude<Decompressed, { kind: 'ok' }>

/** What Java's snappy stream starts with: magic, version 1, compatible with 1. */
const XERIAL_HEADER = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1)
const XERIAL_MAGIC_BYTES = 8
/** Java's block size. */
export const XERIAL_BLOCK_BYTES = 32 * 1024

/**
 * Takes snappy data apart: one raw block (librdkafka and most others), or the framing of Java's library, recognised by
 * its magic. Adds up the sizes that the blocks declare.
 */
export function snappyBlocks(bytes: Uint8Array, bytesMax: number): SnappyBlocks {
  const blocks: Uint8Array[] = []
  if (!startsWithMagic(bytes, 0)) blocks.push(bytes)
  else {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    let at = 0
    while (at < bytes.length) {
      // Java allows a stream to be appended to a stream.
      if (startsWithMagic(bytes, at)) {
        at += XERIAL_HEADER.length
        continue
      }
      if (bytes.length - at < 4) return malformed('the snappy stream ends within a block length')
      const length = view.getInt32(at)
      at += 4
      if (length <= 0 || length > bytes.length - at) return malformed(`a snappy block of ${length} bytes does not fit`)
      blocks.push(bytes.subarray(at, at + length))
      at += length
    }
  }
  let sizeBytes = 0
  for (const block of blocks) {
    const size = snappyBlockSize(block)
    if (size === undefined) return malformed('a snappy block does not say how long it is')
    sizeBytes += size
    if (sizeBytes > bytesMax) return { kind: 'tooLarge' }
    // Snappy's best is 64 bytes from three: more is a lie that would only cost an allocation.
    if (size > block.length * 22 + 64) return malformed('a snappy block declares more than it can hold')
  }
  return { kind: 'ok', blocks, sizeBytes }
}

/** The framing that every Kafka client reads: Java's. `blocks` are raw snappy of 32 KiB each. */
export function xerialStream(blocks: readonly Uint8Array[]): Uint8Array {
  const sizeBytes = blocks.reduce((sum, block) => sum + 4 + block.length, XERIAL_HEADER.length)
  const stream = new Uint8Array(sizeBytes)
  const view = new DataView(stream.buffer)
  stream.set(XERIAL_HEADER)
  let at = XERIAL_HEADER.length
  for (const block of blocks) {
    view.setInt32(at, block.length)
    stream.set(block, at + 4)
    at += 4 + block.length
  }
  return stream
}

function startsWithMagic(bytes: Uint8Array, at: number): boolean {
  if (bytes.length - at < XERIAL_HEADER.length) return false
  for (let i = 0; i < XERIAL_MAGIC_BYTES; i++) if (bytes[at + i] !== XERIAL_HEADER[i]) return false
  return true
}

/** The varint in front of a raw snappy block. */
function snappyBlockSize(block: Uint8Array): number | undefined {
  let size = 0
  for (let i = 0; i < 5; i++) {
    const byte = block[i]
    if (byte === undefined) return undefined
    size += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return size
  }
  return undefined
}

const LZ4_MAGIC = 0x184d2204
/** Maximum block sizes by their number in the frame descriptor. */
const LZ4_BLOCK_BYTES: readonly (number | undefined)[] = [
  ...[undefined, undefined, undefined, undefined],
  ...[64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024],
]
/** No LZ4 block grows by more than this factor. */
const LZ4_RATIO_MAX = 255

export type Lz4Frame =
  /** `frame` ends with its end mark; what follows it is ignored, as Java does. */
  { readonly kind: 'ok'; readonly frame: Uint8Array } | Exclude<Decompressed, { kind: 'ok' }>

/** Checks the structure of an LZ4 frame and that its blocks cannot decompress to more than `bytesMax`. */
export function lz4Frame(bytes: Uint8Array, bytesMax: number): Lz4Frame {
  if (bytes.length < 11) return malformed('too short for an LZ4 frame')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.getUint32(0, true) !== LZ4_MAGIC) return malformed('no LZ4 frame')
  const flags = view.getUint8(4)
  if (flags >> 6 !== 1 || flags & 0x02) return malformed('unknown version of LZ4 frame')
  const blockBytesMax = LZ4_BLOCK_BYTES[(view.getUint8(5) >> 4) & 7]
  if (blockBytesMax === undefined) return malformed('unknown block size of an LZ4 frame')
  const blockChecksum = flags & 0x10 ? 4 : 0
  const contentChecksum = flags & 0x04 ? 4 : 0
  // Descriptor: flags, block size, content size (8, optional), dictionary id (4, optional), checksum.
  let at = 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0)
  let bound = 0
  const compressed: Uint8Array[] = []
  let exact = 0
  for (;;) {
    if (bytes.length - at < 4) return malformed('the LZ4 frame has no end')
    const word = view.getUint32(at, true)
    at += 4
    if (word === 0) break
    const length = word & 0x7fff_ffff
    if (length > blockBytesMax || length + blockChecksum > bytes.length - at) {
      return malformed(`an LZ4 block of ${length} bytes does not fit`)
    }
    if (word >>> 31) {
      bound += length
      exact += length
    } else {
      compressed.push(bytes.subarray(at, at + length))
      bound += Math.min(blockBytesMax, length * LZ4_RATIO_MAX)
    }
    at += length + blockChecksum
  }
  if (contentChecksum > bytes.length - at) return malformed('the LZ4 frame has no checksum')
  if (bound > bytesMax) {
    // Rare: many small blocks, or a bomb. Measuring them exactly costs a look at each sequence.
    for (const block of compressed) {
      exact += lz4BlockSize(block)
      if (exact > bytesMax) return { kind: 'tooLarge' }
    }
  }
  return { kind: 'ok', frame: bytes.subarray(0, at + contentChecksum) }
}

/** How many bytes a raw LZ4 block decompresses to: its sequences are added up, nothing is copied. */
function lz4BlockSize(block: Uint8Array): number {
  let at = 0
  let size = 0
  const extended = (nibble: number): number => {
    let length = nibble
    if (nibble < 15) return length
    for (let byte = 255; byte === 255; length += byte) byte = block[at++] ?? 0
    return length
  }
  while (at < block.length) {
    const token = block[at++]!
    const literals = extended(token >> 4)
    at += literals
    size += literals
    if (at >= block.length) break
    at += 2
    size += extended(token & 15) + 4
  }
  return size
}

/** A refusal that says why. */
export function malformed(cause: string): { readonly kind: 'malformed'; readonly cause: string } {
  return { kind: 'malformed', cause }
}

// The two adapters of the compression port, over the same native libraries: `threadedCompression` leaves the thread for
// all but small inputs, `inlineCompression` never does, so that a simulated run stays in one thread and in virtual time.
// Both give the same bytes for the same input.
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { compressFrame, compressFrameSync, decompressFrame, decompressFrameSync } from 'lz4-napi'
import * as snappy from 'snappy'
import {
  type Compression,
  type Decompressed,
  lz4Frame,
  malformed,
  snappyBlocks,
  XERIAL_BLOCK_BYTES,
  xerialStream,
} from './compression.ts'
import type { Codec } from './record-batch.ts'

/** Below this a hop to another thread costs more than the work. */
const INLINE_BYTES_MAX = 16 * 1024

const gzip = promisify(zlib.gzip)
const gunzip = promisify(zlib.gunzip)
const zstdCompress = promisify(zlib.zstdCompress)
const zstdDecompress = promisify(zlib.zstdDecompress)

/** Compression on Node's thread pool. */
export const threadedCompression: Compression = {
  async compress(codec, bytes, level) {
    if (bytes.length <= INLINE_BYTES_MAX) return compressInline(codec, bytes, level)
    switch (codec) {
      case 'none':
        return bytes
      case 'gzip':
        return gzip(bytes, gzipOptions(level))
      case 'zstd':
        return zstdCompress(bytes, zstdOptions(bytes, level))
      case 'lz4':
        return compressFrame(bytes)
      case 'snappy':
        return xerialStream(await Promise.all(xerialInput(bytes).map((block) => snappy.compress(block))))
    }
  },
  async decompress(codec, bytes, bytesMax) {
    if (bytes.length <= INLINE_BYTES_MAX / 8) return decompressInline(codec, bytes, bytesMax)
    try {
      switch (codec) {
        case 'none':
          return ok(bytes, bytesMax)
        case 'gzip':
          return ok(await gunzip(bytes, { maxOutputLength: Math.max(1, bytesMax) }), bytesMax)
        case 'zstd':
          return ok(await zstdDecompress(bytes, { maxOutputLength: Math.max(1, bytesMax) }), bytesMax)
        case 'lz4': {
          const checked = lz4Frame(bytes, bytesMax)
          return checked.kind === 'ok' ? ok(await decompressFrame(checked.frame), bytesMax) : checked
        }
        case 'snappy': {
          const checked = snappyBlocks(bytes, bytesMax)
          if (checked.kind !== 'ok') return checked
          return joined(await Promise.all(checked.blocks.map((block) => snappy.uncompress(block))), bytesMax)
        }
      }
    } catch (error) {
      return failure(error)
    }
  },
}

/** Compression on the calling thread: the promises are settled when they are returned. */
export const inlineCompression: Compression = {
  compress: async (codec, bytes, level) => compressInline(codec, bytes, level),
  decompress: async (codec, bytes, bytesMax) => decompressInline(codec, bytes, bytesMax),
}

function compressInline(codec: Codec, bytes: Uint8Array, level: number | undefined): Uint8Array {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return zlib.gzipSync(bytes, gzipOptions(level))
    case 'zstd':
      return zlib.zstdCompressSync(bytes, zstdOptions(bytes, level))
    case 'lz4':
      return compressFrameSync(asBuffer(bytes))
    case 'snappy':
      return xerialStream(xerialInput(bytes).map((block) => snappy.compressSync(block)))
  }
}

function decompressInline(codec: Codec, bytes: Uint8Array, bytesMax: number): Decompressed {
  try {
    switch (codec) {
      case 'none':
        return ok(bytes, bytesMax)
      case 'gzip':
        return ok(zlib.gunzipSync(bytes, { maxOutputLength: Math.max(1, bytesMax) }), bytesMax)
      case 'zstd':
        return ok(zlib.zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, bytesMax) }), bytesMax)
      case 'lz4': {
        const checked = lz4Frame(bytes, bytesMax)
        return checked.kind === 'ok' ? ok(decompressFrameSync(asBuffer(checked.frame)), bytesMax) : checked
      }
      case 'snappy': {
        const checked = snappyBlocks(bytes, bytesMax)
        if (checked.kind !== 'ok') return checked
        return joined(
          checked.blocks.map((block) => snappy.uncompressSync(block)),
          bytesMax,
        )
      }
    }
  } catch (error) {
    return failure(error)
  }
}

function gzipOptions(level: number | undefined): zlib.ZlibOptions {
  return level === undefined ? {} : { level }
}

/** With its size told, the frame says so, and both adapters write the same one. */
function zstdOptions(bytes: Uint8Array, level: number | undefined): zlib.ZstdOptions {
  const params = level === undefined ? {} : { [zlib.constants.ZSTD_c_compressionLevel]: level }
  return { pledgedSrcSize: bytes.length, params }
}

function xerialInput(bytes: Uint8Array): Uint8Array[] {
  const blocks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += XERIAL_BLOCK_BYTES) blocks.push(bytes.subarray(at, at + XERIAL_BLOCK_BYTES))
  return blocks
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

function ok(bytes: Uint8Array, bytesMax: number): Decompressed {
  return bytes.length > bytesMax ? { kind: 'tooLarge' } : { kind: 'ok', bytes }
}

function joined(blocks: readonly (string | Buffer)[], bytesMax: number): Decompressed {
  const buffers = blocks.filter((block) => typeof block !== 'string')
  return ok(buffers.length === 1 ? buffers[0]! : Buffer.concat(buffers), bytesMax)
}

function failure(error: unknown): Decompressed {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') return { kind: 'tooLarge' }
  return malformed(error instanceof Error ? error.message : String(error))
}

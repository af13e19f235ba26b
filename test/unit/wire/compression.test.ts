// Both adapters of the compression port give the same answers, in every framing that clients write, and nothing becomes
// longer than the caller allows.
import { compressFrameSync } from 'lz4-napi'
import { compressSync } from 'snappy'
import { describe, expect, it } from 'vitest'
import { lz4Frame, snappyBlocks, xerialStream } from '../../../lib/wire/compression.ts'
import { inlineCompression, threadedCompression } from '../../../lib/wire/native-compression.ts'
import { CODECS } from '../../../lib/wire/record-batch.ts'

const adapters = [
  ['inline', inlineCompression],
  ['threaded', threadedCompression],
] as const
const packed = CODECS.slice(1)
/** Compressible, and long enough for many blocks. */
const long = Buffer.from(Array.from({ length: 40_000 }, (_, i) => `line ${i * 7919}\n`).join(''))
/** What hardly compresses: a small generator's output. */
const noise = new Uint8Array(200_000)
for (let i = 0, x = 1; i < noise.length; i++) {
  x = (x * 1103515245 + 12345) % 2 ** 31
  noise[i] = x >> 16
}

/** What levels differ on: words in no order. */
const words = Buffer.from(Array.from(noise, (n) => ['tide', 'moon', 'harbour', 'log', 'wave'][n % 5]).join(' '))

describe.each(adapters)('%s', (_name, compression) => {
  it.each(CODECS)('gives back what it was given: %s', async (codec) => {
    for (const input of [new Uint8Array(0), Buffer.from('x'), long, noise, Buffer.alloc(5_000_000)]) {
      const output = await compression.decompress(codec, await compression.compress(codec, input), input.length)
      if (output.kind !== 'ok') throw new Error(JSON.stringify(output))
      expect(Buffer.compare(output.bytes, input)).toBe(0)
    }
  })

  it.each(CODECS)('stops at the cap, one byte too many included: %s', async (codec) => {
    for (const input of [long, Buffer.alloc(50_000_000), Buffer.alloc(100)]) {
      const small = await compression.compress(codec, input)
      expect(await compression.decompress(codec, small, input.length - 1)).toEqual({ kind: 'tooLarge' })
      expect((await compression.decompress(codec, small, input.length)).kind).toBe('ok')
    }
  })

  it.each(packed)('says that bytes are malformed: %s', async (codec) => {
    const small = await compression.compress(codec, long)
    const cut = small.subarray(0, small.length - 9)
    const flipped = Buffer.from(small.subarray(20))
    for (const input of [new Uint8Array(0), new Uint8Array(50).fill(0xff), new Uint8Array(50), cut, flipped]) {
      expect((await compression.decompress(codec, input, 1_000_000)).kind).toBe('malformed')
    }
  })

  it('reads snappy of one raw block, of several, and streams one after the other', async () => {
    const raw = compressSync(long)
    const twice = Buffer.concat([xerialStream([raw]), xerialStream([raw, raw])])
    expect(await compression.decompress('snappy', raw, long.length)).toMatchObject({ kind: 'ok' })
    expect(await compression.decompress('snappy', twice, 3 * long.length)).toMatchObject({
      bytes: Buffer.concat([long, long, long]),
    })
    expect(await compression.decompress('snappy', twice, 3 * long.length - 1)).toEqual({ kind: 'tooLarge' })
  })

  it('reads LZ4 frames with checksums', async () => {
    const frame = compressFrameSync(long, { contentChecksum: true, blockChecksums: true })
    expect(await compression.decompress('lz4', frame, long.length)).toMatchObject({ kind: 'ok' })
    const bad = Buffer.from(frame)
    bad[bad.length - 1] = bad[bad.length - 1]! ^ 1
    expect((await compression.decompress('lz4', bad, long.length)).kind).toBe('malformed')
  })

  it('compresses harder at a higher level', async () => {
    for (const [codec, low, high] of [
      ['gzip', 1, 9],
      ['zstd', 1, 15],
    ] as const) {
      const [loose, tight] = [
        await compression.compress(codec, words, low),
        await compression.compress(codec, words, high),
      ]
      expect(tight.length).toBeLessThan(loose.length)
    }
  })
})

it('both adapters write the same bytes', async () => {
  for (const codec of CODECS) {
    const [inline, threaded] = [
      await inlineCompression.compress(codec, long),
      await threadedCompression.compress(codec, long),
    ]
    expect(Buffer.compare(inline, threaded)).toBe(0)
  }
})

describe('sizes that lie', () => {
  it('a snappy block that declares gigabytes is refused before it is decompressed', () => {
    expect(snappyBlocks(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0), 2 ** 40).kind).toBe('malformed')
    expect(snappyBlocks(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0), 2 ** 20).kind).toBe('tooLarge')
    expect(snappyBlocks(new Uint8Array(3).fill(0x80), 100).kind).toBe('malformed')
  })

  it('an LZ4 block is measured exactly where its bound is not enough', () => {
    const frames = compressFrameSync(Buffer.alloc(3_000_000))
    expect(lz4Frame(frames, 3_000_000).kind).toBe('ok')
    expect(lz4Frame(frames, 2_999_999).kind).toBe('tooLarge')
  })

  it('an LZ4 frame with impossible blocks is malformed', () => {
    const frame = compressFrameSync(Buffer.from('some text that is some text'))
    for (const [at, value] of [
      [0, 5],
      [4, 0xff],
      [5, 0x30],
      [7, 0xff],
      [10, 0x7f],
    ] as const) {
      const bad = Buffer.from(frame)
      bad[at] = value
      expect(lz4Frame(bad, 1000).kind).toBe('malformed')
    }
  })
})

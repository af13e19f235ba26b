// The assembler is given the same bytes cut in every possible way and must find the same frames; lengths that no client
// sends must be refused before any memory is taken for them.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FRAME_BYTES_MAX } from '../../../lib/base/limits.ts'
import { FrameAssembler } from '../../../lib/wire/frame-assembler.ts'

function framed(body: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}

function drain(assembler: FrameAssembler): { frames: string[]; invalid: boolean } {
  const frames: string[] = []
  for (;;) {
    const step = assembler.step()
    if (step.kind === 'starved') return { frames, invalid: false }
    if (step.kind === 'invalid') return { frames, invalid: true }
    if (step.kind === 'announced') assembler.enlarge(Math.min(step.sizeBytes, 7))
    if (step.kind === 'full') assembler.enlarge(Math.min(step.sizeBytes, assembler.filledBytes * 2))
    if (step.kind === 'frame') frames.push(Buffer.from(step.frame).toString('hex'))
  }
}

test('finds the same frames however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 40 }),
      (bodies, cuts) => {
        const stream = Buffer.concat(bodies.map(framed))
        const assembler = new FrameAssembler(FRAME_BYTES_MAX)
        const found: string[] = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = cuts[i % cuts.length]!
          assembler.push(stream.subarray(at, at + size))
          found.push(...drain(assembler).frames)
          at += size
        }
        expect(found).toEqual(bodies.map((body) => Buffer.from(body).toString('hex')))
        expect(assembler.partial).toBe(false)
      },
    ),
  )
})

test.each([0, -1, -2147483648, FRAME_BYTES_MAX + 1, 2147483647])('refuses a frame of %d bytes', (length) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(length)
  const assembler = new FrameAssembler(FRAME_BYTES_MAX)
  assembler.push(bytes)
  expect(drain(assembler)).toEqual({ frames: [], invalid: true })
})

test('waits for memory after the announcement', () => {
  const assembler = new FrameAssembler(FRAME_BYTES_MAX)
  assembler.push(framed(Buffer.from('abc')))
  expect(assembler.step()).toEqual({ kind: 'announced', sizeBytes: 3 })
  expect(assembler.step()).toEqual({ kind: 'announced', sizeBytes: 3 })
  assembler.enlarge(3)
  expect(assembler.step().kind).toBe('frame')
})

test('a buffer that is full is enlarged, and only then goes on', () => {
  const assembler = new FrameAssembler(FRAME_BYTES_MAX)
  assembler.push(framed(Buffer.from('abcdef')))
  assembler.step()
  expect(assembler.arrivedBytes).toBe(6)
  assembler.enlarge(2)
  expect(assembler.step()).toEqual({ kind: 'full', sizeBytes: 6 })
  expect(assembler.step()).toEqual({ kind: 'full', sizeBytes: 6 })
  expect([assembler.filledBytes, assembler.arrivedBytes]).toEqual([2, 6])
  assembler.enlarge(6)
  expect(assembler.step()).toEqual({ kind: 'frame', frame: Buffer.from('abcdef') })
})

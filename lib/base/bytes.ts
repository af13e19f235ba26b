// Reading and writing of our own stored formats: varints, fixed integers, strings, checksummed envelopes. Everything read
// here came from a store, so it may be torn or flipped: a reader throws `StoredBytesError`, which callers turn into "read
// it again, then say so". The Kafka wire format has its own reader, whose limits are those of a stranger's bytes.
import { assert } from './assert.ts'
import { crc32c } from './crc32c.ts'

/** Stored bytes that cannot be what we wrote: cut off, altered, or of a format that this release does not know. */
export class StoredBytesError extends Error {
  override name = 'StoredBytesError'
}

/** A growing buffer. Numbers in varints are unsigned integers up to 2^53 - 1. */
export class ByteWriter {
  #buffer: Buffer
  #length = 0

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity)
  }

  get length(): number {
    return this.#length
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }

  u8(value: number): this {
    this.#reserve(1)
    this.#buffer[this.#length++] = value
    return this
  }

  u32(value: number): this {
    this.#reserve(4)
    this.#length = this.#buffer.writeUInt32BE(value, this.#length)
    return this
  }

  varint(value: number): this {
    // What cannot be read back must never be stored: every replica would stop at it.
    assert(Number.isSafeInteger(value) && value >= 0, 'a stored number is an integer from 0 to 2^53 - 1')
    this.#reserve(8)
    const buffer = this.#buffer
    let rest = value
    let at = this.#length
    while (rest > 127) {
      buffer[at++] = (rest % 128) + 128
      rest = Math.floor(rest / 128)
    }
    buffer[at++] = rest
    this.#length = at
    return this
  }

  /** A signed number, zigzag-coded: from -2^52 to 2^52 - 1. */
  signed(value: number): this {
    return this.varint(value < 0 ? -value * 2 - 1 : value * 2)
  }

  /** Bytes as they are, without their length. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  bytes(bytes: Uint8Array): this {
    return this.varint(bytes.length).raw(bytes)
  }

  string(text: string): this {
    return this.bytes(Buffer.from(text, 'utf8'))
  }

  /** What was written, as a view. The writer is not used after this. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }
}

/** A cursor over stored bytes. Views it returns share the memory. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  get position(): number {
    return this.#at
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  u8(): number {
    const value = this.#bytes[this.#at]
    if (value === undefined) throw new StoredBytesError('stored bytes end too early')
    this.#at++
    return value
  }

  u32(): number {
    return this.u8() * 0x1000000 + ((this.u8() << 16) | (this.u8() << 8) | this.u8())
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.u8()
      value += (byte & 127) * scale
      if (byte < 128) {
        if (!Number.isSafeInteger(value)) break
        return value
      }
      scale *= 128
    }
    throw new StoredBytesError('a stored number is too long')
  }

  signed(): number {
    const value = this.varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** A count of things of at least `elementBytesMin` each: bounded by what is left. */
  count(elementBytesMin = 1): number {
    const value = this.varint()
    if (value * elementBytesMin > this.remaining) throw new StoredBytesError('a stored count is too large')
    return value
  }

  raw(length: number): Uint8Array {
    if (length > this.remaining) throw new StoredBytesError('stored bytes end too early')
    const view = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return view
  }

  bytes(): Uint8Array {
    return this.raw(this.varint())
  }

  string(): string {
    const bytes = this.bytes()
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  }

  /** Asserts that nothing is left. */
  end(): void {
    if (this.remaining !== 0) throw new StoredBytesError('stored bytes are longer than their content')
  }
}

/** Puts content into an envelope: four letters of kind and version, the content, its CRC-32C. */
export function sealObject(magic: string, content: Uint8Array): Uint8Array {
  const writer = new ByteWriter(content.length + 8)
  writer.raw(Buffer.from(magic, 'latin1')).raw(content)
  const crc = crc32c(writer.finish())
  return writer.u32(crc).finish()
}

/** The content of an envelope, after its checksum was verified. */
export function openObject(magic: string, bytes: Uint8Array): Uint8Array {
  if (bytes.length < 8) throw new StoredBytesError(`a ${magic} object is too short`)
  const body = bytes.subarray(0, bytes.length - 4)
  if (new ByteReader(bytes, bytes.length - 4).u32() !== crc32c(body)) {
    throw new StoredBytesError(`a ${magic} object fails its checksum`)
  }
  if (Buffer.from(body.subarray(0, 4)).toString('latin1') !== magic) {
    throw new StoredBytesError(`expected a ${magic} object`)
  }
  return body.subarray(4)
}

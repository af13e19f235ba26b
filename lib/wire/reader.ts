// Decoding of untrusted bytes. A descriptor and a version become, once, a tree of closures (a plan) that is then run for each
// message; there is no generated code. Every failure is one `WireError`, thrown here and caught at the edge. Nothing is
// allocated on the word of a length field: counts are bounded by the bytes that remain, and what the values will occupy is
// charged to a budget before they are made. `bytes` and `records` are views into the frame.
import { assert } from '../base/assert.ts'
import { DECODED_BYTES_MAX, TAGGED_FIELDS_MAX } from '../base/limits.ts'
import {
  type Api,
  defaultsOf,
  type Field,
  type Fields,
  fieldsOf,
  includes,
  isFlexible,
  isServed,
  type RequestOf,
  type ResponseOf,
} from './schema.ts'

/** Why bytes are not a message. Stable: metrics and tests name them. */
export type WireErrorCode =
  | 'truncated'
  | 'trailingBytes'
  | 'negativeLength'
  | 'arrayTooLong'
  | 'nullNotAllowed'
  | 'varintTooLong'
  | 'tooManyTaggedFields'
  | 'tagsOutOfOrder'
  | 'taggedFieldSize'
  | 'budgetExceeded'
  | 'unsupportedVersion'

/** The bytes are not a valid message. `path` leads to the bad field, for instance `topicData[3].partitionData[0].records`. */
export class WireError extends Error {
  override name = 'WireError'
  readonly code: WireErrorCode
  path = ''

  constructor(code: WireErrorCode) {
    super(code)
    this.code = code
  }

  /** Adds the part of the path that encloses what failed. */
  within(segment: string): this {
    this.path = this.path === '' || this.path.startsWith('[') ? segment + this.path : `${segment}.${this.path}`
    this.message = `${this.code} at ${this.path}`
    return this
  }
}

/** A cursor over one frame. Every method checks its bounds and throws `WireError`. */
export class Reader {
  offset: number
  end: number
  /** Bytes that decoded values may still occupy (an estimate). */
  budget = DECODED_BYTES_MAX
  readonly #bytes: Buffer
  readonly #view: DataView

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.offset = offset
    this.end = bytes.byteLength
  }

  /** Moves past `length` bytes and returns where they begin. */
  take(length: number): number {
    const start = this.offset
    if (length > this.end - start) throw new WireError('truncated')
    this.offset = start + length
    return start
  }

  charge(bytes: number): void {
    this.budget -= bytes
    if (this.budget < 0) throw new WireError('budgetExceeded')
  }

  int8(): number {
    return this.#view.getInt8(this.take(1))
  }

  int16(): number {
    return this.#view.getInt16(this.take(2))
  }

  uint16(): number {
    return this.#view.getUint16(this.take(2))
  }

  int32(): number {
    return this.#view.getInt32(this.take(4))
  }

  /** Rounded beyond ±2^53. */
  int64(): number {
    const at = this.take(8)
    return this.#view.getInt32(at) * 0x1_0000_0000 + this.#view.getUint32(at + 4)
  }

  /** An unsigned varint of at most 5 bytes and 32 bits. */
  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#view.getUint8(this.take(1))
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    const last = this.#view.getUint8(this.take(1))
    if (last > 0x0f) throw new WireError('varintTooLong')
    return value + last * 0x1000_0000
  }

  /** A length of 16 bits; -1 is null. */
  length16(): number {
    return checkedLength(this.int16())
  }

  /** A length of 32 bits; -1 is null. */
  length32(): number {
    return checkedLength(this.int32())
  }

  /** A compact length: 0 is null, else one more than the length. -1 is null here too. */
  compactLength(): number {
    return this.unsignedVarint() - 1
  }

  utf8(length: number): string {
    const at = this.take(length)
    this.charge(STRING_COST + length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  hex(length: number): string {
    const at = this.take(length)
    this.charge(STRING_COST + 2 * length)
    return this.#bytes.toString('hex', at, at + length)
  }

  view(length: number): Uint8Array {
    const at = this.take(length)
    this.charge(VIEW_COST)
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, length)
  }

  /** Reads the tagged fields at the end of a struct; `known` consumes those it knows (and returns true), others are skipped. */
  taggedFields(known: (tag: number) => boolean): void {
    const count = this.unsignedVarint()
    if (count > TAGGED_FIELDS_MAX) throw new WireError('tooManyTaggedFields')
    const end = this.end
    for (let i = 0, previous = -1; i < count; i++) {
      const tag = this.unsignedVarint()
      if (tag <= previous) throw new WireError('tagsOutOfOrder')
      previous = tag
      const size = this.unsignedVarint()
      if (size > end - this.offset) throw new WireError('truncated')
      this.end = this.offset + size
      if (!known(tag)) this.offset = this.end
      if (this.offset !== this.end) throw new WireError('taggedFieldSize')
      this.end = end
    }
  }

  /** Nothing may follow. */
  finish(): void {
    if (this.offset !== this.end) throw new WireError('trailingBytes')
  }
}

function checkedLength(length: number): number {
  if (length < -1) throw new WireError('negativeLength')
  return length
}

/** Estimates of what V8 spends on a value; they bound amplification, so they need to be right only within a small factor. */
const STRING_COST = 16
const VIEW_COST = 96
const OBJECT_COST = 24
const SLOT_COST = 8

type Decode = (reader: Reader) => unknown

/** What one version of a field needs: how to decode it and the fewest bytes it takes (which bounds arrays). */
interface Plan {
  readonly decode: Decode
  readonly bytesMin: number
}

const plans = new WeakMap<Fields, Plan[]>()

function planOf(fields: Fields, version: number, flexible: boolean): Plan {
  const byVersion = plans.get(fields) ?? []
  const plan = byVersion[version] ?? structPlan(fields, version, flexible)
  if (byVersion.length === 0) plans.set(fields, byVersion)
  byVersion[version] = plan
  return plan
}

function structPlan(fields: Fields, version: number, flexible: boolean): Plan {
  const { plain, tagged } = fieldsOf(fields, version)
  const names = plain.map(([name]) => name)
  const steps = plain.map(([, field]) => fieldPlan(field, version, flexible))
  const decoders = steps.map((step) => step.decode)
  const tags = new Map(tagged.map(([name, field]) => [field.tag, { name, ...fieldPlan(field, version, flexible) }]))
  const defaults = defaultsOf(fields)
  const decode: Decode = (reader) => {
    const value: Record<string, unknown> = { ...defaults }
    let at: string | undefined
    try {
      for (let i = 0; i < decoders.length; i++) {
        at = names[i]!
        value[at] = decoders[i]!(reader)
      }
      at = undefined
      if (flexible) {
        reader.taggedFields((tag) => {
          const step = tags.get(tag)
          if (step === undefined) return false
          at = step.name
          value[at] = step.decode(reader)
          return true
        })
      }
    } catch (error) {
      throw error instanceof WireError && at !== undefined ? error.within(at) : error
    }
    return value
  }
  return { decode, bytesMin: steps.reduce((sum, step) => sum + step.bytesMin, flexible ? 1 : 0) }
}

function fieldPlan(field: Field, version: number, flexible: boolean): Plan {
  const nullable = includes(field.nullable, version)
  switch (field.kind) {
    case 'bool':
      return { decode: (reader) => reader.int8() !== 0, bytesMin: 1 }
    case 'int8':
      return { decode: (reader) => reader.int8(), bytesMin: 1 }
    case 'int16':
      return { decode: (reader) => reader.int16(), bytesMin: 2 }
    case 'uint16':
      return { decode: (reader) => reader.uint16(), bytesMin: 2 }
    case 'int32':
      return { decode: (reader) => reader.int32(), bytesMin: 4 }
    case 'int64':
      return { decode: (reader) => reader.int64(), bytesMin: 8 }
    case 'uuid':
      return { decode: (reader) => reader.hex(16), bytesMin: 16 }
    case 'string':
      return {
        decode: sized(flexible ? 1 : 2, nullable, (reader, length) => reader.utf8(length)),
        bytesMin: flexible ? 1 : 2,
      }
    case 'bytes':
    case 'records':
      return {
        decode: sized(flexible ? 1 : 4, nullable, (reader, length) => reader.view(length)),
        bytesMin: flexible ? 1 : 4,
      }
    case 'array':
      return arrayPlan(field, version, flexible, nullable)
    case 'struct': {
      const plan = structPlan(field.fields ?? {}, version, flexible)
      if (!nullable) return plan
      return { decode: (reader) => (reader.int8() < 0 ? null : plan.decode(reader)), bytesMin: 1 }
    }
  }
}

/** Decodes a length (1: compact, 2: 16 bits, 4: 32 bits), then what has this length. */
function sized(lengthBytes: 1 | 2 | 4, nullable: boolean, decode: (reader: Reader, length: number) => unknown): Decode {
  return (reader) => {
    const length =
      lengthBytes === 1 ? reader.compactLength() : lengthBytes === 2 ? reader.length16() : reader.length32()
    if (length >= 0) return decode(reader, length)
    if (!nullable) throw new WireError('nullNotAllowed')
    return null
  }
}

function arrayPlan(field: Field, version: number, flexible: boolean, nullable: boolean): Plan {
  assert(field.element !== undefined, 'an array has an element')
  const element = fieldPlan(field.element, version, flexible)
  assert(element.bytesMin > 0, 'an element takes at least one byte')
  const slots = Object.keys(field.element.fields ?? {}).length
  const elementCost = SLOT_COST + (slots === 0 ? 0 : OBJECT_COST + slots * SLOT_COST)
  const decode = sized(flexible ? 1 : 4, nullable, (reader, count) => {
    if (count > (reader.end - reader.offset) / element.bytesMin) throw new WireError('arrayTooLong')
    reader.charge(OBJECT_COST + count * elementCost)
    const values = new Array<unknown>(count)
    let i = 0
    try {
      for (; i < count; i++) values[i] = element.decode(reader)
    } catch (error) {
      throw error instanceof WireError ? error.within(`[${i}]`) : error
    }
    return values
  })
  return { decode, bytesMin: flexible ? 1 : 4 }
}

function decodeMessage(api: Api, version: number, fields: Fields, body: Uint8Array): unknown {
  if (!isServed(api, version)) throw new WireError('unsupportedVersion')
  const reader = new Reader(body)
  const value = planOf(fields, version, isFlexible(api, version)).decode(reader)
  // Kafka ignores what follows a request, and clients rely on it: librdkafka 2.16 writes the null topics of Metadata
  // version 9 and later in four bytes instead of one, so that three are left over.
  if (fields === api.response) reader.finish()
  return value
}

/**
 * Decodes a request's body (what follows its header). `bytes` and `records` fields are views into it. Bytes after the
 * message are ignored. Throws `WireError`.
 */
export function decodeRequest<A extends Api>(api: A, version: number, body: Uint8Array): RequestOf<A> {
  return decodeMessage(api, version, api.request, body) as RequestOf<A>
}

/** Decodes a response's body (what follows its header). Throws `WireError`. */
export function decodeResponse<A extends Api>(api: A, version: number, body: Uint8Array): ResponseOf<A> {
  return decodeMessage(api, version, api.response, body) as ResponseOf<A>
}

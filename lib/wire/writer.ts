// Encoding. Like decoding it runs a plan made once per descriptor and version. Small fields are gathered into few buffers;
// records are passed through by reference, so that a Fetch answers with the very bytes it read from the store. What cannot be
// encoded (a missing field, a number out of range, a null that the version has no form for) is a mistake of ours, never of a
// client, and ends in an assertion.
import { assert, unreachable } from '../base/assert.ts'
import {
  type Api,
  defaultOf,
  type Field,
  type Fields,
  fieldsOf,
  includes,
  isFlexible,
  isServed,
  type RequestInput,
  type ResponseInput,
} from './schema.ts'

const CHUNK_BYTES_MIN = 256
const CHUNK_BYTES_MAX = 64 * 1024

/** Gathers bytes. */
export class Writer {
  readonly #done: Uint8Array[] = []
  #chunk = Buffer.allocUnsafe(CHUNK_BYTES_MIN)
  /** Where in the chunk the bytes begin that are not in `#done` yet. */
  #start = 0
  #offset = 0

  /** Makes room for `length` bytes and returns where they begin. */
  #take(length: number): number {
    if (this.#offset + length > this.#chunk.length) {
      this.#flush()
      this.#chunk = Buffer.allocUnsafe(Math.max(length, Math.min(this.#chunk.length * 2, CHUNK_BYTES_MAX)))
      this.#start = 0
      this.#offset = 0
    }
    const at = this.#offset
    this.#offset = at + length
    return at
  }

  #flush(): void {
    if (this.#offset > this.#start) this.#done.push(this.#chunk.subarray(this.#start, this.#offset))
    this.#start = this.#offset
  }

  int8(value: number): void {
    if ((value << 24) >> 24 !== value) outOfRange(value, 8)
    this.#byte(value)
  }

  /** The place is taken first: it may be in a new chunk, and `this.#chunk[this.#take(1)] = …` would write to the old one. */
  #byte(value: number): void {
    const at = this.#take(1)
    this.#chunk[at] = value
  }

  int16(value: number): void {
    if ((value << 16) >> 16 !== value) outOfRange(value, 16)
    this.#bits16(this.#take(2), value)
  }

  uint16(value: number): void {
    if ((value & 0xffff) !== value) outOfRange(value, 16)
    this.#bits16(this.#take(2), value)
  }

  #bits16(at: number, value: number): void {
    this.#chunk[at] = value >> 8
    this.#chunk[at + 1] = value
  }

  int32(value: number): void {
    if ((value | 0) !== value) outOfRange(value, 32)
    this.#bits32(this.#take(4), value)
  }

  /** 2^63, to which the largest values are rounded when decoded, goes out as 2^63-1. */
  int64(value: number): void {
    if (!Number.isInteger(value) || value < -(2 ** 63) || value > 2 ** 63) outOfRange(value, 64)
    const at = this.#take(8)
    const high = Math.floor(value / 0x1_0000_0000)
    const saturated = high === 0x8000_0000
    this.#bits32(at, saturated ? 0x7fff_ffff : high)
    this.#bits32(at + 4, saturated ? -1 : value - high * 0x1_0000_0000)
  }

  #bits32(at: number, value: number): void {
    const chunk = this.#chunk
    chunk[at] = value >>> 24
    chunk[at + 1] = value >>> 16
    chunk[at + 2] = value >>> 8
    chunk[at + 3] = value
  }

  unsignedVarint(value: number): void {
    assert(value >= 0 && value <= 0xffff_ffff, 'an unsigned varint has 32 bits')
    let rest = value
    for (; rest > 0x7f; rest = rest >>> 7) this.#byte((rest & 0x7f) | 0x80)
    this.#byte(rest)
  }

  /** A length, null as -1; `bits` 7 is compact. */
  length(bits: 7 | 16 | 32, length: number): void {
    if (bits === 7) this.unsignedVarint(length + 1)
    else if (bits === 16) this.int16(length)
    else this.int32(length)
  }

  string(bits: 7 | 16, value: string): void {
    const length = Buffer.byteLength(value)
    assert(length <= 0x7fff, 'a string has at most 32767 bytes')
    this.length(bits, length)
    const at = this.#take(length)
    this.#chunk.write(value, at, length, 'utf8')
  }

  /** 16 bytes given as 32 hexadecimal digits. */
  uuid(value: string): void {
    const at = this.#take(16)
    assert(value.length === 32 && this.#chunk.write(value, at, 16, 'hex') === 16, 'an id has 32 hexadecimal digits')
  }

  /** Appends a copy. */
  copy(value: Uint8Array): void {
    const at = this.#take(value.length)
    this.#chunk.set(value, at)
  }

  /** Appends by reference. */
  pass(value: Uint8Array): void {
    if (value.length === 0) return
    this.#flush()
    this.#done.push(value)
  }

  /** All bytes so far. The writer must not be used afterwards. */
  finish(): Uint8Array[] {
    this.#flush()
    return this.#done
  }
}

function outOfRange(value: unknown, bits: number): never {
  assert(false, `${String(value)} is an integer of ${bits} bits`)
}

type Encode = (writer: Writer, value: unknown) => void

const plans = new WeakMap<Fields, Encode[]>()

function planOf(fields: Fields, version: number, flexible: boolean): Encode {
  const byVersion = plans.get(fields) ?? []
  const plan = byVersion[version] ?? structEncoder(fields, version, flexible)
  if (byVersion.length === 0) plans.set(fields, byVersion)
  byVersion[version] = plan
  return plan
}

interface Step {
  readonly name: string
  readonly encode: Encode
  readonly absent: unknown
}

function structEncoder(fields: Fields, version: number, flexible: boolean): Encode {
  const { plain, tagged } = fieldsOf(fields, version)
  const steps = plain.map(([name, field]): Step => {
    return { name, encode: fieldEncoder(name, field, version, flexible), absent: field.default }
  })
  const tags = tagged.map(([name, field]) => {
    return { name, field, tag: field.tag ?? 0, encode: fieldEncoder(name, field, version, flexible) }
  })
  const encodeTagged = (writer: Writer, struct: Readonly<Record<string, unknown>>): void => {
    const present = tags.filter(({ name, field }) => struct[name] !== undefined && !isDefault(field, struct[name]))
    writer.unsignedVarint(present.length)
    for (const { name, tag, encode } of present) {
      const content = new Writer()
      encode(content, struct[name])
      const buffers = content.finish()
      writer.unsignedVarint(tag)
      writer.unsignedVarint(buffers.reduce((sum, buffer) => sum + buffer.length, 0))
      for (const buffer of buffers) writer.copy(buffer)
    }
  }
  return (writer, value) => {
    const struct = value as Readonly<Record<string, unknown>>
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i]!
      const given = struct[step.name]
      step.encode(writer, given === undefined ? step.absent : given)
    }
    if (!flexible) return
    if (tags.length === 0) writer.unsignedVarint(0)
    else encodeTagged(writer, struct)
  }
}

function fieldEncoder(name: string, field: Field, version: number, flexible: boolean): Encode {
  const encode = plainEncoder(name, field, version, flexible)
  const encodeNull = includes(field.nullable, version) ? nullEncoder(field, flexible) : undefined
  return (writer, value) => {
    if (value === null) {
      if (encodeNull === undefined) assert(false, `${name} is not null in version ${version}`)
      encodeNull(writer)
    } else {
      if (value === undefined) assert(false, `${name} is given`)
      encode(writer, value)
    }
  }
}

function nullEncoder(field: Field, flexible: boolean): (writer: Writer) => void {
  if (field.kind === 'struct') return (writer) => writer.int8(-1)
  if (flexible) return (writer) => writer.unsignedVarint(0)
  return field.kind === 'string' ? (writer) => writer.int16(-1) : (writer) => writer.int32(-1)
}

function plainEncoder(name: string, field: Field, version: number, flexible: boolean): Encode {
  const bits = flexible ? 7 : 32
  const { kind } = field
  switch (kind) {
    case 'bool':
      return (writer, value) => writer.int8(value === true ? 1 : 0)
    case 'int8':
      return (writer, value) => writer.int8(value as number)
    case 'int16':
      return (writer, value) => writer.int16(value as number)
    case 'uint16':
      return (writer, value) => writer.uint16(value as number)
    case 'int32':
      return (writer, value) => writer.int32(value as number)
    case 'int64':
      return (writer, value) => writer.int64(value as number)
    case 'uuid':
      return (writer, value) => writer.uuid(value as string)
    case 'string':
      return (writer, value) => writer.string(flexible ? 7 : 16, value as string)
    case 'bytes':
    case 'records':
      return (writer, value) => encodeBytes(writer, bits, value as Uint8Array | readonly Uint8Array[])
    case 'array': {
      assert(field.element !== undefined, 'an array has an element')
      const encode = fieldEncoder(name, field.element, version, flexible)
      return (writer, value) => {
        const values = value as readonly unknown[]
        writer.length(bits, values.length)
        for (let i = 0; i < values.length; i++) encode(writer, values[i])
      }
    }
    case 'struct': {
      const encode = structEncoder(field.fields ?? {}, version, flexible)
      if (!includes(field.nullable, version)) return encode
      return (writer, value) => {
        writer.int8(1)
        encode(writer, value)
      }
    }
    default:
      return unreachable(kind)
  }
}

function encodeBytes(writer: Writer, bits: 7 | 32, value: Uint8Array | readonly Uint8Array[]): void {
  if (value instanceof Uint8Array) {
    writer.length(bits, value.length)
    writer.pass(value)
    return
  }
  let length = 0
  for (const part of value) length += part.length
  writer.length(bits, length)
  for (const part of value) writer.pass(part)
}

/** A tagged field at its default is not sent. */
function isDefault(field: Field, value: unknown): boolean {
  if (field.kind === 'struct' && field.default === undefined && value !== null) {
    const struct = value as Readonly<Record<string, unknown>>
    return Object.entries(field.fields ?? {}).every(([name, inner]) => {
      return struct[name] === undefined || isDefault(inner, struct[name])
    })
  }
  const fallback = defaultOf(field)
  if (Array.isArray(fallback)) return Array.isArray(value) && value.length === 0
  if (fallback instanceof Uint8Array) return value instanceof Uint8Array && value.length === 0
  return value === fallback
}

function encodeMessage(api: Api, version: number, fields: Fields, value: unknown): Uint8Array[] {
  assert(isServed(api, version), `${api.name} is served in version ${version}`)
  const writer = new Writer()
  planOf(fields, version, isFlexible(api, version))(writer, value)
  return writer.finish()
}

/** Encodes a request's body as buffers to be sent one after the other; `records` are among them, uncopied. */
export function encodeRequest<A extends Api>(api: A, version: number, value: RequestInput<A>): Uint8Array[] {
  return encodeMessage(api, version, api.request, value)
}

/** Encodes a response's body as buffers to be sent one after the other; `records` are among them, uncopied. */
export function encodeResponse<A extends Api>(api: A, version: number, value: ResponseInput<A>): Uint8Array[] {
  return encodeMessage(api, version, api.response, value)
}

// Arbitrary messages for property tests, derived from the descriptors: every value that a version can carry, and nothing that
// it cannot (fields it lacks are at their default, so that a decoded message equals what was encoded).
import fc from 'fast-check'
import { APIS } from '../../../lib/wire/apis.ts'
import { type Api, defaultOf, type Field, type Fields, fieldsOf, includes } from '../../../lib/wire/schema.ts'

/** A message of the API in a served version, request or response. */
export interface Message {
  readonly api: Api
  readonly version: number
  readonly type: 'request' | 'response'
  readonly value: Readonly<Record<string, unknown>>
}

/** All (API, version, request or response). */
export const MESSAGE_TYPES = APIS.flatMap((api) =>
  Array.from({ length: api.max - api.serveMin + 1 }, (_, i) => api.serveMin + i).flatMap((version) =>
    (['request', 'response'] as const).map((type) => ({ api, version, type })),
  ),
)

export function arbitraryMessage(api: Api, version: number, type: 'request' | 'response'): fc.Arbitrary<Message> {
  return arbitraryStruct(api[type], version).map((value) => ({ api, version, type, value }))
}

export const anyMessage: fc.Arbitrary<Message> = fc
  .constantFrom(...MESSAGE_TYPES)
  .chain(({ api, version, type }) => arbitraryMessage(api, version, type))

export function arbitraryStruct(fields: Fields, version: number): fc.Arbitrary<Readonly<Record<string, unknown>>> {
  const { plain, tagged } = fieldsOf(fields, version)
  const present = new Set([...plain, ...tagged].map(([name]) => name))
  const values = Object.entries(fields).map(([name, field]) => {
    return [name, present.has(name) ? arbitraryField(field, version) : fc.constant(defaultOf(field))] as const
  })
  return fc.record(Object.fromEntries(values), { noNullPrototype: true })
}

function arbitraryField(field: Field, version: number): fc.Arbitrary<unknown> {
  const value = arbitraryPresent(field, version)
  const nullable = includes(field.nullable, version)
  const choices = [{ weight: 4, arbitrary: value }]
  if (nullable) choices.push({ weight: 1, arbitrary: fc.constant(null) })
  if (field.tag !== undefined) choices.push({ weight: 2, arbitrary: fc.constant(defaultOf(field)) })
  return fc.oneof(...choices)
}

function arbitraryPresent(field: Field, version: number): fc.Arbitrary<unknown> {
  const integer = (bits: number): fc.Arbitrary<number> =>
    fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })
  switch (field.kind) {
    case 'bool':
      return fc.boolean()
    case 'int8':
      return integer(8)
    case 'int16':
      return integer(16)
    case 'uint16':
      return fc.integer({ min: 0, max: 0xffff })
    case 'int32':
      return integer(32)
    case 'int64':
      return fc.maxSafeInteger()
    case 'uuid':
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map((id) => Buffer.from(id).toString('hex'))
    case 'string':
      return fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ minLength: 120, maxLength: 300 }))
    case 'bytes':
    case 'records':
      return fc.uint8Array({ maxLength: 300 })
    case 'array':
      return fc.array(arbitraryField(field.element!, version), { maxLength: 4 })
    case 'struct':
      return arbitraryStruct(field.fields!, version)
  }
}

// Round trips of arbitrary messages of every API and version, both ways, in the forms that encoders accept.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeRequest, decodeResponse } from '../../../lib/wire/reader.ts'
import type { Field, Fields } from '../../../lib/wire/schema.ts'
import { encodeRequest, encodeResponse } from '../../../lib/wire/writer.ts'
import { arbitraryMessage, MESSAGE_TYPES } from './arbitrary.ts'

const RUNS = 20

/** The same message with records as lists of buffers and without the fields that are at their default. */
function otherForm(fields: Fields, value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const entries = Object.entries(fields).flatMap(([name, field]): [string, unknown][] => {
    const given = value[name]
    if (field.default !== undefined && given === field.default) return []
    return [[name, otherFieldForm(field, given)]]
  })
  return Object.fromEntries(entries)
}

function otherFieldForm(field: Field, value: unknown): unknown {
  if (value === null) return null
  if (field.kind === 'records') {
    const bytes = value as Uint8Array
    const middle = bytes.length >> 1
    return [bytes.subarray(0, middle), bytes.subarray(middle)]
  }
  if (field.kind === 'array')
    return (value as readonly unknown[]).map((element) => otherFieldForm(field.element!, element))
  if (field.kind === 'struct') return otherForm(field.fields!, value as Readonly<Record<string, unknown>>)
  return value
}

describe.each(MESSAGE_TYPES.map(({ api, version, type }) => [api.name, type, version, api] as const))(
  '%s %s version %i',
  (_, type, version, api) => {
    const decode = type === 'request' ? decodeRequest : decodeResponse
    // The descriptors' own types are lost in the list of all APIs; what is encoded here comes from the descriptors.
    const encode = (value: Readonly<Record<string, unknown>>): Buffer =>
      Buffer.concat(type === 'request' ? encodeRequest(api, version, value) : encodeResponse(api, version, value))

    test('decodes to what was encoded', () => {
      fc.assert(
        fc.property(arbitraryMessage(api, version, type), ({ value }) => {
          const bytes = encode(value)
          expect(decode(api, version, bytes)).toEqual(value)
          expect(encode(otherForm(api[type], value)).equals(bytes)).toBe(true)
        }),
        { numRuns: RUNS, interruptAfterTimeLimit: 2000, markInterruptAsFailure: false },
      )
    })
  },
)

// Headers: what the golden file cannot show, that is unknown keys and versions, and bytes that are no header.
import { describe, expect, test } from 'vitest'
import { ErrorCode, errorName } from '../../../lib/wire/errors.ts'
import {
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequestFrame,
  encodeResponseFrame,
  encodeResponseHeader,
} from '../../../lib/wire/frame.ts'
import { apiVersions } from '../../../lib/wire/messages/api-versions.ts'
import { metadata } from '../../../lib/wire/messages/metadata.ts'
import { decodeRequest, decodeResponse } from '../../../lib/wire/reader.ts'

const header = { correlationId: 7, clientId: 'test' }

describe('request headers', () => {
  test('a whole request, plain and flexible', () => {
    for (const version of [1, 9, 13]) {
      const frame = Buffer.concat(encodeRequestFrame(metadata, version, header, { topics: [{ name: 'orders' }] }))
      const decoded = decodeRequestHeader(frame)
      if (decoded.kind !== 'ok') throw new Error(decoded.code)
      expect(decoded).toMatchObject({ apiKey: 3, apiVersion: version, ...header })
      const body = decodeRequest(metadata, version, frame.subarray(decoded.bodyOffset))
      expect(body.topics?.[0]?.name).toBe('orders')
    }
  })

  test('an ApiVersions version of the future and an unknown key are still headers', () => {
    const future = Buffer.concat(encodeRequestFrame(apiVersions, 4, header, {}))
    future.writeInt16BE(99, 2)
    expect(decodeRequestHeader(future)).toMatchObject({ kind: 'ok', apiKey: 18, apiVersion: 99, ...header })
    const unknown = Buffer.concat(encodeRequestFrame(metadata, 1, header, { topics: null }))
    unknown.writeInt16BE(1234, 0)
    expect(decodeRequestHeader(unknown)).toMatchObject({ kind: 'ok', apiKey: 1234, ...header })
  })

  test('truncations and lies name the field', () => {
    const frame = Buffer.concat(encodeRequestFrame(metadata, 9, header, { topics: null }))
    const fields = ['apiKey', 'apiVersion', 'correlationId', 'clientId', 'taggedFields']
    const ends = [2, 4, 8, 14, 15]
    for (let length = 0; length < 15; length++) {
      const field = fields[ends.findIndex((end) => length < end)]
      expect(decodeRequestHeader(frame.subarray(0, length))).toEqual({ kind: 'malformed', code: 'truncated', field })
    }
    frame.writeInt16BE(-2, 8)
    expect(decodeRequestHeader(frame)).toEqual({ kind: 'malformed', code: 'negativeLength', field: 'clientId' })
    frame.writeInt16BE(0x7fff, 8)
    expect(decodeRequestHeader(frame)).toEqual({ kind: 'malformed', code: 'truncated', field: 'clientId' })
  })
})

describe('response headers', () => {
  test('carry a tag byte where flexible, but never for ApiVersions', () => {
    expect(encodeResponseHeader(metadata, 8, 7)).toHaveLength(4)
    expect(encodeResponseHeader(metadata, 9, 7)).toHaveLength(5)
    for (const version of [0, 3, 4]) expect(encodeResponseHeader(apiVersions, version, 7)).toHaveLength(4)
  })

  test('a whole response', () => {
    const frame = Buffer.concat(encodeResponseFrame(metadata, 9, 7, { brokers: [], topics: [] }))
    const { correlationId, bodyOffset } = decodeResponseHeader(metadata, 9, frame)
    expect(correlationId).toBe(7)
    expect(decodeResponse(metadata, 9, frame.subarray(bodyOffset)).brokers).toEqual([])
  })
})

test('error codes have their names', () => {
  expect(errorName(ErrorCode.UNKNOWN_TOPIC_ID)).toBe('UNKNOWN_TOPIC_ID')
  expect(errorName(-1)).toBe('UNKNOWN_SERVER_ERROR')
  expect(errorName(12_345)).toBe('UNKNOWN_ERROR_12345')
  expect(new Set(Object.values(ErrorCode)).size).toBe(Object.keys(ErrorCode).length)
})

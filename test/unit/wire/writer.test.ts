// Encoding: which buffers come out, what passes uncopied, and that mistakes of our own end in assertions.
import { describe, expect, test } from 'vitest'
import { AssertionError } from '../../../lib/base/assert.ts'
import type { TopicId } from '../../../lib/base/ids.ts'
import { apiVersions } from '../../../lib/wire/messages/api-versions.ts'
import { deleteTopics } from '../../../lib/wire/messages/delete-topics.ts'
import { fetch } from '../../../lib/wire/messages/fetch.ts'
import { produce } from '../../../lib/wire/messages/produce.ts'
import { decodeRequest, decodeResponse } from '../../../lib/wire/reader.ts'
import { array, bytes, defineApi, int32, string, struct } from '../../../lib/wire/schema.ts'
import { encodeRequest, encodeResponse, Writer } from '../../../lib/wire/writer.ts'

function fetched(records: Uint8Array | readonly Uint8Array[] | null): Uint8Array[] {
  const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 7, abortedTransactions: null, records }
  return encodeResponse(fetch, 12, { responses: [{ topic: 'orders', partitions: [partition, partition] }] })
}

describe('records', () => {
  test('pass by reference, between gathered small fields', () => {
    const first = new Uint8Array(40_000).fill(1)
    const second = new Uint8Array(5).fill(2)
    const buffers = fetched([first, second])
    expect(buffers).toHaveLength(7)
    expect(buffers[1]).toBe(first)
    expect(buffers[2]).toBe(second)
    expect(buffers[4]).toBe(first)
    const decoded = decodeResponse(fetch, 12, Buffer.concat(buffers))
    expect(decoded.responses[0]?.partitions[1]?.records).toEqual(new Uint8Array(Buffer.concat([first, second])))
  })

  test('empty lists, empty buffers and null', () => {
    for (const empty of [[], new Uint8Array(0), [new Uint8Array(0)]]) {
      const decoded = decodeResponse(fetch, 12, Buffer.concat(fetched(empty)))
      expect(decoded.responses[0]?.partitions[0]?.records).toEqual(new Uint8Array(0))
    }
    expect(decodeResponse(fetch, 12, Buffer.concat(fetched(null))).responses[0]?.partitions[0]?.records).toBeNull()
  })
})

test('bytes written across the ends of chunks arrive in order, whatever their sizes', () => {
  for (let lead = 0; lead < 20; lead++) {
    const writer = new Writer()
    const expected: number[] = []
    for (let i = 0; i < lead; i++) writer.int8(1)
    for (let i = 0; i < lead; i++) expected.push(1)
    for (let i = 0; i < 300; i++) {
      writer.int8(i % 100)
      writer.int16(i)
      writer.int32(i)
      writer.unsignedVarint(200)
      writer.string(16, 'é')
      expected.push(i % 100, i >> 8, i & 255, 0, 0, i >> 8, i & 255, 0xc8, 0x01, 0, 2, 0xc3, 0xa9)
    }
    expect(Buffer.concat(writer.finish()).equals(Buffer.from(expected))).toBe(true)
  }
})

test('the answer to an unknown ApiVersions version, in version 0', () => {
  const value = { errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }] }
  expect(Buffer.concat(encodeResponse(apiVersions, 0, value)).toString('hex')).toBe('002300000001001200000004')
})

test('tagged fields go out by ascending tag, those at their default not at all', () => {
  const value = {
    errorCode: 0,
    apiKeys: [],
    supportedFeatures: [],
    zkMigrationReady: true,
    finalizedFeaturesEpoch: 5,
    finalizedFeatures: [],
  }
  expect(Buffer.concat(encodeResponse(apiVersions, 3, value)).toString('hex')).toBe(
    '0000' + '01' + '00000000' + '02' + '0108' + '0000000000000005' + '0301' + '01',
  )
})

describe('mistakes of ours', () => {
  const request = { acks: -1, timeoutMs: 1, topicData: [] }

  test('a missing field', () => {
    // What the type checker would refuse, as a value that it cannot see into.
    const incomplete = JSON.parse('{"acks":-1,"topicData":[]}') as typeof request
    expect(() => encodeRequest(produce, 9, incomplete)).toThrow('timeoutMs is given')
  })

  test('a number out of range', () => {
    for (const acks of [32_768, -32_769, 1.5, Number.NaN]) {
      expect(() => encodeRequest(produce, 9, { ...request, acks })).toThrow(AssertionError)
    }
    for (const baseOffset of [2 ** 64, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      const partitionResponses = [{ index: 0, errorCode: 0, baseOffset }]
      const response = { responses: [{ name: 'orders', partitionResponses }] }
      expect(() => encodeResponse(produce, 9, response)).toThrow(AssertionError)
    }
  })

  test('null in a version that has none', () => {
    const response = { responses: [{ name: null, errorCode: 0 }] }
    expect(encodeResponse(deleteTopics, 6, response).length).toBeGreaterThan(0)
    expect(() => encodeResponse(deleteTopics, 5, response)).toThrow('name is not null in version 5')
  })

  test('an id that is none, a string too long, a version that is not served', () => {
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }]
    const topicId = 'zz'.repeat(16) as TopicId
    const topics = [{ topicId, partitions }]
    expect(() => encodeRequest(fetch, 13, { maxWaitMs: 0, minBytes: 0, topics })).toThrow(AssertionError)
    const name = 'a'.repeat(32_768)
    const topicData = [{ name, partitionData: [] }]
    expect(() => encodeRequest(produce, 9, { ...request, topicData })).toThrow(AssertionError)
    expect(() => encodeRequest(produce, 2, request)).toThrow(AssertionError)
  })
})

test('nullable structs, bytes and nested tags, which later APIs need', () => {
  const inner = { id: int32('0+'), note: string('1+', { tag: 3, default: 'none' }) }
  const fields = {
    cursor: struct('0+', inner, { nullable: '0+', default: null }),
    data: bytes('0+', { nullable: '0+' }),
    list: array('0+', inner, { tag: 1 }),
    late: struct('1+', inner, { tag: 0, nullable: '1+', default: null }),
  }
  const api = defineApi({ key: 9999, name: 'Example', min: 0, max: 1, flexibleFrom: 1, request: fields, response: {} })
  const full = {
    cursor: { id: 1, note: 'x' },
    data: new Uint8Array([1, 2]),
    list: [{ id: 2, note: 'none' }],
    late: { id: 3, note: 'none' },
  }
  expect(decodeRequest(api, 1, Buffer.concat(encodeRequest(api, 1, full)))).toEqual(full)
  const empty = { cursor: null, data: null, list: [], late: null }
  expect(decodeRequest(api, 1, Buffer.concat(encodeRequest(api, 1, { data: null })))).toEqual(empty)
  expect(Buffer.concat(encodeRequest(api, 1, { data: null })).toString('hex')).toBe('ff0000')
})

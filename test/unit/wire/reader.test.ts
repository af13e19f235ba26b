// Decoding bytes that lie: each kind of lie has its code and the path to the field, costs no memory, and harms nothing else.
import { describe, expect, test } from 'vitest'
import { DECODED_BYTES_MAX, TAGGED_FIELDS_MAX } from '../../../lib/base/limits.ts'
import { createTopics } from '../../../lib/wire/messages/create-topics.ts'
import { fetch } from '../../../lib/wire/messages/fetch.ts'
import { metadata } from '../../../lib/wire/messages/metadata.ts'
import { produce } from '../../../lib/wire/messages/produce.ts'
import { decodeRequest, decodeResponse, Reader, WireError, type WireErrorCode } from '../../../lib/wire/reader.ts'
import type { Api } from '../../../lib/wire/schema.ts'
import { encodeRequest, encodeResponse, Writer } from '../../../lib/wire/writer.ts'

/** Bytes written by hand. */
function bytesOf(write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  write(writer)
  return Buffer.concat(writer.finish())
}

function failureOf(decode: () => unknown): { readonly code: WireErrorCode; readonly path: string } {
  try {
    decode()
  } catch (error) {
    if (error instanceof WireError) return { code: error.code, path: error.path }
    throw error
  }
  throw new Error('it was decoded')
}

function requestFailure(api: Api, version: number, body: Uint8Array): ReturnType<typeof failureOf> {
  return failureOf(() => decodeRequest(api, version, body))
}

const partition = { index: 0, records: new Uint8Array([1, 2, 3]) }
const request = { acks: -1, timeoutMs: 1000, topicData: [{ name: 'orders', partitionData: [partition, partition] }] }

describe('views', () => {
  test('records are views into the frame, in place', () => {
    const body = Buffer.concat([Buffer.from('head'), ...encodeRequest(produce, 9, request)]).subarray(4)
    const records = decodeRequest(produce, 9, body).topicData[0]!.partitionData[1]!.records!
    expect(records).toEqual(new Uint8Array([1, 2, 3]))
    expect(records.buffer).toBe(body.buffer)
    body[body.lastIndexOf(records)] = 9
    expect(records[0]).toBe(9)
  })
})

describe('lies about sizes', () => {
  test('every truncation fails, and names the field', () => {
    for (const version of [3, 9]) {
      const body = Buffer.concat(encodeRequest(produce, version, request))
      for (let length = 0; length < body.length; length++) {
        expect(['truncated', 'arrayTooLong']).toContain(requestFailure(produce, version, body.subarray(0, length)).code)
      }
      const cut = body.subarray(0, body.length - (version === 9 ? 4 : 1))
      expect(requestFailure(produce, version, cut)).toEqual({
        code: 'truncated',
        path: 'topicData[0].partitionData[1].records',
      })
    }
  })

  test('bytes after a request are ignored, as in Kafka', () => {
    // What librdkafka 2.16 sends to ask for all topics: null topics in four bytes, then two booleans and the tags.
    const body = Buffer.from([0, 0, 0, 0, 1, 0, 0])
    expect(decodeRequest(metadata, 13, body)).toEqual({
      topics: null,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
  })

  test('bytes after a response are an error', () => {
    const body = Buffer.concat([...encodeResponse(metadata, 9, { brokers: [], topics: [] }), Buffer.from([0])])
    expect(failureOf(() => decodeResponse(metadata, 9, body))).toEqual({ code: 'trailingBytes', path: '' })
  })

  test('an array count of 2^31-1 and of 2^32-2', () => {
    const plain = bytesOf((writer) => {
      writer.int32(0x7fff_ffff)
      writer.copy(new Uint8Array(1000))
    })
    expect(requestFailure(metadata, 1, plain)).toEqual({ code: 'arrayTooLong', path: 'topics' })
    const compact = bytesOf((writer) => {
      writer.unsignedVarint(0xffff_ffff)
      writer.copy(new Uint8Array(1000))
    })
    expect(requestFailure(metadata, 9, compact)).toEqual({ code: 'arrayTooLong', path: 'topics' })
  })

  test('a count that the remaining bytes cannot hold, by the smallest size of an element', () => {
    // A partition of Fetch version 4 takes 16 bytes: three of them do not fit 47.
    const body = bytesOf((writer) => {
      writer.int32(-1)
      writer.int32(500)
      writer.int32(1)
      writer.int32(1)
      writer.int8(0)
      writer.int32(1)
      writer.string(16, 'orders')
      writer.int32(3)
      writer.copy(new Uint8Array(47))
    })
    expect(requestFailure(fetch, 4, body)).toEqual({ code: 'arrayTooLong', path: 'topics[0].partitions' })
  })

  test('negative lengths', () => {
    const array = bytesOf((writer) => writer.int32(-2))
    expect(requestFailure(metadata, 1, array)).toEqual({ code: 'negativeLength', path: 'topics' })
    const string = bytesOf((writer) => {
      writer.int32(1)
      writer.int16(-2)
    })
    expect(requestFailure(metadata, 1, string)).toEqual({ code: 'negativeLength', path: 'topics[0].name' })
  })

  test('null where there is no null', () => {
    expect(
      requestFailure(
        metadata,
        0,
        bytesOf((writer) => writer.int32(-1)),
      ),
    ).toEqual({
      code: 'nullNotAllowed',
      path: 'topics',
    })
    const name = bytesOf((writer) => {
      writer.unsignedVarint(2)
      writer.unsignedVarint(0)
      writer.copy(new Uint8Array(10))
    })
    expect(requestFailure(metadata, 9, name)).toEqual({ code: 'nullNotAllowed', path: 'topics[0].name' })
  })

  test('a varint of six bytes, and one above 32 bits', () => {
    expect(requestFailure(metadata, 9, Buffer.from('80808080800100', 'hex')).code).toBe('varintTooLong')
    expect(requestFailure(metadata, 9, Buffer.from('ffffffff1f', 'hex')).code).toBe('varintTooLong')
    expect(new Reader(Buffer.from('ffffffff0f', 'hex')).unsignedVarint()).toBe(0xffff_ffff)
  })
})

describe('tagged fields', () => {
  const head = bytesOf((writer) => {
    writer.unsignedVarint(0)
    writer.copy(new Uint8Array([1, 0]))
  })
  const withTags = (write: (writer: Writer) => void): Buffer => Buffer.concat([head, bytesOf(write)])

  test('unknown ones are skipped', () => {
    const body = withTags((writer) => {
      writer.unsignedVarint(2)
      writer.unsignedVarint(7)
      writer.unsignedVarint(3)
      writer.copy(new Uint8Array([1, 2, 3]))
      writer.unsignedVarint(5000)
      writer.unsignedVarint(0)
    })
    expect(decodeRequest(metadata, 11, body)).toMatchObject({ topics: null, allowAutoTopicCreation: true })
  })

  test('20 million are refused at once', () => {
    const count = 20_000_000
    const body = Buffer.concat([head, bytesOf((writer) => writer.unsignedVarint(count)), new Uint8Array(2 * count)])
    const start = performance.now()
    expect(requestFailure(metadata, 11, body).code).toBe('tooManyTaggedFields')
    expect(performance.now() - start).toBeLessThan(100)
  })

  test('as many as allowed are skipped, one more is not', () => {
    const many = (count: number): Buffer =>
      withTags((writer) => {
        writer.unsignedVarint(count)
        for (let tag = 0; tag < count; tag++) {
          writer.unsignedVarint(tag)
          writer.unsignedVarint(0)
        }
      })
    expect(decodeRequest(metadata, 11, many(TAGGED_FIELDS_MAX)).topics).toBeNull()
    expect(requestFailure(metadata, 11, many(TAGGED_FIELDS_MAX + 1)).code).toBe('tooManyTaggedFields')
  })

  test('out of order, or twice', () => {
    for (const tags of [
      [2, 1],
      [1, 1],
    ]) {
      const body = withTags((writer) => {
        writer.unsignedVarint(2)
        for (const tag of tags) {
          writer.unsignedVarint(tag)
          writer.unsignedVarint(0)
        }
      })
      expect(requestFailure(metadata, 11, body).code).toBe('tagsOutOfOrder')
    }
  })

  test('a size beyond the frame, and one that is not what a known field takes', () => {
    const beyond = withTags((writer) => {
      writer.unsignedVarint(1)
      writer.unsignedVarint(9)
      writer.unsignedVarint(100)
    })
    expect(requestFailure(metadata, 11, beyond).code).toBe('truncated')
    const body = Buffer.concat(encodeRequest(fetch, 12, { clusterId: 'abc', maxWaitMs: 1, minBytes: 1, topics: [] }))
    // …, one tagged field, tag 0, size 4, compact length 4, "abc".
    expect(body.subarray(-7).toString('hex')).toBe('01000404616263')
    expect(decodeRequest(fetch, 12, body).clusterId).toBe('abc')
    body[body.length - 4] = 3
    expect(requestFailure(fetch, 12, body).code).toBe('taggedFieldSize')
    body[body.length - 4] = 5
    expect(requestFailure(fetch, 12, body)).toEqual({ code: 'truncated', path: 'clusterId' })
  })
})

describe('amplification', () => {
  test('values that would take far more memory than the frame are refused before they are made', () => {
    // Two bytes on the wire, an object of some fifty bytes in memory.
    const count = 20_000_000
    const body = Buffer.alloc(5 + 2 * count)
    body.writeInt32BE(count)
    const before = process.memoryUsage().heapUsed
    expect(requestFailure(metadata, 1, body)).toEqual({ code: 'budgetExceeded', path: 'topics' })
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(DECODED_BYTES_MAX)
  })

  test('a Metadata response of 100,000 partitions is within the budget', () => {
    const nodes = [1]
    const partitions = Array.from({ length: 100_000 }, (_, partitionIndex) => {
      return { errorCode: 0, partitionIndex, leaderId: 1, replicaNodes: nodes, isrNodes: nodes }
    })
    const brokers = [{ nodeId: 1, host: 'localhost', port: 9092 }]
    const body = encodeResponse(metadata, 12, { brokers, topics: [{ errorCode: 0, name: 'orders', partitions }] })
    const decoded = decodeResponse(metadata, 12, Buffer.concat(body))
    expect(decoded.topics[0]?.partitions).toHaveLength(100_000)
  })
})

test('versions that are not served are refused, Produce 0 to 2 too', () => {
  for (const version of [-1, 0, 2, 12]) {
    expect(requestFailure(produce, version, new Uint8Array(100)).code).toBe('unsupportedVersion')
  }
})

test('64-bit integers beyond 2^53 are rounded, and the largest comes back as the largest', () => {
  const reader = new Reader(Buffer.from('7fffffffffffffff8000000000000000ffffffffffffffff', 'hex'))
  const values = [reader.int64(), reader.int64(), reader.int64()]
  expect(values).toEqual([2 ** 63, -(2 ** 63), -1])
  const back = bytesOf((writer) => values.forEach((value) => void writer.int64(value)))
  expect(back.toString('hex')).toBe('7fffffffffffffff8000000000000000ffffffffffffffff')
})

test('invalid UTF-8 becomes replacement characters, which no topic name may contain', () => {
  const body = Buffer.concat(
    encodeRequest(createTopics, 2, { topics: [{ name: 'abc', numPartitions: 1, replicationFactor: 1 }] }),
  )
  body[body.indexOf('abc')] = 0xff
  expect(decodeRequest(createTopics, 2, body).topics[0]?.name).toBe('\ufffdbc')
})

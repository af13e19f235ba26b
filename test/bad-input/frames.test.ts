// Bytes that are no requests, against a real process: the connection that sent them is closed, and nothing else happens.
// What each of them costs is checked at the end, together with the healthy client (see support/guarded-server.ts).
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FRAME_BYTES_MAX } from '../../lib/base/limits.ts'
import { ErrorCode } from '../../lib/wire/errors.ts'
import { type GuardedServer, startGuarded } from './support/guarded-server.ts'
import { dial, exchange, framed, header, int32, untilClosed } from './support/hostile.ts'

let server: GuardedServer
beforeAll(async () => {
  server = await startGuarded()
})
afterAll(() => server.end())

const METADATA = 3
const API_VERSIONS = 18
const NOTHING = Buffer.alloc(0)

describe('a length', () => {
  test.each([0, -1, -2_147_483_648, FRAME_BYTES_MAX + 1, 2_147_483_647])('of %d', async (length) => {
    expect(await untilClosed(server.address, Buffer.concat([int32(length), randomBytes(1000)]))).toEqual(NOTHING)
  })

  test('that is cut off', async () => {
    expect(await untilClosed(server.address, Buffer.from([0, 0, 1]), true)).toEqual(NOTHING)
  })
})

describe('a frame', () => {
  test('that is cut off, small and large', async () => {
    const announced = [
      framed(header(METADATA, 0), int32(0)),
      Buffer.concat([int32(FRAME_BYTES_MAX), randomBytes(3000)]),
    ]
    for (const bytes of announced) {
      expect(await untilClosed(server.address, bytes.subarray(0, bytes.length - 1), true)).toEqual(NOTHING)
    }
  })

  test('that is too short for a header', async () => {
    for (const length of [1, 3, 7, 9]) {
      const bytes = framed(header(METADATA, 0).subarray(0, length))
      expect(await untilClosed(server.address, bytes)).toEqual(NOTHING)
    }
  })

  test('of random bytes, and random bytes without a frame', async () => {
    for (let i = 0; i < 200; i++) {
      const bytes = randomBytes(1 + ((i * 37) % 3000))
      expect(await untilClosed(server.address, i % 2 === 0 ? bytes : framed(bytes), true)).toEqual(NOTHING)
    }
  })

  test.each([
    ['an API that does not exist', 999, 0],
    ['a negative API', -1, 0],
    ['an API between brokers', 7, 0],
    ['a version to come', METADATA, 99],
    ['a negative version', METADATA, -1],
    ['a version that is not served any more', 0, 2],
  ])('for %s', async (_name, apiKey, apiVersion) => {
    expect(await untilClosed(server.address, framed(header(apiKey, apiVersion), randomBytes(40)))).toEqual(NOTHING)
  })

  test('for ApiVersions in a version to come is answered in version 0', async () => {
    const socket = await dial(server.address)
    const answer = await exchange(socket, framed(header(API_VERSIONS, 99), Buffer.from([0])))
    expect(answer.readInt32BE(0)).toBe(7)
    expect(answer.readInt16BE(4)).toBe(ErrorCode.UNSUPPORTED_VERSION)
    // The one API that it tells is ApiVersions itself, as in Kafka.
    expect([answer.readInt32BE(6), answer.readInt16BE(10)]).toEqual([1, API_VERSIONS])
    await exchange(socket, framed(header(API_VERSIONS, 0)))
    socket.destroy()
  })
})

describe('a count', () => {
  const most = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f])
  test.each([
    ['of 2^31-1 topics in Metadata', METADATA, 0, int32(0x7fffffff)],
    ['of 2^32-2 topics in the compact form', METADATA, 9, Buffer.concat([Buffer.from([0]), most])],
    ['of 2^31-1 topics in Produce', 0, 3, Buffer.concat([Buffer.from('ffffffff00001000', 'hex'), int32(0x7fffffff)])],
    ['of 2^31-1 topics in Fetch', 1, 4, Buffer.concat([Buffer.alloc(17), int32(0x7fffffff)])],
    ['of 2^31-1 topics in CreateTopics', 19, 2, int32(0x7fffffff)],
    ['of 2^31-1 resources in DescribeConfigs', 32, 1, int32(0x7fffffff)],
    ['below -1', METADATA, 1, int32(-5)],
  ])('%s', async (_name, apiKey, apiVersion, body) => {
    expect(await untilClosed(server.address, framed(header(apiKey, apiVersion), body))).toEqual(NOTHING)
  })

  test('of twenty million tagged fields, behind the header and behind the body', async () => {
    const twentyMillion = Buffer.from('80dac409', 'hex')
    const fields = Buffer.alloc(40_000_000)
    const behindHeader = framed(header(METADATA, 12), twentyMillion, fields)
    // No topics, no auto-creation, no authorized operations, then tagged fields.
    const behindBody = framed(header(METADATA, 12), Buffer.from('00010000', 'hex'), twentyMillion, fields)
    for (const bytes of [behindHeader, behindBody]) expect(await untilClosed(server.address, bytes)).toEqual(NOTHING)
  })

  test('of forty million topics that are really there does not become forty million values', async () => {
    // 80 MB of the smallest topics: names of length 0. The budget of decoding ends it.
    const count = 40_000_000
    const body = Buffer.concat([int32(count), Buffer.alloc(2 * count)])
    expect(await untilClosed(server.address, framed(header(METADATA, 0), body))).toEqual(NOTHING)
  })
})

describe('at once', () => {
  test('2,000 connections of garbage', async () => {
    const answers: Buffer[] = []
    for (let wave = 0; wave < 10; wave++) {
      const sent = Array.from({ length: 200 }, (_, i) => {
        const bytes = randomBytes(1 + ((i * 131) % 5000))
        return untilClosed(server.address, i % 3 === 0 ? framed(bytes) : bytes, true)
      })
      answers.push(...(await Promise.all(sent)))
    }
    expect(answers.filter((answer) => answer.length > 0)).toEqual([])
    expect(answers).toHaveLength(2000)
  })

  test('2,000 connections that stay, each in the middle of a frame of garbage', async () => {
    const sockets = await Promise.all(Array.from({ length: 2000 }, () => dial(server.address)))
    for (const socket of sockets) socket.write(Buffer.concat([int32(50_000_000), randomBytes(2000)]))
    await sleep(1500)
    for (const socket of sockets) socket.destroy()
  })

  test('500 connections that announce 100 MiB and send a byte a second', async () => {
    const sockets = await Promise.all(Array.from({ length: 500 }, () => dial(server.address)))
    for (const socket of sockets) socket.write(int32(FRAME_BYTES_MAX))
    for (let second = 0; second < 4; second++) {
      for (const socket of sockets) socket.write(Buffer.from([0]))
      await sleep(1000)
    }
    for (const socket of sockets) socket.destroy()
  })

  test('three frames of 100 MiB, none of which is a request', async () => {
    const bytes = framed(header(METADATA, 0), Buffer.alloc(FRAME_BYTES_MAX - 10, 0xff))
    const sent = Array.from({ length: 3 }, () => untilClosed(server.address, bytes))
    expect(await Promise.all(sent)).toEqual(Array(3).fill(NOTHING))
  })
})

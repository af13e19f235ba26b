// What clients that are broken, lost or hostile send through API Gateway: each gets an HTTP status with a problem in JSON, or
// Kafka's error, never a stack trace, and nothing of it is written.
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { systemClock } from '../../lib/base/clock.ts'
import { newUlid } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import { HTTPS_FRAME_BYTES_MAX } from '../../lib/wire/https.ts'
import {
  createTopicFrame,
  fetchFrame,
  produceFrame,
  readCreated,
  readProduced,
  recordBatch,
  requestFrame,
} from '../clients/raw.ts'
import { ask, post, type Reply, readPartition } from './frames.ts'

const { caller } = inject('deployed')
const door = { url: inject('url'), keys: caller }
const TOPIC = 'bad-input'
const frame = (value: string): Buffer => produceFrame(TOPIC, 0, recordBatch([Buffer.from(value)], Date.now()))
const good = frame('never written')
let generation = '1'

beforeAll(async () => {
  expect(readCreated(await ask(door, 'admin', createTopicFrame(TOPIC, 1)))).toBe(0)
  const { headers } = await post(door, 'produce', frame('first'))
  generation = headers.get('tidelog-generation') ?? ''
  expect(generation).toMatch(/^\d+$/)
})

const newRequestId = (): string => `${generation}-${newUlid(systemClock, systemRandom)}`

function expectProblem({ status, headers, body }: Reply, expected: number): void {
  const text = String(body)
  expect(status, text).toBe(expected)
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/)
  const problem = JSON.parse(text) as Record<string, unknown>
  expect(problem).toMatchObject({ status: expected, title: expect.any(String), detail: expect.any(String) })
  expect(text).not.toMatch(/\n\s+at |node:internal|\.ts:\d|\.js:\d/)
}

function withLength(bytes: Uint8Array, length: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeInt32BE(length)
  return copy
}

const BODIES: readonly { readonly what: string; readonly body: Buffer; readonly status: number }[] = [
  { what: 'nothing', body: Buffer.alloc(0), status: 400 },
  { what: 'three bytes', body: Buffer.from([0, 0, 0]), status: 400 },
  { what: 'text', body: Buffer.from('GET / HTTP/1.1\r\n\r\n'), status: 400 },
  { what: 'an empty frame', body: Buffer.alloc(4), status: 400 },
  { what: 'two frames', body: Buffer.concat([good, frame('second of two')]), status: 400 },
  { what: 'a truncated frame', body: good.subarray(0, good.length - 1), status: 400 },
  { what: 'a negative length', body: withLength(good, -1), status: 400 },
  { what: 'a length beyond everything', body: withLength(good, 0x7fffffff), status: 400 },
  { what: 'a header that is cut off', body: withLength(good.subarray(0, 9), 5), status: 400 },
  { what: 'a request body that is cut off', body: withLength(good.subarray(0, 30), 26), status: 400 },
  { what: 'a frame of 4 MiB and a byte', body: tooLong(), status: 413 },
  { what: 'an API of another function', body: fetchFrame(TOPIC, 0, 0, 0), status: 421 },
  { what: 'an API that nobody knows', body: requestFrame(32_000, 0, Buffer.alloc(8)), status: 421 },
]

function tooLong(): Buffer {
  const body = Buffer.concat([good, Buffer.alloc(HTTPS_FRAME_BYTES_MAX + 1 - good.length)])
  return withLength(body, body.length - 4)
}

describe('bad input', () => {
  it.each(BODIES)('$what', async ({ body, status }) => {
    expectProblem(await post(door, 'produce', body), status)
  })

  it('another content type', async () => {
    expectProblem(await post(door, 'produce', good, { 'content-type': 'application/json' }), 415)
    expectProblem(await post(door, 'produce', good, { 'content-type': 'text/plain; charset=utf-8' }), 415)
  })

  it.each([
    ['tidelog-request-id', 'mine'],
    ['tidelog-request-id', `0-${newUlid(systemClock, systemRandom)}`],
    ['tidelog-connection', 'a connection'],
    ['tidelog-connection', 'x'.repeat(65)],
    ['tidelog-waited-ms', '-1'],
    ['tidelog-waited-ms', '1e9'],
    ['tidelog-advertise', 'nowhere'],
  ])('the header %s: %s', async (name, value) => {
    expectProblem(await post(door, 'produce', good, { [name]: value }), 400)
  })

  it('a function or a method that is not there', async () => {
    for (const name of ['nothing', 'produce/more', 'Produce']) {
      const { status, body } = await post(door, name, good)
      expect(status, name).toBe(404)
      expect(String(body)).not.toContain(' at ')
    }
    const answer = await fetch(`${door.url}/kafka/produce`, { method: 'PUT', body: Buffer.from(good) })
    expect([403, 404]).toContain(answer.status)
  })

  it('a request id that is used again for another frame', async () => {
    const id = { 'tidelog-request-id': newRequestId() }
    const first = await post(door, 'produce', frame('second'), id)
    expect(readProduced(first.body.subarray(8))).toEqual({ error: 0, baseOffset: 1 })
    expectProblem(await post(door, 'produce', frame('other'), id), 409)
    const created = { 'tidelog-request-id': newRequestId() }
    expect((await post(door, 'admin', createTopicFrame('made-once', 1), created)).status).toBe(200)
    expectProblem(await post(door, 'admin', createTopicFrame('made-twice', 1), created), 409)
    const again = await post(door, 'admin', createTopicFrame('made-once', 1), created)
    expect(readCreated(again.body.subarray(8))).toBe(0)
  })

  it('a batch whose checksum is wrong, and a topic that is not there', async () => {
    const broken = frame('broken')
    broken[broken.length - 2]! ^= 1
    expect(readProduced(await ask(door, 'produce', broken)).error).toBe(2)
    const nowhere = produceFrame('bad-input-nowhere', 0, recordBatch([Buffer.from('x')], Date.now()))
    expect(readProduced(await ask(door, 'produce', nowhere)).error).toBe(3)
    const partition = produceFrame(TOPIC, 9, recordBatch([Buffer.from('x')], Date.now()))
    expect(readProduced(await ask(door, 'produce', partition)).error).toBe(3)
  })

  it('has written nothing', async () => {
    expect((await readPartition(door, TOPIC, 0)).map(String)).toEqual(['first', 'second'])
  })
})

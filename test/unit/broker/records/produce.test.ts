// Produce: what reaches the log, in which order, and what each bad input and each outcome of the log is answered with.
import { describe, expect, test } from 'vitest'
import { RECORD_ERRORS_MAX } from '../../../../lib/base/limits.ts'
import type { AppendBatchOutcome } from '../../../../lib/log/log.ts'
import { buildBatch, buildPlainBatch } from '../../../../lib/wire/build-batch.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { encodeRequestFrame } from '../../../../lib/wire/frame.ts'
import { produce } from '../../../../lib/wire/messages/produce.ts'
import { inlineCompression } from '../../../../lib/wire/native-compression.ts'
import { batchCodec, readBatchHeader } from '../../../../lib/wire/record-batch.ts'
import { batch, connect, type World, world } from '../support/world.ts'

const NOW = 1_700_000_000_000

function body(
  records: Uint8Array | null,
  rest: { topic?: string; partition?: number; acks?: number; timeoutMs?: number } = {},
) {
  const { topic = 't', partition = 0, acks = -1, timeoutMs = 30_000 } = rest
  const partitionData = [{ index: partition, records }]
  return { acks, timeoutMs, topicData: [{ name: topic, partitionData }] }
}

async function produceOne(w: World, records: Uint8Array | null, version = 11, rest: Parameters<typeof body>[1] = {}) {
  const response = await w.ask(produce, version, body(records, rest))
  return response.responses[0]!.partitionResponses[0]!
}

/** The bytes that the log was given last. */
async function lastStored(w: World): Promise<Buffer> {
  const outcome = await w.log.fetch({
    partitions: [{ topic: w.log.topicByName('t')!, partition: 0, offset: 0, bytesMax: 1e6 }],
    bytesMin: 0,
    bytesMax: 1e6,
    waitMsMax: 0,
    committedOnly: false,
    leaderEpoch: -1,
    signal: new AbortController().signal,
  })
  return Buffer.concat(outcome[0]!.kind === 'records' ? outcome[0]!.records : [])
}

describe('what is appended', () => {
  test.each([3, 5, 7, 8, 9, 10, 11])('version %i answers with the offsets', async (version) => {
    const w = world()
    await w.topic('t')
    expect(await produceOne(w, batch(['a', 'b'], NOW), version)).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect(await produceOne(w, batch(['c'], NOW), version, { acks: 1 })).toMatchObject({ errorCode: 0, baseOffset: 2 })
  })

  test('the bytes of the batch reach the log untouched', async () => {
    const w = world()
    await w.topic('t')
    const sent = await buildBatch({ records: [{ timestamp: NOW, value: Buffer.alloc(500) }] }, 'lz4', inlineCompression)
    await produceOne(w, sent)
    expect((await lastStored(w)).equals(sent)).toBe(true)
  })

  test('a topic that only the journal knows yet is found by reading the head, once', async () => {
    const w = world()
    await w.topic('t')
    w.log.hidden.add('t')
    expect(await produceOne(w, batch(['a'], NOW))).toMatchObject({ errorCode: 0 })
    expect(w.log.calls.refresh).toBe(1)
  })

  test('a known topic costs no head read', async () => {
    const w = world()
    await w.topic('t')
    await produceOne(w, batch(['a'], NOW))
    expect(w.log.calls.refresh).toBe(0)
  })

  test('a duplicate is answered with its first offset', async () => {
    const w = world()
    await w.topic('t')
    const sent = batch(['a'], NOW, { producerId: 9, producerEpoch: 0, baseSequence: 0 })
    expect(await produceOne(w, sent)).toMatchObject({ errorCode: 0, baseOffset: 0 })
    await produceOne(w, batch(['x'], NOW))
    expect(await produceOne(w, sent)).toMatchObject({ errorCode: 0, baseOffset: 0 })
  })
})

describe('order', () => {
  test('admitted when the log has given the batches their place, before the outcome is known', async () => {
    const w = world()
    await w.topic('t')
    let release = (): void => {}
    w.log.hold = new Promise((resolve) => {
      release = resolve
    })
    const connection = connect()
    const first = w.start(produce, 11, body(batch(['a'], NOW)), connection)
    await first.admitted
    const second = w.start(produce, 11, body(batch(['b'], NOW)), connection)
    await second.admitted
    expect(w.log.calls.appends).toEqual([`${connection.id} t-0`, `${connection.id} t-0`])
    release()
    expect((await first.response).responses[0]!.partitionResponses[0]!.baseOffset).toBe(0)
    expect((await second.response).responses[0]!.partitionResponses[0]!.baseOffset).toBe(1)
  })

  test('a batch that must be recompressed is not admitted before that is done', async () => {
    const w = world()
    await w.topic('t', 1, { 'compression.type': 'zstd' })
    const started = w.start(produce, 11, body(batch(['a'], NOW)))
    expect(w.log.calls.appends).toEqual([])
    await started.admitted
    expect(w.log.calls.appends).toHaveLength(1)
  })
})

describe('bad input fails its partition only', () => {
  const corrupted = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = Buffer.from(batch(['a', 'b'], NOW))
    change(bytes)
    return bytes
  }
  const cases: [string, Uint8Array | null, number][] = [
    ['a wrong CRC', corrupted((b) => b.writeUInt8(b[b.length - 2]! ^ 1, b.length - 2)), ErrorCode.CORRUPT_MESSAGE],
    ['a length past the end', corrupted((b) => b.writeInt32BE(b.length, 8)), ErrorCode.INVALID_RECORD],
    ['a length that is too short', corrupted((b) => b.writeInt32BE(b.length - 20, 8)), ErrorCode.INVALID_RECORD],
    ['magic 0', corrupted((b) => b.writeInt8(0, 16)), ErrorCode.INVALID_RECORD],
    ['magic 1', corrupted((b) => b.writeInt8(1, 16)), ErrorCode.INVALID_RECORD],
    ['two batches', Buffer.concat([batch(['a'], NOW), batch(['b'], NOW)]), ErrorCode.INVALID_RECORD],
    ['no batch', new Uint8Array(0), ErrorCode.INVALID_RECORD],
    ['null', null, ErrorCode.INVALID_RECORD],
    [
      'a transactional batch',
      buildPlainBatch({
        records: [{ timestamp: NOW }],
        producerId: 1,
        producerEpoch: 0,
        baseSequence: 0,
        transactional: true,
      }),
      ErrorCode.INVALID_TXN_STATE,
    ],
  ]
  test.each(cases)('%s', async (_name, records, errorCode) => {
    const w = world()
    await w.topic('t', 2)
    const response = await w.ask(produce, 11, {
      acks: -1,
      timeoutMs: 30_000,
      topicData: [
        {
          name: 't',
          partitionData: [
            { index: 0, records },
            { index: 1, records: batch(['good'], NOW) },
          ],
        },
      ],
    })
    const [bad, good] = response.responses[0]!.partitionResponses
    expect(bad).toMatchObject({ index: 0, errorCode, baseOffset: -1 })
    expect(bad!.errorMessage).not.toBeNull()
    expect(good).toMatchObject({ index: 1, errorCode: 0, baseOffset: 0 })
  })

  test('a record count that lies, with a CRC that does not', async () => {
    const w = world()
    await w.topic('t')
    const { assembleBatch } = await import('../../../../lib/wire/record-batch.ts')
    const honest = batch(['a', 'b'], NOW)
    const header = readBatchHeader(honest)
    const lying = assembleBatch({ ...header, recordCount: 1000, lastOffsetDelta: 999 }, honest.subarray(61))
    expect(await produceOne(w, lying)).toMatchObject({ errorCode: ErrorCode.INVALID_RECORD })
    const negative = assembleBatch({ ...header, recordCount: -1, lastOffsetDelta: -2 }, honest.subarray(61))
    expect(await produceOne(w, negative)).toMatchObject({ errorCode: ErrorCode.INVALID_RECORD })
  })

  test('an unknown topic, partition and a negative partition, after a head read', async () => {
    const w = world()
    await w.topic('t')
    const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    expect(await produceOne(w, batch(['a'], NOW), 11, { topic: 'nope' })).toMatchObject({ errorCode: unknown })
    expect(w.log.calls.refresh).toBe(1)
    expect(await produceOne(w, batch(['a'], NOW), 11, { partition: 1 })).toMatchObject({ errorCode: unknown })
    expect(w.log.calls.refresh).toBe(2)
    expect(await produceOne(w, batch(['a'], NOW), 11, { partition: -1 })).toMatchObject({ errorCode: unknown })
  })

  test('a partition named twice is refused both times, and nothing of it appended', async () => {
    const w = world()
    await w.topic('t')
    const partitionData = [
      { index: 0, records: batch(['a'], NOW) },
      { index: 0, records: batch(['b'], NOW) },
    ]
    const response = await w.ask(produce, 11, { acks: -1, timeoutMs: 1, topicData: [{ name: 't', partitionData }] })
    const codes = response.responses[0]!.partitionResponses.map((p) => p.errorCode)
    expect(codes).toEqual([ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_REQUEST])
    expect(w.log.calls.appends).toEqual([])
  })

  test('zstd before version 7', async () => {
    const w = world()
    await w.topic('t')
    const sent = await buildBatch({ records: [{ timestamp: NOW }] }, 'zstd', inlineCompression)
    expect(await produceOne(w, sent, 6)).toMatchObject({ errorCode: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE })
    expect(await produceOne(w, sent, 7)).toMatchObject({ errorCode: 0 })
  })

  test('a gap in the sequence, and an old epoch', async () => {
    const w = world()
    await w.topic('t')
    const at = (baseSequence: number, producerEpoch: number) =>
      produceOne(w, batch(['a'], NOW, { producerId: 5, producerEpoch, baseSequence }))
    expect(await at(0, 1)).toMatchObject({ errorCode: 0 })
    expect(await at(2, 1)).toMatchObject({ errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1 })
    expect(await at(1, 0)).toMatchObject({ errorCode: ErrorCode.INVALID_PRODUCER_EPOCH })
  })
})

describe('settings of the topic', () => {
  test('max.message.bytes', async () => {
    const w = world()
    await w.topic('t', 1, { 'max.message.bytes': '100' })
    const sent = batch(['x'.repeat(100)], NOW)
    expect(await produceOne(w, sent)).toMatchObject({ errorCode: ErrorCode.MESSAGE_TOO_LARGE })
    expect(await produceOne(w, batch(['x'], NOW))).toMatchObject({ errorCode: 0 })
  })

  test('max.message.bytes by default', async () => {
    const w = world()
    await w.topic('t')
    expect(await produceOne(w, batch(['x'.repeat(1_048_588)], NOW))).toMatchObject({
      errorCode: ErrorCode.MESSAGE_TOO_LARGE,
    })
  })

  test('timestamps outside the window', async () => {
    const w = world()
    await w.topic('t', 1, { 'message.timestamp.before.max.ms': '1000', 'message.timestamp.after.max.ms': '2000' })
    expect(await produceOne(w, batch(['a'], NOW - 1001))).toMatchObject({ errorCode: ErrorCode.INVALID_TIMESTAMP })
    expect(await produceOne(w, batch(['a'], NOW + 2001))).toMatchObject({ errorCode: ErrorCode.INVALID_TIMESTAMP })
    expect(await produceOne(w, batch(['a'], NOW - 1000))).toMatchObject({ errorCode: 0, logAppendTimeMs: -1 })
  })

  test('LogAppendTime writes the time of the append and says so', async () => {
    const w = world()
    await w.topic('t', 1, { 'message.timestamp.type': 'LogAppendTime' })
    expect(await produceOne(w, batch(['a'], 5))).toMatchObject({ errorCode: 0, logAppendTimeMs: NOW })
    const header = readBatchHeader(await lastStored(w))
    expect(header.maxTimestamp).toBe(NOW)
    expect(header.attributes & 8).toBe(8)
  })

  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('compression.type=%s recompresses', async (codec) => {
    const w = world()
    await w.topic('t', 1, { 'compression.type': codec })
    expect(await produceOne(w, batch(['a'], NOW))).toMatchObject({ errorCode: 0 })
    expect(batchCodec(readBatchHeader(await lastStored(w)))).toBe(codec)
  })

  test('compression.type=uncompressed decompresses', async () => {
    const w = world()
    await w.topic('t', 1, { 'compression.type': 'uncompressed' })
    const sent = await buildBatch({ records: [{ timestamp: NOW, value: Buffer.from('v') }] }, 'gzip', inlineCompression)
    expect(await produceOne(w, sent)).toMatchObject({ errorCode: 0 })
    expect(batchCodec(readBatchHeader(await lastStored(w)))).toBe('none')
  })

  test.each(['none', 'lz4'] as const)('a compacted topic refuses records without a key (%s)', async (codec) => {
    const w = world()
    await w.topic('t', 1, { 'cleanup.policy': 'compact,delete' })
    const records = [{ timestamp: NOW, key: Buffer.from('k') }, { timestamp: NOW }, { timestamp: NOW, key: null }]
    const refused = await produceOne(w, await buildBatch({ records }, codec, inlineCompression))
    expect(refused).toMatchObject({ errorCode: ErrorCode.INVALID_RECORD })
    expect(refused.recordErrors.map((error) => error.batchIndex)).toEqual([1, 2])
    const keyed = await buildBatch({ records: records.slice(0, 1) }, codec, inlineCompression)
    expect(await produceOne(w, keyed)).toMatchObject({ errorCode: 0 })
  })
})

test('the list of records without a key has an end', async () => {
  const w = world()
  await w.topic('t', 1, { 'cleanup.policy': 'compact' })
  const records = Array.from({ length: RECORD_ERRORS_MAX + 500 }, () => ({ timestamp: NOW }))
  const refused = await produceOne(w, buildPlainBatch({ records }))
  expect(refused.errorCode).toBe(ErrorCode.INVALID_RECORD)
  expect(refused.recordErrors).toHaveLength(RECORD_ERRORS_MAX)
})

describe('acks and time', () => {
  test('acks 0 is answered with nothing', async () => {
    const w = world()
    await w.topic('t')
    const { raw } = w.start(produce, 11, body(batch(['a'], NOW), { acks: 0 }))
    expect(await raw).toEqual({ kind: 'none' })
    expect(w.log.calls.appends).toHaveLength(1)
  })

  test('acks 0 with an error closes the connection', async () => {
    const w = world()
    const { raw } = w.start(produce, 11, body(batch(['a'], NOW), { acks: 0 }))
    expect(await raw).toMatchObject({ kind: 'close' })
  })

  test.each([2, -2, 32767])('acks %i is refused', async (acks) => {
    const w = world()
    await w.topic('t')
    expect(await produceOne(w, batch(['a'], NOW), 11, { acks })).toMatchObject({
      errorCode: ErrorCode.INVALID_REQUIRED_ACKS,
    })
    expect(w.log.calls.appends).toEqual([])
  })

  test('an outcome that does not come in time is REQUEST_TIMED_OUT', async () => {
    const w = world()
    await w.topic('t')
    w.log.hold = new Promise(() => {})
    const started = w.start(produce, 11, body(batch(['a'], NOW), { timeoutMs: 5000 }))
    await started.admitted
    w.clock.advance(4999)
    w.clock.advance(1)
    const response = await started.response
    expect(response.responses[0]!.partitionResponses[0]).toMatchObject({
      index: 0,
      errorCode: ErrorCode.REQUEST_TIMED_OUT,
    })
  })

  test('not admitted while the log holds it back, even when the client was told that time is up', async () => {
    const w = world()
    await w.topic('t')
    w.log.hold = new Promise(() => {})
    w.log.holdAdmission = new Promise(() => {})
    const started = w.start(produce, 11, body(batch(['a'], NOW), { timeoutMs: 1000 }))
    let admitted = false
    void started.admitted.then(() => {
      admitted = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    w.clock.advance(1000)
    await started.response
    expect(admitted).toBe(false)
  })

  test('the frame counts as held until the log is done with it, whatever the client was told', async () => {
    const w = world()
    await w.topic('t')
    let release = (): void => {}
    w.log.hold = new Promise((resolve) => {
      release = resolve
    })
    const records = batch(['a'], NOW)
    const header = { correlationId: 1, clientId: null }
    const frame = Buffer.concat(encodeRequestFrame(produce, 9, header, body(records, { timeoutMs: 1000 })))
    const handled = w.broker.handle(frame, connect())
    let released = false
    void handled.released?.then(() => {
      released = true
    })
    await handled.admitted
    w.clock.advance(1000)
    expect((await handled.response).kind).toBe('send')
    expect(released).toBe(false)
    release()
    await handled.released
    expect(released).toBe(true)
  })
})

describe('outcomes of the log', () => {
  const cases: [AppendBatchOutcome, number][] = [
    [{ kind: 'unavailable' }, ErrorCode.NOT_LEADER_OR_FOLLOWER],
    [{ kind: 'unknown' }, ErrorCode.REQUEST_TIMED_OUT],
    [{ kind: 'halted' }, ErrorCode.NOT_LEADER_OR_FOLLOWER],
    [{ kind: 'unknownTopic' }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    [{ kind: 'limit' }, ErrorCode.NOT_ENOUGH_REPLICAS],
  ]
  test.each(cases)('%o', async (outcome, errorCode) => {
    const w = world()
    await w.topic('t')
    w.log.nextOutcomes.push(outcome)
    expect(await produceOne(w, batch(['a'], NOW))).toMatchObject({ errorCode, baseOffset: -1 })
  })

  test('an unknown topic is not told while the store does not answer', async () => {
    const w = world()
    w.log.failure = { kind: 'unavailable' }
    expect(await produceOne(w, batch(['a'], NOW))).toMatchObject({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER })
  })
})

// A Kafka connection without a client: frames of the few requests that measurements need, written by hand from the
// protocol guide, so that nothing of Tidelog measures itself and no client's cleverness comes between. Requests may be
// sent ahead; responses come in their order.
import { connect, type Socket } from 'node:net'
import { crc32c } from '@node-rs/crc32'

export interface RawConnection {
  /** Sends a request frame and resolves with the body of its response (behind the correlation id). Rejects when closed. */
  ask(frame: Buffer): Promise<Buffer>
  close(): void
}

export function openRaw(port: number): Promise<RawConnection> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const waiting: { readonly answer: (body: Buffer) => void; readonly fail: (error: Error) => void }[] = []
    let chunks: Buffer[] = []
    let length = 0
    let failure: Error | undefined
    const fail = (error: Error): void => {
      failure ??= error
      for (const { fail: tell } of waiting.splice(0)) tell(failure)
      socket.destroy()
      reject(failure)
    }
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('the server closed the connection')))
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      length += chunk.length
      for (;;) {
        if (length < 4) return
        if ((chunks[0]?.length ?? 0) < 4) chunks = [Buffer.concat(chunks)]
        const size = 4 + (chunks[0]?.readInt32BE(0) ?? 0)
        if (length < size) return
        const all = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
        chunks = size === all.length ? [] : [all.subarray(size)]
        length = all.length - size
        waiting.shift()?.answer(all.subarray(8, size))
      }
    })
    socket.once('connect', () =>
      resolve({
        ask: (frame) =>
          failure === undefined
            ? new Promise((answer, tell) => {
                waiting.push({ answer, fail: tell })
                socket.write(frame)
              })
            : Promise.reject(failure),
        close: () => fail(new Error('closed by us')),
      }),
    )
  })
}

/** A request frame with header v1 and no client id. */
export function requestFrame(apiKey: number, apiVersion: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(14)
  head.writeInt32BE(10 + body.length, 0)
  head.writeInt16BE(apiKey, 4)
  head.writeInt16BE(apiVersion, 6)
  head.writeInt32BE(1, 8)
  head.writeInt16BE(-1, 12)
  return Buffer.concat([head, body])
}

/** Asks once on a connection of its own; undefined when that fails or takes too long. */
async function askOnce(port: number, frame: Buffer, timeoutMs: number): Promise<Buffer | undefined> {
  let connection: RawConnection | undefined
  const timer = setTimeout(() => connection?.close(), timeoutMs)
  try {
    connection = await openRaw(port)
    return await connection.ask(frame)
  } catch {
    return undefined
  } finally {
    clearTimeout(timer)
    connection?.close()
  }
}

export const askApiVersions = (port: number): Promise<Buffer | undefined> =>
  askOnce(port, requestFrame(18, 0, new Uint8Array()), 2000)
/** Metadata v1 of no topic; its body begins with the number of brokers. */
export const askMetadata = (port: number): Promise<Buffer | undefined> =>
  askOnce(port, requestFrame(3, 1, Buffer.alloc(4)), 5000)

const int8 = (value: number): Buffer => Buffer.from([value & 0xff])
function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}
const string = (text: string): Buffer => Buffer.concat([int16(Buffer.byteLength(text)), Buffer.from(text)])

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value >= 0 ? value * 2 : -value * 2 - 1
  while (rest > 127) {
    bytes.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
  return Buffer.from(bytes)
}

export interface RawProducer {
  readonly id: number
  readonly epoch: number
  readonly sequence: number
}

/** One batch (magic 2, uncompressed, no keys) of these values. */
export function recordBatch(values: readonly Buffer[], timestamp: number, producer?: RawProducer): Buffer {
  const records = values.map((value, index) => {
    const body = Buffer.concat([int8(0), varint(0), varint(index), varint(-1), varint(value.length), value, varint(0)])
    return Buffer.concat([varint(body.length), body])
  })
  const behindCrc = Buffer.concat([
    ...[int16(0), int32(values.length - 1), int64(timestamp), int64(timestamp)],
    ...[int64(producer?.id ?? -1), int16(producer?.epoch ?? -1), int32(producer?.sequence ?? -1), int32(values.length)],
    ...records,
  ])
  const crc = Buffer.alloc(4)
  crc.writeUInt32BE(crc32c(behindCrc))
  return Buffer.concat([int64(0), int32(9 + behindCrc.length), int32(-1), int8(2), crc, behindCrc])
}

/** Produce v3, acks=all, one partition. */
export function produceFrame(topic: string, partition: number, batch: Buffer): Buffer {
  const head = [int16(-1), int16(-1), int32(600_000), int32(1), string(topic), int32(1), int32(partition)]
  return requestFrame(0, 3, Buffer.concat([...head, int32(batch.length), batch]))
}
/** Error code and base offset out of a Produce v3 response of one partition. */
export function readProduced(body: Buffer): { readonly error: number; readonly baseOffset: number } {
  const at = 4 + 2 + body.readInt16BE(4) + 4 + 4
  return { error: body.readInt16BE(at), baseOffset: Number(body.readBigInt64BE(at + 2)) }
}

/** Fetch v4 of one partition. */
export function fetchFrame(
  topic: string,
  partition: number,
  offset: number,
  waitMs: number,
  bytesMax = 8 << 20,
): Buffer {
  const head = [int32(-1), int32(waitMs), int32(1), int32(bytesMax), int8(0), int32(1), string(topic), int32(1)]
  return requestFrame(1, 4, Buffer.concat([...head, int32(partition), int64(offset), int32(bytesMax)]))
}
/** What a Fetch v4 response of one partition says. */
export function readFetched(body: Buffer): { readonly error: number; readonly end: number; readonly records: Buffer } {
  const at = 4 + 4 + 2 + body.readInt16BE(8) + 4 + 4
  const aborted = Math.max(0, body.readInt32BE(at + 18))
  const records = at + 22 + aborted * 16
  const length = Math.max(0, body.readInt32BE(records))
  return {
    error: body.readInt16BE(at),
    end: Number(body.readBigInt64BE(at + 2)),
    records: body.subarray(records + 4, records + 4 + length),
  }
}

export interface RawRecord {
  readonly offset: number
  readonly value: Buffer
}

/** The records of whole uncompressed batches as `recordBatch` makes them, and the offset behind the last. */
export function recordsOf(bytes: Buffer): { readonly records: RawRecord[]; readonly next: number | undefined } {
  const records: RawRecord[] = []
  let next: number | undefined
  let at = 0
  while (at + 61 <= bytes.length && at + 12 + bytes.readInt32BE(at + 8) <= bytes.length) {
    const base = Number(bytes.readBigInt64BE(at))
    let cursor = at + 61
    const readVarint = (): number => {
      let value = 0
      let scale = 1
      for (;;) {
        const byte = bytes.readUInt8(cursor)
        cursor += 1
        value += (byte & 127) * scale
        if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
        scale *= 128
      }
    }
    for (let left = bytes.readInt32BE(at + 57); left > 0; left -= 1) {
      readVarint()
      cursor += 1
      readVarint()
      const delta = readVarint()
      const keyLength = readVarint()
      cursor += Math.max(0, keyLength)
      const valueLength = readVarint()
      records.push({ offset: base + delta, value: bytes.subarray(cursor, cursor + Math.max(0, valueLength)) })
      cursor += Math.max(0, valueLength)
      for (let headers = readVarint(); headers > 0; headers -= 1) {
        cursor += readVarint()
        cursor += Math.max(0, readVarint())
      }
    }
    next = base + bytes.readInt32BE(at + 23) + 1
    at += 12 + bytes.readInt32BE(at + 8)
  }
  return { records, next }
}

/** CreateTopics v2. */
export function createTopicFrame(topic: string, partitions: number): Buffer {
  const body = [int32(1), string(topic), int32(partitions), int16(1), int32(0), int32(0), int32(30_000), int8(0)]
  return requestFrame(19, 2, Buffer.concat(body))
}
/** Error code of a CreateTopics v2 response of one topic. */
export const readCreated = (body: Buffer): number => body.readInt16BE(8 + 2 + body.readInt16BE(8))

/** Names of the codecs by their number in a batch's attributes. */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** The codec of each whole batch. */
export function* codecsIn(bytes: Buffer): Generator<string> {
  for (let at = 0; at + 61 <= bytes.length; at += 12 + bytes.readInt32BE(at + 8)) {
    yield CODECS[bytes.readInt16BE(at + 21) & 7] ?? 'unknown'
  }
}

/** Whether the server has FindCoordinator, without which librdkafka (2.16 still) does not use lz4. */
export async function hasFindCoordinator(port: number): Promise<boolean> {
  const answer = await askApiVersions(port)
  for (let at = 6; answer !== undefined && at < answer.length; at += 6) if (answer.readInt16BE(at) === 10) return true
  return false
}

// The hands of an attacker: sockets on which any bytes may be written, and requests that no client of ours would send.
import { connect, type Socket } from 'node:net'
import type { Address } from '../../../lib/base/address.ts'
import { decodeResponseHeader, encodeRequestFrame } from '../../../lib/wire/frame.ts'
import { apiVersions } from '../../../lib/wire/messages/api-versions.ts'
import { decodeResponse } from '../../../lib/wire/reader.ts'
import type { Api, RequestInput, ResponseOf } from '../../../lib/wire/schema.ts'

const ANSWER_MS_MAX = 10_000

/** A frame: its length and its bytes. */
export function framed(...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([int32(body.length), body])
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** A request header of version 1 with correlation id 7 and without a client id. */
export function header(apiKey: number, apiVersion: number): Buffer {
  const bytes = Buffer.alloc(10)
  bytes.writeInt16BE(apiKey, 0)
  bytes.writeInt16BE(apiVersion, 2)
  bytes.writeInt32BE(7, 4)
  bytes.writeInt16BE(-1, 8)
  return bytes
}

/** Connects; an error of the connection is none of the test. */
export function dial(address: Address): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...address, noDelay: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}

/** Writes bytes, and waits until the server has closed the connection. Resolves with what it said before. */
export async function untilClosed(address: Address, bytes: Uint8Array, ends = false): Promise<Buffer> {
  const socket = await dial(address)
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  const closed = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the connection was not closed')), ANSWER_MS_MAX)
    const done = (): void => {
      clearTimeout(timer)
      resolve()
    }
    socket.once('end', done)
    socket.once('close', done)
  })
  if (ends) socket.end(bytes)
  else socket.write(bytes)
  await closed
  socket.destroy()
  return Buffer.concat(chunks)
}

/** Sends a frame and reads one frame; fails when the connection is closed instead. */
export async function exchange(socket: Socket, bytes: Uint8Array): Promise<Buffer> {
  const chunks: Buffer[] = []
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => finish(() => reject(new Error('no answer'))), ANSWER_MS_MAX)
    const finish = (then: () => void): void => {
      clearTimeout(timer)
      socket.off('data', onData)
      socket.off('close', onClose)
      then()
    }
    const onClose = (): void => finish(() => reject(new Error('the connection was closed')))
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk)
      const all = Buffer.concat(chunks)
      if (all.length >= 4 && all.length === 4 + all.readInt32BE(0)) finish(() => resolve(all.subarray(4)))
    }
    socket.on('data', onData)
    socket.on('close', onClose)
    socket.write(bytes)
  })
}

/** A request in exactly this version on a connection of its own, which must be usable afterwards. */
export async function ask<A extends Api>(
  address: Address,
  api: A,
  version: number,
  value: RequestInput<A>,
): Promise<ResponseOf<A>> {
  const socket = await dial(address)
  try {
    const send = async (what: Api, at: number, body: RequestInput<Api>): Promise<Buffer> => {
      const frame = framed(...encodeRequestFrame(what, at, { correlationId: 1, clientId: null }, body))
      const answer = await exchange(socket, frame)
      return answer.subarray(decodeResponseHeader(what, at, answer).bodyOffset)
    }
    const answer = decodeResponse(api, version, await send(api, version, value))
    await send(apiVersions, 0, {})
    return answer
  } finally {
    socket.destroy()
  }
}

// Frames over HTTPS by hand: signed POSTs to a route as docs/https.md describes them, with nothing of our client in between,
// so that a test can send what that client never would. Frames and their answers are those of `test/clients/raw.ts`.
import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { fetchFrame, readFetched, recordsOf } from '../clients/raw.ts'
import { type Keys, REGION } from './aws-query.ts'

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly body: Buffer
}

/** Where frames go and who sends them; without keys they are not signed. */
export interface Door {
  readonly url: string
  readonly keys?: Keys
  readonly service?: string
}

/** Sends a body to `/kafka/‹name›`. */
export async function post(
  door: Door,
  name: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  const url = new URL(`${door.url}/kafka/${name}`)
  const plain = { host: url.host, 'content-type': 'application/octet-stream', ...headers }
  const sent = door.keys === undefined ? plain : await signed(door, url, plain, body)
  const answer = await fetch(url, { method: 'POST', headers: sent, body: Buffer.from(body) })
  return { status: answer.status, headers: answer.headers, body: Buffer.from(await answer.arrayBuffer()) }
}

/** The headers of a request with its signature. */
export async function signed(
  { keys, service = 'execute-api' }: Door,
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Promise<Record<string, string>> {
  if (keys === undefined) throw new Error('nobody to sign as')
  const signer = new SignatureV4({ service, region: REGION, credentials: keys, sha256: Sha256 })
  const { protocol, hostname, pathname: path } = url
  return (await signer.sign({ method: 'POST', protocol, hostname, path, headers, body })).headers
}

const TRIES_MAX = 100
const PAUSE_MS = 100

/** Sends a frame until there is an answer; resolves with what follows its length prefix and correlation id. */
export async function ask(door: Door, name: string, frame: Uint8Array): Promise<Buffer> {
  for (let tries = 1; ; tries++) {
    const { status, body } = await post(door, name, frame)
    if (status === 200) return body.subarray(8)
    if (status !== 202 || tries === TRIES_MAX) throw new Error(`${name}: ${status} ${body}`)
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}

/**
 * The values of a partition that was written uncompressed, by offset from 0; asserts that offsets are dense. Only a fetch at
 * the end says where that is now: one below it may be answered from what its process knew a second ago.
 */
export async function readPartition(door: Door, topic: string, partition: number): Promise<Buffer[]> {
  const values: Buffer[] = []
  for (;;) {
    const { error, records } = readFetched(
      await ask(door, 'fetch', fetchFrame(topic, partition, values.length, 0, 2 << 20)),
    )
    if (error !== 0) throw new Error(`fetch of ${topic} ${partition} at ${values.length}: error ${error}`)
    if (records.length === 0 && error === 0) return values
    for (const { offset, value } of recordsOf(records).records) {
      // A batch is sent whole, also from before the offset that was asked for.
      if (offset < values.length) continue
      if (offset !== values.length) throw new Error(`offset ${offset} follows ${values.length - 1}`)
      values.push(Buffer.from(value))
    }
  }
}

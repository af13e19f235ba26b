// The requests of many connections over one line. It has the shape of a broker, so that the TCP door of a gateway, with its
// bounds and its care for slow and hostile clients, stands in front of it as it stands in front of a real one. It knows no
// sockets: a connection is what the door says it is.
import { type Clock, systemClock } from '../../base/clock.ts'
import { newUlid } from '../../base/ids.ts'
import { type Random, systemRandom } from '../../base/random.ts'
import { ErrorCode } from '../../wire/errors.ts'
import { decodeResponseHeader, encodeRequestFrame } from '../../wire/frame.ts'
import { FRAME_FUNCTIONS } from '../../wire/https.ts'
import { apiVersions } from '../../wire/messages/api-versions.ts'
import { decodeResponse, WireError } from '../../wire/reader.ts'
import { Channel, type ChannelAnswer } from './channel.ts'
import { Line } from './line.ts'
import { judge } from './problems.ts'
import type { Sender } from './sender.ts'

export interface HttpsBrokerOptions {
  readonly sender: Sender
  /** `host:port` that clients are told as the broker's address: the listener's own. */
  readonly advertise: string
  readonly onTrouble: (sentence: string) => void
  readonly clock?: Clock
  readonly random?: Random
}

/** A connection as the TCP door knows it. */
interface DoorConnection {
  readonly id: string
  /** Aborted when the client is gone, has nothing more to ask, or shall come to an end. */
  readonly signal: AbortSignal
}

export interface HttpsBroker {
  handle(
    frame: Uint8Array,
    connection: DoorConnection,
  ): { readonly admitted: Promise<void>; readonly response: Promise<ChannelAnswer> }
}

/**
 * Builds what answers a TCP door from a log behind HTTPS.
 *
 * @example
 * const door = await openListener({ host: '127.0.0.1', port: 9092 })
 * door.serve(createHttpsBroker({ sender: openSender({ url }), advertise: '127.0.0.1:9092', onTrouble: console.error }))
 */
export function createHttpsBroker(options: HttpsBrokerOptions): HttpsBroker {
  const { clock = systemClock, random = systemRandom } = options
  const line = new Line({ ...options, clock, random })
  const own = newUlid(clock, random)
  const channels = new WeakMap<DoorConnection, Channel>()
  const channelOf = (connection: DoorConnection): Channel => {
    const known = channels.get(connection)
    if (known !== undefined) return known
    const channel = new Channel(`${own}-${connection.id}`, line)
    channels.set(connection, channel)
    if (connection.signal.aborted) channel.hurry()
    else connection.signal.addEventListener('abort', () => channel.hurry(), { once: true })
    return channel
  }
  return {
    // The channel keeps the order, and has to know who waits behind a parked fetch.
    handle: (frame, connection) => {
      return { admitted: Promise.resolve(), response: channelOf(connection).request(frame) }
    },
  }
}

export type CheckedUrl = { readonly kind: 'ok' } | { readonly kind: 'problem'; readonly sentence: string }

/** A start of a cold deployment may meet one that is busy; what is not there at all does not come by waiting. */
const CHECK_TRIES = 3
const CHECK_PAUSE_MS = 1000

/**
 * Asks once for versions, and whether each function is there, so that a wrong address or missing rights are one sentence at
 * the start and not errors of clients.
 */
export async function checkUrl(sender: Sender, advertise: string, clock = systemClock): Promise<CheckedUrl> {
  const header = { correlationId: 0, clientId: 'tidelog' }
  const frame = Buffer.concat(encodeRequestFrame(apiVersions, 0, header, {}))
  for (let tries = 1; ; tries++) {
    const sent = await sender.send({ functionName: 'admin', frame, connection: 'check', advertise })
    const where = `${sender.url}/kafka/admin`
    if (sent.kind === 'lost') return { kind: 'problem', sentence: `${sender.url} cannot be reached: ${sent.reason}.` }
    const verdict = judge(sent, where)
    if (verdict.kind === 'again' && tries < CHECK_TRIES) {
      await new Promise<void>((resolve) => clock.timer(CHECK_PAUSE_MS, resolve))
      continue
    }
    switch (verdict.kind) {
      case 'frame':
        verdict.release()
        if (!tellsVersions(verdict.frame)) break
        return checkFunctions(sender, frame, advertise)
      case 'again':
        return { kind: 'problem', sentence: `${sender.url} does not work: it said ${verdict.reason}.` }
      case 'refused':
        return { kind: 'problem', sentence: verdict.sentence }
      default:
        break
    }
    return { kind: 'problem', sentence: `${sender.url} answers, but it is no Tidelog.` }
  }
}

function tellsVersions(frame: Uint8Array): boolean {
  try {
    const { bodyOffset } = decodeResponseHeader(apiVersions, 0, frame)
    return decodeResponse(apiVersions, 0, frame.subarray(bodyOffset)).errorCode === ErrorCode.NONE
  } catch (error) {
    if (error instanceof WireError) return false
    throw error
  }
}

/** The other functions say 421 to a question that is not theirs; a missing one has nobody to say it. */
async function checkFunctions(sender: Sender, frame: Uint8Array, advertise: string): Promise<CheckedUrl> {
  const others = FRAME_FUNCTIONS.filter((name) => name !== 'admin')
  const answers = await Promise.all(
    others.map((functionName) => sender.send({ functionName, frame, connection: 'check', advertise })),
  )
  const missing = others.filter((_, i) => {
    const sent = answers[i]
    return sent?.kind === 'answered' && sent.status === 404
  })
  if (missing.length === 0) return { kind: 'ok' }
  const sentence = `${sender.url} lacks the functions ${missing.map((name) => `/kafka/${name}`).join(', ')}. Deploy it again.`
  return { kind: 'problem', sentence }
}

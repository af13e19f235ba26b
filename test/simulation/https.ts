// The way from simulated clients to the functions: the real channel of `lib/client/https` over a simulated API Gateway. On
// the way a request may be refused, lose its answer, be delivered late, be delivered twice (at once or much later), or wait
// longer than API Gateway does. The gateway sees every answer, also those that nobody gets, and compares what the tries of
// one request id were told: two of them may not contradict each other.
import { Channel } from '../../lib/client/https/channel.ts'
import { Line } from '../../lib/client/https/line.ts'
import type { FrameToSend, Sender, Sent } from '../../lib/client/https/sender.ts'
import type { HttpRequest } from '../../lib/http/responses.ts'
import {
  ADVERTISE_HEADER,
  CONNECTION_HEADER,
  FRAME_CONTENT_TYPE,
  formatPosition,
  GENERATION_HEADER,
  POSITION_HEADER,
  parsePosition,
  REQUEST_ID_HEADER,
  WAITED_HEADER,
} from '../../lib/wire/https.ts'
import { initProducerId } from '../../lib/wire/messages/init-producer-id.ts'
import type { Reply } from './cluster.ts'
import { CALM, type Mix } from './faults.ts'
import { produceOutcomes } from './frames.ts'
import type { Fleet, Invoked } from './functions.ts'
import type { History } from './history.ts'
import { createHost } from './host.ts'
import type { Incidents } from './incidents.ts'
import type { Seeded } from './random.ts'
import type { World } from './world.ts'

/** An answer, and what the simulation knows about its making. */
export interface HttpsAnswer {
  readonly frame: Uint8Array
  readonly requestId: string | undefined
  /** Of the environment that made it. */
  readonly environment: string
  /** When the try that was answered was sent. */
  readonly invoked: number
  /** How often the request was delivered, or will be. */
  readonly deliveries: number
}

/** A client's connection through a listener of its own. */
export interface HttpsConnection {
  readonly id: string
  open(): boolean
  /** Sends a frame and waits for its answer, as long as the client does. */
  request(frame: Uint8Array, timeoutMs: number): Promise<Reply<HttpsAnswer>>
  close(): void
}

export interface HttpsClient {
  connect(): HttpsConnection
  /** One try past the listener, for a client that does not keep to the rules. */
  send(request: Omit<FrameToSend, 'advertise' | 'connection'>): Promise<Sent>
}

export interface Gateway {
  client(name: string): HttpsClient
  /** Faults from now on. */
  setMix(mix: Mix): void
}

const HOUR_MS = 3_600_000
const GATEWAY_MS_MAX = 29_000
const NETWORK_MS = 2
const LENGTH_BYTES = 4

interface Told {
  /** Of requests that are answered word for word alike. */
  frame: Uint8Array | undefined
  readonly offsets: Map<number, number>
}

export function createGateway(args: {
  readonly world: World
  readonly fleet: Fleet
  readonly history: History
  readonly random: Seeded
  readonly incidents: Incidents
  readonly sight: (anomaly: string, detail: string) => void
}): Gateway {
  const { world, fleet, history, random, incidents, sight } = args
  const deliveries = new Map<string, number>()
  const told = new Map<string, Told>()
  let mix = CALM
  let connections = 0

  /** Holds what one try was told against what others were told. */
  function compare({ functionName, frame: asked }: FrameToSend, requestId: string, frame: Uint8Array): void {
    let before = told.get(requestId)
    if (before === undefined) {
      before = { frame: undefined, offsets: new Map() }
      told.set(requestId, before)
    }
    if (functionName === 'admin' || apiKeyOf(asked) === initProducerId.key) {
      if (before.frame !== undefined && Buffer.compare(before.frame, frame) !== 0) {
        sight('two-answers', `${requestId}: ${Buffer.from(before.frame).toString('hex')} and ${frame.toString()}`)
      }
      before.frame = frame
    }
    if (functionName !== 'produce') return
    for (const [i, outcome] of produceOutcomes(frame).entries()) {
      if (outcome.kind !== 'appended') continue
      const offset = before.offsets.get(i) ?? outcome.baseOffset
      if (offset !== outcome.baseOffset) sight('two-answers', `${requestId}: ${offset} and ${outcome.baseOffset}`)
      before.offsets.set(i, outcome.baseOffset)
    }
  }

  /** What the caller gets for what came of an invocation. */
  function sentFor(request: FrameToSend, outcome: Invoked): Sent {
    const { functionName, requestId } = request
    if (outcome.kind === 'failed') return ownAnswer(502)
    if (outcome.kind === 'throttled') return ownAnswer(429)
    const { status, headers, body } = outcome.response
    const bytes = Buffer.from(body)
    if (status === 200 && requestId !== undefined) compare(request, requestId, bytes.subarray(LENGTH_BYTES))
    if (status === 202) incidents.count('answered 202')
    if (status === 500) sight('defect', `${functionName} ${requestId}: ${bytes.toString()}`)
    const generation = headers[GENERATION_HEADER]
    const position = parsePosition(headers[POSITION_HEADER] ?? '')
    return {
      kind: 'answered',
      status,
      body: bytes,
      contentType: headers['content-type'] ?? '',
      generation: generation === undefined ? undefined : Number(generation),
      position,
      signedAs: 'simulation',
      release: () => {},
    }
  }

  function deliver(request: FrameToSend, afterMs: number, done: (sent: Sent, environment: string) => void): void {
    const id = request.requestId
    if (id !== undefined) deliveries.set(id, (deliveries.get(id) ?? 0) + 1)
    world.at(afterMs, `request ${id ?? 'without id'} arrives`, () => {
      fleet.invoke(request.functionName, httpRequest(request), (outcome) => {
        const sent = sentFor(request, outcome)
        world.trace(`${id} ${request.functionName} -> ${sent.kind === 'answered' ? sent.status : sent.kind}`)
        done(sent, outcome.kind === 'answered' ? outcome.environment : '')
      })
    })
  }

  function draw(): 'refused' | 'lost' | 'late' | undefined {
    if (mix === CALM) return undefined
    const at = random.fraction()
    if (at < mix.before / 2) return 'refused'
    if (at < mix.before / 2 + mix.lost + 0.04) return 'lost'
    return at < mix.before / 2 + mix.lost + 0.04 + mix.late / 2 + 0.01 ? 'late' : undefined
  }
  const longMs = (): number => random.duration(random.pick([5, 50, 500, 5_000, 60_000, 2 * HOUR_MS]))

  function exchange(request: FrameToSend, onEnvironment: (name: string) => void): Promise<Sent> {
    incidents.count('request')
    if (request.requestId !== undefined && deliveries.has(request.requestId)) {
      incidents.count('request repeated under its id')
    }
    return new Promise((resolve) => {
      let over = false
      const end = (sent: Sent, afterMs: number, environment = ''): void => {
        if (over) return
        over = true
        cancelLimit()
        world.at(afterMs, `answer ${request.requestId ?? 'without id'}`, () => {
          onEnvironment(environment)
          resolve(sent)
        })
      }
      const cancelLimit = world.at(GATEWAY_MS_MAX, 'API Gateway gives up', () => {
        incidents.count('no answer within the time of API Gateway')
        end(ownAnswer(503), NETWORK_MS)
      })
      const fault = draw()
      if (fault === 'refused') {
        incidents.count('request refused on the way')
        return end(ownAnswer(random.pick([429, 503])), NETWORK_MS)
      }
      if (fault === 'late') {
        incidents.count('request delivered late')
        deliver(request, longMs(), () => {})
        return end({ kind: 'lost', reason: 'delivered late' }, Math.min(GATEWAY_MS_MAX, random.duration(1000)))
      }
      const answer = (sent: Sent, environment: string): void => {
        if (fault === 'lost') {
          incidents.count('answer lost')
          end({ kind: 'lost', reason: 'answer lost' }, Math.min(GATEWAY_MS_MAX, random.duration(500)))
        } else end(sent, NETWORK_MS, environment)
      }
      deliver(request, NETWORK_MS, answer)
      if (mix === CALM || !random.chance(0.08)) return
      const atOnce = random.chance(0.5)
      incidents.count(atOnce ? 'request delivered twice at once' : 'request delivered again later')
      // Whichever comes first may be the one that the caller hears of.
      deliver(request, NETWORK_MS + (atOnce ? random.fraction() * 4 : longMs()), random.chance(0.5) ? answer : () => {})
    })
  }

  function client(name: string): HttpsClient {
    const host = createHost(world, { name, random: random.fork(name), skewMs: 0, rate: 1 })
    /** By connection: the last try that was answered. */
    const answered = new Map<string, { environment: string; invoked: number; requestId: string | undefined }>()
    const sender: Sender = {
      url: 'https://simulation',
      close: () => {},
      send(request) {
        const invoked = history.tick()
        return exchange(request, (environment) => {
          answered.set(request.connection, { environment, invoked, requestId: request.requestId })
        })
      },
    }
    const line = new Line({
      sender,
      clock: host.clock,
      random: host.random,
      advertise: 'simulation:9092',
      onTrouble(sentence) {
        world.trace(`${name} hears: ${sentence}`)
        if (!sentence.includes(' gave no answer to a request ')) sight('refused', `${name}: ${sentence}`)
      },
    })
    return {
      connect: () => createConnection(`${name}-${++connections}`, line, answered),
      send: (request) => sender.send({ ...request, connection: `${name}-x`, advertise: 'simulation:9092' }),
    }
  }

  function createConnection(
    id: string,
    line: Line,
    answered: ReadonlyMap<string, { environment: string; invoked: number; requestId: string | undefined }>,
  ): HttpsConnection {
    const channel = new Channel(id, line)
    const waiting = new Set<() => void>()
    let isOpen = true
    function close(): void {
      isOpen = false
      channel.hurry()
      for (const settle of [...waiting]) settle()
    }
    return {
      id,
      open: () => isOpen,
      close,
      request(frame, timeoutMs) {
        if (!isOpen) return Promise.resolve({ kind: 'broken' })
        return new Promise((resolve) => {
          const settle = (reply: Reply<HttpsAnswer>): void => {
            cancel()
            waiting.delete(broken)
            resolve(reply)
          }
          const broken = (): void => settle({ kind: 'broken' })
          waiting.add(broken)
          const cancel = world.at(timeoutMs, `${id} timeout`, () => {
            settle({ kind: 'timeout' })
            close()
          })
          channel.request(frame).then((answer) => {
            if (answer.kind !== 'send') return close()
            answer.written?.()
            const last = answered.get(id)!
            const times = last.requestId === undefined ? 1 : deliveries.get(last.requestId)!
            settle({ kind: 'answer', value: { ...last, frame: Buffer.concat(answer.buffers), deliveries: times } })
          }, world.fail)
        })
      },
    }
  }

  return {
    client,
    setMix(next) {
      mix = next
    },
  }
}

const apiKeyOf = (frame: Uint8Array): number => (frame[0]! << 8) | frame[1]!

/** What API Gateway answers by itself. */
function ownAnswer(status: number): Sent {
  return {
    kind: 'answered',
    status,
    body: Buffer.from('{"message":"Service Unavailable"}'),
    contentType: 'application/json',
    generation: undefined,
    position: undefined,
    signedAs: 'simulation',
    release: () => {},
  }
}

function httpRequest({
  functionName,
  frame,
  connection,
  advertise,
  requestId,
  waitedMs,
  told,
}: FrameToSend): HttpRequest {
  const body = Buffer.alloc(LENGTH_BYTES + frame.length)
  body.writeInt32BE(frame.length)
  body.set(frame, LENGTH_BYTES)
  const headers = {
    'content-type': FRAME_CONTENT_TYPE,
    [CONNECTION_HEADER]: connection,
    [ADVERTISE_HEADER]: advertise,
    ...(requestId === undefined ? {} : { [REQUEST_ID_HEADER]: requestId }),
    ...(waitedMs === undefined ? {} : { [WAITED_HEADER]: String(waitedMs) }),
    ...(told === undefined ? {} : { [POSITION_HEADER]: formatPosition(told) }),
  }
  return { method: 'POST', path: `/kafka/${functionName}`, headers, body }
}

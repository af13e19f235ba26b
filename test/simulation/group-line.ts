// The way of a group's client to the cluster: any request of any API, as a real frame, over a connection to a gateway or over
// HTTPS. A client keeps its connection, or takes another process for every request; without an answer it hangs up. A gateway
// sees that its client has hung up before it reads the next request, so a request that reaches it later is never begun.
import { decodeResponseHeader, encodeRequestFrame } from '../../lib/wire/frame.ts'
import { decodeResponse } from '../../lib/wire/reader.ts'
import type { Api, RequestInput, ResponseOf } from '../../lib/wire/schema.ts'
import type { Connection, Process } from './cluster.ts'
import { isServed, sendFrame } from './frames.ts'
import type { HttpsClient } from './https.ts'
import { createHttpsLine } from './https-clients.ts'
import type { Seeded } from './random.ts'
import { createLine, type Scene } from './scene.ts'

export interface GroupAnswer<A extends Api> {
  readonly value: ResponseOf<A>
  readonly process: string
  /** Nobody but the try that was answered carries the request, now or later. */
  readonly isAlone: boolean
}

export interface GatewayLineOptions {
  /** Takes another process for every request. */
  readonly hops?: boolean
  /** To which process; by default to any that answers. */
  readonly connect?: () => Connection
  /** Told of each request that was sent: for what may strike a process in the middle of it. */
  readonly onSent?: (api: Api, process: Process) => void
}

export interface GroupLine {
  /** Undefined: no answer. */
  ask<A extends Api>(
    api: A,
    version: number,
    request: RequestInput<A>,
    timeoutMs: number,
  ): Promise<GroupAnswer<A> | undefined>
  leave(): void
}

const HEADER = { correlationId: 7, clientId: 'simulation' }

/** Over a connection to a gateway. */
export function gatewayLine(scene: Scene, random: Seeded, options: GatewayLineOptions = {}): GroupLine {
  const { hops = false, connect, onSent } = options
  const line = createLine(scene, random)
  let own: Connection | undefined
  const connection = (): Connection => {
    if (connect === undefined) return line.connection()
    if (own?.open() !== true) own = connect()
    return own
  }
  const leave = (): void => {
    line.leave()
    own?.close()
    own = undefined
  }
  return {
    leave,
    async ask(api, version, request, timeoutMs) {
      if (hops) leave()
      const at = connection()
      const frame = Buffer.concat(encodeRequestFrame(api, version, HEADER, request))
      const replied = at.request(
        (log, connected) => {
          if (!isServed(log)) throw new Error('every process has a broker')
          const { admitted, body } = sendFrame(log.broker, connected, frame)
          return { admitted, answer: body }
        },
        timeoutMs,
        'unlessClosed',
      )
      onSent?.(api, at.process)
      const reply = await replied
      if (reply.kind !== 'answer' || reply.value === undefined) {
        leave()
        return undefined
      }
      return { value: answerIn(api, version, reply.value), process: at.hostName, isAlone: true }
    },
  }
}

export function httpsLine(client: HttpsClient, random: Seeded): GroupLine {
  const line = createHttpsLine(client, random)
  return {
    leave: line.leave,
    async ask(api, version, request, timeoutMs) {
      const frame = Buffer.concat(encodeRequestFrame(api, version, HEADER, request))
      const reply = await line.connection().request(frame, timeoutMs)
      if (reply.kind !== 'answer') {
        line.leave()
        return undefined
      }
      const { frame: answer, environment, deliveries } = reply.value
      return { value: answerIn(api, version, answer), process: environment, isAlone: deliveries === 1 }
    },
  }
}

/** Now one, now the other. */
export function eitherLine(first: GroupLine, second: GroupLine, random: Seeded): GroupLine {
  return {
    ask: (api, version, request, timeoutMs) =>
      (random.chance(0.5) ? first : second).ask(api, version, request, timeoutMs),
    leave() {
      first.leave()
      second.leave()
    },
  }
}

function answerIn<A extends Api>(api: A, version: number, frame: Uint8Array): ResponseOf<A> {
  const { bodyOffset } = decodeResponseHeader(api, version, frame)
  return decodeResponse(api, version, frame.subarray(bodyOffset))
}

// One client connection over HTTPS: request frames in, response frames out, in order. Exactly one frame is under way at a
// time, because requests that travel side by side may overtake each other, and a partition's batches must not. A request
// keeps its id through all its tries, so that a try whose answer was lost has no second effect. Functions do not wait, so
// waiting happens here: a 202 is asked again. No sockets and no time of its own: both are ports.
import { sleep } from '../../base/clock.ts'
import { newUlid } from '../../base/ids.ts'
import {
  HTTPS_PARKED_POLL_MS,
  HTTPS_REPEAT_MS_MAX,
  HTTPS_REPEAT_PAUSE_MS_MAX,
  HTTPS_REPEAT_PAUSE_MS_MIN,
} from '../../base/limits.ts'
import { randomFraction } from '../../base/random.ts'
import { decodeRequestHeader, encodeRequestFrame, type RequestHeader } from '../../wire/frame.ts'
import { type FrameFunction, formatRequestId, functionOf, isLongFrame } from '../../wire/https.ts'
import { apiVersions } from '../../wire/messages/api-versions.ts'
import { FetchPace, type FetchQuestion, fetchQuestion, isEmptyAnswer } from './fetch-pace.ts'
import type { Line } from './line.ts'
import type { Verdict } from './problems.ts'
import { isTooLong, tooLongAnswer } from './too-long.ts'

export type ChannelAnswer =
  /** A response frame without its length prefix; `written` gives back its memory. */
  | { readonly kind: 'send'; readonly buffers: readonly Uint8Array[]; readonly written?: () => void }
  /** acks=0: nothing is sent. */
  | { readonly kind: 'none' }
  /** The connection cannot go on; the line has been told the sentence. */
  | { readonly kind: 'close'; readonly reason: string }

interface Request {
  readonly header: RequestHeader
  readonly functionName: FrameFunction
  readonly frame: Uint8Array
  readonly body: Uint8Array
  /** Set for a fetch that we can read. */
  readonly question: FetchQuestion | undefined
}

/** What a request comes to, when all its tries are over. */
type Outcome =
  | Exclude<Verdict, { readonly kind: 'later' | 'again' }>
  /** Its client went away while it waited at the server. */
  | { readonly kind: 'abandoned' }

const FETCH_KEY = 1
const WAITED_MS_MAX = 24 * 60 * 60 * 1000
const OWN_CLIENT_ID = 'tidelog'

export class Channel {
  readonly #name: string
  readonly #line: Line
  readonly #pace = new FetchPace()
  readonly #waiting: Request[] = []
  #last: Promise<unknown> = Promise.resolve()
  /** Why nothing can be asked any more. */
  #closed: string | undefined
  #isHurried = false
  #nudge = (): void => {}

  /** `name`: 1 to 64 letters, digits and dashes, unique among all connections to the log. */
  constructor(name: string, line: Line) {
    this.#name = name
    this.#line = line
  }

  /** Takes a frame, header and body without the length prefix. Never rejects for what the other side does. */
  request(frame: Uint8Array): Promise<ChannelAnswer> {
    const header = decodeRequestHeader(frame)
    if (header.kind === 'malformed') {
      return this.#inTurn(async () =>
        this.#close(`A client sent no Kafka request (${header.code} at ${header.field}).`),
      )
    }
    const body = frame.subarray(header.bodyOffset)
    const request: Request = {
      header,
      functionName: functionOf(header.apiKey),
      frame,
      body,
      question: header.apiKey === FETCH_KEY ? fetchQuestion(header, body) : undefined,
    }
    this.#waiting.push(request)
    this.#nudge()
    return this.#inTurn(() => {
      this.#waiting.shift()
      return this.#answer(request)
    })
  }

  /** Nobody waits for records any more: what is parked is finished at once, and nothing is parked from now on. */
  hurry(): void {
    this.#isHurried = true
    this.#nudge()
  }

  #inTurn(work: () => Promise<ChannelAnswer>): Promise<ChannelAnswer> {
    const answer = this.#last.then(() => {
      if (this.#closed === undefined) return work()
      this.#waiting.shift()
      return { kind: 'close', reason: this.#closed } as const
    })
    this.#last = answer.catch(() => {})
    return answer
  }

  #close(reason: string): ChannelAnswer {
    this.#closed = reason
    this.#line.tell(reason)
    return { kind: 'close', reason }
  }

  async #answer(request: Request): Promise<ChannelAnswer> {
    const { header, frame, body } = request
    if (isTooLong(frame)) return this.#refuseLength(header, body)
    const outcome = await this.#outcome(request)
    switch (outcome.kind) {
      case 'frame':
        return this.#deliver(request, outcome)
      case 'none':
        if (request.functionName !== 'produce')
          return this.#close(`${this.#line.url} left a request without an answer.`)
        this.#line.wrote()
        return { kind: 'none' }
      case 'tooLong':
        return this.#refuseLength(header, body)
      case 'refused':
        return this.#close(outcome.sentence)
      case 'abandoned':
        return { kind: 'close', reason: 'the client went away' }
    }
  }

  #deliver({ header, functionName }: Request, { frame, release }: Outcome & { readonly kind: 'frame' }): ChannelAnswer {
    const correlationId = new DataView(frame.buffer, frame.byteOffset).getInt32(0)
    if (correlationId !== header.correlationId) {
      release()
      return this.#close(`${this.#line.url} answered a question that was not asked.`)
    }
    if (functionName === 'produce') this.#line.wrote()
    return { kind: 'send', buffers: [frame], written: release }
  }

  #refuseLength(header: RequestHeader, body: Uint8Array): ChannelAnswer {
    const answer = tooLongAnswer(header, body)
    return typeof answer === 'string' ? this.#close(answer) : { kind: 'send', buffers: answer }
  }

  async #outcome(request: Request): Promise<Outcome> {
    if (this.#line.generation === undefined && mayWrite(request)) {
      const learned = await this.#learnGeneration()
      if (learned.kind === 'refused') return learned
    }
    const { generation, clock, random } = this.#line
    const long = isLongFrame(request.frame.length)
    const requestId =
      generation === undefined ? undefined : formatRequestId({ generation, id: newUlid(clock, random), long })
    const { question } = request
    return question === undefined ? this.#ask(request, requestId) : this.#fetch(request, question, requestId)
  }

  /** An answer of any kind tells the generation, and this question is the cheapest. */
  async #learnGeneration(): Promise<Outcome> {
    const header = { apiKey: apiVersions.key, apiVersion: 0, correlationId: 0, clientId: OWN_CLIENT_ID }
    const frame = Buffer.concat(encodeRequestFrame(apiVersions, 0, header, {}))
    const own = { header, functionName: 'admin', frame, body: frame, question: undefined } as const
    const outcome = await this.#ask(own, undefined)
    if (outcome.kind === 'frame') outcome.release()
    return outcome
  }

  /** Asks until there is something else than "later". */
  async #ask(request: Request, requestId: string | undefined): Promise<Outcome> {
    const { clock } = this.#line
    const startedMs = clock.monotonic()
    for (;;) {
      const outcome = await this.#try(request, requestId, () => clock.monotonic() - startedMs)
      if (outcome.kind !== 'later') return outcome
      if (this.#isHurried) return { kind: 'abandoned' }
      await sleep(clock, HTTPS_PARKED_POLL_MS)
    }
  }

  /** The same for a fetch, at the pace of the connection. */
  async #fetch(request: Request, question: FetchQuestion, requestId: string | undefined): Promise<Outcome> {
    const { clock } = this.#line
    const startedMs = clock.monotonic()
    let isKnown = this.#pace.isKnown(question)
    if (!isKnown) this.#pace.begin()
    for (let mayHurry = true; ; isKnown = true) {
      const hurried = isKnown ? await this.#parked(mayHurry) : false
      // Only once: who answers "later" to that too is asked at the usual pace.
      if (hurried) mayHurry = false
      const writes = this.#line.writes
      const waitedMs = (): number => Math.max(clock.monotonic() - startedMs, hurried ? question.maxWaitMs : 0)
      const outcome = await this.#try(request, requestId, waitedMs)
      const isNothing =
        outcome.kind === 'later' ||
        (outcome.kind === 'frame' && isEmptyAnswer(request.header.apiVersion, outcome.frame))
      if (isNothing) this.#pace.nothing(question, writes, clock.monotonic())
      else this.#pace.something()
      if (outcome.kind !== 'later') return outcome
    }
  }

  /** Waits for the next turn to ask. True when somebody behind cannot wait for it. */
  async #parked(mayHurry: boolean): Promise<boolean> {
    const { clock } = this.#line
    for (;;) {
      if (mayHurry && (this.#isHurried || this.#waiting.some((request) => !this.#canWait(request)))) return true
      const leftMs = this.#pace.dueMs(this.#line.writes) - clock.monotonic()
      if (leftMs <= 0) return false
      await new Promise<void>((resolve) => {
        const unpark = this.#line.park(() => this.#nudge())
        const cancel = clock.timer(leftMs, () => this.#nudge())
        this.#nudge = () => {
          unpark()
          cancel()
          this.#nudge = () => {}
          resolve()
        }
      })
    }
  }

  /** A fetch that would only be parked, too, does not hurry the one before: the two would drive each other round and round. */
  #canWait({ question }: Request): boolean {
    return question !== undefined && this.#pace.isKnown(question)
  }

  /** Sends the frame until an answer comes that says something, for a bounded time. */
  async #try(
    { functionName, frame }: Request,
    requestId: string | undefined,
    waitedMs: () => number,
  ): Promise<Exclude<Verdict, { readonly kind: 'again' }>> {
    const { clock, random } = this.#line
    // Of the time before the first try: a commit that is still on its way when this client has gone on is known by it.
    const told = functionName === 'coordinate' ? this.#line.position : undefined
    let failedMs: number | undefined
    for (let pauseMs = HTTPS_REPEAT_PAUSE_MS_MIN; ; pauseMs = Math.min(2 * pauseMs, HTTPS_REPEAT_PAUSE_MS_MAX)) {
      const verdict = await this.#line.ask({
        functionName,
        frame,
        connection: this.#name,
        waitedMs: Math.min(Math.floor(waitedMs()), WAITED_MS_MAX),
        ...(requestId === undefined ? {} : { requestId }),
        ...(told === undefined ? {} : { told }),
      })
      if (verdict.kind !== 'again') return verdict
      failedMs ??= clock.monotonic()
      if (clock.monotonic() - failedMs >= HTTPS_REPEAT_MS_MAX) {
        const time = `${HTTPS_REPEAT_MS_MAX / 1000} s`
        const sentence = `${this.#line.url} gave no answer to a request repeated for ${time} (${verdict.reason}).`
        return { kind: 'refused', sentence }
      }
      // Between half of the pause and all of it, so that many who failed together do not come back together.
      await sleep(clock, pauseMs * (0.5 + randomFraction(random) / 2))
    }
  }
}

/** Anything but reading records and versions may leave something behind. */
function mayWrite({ functionName, header }: Request): boolean {
  return functionName !== 'fetch' && header.apiKey !== apiVersions.key
}

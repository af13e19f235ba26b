// One client's TCP connection: bytes in, requests handed to the broker in order, answers written in the same order.
// It reads ahead while earlier requests are under way, within three bounds: requests, bytes of this connection, and the
// memory budget of the process. Whenever one is reached the socket is paused, so the sender feels it and nothing grows
// here; a reader that does not read stops its own next requests. Bad bytes end this connection and nothing else.
import { setMaxListeners } from 'node:events'
import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import {
  FETCH_STALL_MS_MAX,
  FRAME_BYTES_PER_SECOND_MIN,
  FRAME_FIRST_BYTES,
  FRAME_STALL_CONTENDED_MS_MAX,
  FRAME_STALL_MS_MAX,
  FRAME_TRUST,
  REQUEST_BYTES_PER_CONNECTION_MAX,
  REQUEST_OVERHEAD_BYTES,
  REQUESTS_IN_FLIGHT_PER_CONNECTION_MAX,
  RESPONSE_BYTES_UNWRITTEN_MAX,
} from '../base/limits.ts'
import type { Broker, BrokerConnection, BrokerResponse, Handled } from '../broker/broker.ts'
import { FrameAssembler } from '../wire/frame-assembler.ts'
import type { ByteBudget } from './byte-budget.ts'
import type { GatewayObserver } from './observer.ts'
import { type KnownAnswer, Outgoing } from './outgoing.ts'

export interface ConnectionContext {
  readonly broker: Broker
  readonly budget: ByteBudget
  readonly clock: Clock
  readonly observer: GatewayObserver
  /** Told why a connection was cut off, and of errors that the broker should not have thrown. */
  readonly log: { debug(fields: object, message: string): void; error(fields: object, message: string): void }
  readonly idleMsMax: number
  readonly frameBytesMax: number
}

/** The system asks a silent client this early whether it is still there. */
const KEEP_ALIVE_MS = 60_000

interface PendingRequest {
  readonly frame: Uint8Array
  readonly costBytes: number
  /** It came when its client had been sent all answers: those who wait for what they asked for have read them. */
  readonly isProven: boolean
}

export class Connection {
  readonly #socket: Socket
  readonly #context: ConnectionContext
  readonly #identity: BrokerConnection
  readonly #abort = new AbortController()
  readonly #assembler: FrameAssembler
  readonly #queue: PendingRequest[] = []
  /** Requests read and not yet answered, and their bytes. */
  #inFlight = 0
  #inFlightBytes = 0
  readonly #outgoing: Outgoing
  /** Memory held for the frame that is being read. */
  #frameCostBytes = 0
  /** It is all that the frame needs. */
  #frameSettled = false
  #frameSinceMs = 0
  #cancelWait: (() => void) | undefined
  #serving = false
  /** Of the request that is being started. */
  #isProven = false
  #onWritten: (() => void) | undefined
  #answered: Promise<void> = Promise.resolve()
  #inputEnded = false
  #draining = false
  #closed = false
  #finished = false
  #lastActivityMs: number

  constructor(socket: Socket, id: string, context: ConnectionContext) {
    this.#socket = socket
    this.#context = context
    this.#assembler = new FrameAssembler(context.frameBytesMax)
    this.#lastActivityMs = context.clock.monotonic()
    this.#outgoing = new Outgoing(socket, context.clock, () => this.#onTaken())
    setMaxListeners(0, this.#abort.signal)
    this.#identity = {
      id,
      clientAddress: socket.remoteAddress ?? 'unknown',
      signal: this.#abort.signal,
      delivery: { isProven: () => this.#isProven },
    }
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('end', () => this.#onEnd())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#onClose())
  }

  /** Reads no further requests, answers those under way (parked ones at once), then ends. */
  drain(): void {
    this.#draining = true
    this.#socket.pause()
    this.#abort.abort()
    this.#finishIfDone()
  }

  /** Cuts the connection off. */
  destroy(): void {
    this.#socket.destroy()
  }

  /**
   * Called every few seconds: cuts off who is idle, or holds memory without making use of it. `answersWait`: others cannot
   * be answered before somebody reads.
   */
  sweep(nowMs: number, answersWait: boolean): void {
    const reason = this.#reasonToCutOff(nowMs, answersWait)
    if (reason !== undefined) this.#cutOff(reason)
  }

  #reasonToCutOff(nowMs: number, answersWait: boolean): string | undefined {
    const quietMs = nowMs - this.#lastActivityMs
    // Who keeps sending and reads nothing is not at work.
    const unreadMs = this.#outgoing.unreadMs(nowMs)
    if (quietMs > this.#context.idleMsMax && this.#inFlight === 0 && !this.#outgoing.isWriting) return 'idle'
    if (unreadMs > this.#context.idleMsMax) return 'does not read its answers'
    const unreadMsMax = answersWait && this.#outgoing.holdsMemory ? FETCH_STALL_MS_MAX : FRAME_STALL_MS_MAX
    if (unreadMs > unreadMsMax && (answersWait || this.#context.budget.waiting > 0)) {
      return 'does not read its answers while others wait for memory'
    }
    // Who waits for memory cannot send.
    if (this.#frameCostBytes === 0 || this.#cancelWait !== undefined) return undefined
    const stallMsMax = this.#context.budget.waiting > 0 ? FRAME_STALL_CONTENDED_MS_MAX : FRAME_STALL_MS_MAX
    if (quietMs > stallMsMax) return 'stopped in the middle of a frame'
    const lateMs = nowMs - this.#frameSinceMs - stallMsMax
    const tooSlow = (lateMs * FRAME_BYTES_PER_SECOND_MIN) / 1000 > this.#assembler.filledBytes
    return tooSlow ? 'sends too slowly' : undefined
  }

  #onData(chunk: Buffer): void {
    if (this.#finished) return
    this.#lastActivityMs = this.#context.clock.monotonic()
    this.#context.observer.bytesIn(chunk.length)
    this.#assembler.push(chunk)
    this.#read()
  }

  #onEnd(): void {
    this.#inputEnded = true
    // Nobody waits for a long poll any more; what was asked before is answered still (`kcat` ends its side early).
    this.#abort.abort()
    this.#read()
    this.#finishIfDone()
  }

  #onClose(): void {
    this.#closed = true
    this.#abort.abort()
    this.#cancelWait?.()
    if (this.#frameSettled) this.#context.budget.release(this.#frameCostBytes)
    else if (this.#frameCostBytes > 0) this.#context.budget.abandon(this.#frameCostBytes)
    this.#frameSettled = false
    this.#frameCostBytes = 0
    for (const request of this.#queue.splice(0)) this.#context.budget.release(request.costBytes)
    this.#assembler.drop()
    this.#outgoing.close()
    this.#onWritten?.()
  }

  #cutOff(reason: string): void {
    this.#context.log.debug({ client: this.#identity.clientAddress, reason }, 'Closed a connection')
    this.#socket.destroy()
  }

  /** Turns the bytes that have arrived into requests, as far as the bounds allow. */
  #read(): void {
    while (!this.#closed && !this.#draining && this.#cancelWait === undefined) {
      const step = this.#assembler.step()
      if (step.kind === 'starved') {
        this.#socket.resume()
        return
      }
      if (step.kind === 'invalid') {
        this.#cutOff(step.reason)
        return
      }
      if (step.kind === 'announced') {
        if (!this.#mayReadAhead(step.sizeBytes)) {
          this.#socket.pause()
          return
        }
        this.#makeRoom(step.sizeBytes)
      } else if (step.kind === 'full') {
        this.#makeRoom(step.sizeBytes)
      } else {
        this.#enqueue(step.frame)
      }
    }
  }

  #mayReadAhead(sizeBytes: number): boolean {
    if (this.#inFlight === 0) return true
    return (
      this.#inFlight < REQUESTS_IN_FLIGHT_PER_CONNECTION_MAX &&
      this.#inFlightBytes + sizeBytes <= REQUEST_BYTES_PER_CONNECTION_MAX &&
      this.#outgoing.unwrittenBytes <= RESPONSE_BYTES_UNWRITTEN_MAX
    )
  }

  /** Gets memory for a frame of this size, or for as much of it as what has come of it justifies. */
  #makeRoom(sizeBytes: number): void {
    const { budget, clock } = this.#context
    const restBytes = sizeBytes + REQUEST_OVERHEAD_BYTES - this.#frameCostBytes
    const arrivedBytes = this.#assembler.arrivedBytes
    const trusted = sizeBytes <= Math.max(FRAME_FIRST_BYTES, FRAME_TRUST * arrivedBytes)
    const room = trusted ? sizeBytes : Math.max(FRAME_FIRST_BYTES, 2 * arrivedBytes)
    const costBytes = room + REQUEST_OVERHEAD_BYTES - this.#frameCostBytes
    const askedMs = clock.monotonic()
    const isFirst = this.#frameCostBytes === 0
    const proceed = (acquiredBytes: number): void => {
      this.#frameCostBytes += acquiredBytes
      this.#frameSettled = acquiredBytes === restBytes
      if (this.#frameSettled) budget.settle()
      this.#lastActivityMs = clock.monotonic()
      // The time of waiting does not count as the sender's.
      this.#frameSinceMs = isFirst ? this.#lastActivityMs : this.#frameSinceMs + this.#lastActivityMs - askedMs
      this.#assembler.enlarge(this.#frameCostBytes - REQUEST_OVERHEAD_BYTES)
    }
    if (budget.tryAcquire(costBytes)) {
      proceed(costBytes)
      return
    }
    this.#socket.pause()
    const granted = (acquiredBytes: number): void => {
      this.#cancelWait = undefined
      proceed(acquiredBytes)
      this.#read()
    }
    this.#cancelWait = budget.acquire(costBytes, granted, isFirst ? 0 : restBytes)
  }

  #enqueue(frame: Uint8Array): void {
    const costBytes = this.#frameCostBytes
    this.#frameCostBytes = 0
    this.#frameSettled = false
    const isProven = this.#inFlight === 0 && this.#outgoing.isProven
    this.#inFlight++
    this.#inFlightBytes += frame.length
    this.#queue.push({ frame, costBytes, isProven })
    if (!this.#serving) void this.#serve()
  }

  /** Hands requests to the broker one after the other, each when the one before has its place in the order. */
  async #serve(): Promise<void> {
    this.#serving = true
    for (let request = this.#queue.shift(); request !== undefined; request = this.#queue.shift()) {
      while (this.#outgoing.unwrittenBytes > RESPONSE_BYTES_UNWRITTEN_MAX && !this.#closed) {
        await new Promise<void>((resolve) => {
          this.#onWritten = resolve
        })
      }
      if (this.#closed || this.#finished) {
        this.#context.budget.release(request.costBytes)
        continue
      }
      const handled = this.#start(request)
      this.#answered = this.#answer(this.#answered, handled, request)
      await handled.admitted.catch(() => {})
    }
    this.#serving = false
  }

  #start(request: PendingRequest): Handled {
    this.#isProven = request.isProven
    try {
      return this.#context.broker.handle(request.frame, this.#identity)
    } catch (error) {
      this.#context.log.error({ err: error }, 'A request broke an invariant; its connection is closed')
      return {
        admitted: Promise.resolve(),
        response: Promise.resolve({ kind: 'close', reason: 'a broken invariant' }),
      }
    }
  }

  async #answer(before: Promise<void>, handled: Handled, request: PendingRequest): Promise<void> {
    const response = await handled.response.catch((error: unknown): BrokerResponse => {
      this.#context.log.error({ err: error }, 'A request broke an invariant; its connection is closed')
      return { kind: 'close', reason: 'a broken invariant' }
    })
    // The frame is not needed any more, whether or not earlier answers are still to come; unless the log still writes it.
    if (handled.released === undefined) this.#context.budget.release(request.costBytes)
    else void handled.released.then(() => this.#context.budget.release(request.costBytes))
    const answer = response.kind === 'send' ? this.#outgoing.know(response) : undefined
    await before
    if (answer !== undefined) this.#write(answer)
    if (response.kind === 'close' && !this.#closed) {
      this.#context.log.debug({ client: this.#identity.clientAddress, reason: response.reason }, 'Closed a connection')
      this.#end()
    }
    this.#inFlight--
    this.#inFlightBytes -= request.frame.length
    this.#read()
    this.#finishIfDone()
  }

  #write(answer: KnownAnswer): void {
    if (this.#closed || this.#finished || !this.#socket.writable) {
      this.#outgoing.drop(answer)
      return
    }
    this.#outgoing.write(answer)
    this.#context.observer.bytesOut(answer.sizeBytes + 4)
  }

  /** The reader took something. */
  #onTaken(): void {
    this.#lastActivityMs = this.#context.clock.monotonic()
    if (this.#finished && !this.#outgoing.isWriting) this.#shut()
    this.#onWritten?.()
    this.#read()
  }

  #finishIfDone(): void {
    if ((this.#inputEnded || this.#draining) && this.#inFlight === 0) this.#end()
  }

  /** Lets what was written leave, reads and forgets what still comes, and waits for the client to close. */
  #end(): void {
    if (this.#finished || this.#closed) return
    this.#finished = true
    this.#draining = true
    if (!this.#outgoing.isWriting) this.#shut()
    if (this.#inputEnded) return
    this.#socket.resume()
    // A client that never closes its side is cut off.
    const cancel = this.#context.clock.timer(1000, () => this.#socket.destroy())
    this.#socket.once('close', cancel)
  }

  /** Everything was handed to the system. */
  #shut(): void {
    if (this.#inputEnded) this.#socket.destroySoon()
    else this.#socket.end()
  }
}

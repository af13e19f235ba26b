// What all connections of one listener share: the journal generation that was told last, how many writes were acknowledged
// (parked fetches look again at once when one is), and who is told of trouble. The generation is the one told last, not the
// highest: a journal that was restored begins anew at a lower one.
import type { Clock } from '../../base/clock.ts'
import { CONNECT_NOTICE_MS } from '../../base/limits.ts'
import type { Random } from '../../base/random.ts'
import type { ToldPosition } from '../../wire/https.ts'
import { judge, type Verdict } from './problems.ts'
import type { FrameToSend, Sender } from './sender.ts'

export interface LineOptions {
  readonly sender: Sender
  readonly clock: Clock
  readonly random: Random
  /** `host:port` that clients are told as the broker's address. */
  readonly advertise: string
  /** Told in one sentence why a client was cut off; the same sentence once a minute. */
  readonly onTrouble: (sentence: string) => void
}

export class Line {
  readonly clock: Clock
  readonly random: Random
  readonly #options: LineOptions
  readonly #parked = new Set<() => void>()
  readonly #told = new Map<string, number>()
  #generation: number | undefined
  #position: ToldPosition | undefined
  #writes = 0

  constructor(options: LineOptions) {
    this.#options = options
    this.clock = options.clock
    this.random = options.random
  }

  get url(): string {
    return this.#options.sender.url
  }

  /** Undefined until the first answer. */
  get generation(): number | undefined {
    return this.#generation
  }

  /** The furthest in the journal that an answer told: whatever was acknowledged to us lies before it. */
  get position(): ToldPosition | undefined {
    return this.#position
  }

  /** Writes that were acknowledged so far. */
  get writes(): number {
    return this.#writes
  }

  /** One try. */
  async ask(request: Omit<FrameToSend, 'advertise'>): Promise<Verdict> {
    const { sender, advertise } = this.#options
    const sent = await sender.send({ ...request, advertise })
    if (sent.kind === 'answered' && sent.generation !== undefined) this.#generation = sent.generation
    if (sent.kind === 'answered' && sent.position !== undefined && isBehind(this.#position, sent.position)) {
      this.#position = sent.position
    }
    return judge(sent, `${sender.url}/kafka/${request.functionName}`)
  }

  /** A write was acknowledged: whoever waits for records may find them now. */
  wrote(): void {
    this.#writes++
    for (const wake of [...this.#parked]) wake()
  }

  /** Calls `wake` with each write from now on, until the returned function is called. */
  park(wake: () => void): () => void {
    this.#parked.add(wake)
    return () => this.#parked.delete(wake)
  }

  /** Tells a person, unless it was told a moment ago. */
  tell(sentence: string): void {
    const nowMs = this.clock.monotonic()
    for (const [old, toldMs] of this.#told) if (nowMs - toldMs >= CONNECT_NOTICE_MS) this.#told.delete(old)
    if (this.#told.has(sentence)) return
    this.#told.set(sentence, nowMs)
    this.#options.onTrouble(sentence)
  }
}

const isBehind = (old: ToldPosition | undefined, told: ToldPosition): boolean =>
  old === undefined ||
  old.generation < told.generation ||
  (old.generation === told.generation && old.index < told.index)

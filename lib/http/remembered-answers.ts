// What keeps a request that is sent twice from having its effect twice. Requests that change topics or configurations, or
// allot producer ids, leave a document before they are carried out and their answer in it afterwards: a repeat, in whichever
// process, gets that answer, or hears that the outcome is unknown while there is none. Records need no document (the log
// names their segment after the request), and reading may be repeated at will. Beside that each process remembers what the
// last request ids stood for, so that one used for two frames is noticed at once.
//
// Stored document `answers/‹request id›`: JSON of `StoredAnswer`. Put absent by whoever carries the request out, changed
// once by the same; removed by maintenance an hour after `at`, but never before the horizon has passed the request's
// generation. ⚠ Who carries a request out has seen, in a read that began after its put, that the horizon has not: a try that
// slept until its document was forgotten, or whose document went early because two clocks differ, must not be the second.
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { BrokerResponse } from '../broker/broker.ts'
import type { RequestName } from '../log/log.ts'
import type { DocumentStore } from '../storage/ports.ts'
import { formatRequestId, parseRequestId } from '../wire/https.ts'

export const ANSWERS = 'answers'
/** A client that repeats a request later than this has given it up. */
export const ANSWERS_KEPT_MS = 60 * 60 * 1000

export interface StoredAnswer {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  /** Who carries the request out: a random text. */
  readonly by: string
  /** SHA-256 of the frame, base 64. */
  readonly frame: string
  /** The response frame, base 64; absent until it is known. */
  readonly response?: string
}

export type OnceOutcome =
  | { readonly kind: 'new'; readonly response: BrokerResponse }
  /** The id stands for another frame. */
  | { readonly kind: 'conflict' }
  | { readonly kind: 'unknown'; readonly detail: string }

export interface AnswerMemory {
  /** Carries a request out, or answers as an earlier try did. */
  once(name: RequestName, apiKey: number, run: () => Promise<BrokerResponse>): Promise<OnceOutcome>
}

const PRODUCE = 0
/**
 * CreateTopics, DeleteTopics, DeleteRecords (of which "up to the end" means another end with each try), InitProducerId,
 * AlterConfigs, CreatePartitions, DeleteGroups, IncrementalAlterConfigs, AlterPartitionReassignments, OffsetDelete.
 */
const REMEMBERED_KEYS = new Set([19, 20, 21, 22, 33, 37, 42, 44, 45, 47])
const RECENT_MAX = 512
const PUT_TRIES_MAX = 3
const READ_TRIES_MAX = 3
/** A longer answer is not kept: its repeats hear that the outcome is unknown. */
const RESPONSE_BYTES_MAX = 256 * 1024

/** An opened log: its horizon, as new as a read makes it. */
export interface AnsweringLog {
  refresh(): Promise<{ readonly kind: string }>
  readonly journal: { readonly replica: { readonly root: { readonly horizon: number } } }
}

export function createAnswerMemory(args: {
  readonly log: AnsweringLog
  readonly documents: DocumentStore
  readonly clock: Clock
  readonly random: Random
}): AnswerMemory {
  const { log, documents, clock, random } = args
  /** By request id, the oldest first. */
  const recent = new Map<string, { readonly frame: string; running: Promise<OnceOutcome> | undefined }>()

  function remember(key: string, frame: string, running: Promise<OnceOutcome> | undefined): void {
    const entry = { frame, running }
    recent.set(key, entry)
    for (const oldest of recent.keys()) {
      if (recent.size <= RECENT_MAX) break
      recent.delete(oldest)
    }
    const done = (): void => {
      entry.running = undefined
    }
    running?.then(done, done)
  }

  /** Takes the request for this call; `stored` is what another one left. */
  async function begin(key: string, mine: StoredAnswer): Promise<'begun' | 'unavailable' | StoredAnswer> {
    for (let tries = 0; tries < PUT_TRIES_MAX; tries++) {
      const put = await documents.put(key, encode(mine), 0)
      if (put.kind === 'applied') return 'begun'
      if (put.kind !== 'conflict' || put.current === undefined) continue
      const stored = JSON.parse(Buffer.from(put.current.body).toString()) as StoredAnswer
      return stored.by === mine.by ? 'begun' : stored
    }
    return 'unavailable'
  }

  /** Whether an earlier document of this request cannot have been forgotten yet. */
  async function isYoung(generation: number): Promise<boolean> {
    for (let tries = 0; tries < READ_TRIES_MAX; tries++) {
      if ((await log.refresh()).kind === 'fresh') return generation >= log.journal.replica.root.horizon
    }
    return false
  }

  async function remembered(
    name: RequestName,
    frame: string,
    run: () => Promise<BrokerResponse>,
  ): Promise<OnceOutcome> {
    const key = `${ANSWERS}/${formatRequestId(name)}`
    const mine = { at: clock.now(), by: Buffer.from(random.bytes(12)).toString('base64url'), frame }
    const begun = await begin(key, mine)
    if (begun === 'unavailable') {
      return { kind: 'unknown', detail: 'The store did not take the request. Send it again under the same id.' }
    }
    if (begun !== 'begun') {
      if (begun.frame !== frame) return { kind: 'conflict' }
      if (begun.response !== undefined) {
        return { kind: 'new', response: { kind: 'send', buffers: [Buffer.from(begun.response, 'base64')] } }
      }
      return { kind: 'unknown', detail: 'An earlier try of this request is under way, or ended without an answer.' }
    }
    if (!(await isYoung(name.generation))) {
      return { kind: 'unknown', detail: 'The request is so old that what became of an earlier try may be forgotten.' }
    }
    const response = await run()
    if (response.kind === 'send') {
      const bytes = Buffer.concat(response.buffers)
      // When this put fails the repeat hears `unknown`, which is true.
      const answer: StoredAnswer = { ...mine, response: bytes.toString('base64') }
      if (bytes.length <= RESPONSE_BYTES_MAX) await documents.put(key, encode(answer), 1)
    }
    return { kind: 'new', response }
  }

  return {
    once(name, apiKey, run) {
      const text = formatRequestId(name)
      const hash = Buffer.from(name.frameHash).toString('base64')
      const known = recent.get(text)
      if (known !== undefined && known.frame !== hash) return Promise.resolve({ kind: 'conflict' })
      if (known?.running !== undefined) return known.running
      const fresh = async (): Promise<OnceOutcome> => ({ kind: 'new', response: await run() })
      if (apiKey !== PRODUCE && !REMEMBERED_KEYS.has(apiKey)) {
        remember(text, hash, undefined)
        return fresh()
      }
      const running = apiKey === PRODUCE ? fresh() : remembered(name, hash, run)
      remember(text, hash, running)
      return running
    },
  }
}

const encode = (answer: StoredAnswer): Uint8Array => Buffer.from(JSON.stringify(answer))

/** Removes old answers, and what cannot be read: that is of no use to anybody. Answers how many. */
export async function forgetAnswers(log: AnsweringLog, documents: DocumentStore, clock: Clock): Promise<number> {
  const { horizon } = log.journal.replica.root
  const before = clock.now() - ANSWERS_KEPT_MS
  let forgotten = 0
  let next: string | undefined
  do {
    const page = await documents.list(ANSWERS, next === undefined ? {} : { next })
    if (page.kind !== 'found') return forgotten
    for (const { key, version, body } of page.documents) {
      const generation = parseRequestId(key.slice(ANSWERS.length + 1))?.generation
      if (answeredAt(body) >= before || (generation !== undefined && generation >= horizon)) continue
      const outcome = await documents.delete(key, version)
      if (outcome.kind === 'unavailable') return forgotten
      if (outcome.kind === 'applied') forgotten++
    }
    next = page.next
  } while (next !== undefined)
  return forgotten
}

function answeredAt(body: Uint8Array): number {
  try {
    const { at } = JSON.parse(Buffer.from(body).toString()) as Partial<StoredAnswer>
    return typeof at === 'number' ? at : 0
  } catch {
    return 0
  }
}

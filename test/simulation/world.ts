// The simulated world: virtual time, one queue of events, one running hash of everything that happened. The real code of
// whole clusters runs inside it in one thread. An event runs, then all microtasks it caused are drained, then the next
// event runs; nothing else is ever pending, because the code under test awaits only what its ports hand out. So a run is a
// function of its seed, and the hash over its events proves it: same seed, same hash.
import { createHash } from 'node:crypto'
import { type Seeded, seeded } from './random.ts'

interface Event {
  readonly atMs: number
  readonly order: number
  readonly label: string
  callback: (() => void) | undefined
}

export interface World {
  readonly seed: number
  readonly random: Seeded
  /** Virtual milliseconds since the start. */
  now(): number
  /** Runs `callback` after `delayMs` of virtual time; the returned function cancels it. `label` goes into the trace. */
  at(delayMs: number, label: string, callback: () => void): () => void
  /** Resolves after `delayMs`: for the actors of the simulation, which never freeze. */
  pause(delayMs: number): Promise<void>
  /** Adds a line to the trace. */
  trace(line: string): void
  /** Runs events until `done`, until nothing is left to happen, or until `untilMs`. */
  run(done: () => boolean, untilMs: number): Promise<'done' | 'idle' | 'late'>
  /** Something failed that nobody can be told of in any other way. */
  fail(error: unknown): void
  readonly failures: readonly unknown[]
  readonly events: () => number
  /** Hash over the whole trace so far. */
  traceHash(): string
}

export interface WorldOptions {
  /** Gets every line of the trace: for people. */
  readonly onTrace?: (line: string) => void
}

const FLUSH_LINES = 512

/** A world at time zero. */
export function createWorld(seed: number, options: WorldOptions = {}): World {
  // Small buffers of a process share memory, and a cache counts what it keeps alive: with a pool a run would depend on what
  // ran before it in the same process.
  Buffer.poolSize = 0
  const random = seeded(seed, 'world')
  const queue = createQueue()
  const failures: unknown[] = []
  const hash = createHash('sha256')
  let lines: string[] = []
  let nowMs = 0
  let order = 0
  let events = 0

  function flush(): void {
    if (lines.length > 0) hash.update(lines.join('\n') + '\n')
    lines = []
  }
  function trace(line: string): void {
    const stamped = `${nowMs.toFixed(3)} ${line}`
    lines.push(stamped)
    options.onTrace?.(stamped)
    if (lines.length >= FLUSH_LINES) flush()
  }
  function at(delayMs: number, label: string, callback: () => void): () => void {
    const event: Event = { atMs: nowMs + Math.max(0, delayMs), order: order++, label, callback }
    queue.push(event)
    return () => {
      event.callback = undefined
    }
  }

  return {
    seed,
    random,
    failures,
    now: () => nowMs,
    at,
    pause: (delayMs) => new Promise((resolve) => void at(delayMs, 'pause', resolve)),
    trace,
    fail: (error) => {
      failures.push(error)
      trace(`FAILURE ${error instanceof Error ? error.message : String(error)}`)
    },
    events: () => events,
    async run(done, untilMs) {
      await drainMicrotasks()
      while (!done()) {
        const event = queue.pop()
        if (event === undefined) return 'idle'
        if (event.callback === undefined) continue
        if (event.atMs > untilMs) {
          queue.push(event)
          return 'late'
        }
        nowMs = event.atMs
        events++
        trace(event.label)
        try {
          event.callback()
        } catch (error) {
          failures.push(error)
        }
        await drainMicrotasks()
      }
      return 'done'
    },
    traceHash: () => {
      flush()
      return hash.copy().digest('hex')
    },
  }
}

/** One turn of the real event loop: every microtask that is ready, and every one these cause, has run by then. */
export function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A binary heap by time, then by the order of scheduling. */
function createQueue(): { push(event: Event): void; pop(): Event | undefined } {
  const heap: Event[] = []
  const before = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
  return {
    push(event) {
      let at = heap.length
      heap.push(event)
      while (at > 0) {
        const parent = (at - 1) >> 1
        if (!before(event, heap[parent]!)) break
        heap[at] = heap[parent]!
        at = parent
      }
      heap[at] = event
    },
    pop() {
      const top = heap[0]
      const last = heap.pop()
      if (top === undefined || last === undefined || heap.length === 0) return top
      let at = 0
      for (;;) {
        let child = at * 2 + 1
        if (child >= heap.length) break
        if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
        if (!before(heap[child]!, last)) break
        heap[at] = heap[child]!
        at = child
      }
      heap[at] = last
      return top
    },
  }
}

// Who waits for a partition to grow, and the one poller of the process that looks for what others appended while anybody
// waits. Own commits wake at once; the poller is silent when nobody waits. Where the store can tell of changes by itself it
// replaces the polling.
import type { Clock } from '../base/clock.ts'
import { POLL_MS_MAX, POLL_MS_MIN } from '../base/limits.ts'
import type { Position } from '../journal/position.ts'
import type { JournalReplica } from '../journal/replica.ts'
import type { JournalStore } from '../storage/ports.ts'

export interface Waiters {
  /** Calls `wake` once when any of the partitions has new records or is gone; the returned function ends the wait. */
  wait(
    partitions: readonly { readonly topicNumber: number; readonly partition: number }[],
    wake: () => void,
  ): () => void
  advanced(topicNumber: number, partition: number): void
  topicDeleted(topicNumber: number): void
  /** Wakes everybody. */
  wakeAll(): void
}

export function createWaiters(replica: () => JournalReplica, journal: JournalStore, clock: Clock): Waiters {
  const waiting = new Map<number, Map<number, Set<() => void>>>()
  let count = 0
  let stop: (() => void) | undefined
  /** Both outlive a single wait, or a client whose waits are short would always be polled for at the fastest. */
  let delay = POLL_MS_MIN
  let seen: Position | undefined

  function startPolling(): () => void {
    if (journal.watch !== undefined) {
      // A change may have come between the last read and the watch.
      void replica().refresh()
      return journal.watch(() => void replica().refresh())
    }
    if (replica().root.position !== seen) delay = POLL_MS_MIN
    seen = replica().root.position
    let stopped = false
    let cancel: () => void = () => {}
    const poll = (): void => {
      cancel = clock.timer(delay, async () => {
        const started = clock.monotonic()
        // An own append may have told us already.
        if (replica().asOf < started - delay / 2) await replica().refresh()
        const { position } = replica().root
        delay = position === seen ? Math.min(delay * 2, POLL_MS_MAX) : POLL_MS_MIN
        seen = position
        if (!stopped) poll()
      })
    }
    poll()
    return () => {
      stopped = true
      cancel()
    }
  }

  function wakePartitions(partitions: Map<number, Set<() => void>> | undefined): void {
    for (const wakes of [...(partitions?.values() ?? [])]) for (const wake of [...wakes]) wake()
  }

  return {
    wait(partitions, wake) {
      for (const { topicNumber, partition } of partitions) {
        const topic = waiting.get(topicNumber) ?? new Map<number, Set<() => void>>()
        waiting.set(topicNumber, topic)
        const wakes = topic.get(partition) ?? new Set()
        topic.set(partition, wakes)
        wakes.add(wake)
      }
      if (++count === 1) stop = startPolling()
      let ended = false
      return () => {
        if (ended) return
        ended = true
        for (const { topicNumber, partition } of partitions) {
          const topic = waiting.get(topicNumber)
          const wakes = topic?.get(partition)
          wakes?.delete(wake)
          if (wakes?.size === 0) topic!.delete(partition)
          if (topic?.size === 0) waiting.delete(topicNumber)
        }
        if (--count === 0) {
          stop?.()
          stop = undefined
        }
      }
    },
    advanced(topicNumber, partition) {
      const wakes = waiting.get(topicNumber)?.get(partition)
      if (wakes !== undefined) for (const wake of [...wakes]) wake()
    },
    topicDeleted: (topicNumber) => wakePartitions(waiting.get(topicNumber)),
    wakeAll() {
      for (const partitions of [...waiting.values()]) wakePartitions(partitions)
    },
  }
}

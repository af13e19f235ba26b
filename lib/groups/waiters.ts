// Who waits in a room for the group to change. All of them share one alarm and look together, in a few turns, where a thousand
// with alarms of their own would each take a turn.
import type { Clock } from '../base/clock.ts'

export interface Waiters {
  readonly count: number
  /** Resolves when somebody woke all, after this time at the latest, or when the signal aborts. */
  changed(withinMs: number, signal: AbortSignal): Promise<void>
  wakeAll(): void
}

export function createWaiters(clock: Clock): Waiters {
  const waiting = new Set<() => void>()
  let alarm: { readonly at: number; readonly cancel: () => void } | undefined

  function wakeAll(): void {
    for (const wake of [...waiting]) wake()
  }

  function silence(): void {
    alarm?.cancel()
    alarm = undefined
  }

  function wakeWithin(withinMs: number): void {
    const at = clock.monotonic() + withinMs
    if (alarm !== undefined && alarm.at <= at) return
    silence()
    const cancel = clock.timer(withinMs, () => {
      alarm = undefined
      wakeAll()
    })
    alarm = { at, cancel }
  }

  return {
    get count() {
      return waiting.size
    },
    wakeAll,
    changed: (withinMs, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve()
        const wake = (): void => {
          waiting.delete(wake)
          signal.removeEventListener('abort', wake)
          if (waiting.size === 0) silence()
          resolve()
        }
        signal.addEventListener('abort', wake, { once: true })
        waiting.add(wake)
        wakeWithin(withinMs)
      }),
  }
}

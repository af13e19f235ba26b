// Notices that another process, or another handle of this one, changed the journal: while somebody watches, the head's
// record is read every few milliseconds from a fresh snapshot (shared memory, a few microseconds) and compared with the one
// seen last. Comparing what a snapshot shows, rather than LMDB's transaction number, means that a reader who is woken sees
// the change. Changes by the own handle wake nobody, for its callers have them in their answers.
import type { Environment } from './environment.ts'
import { readHeadRecord } from './journal.ts'

export interface Watch {
  add(onChange: () => void): () => void
  /** The own handle changed the head's record from `before` to `after`. */
  changed(before: Buffer | undefined, after: Buffer): void
  stop(): void
}

/** The watchers of one handle. */
export function createWatch(environment: Environment, intervalMs: number): Watch {
  const watchers = new Set<{ readonly onChange: () => void }>()
  let timer: NodeJS.Timeout | undefined
  let seen: Buffer | undefined

  const look = (): boolean => {
    const now = readHeadRecord(environment)
    if (sameRecord(now, seen)) return false
    seen = now
    return true
  }
  const stopTimer = (): void => {
    clearInterval(timer)
    timer = undefined
  }
  return {
    add: (onChange) => {
      const watcher = { onChange }
      watchers.add(watcher)
      if (timer === undefined) {
        look()
        timer = setInterval(() => {
          if (look()) for (const each of [...watchers]) each.onChange()
        }, intervalMs)
        timer.unref()
      }
      return () => {
        watchers.delete(watcher)
        if (watchers.size === 0) stopTimer()
      }
    },
    changed: (before, after) => {
      // What came from others in between stays unseen, and the next look finds it.
      if (timer !== undefined && sameRecord(before, seen)) seen = after
    },
    stop: () => {
      watchers.clear()
      stopTimer()
    },
  }
}

function sameRecord(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b)
}

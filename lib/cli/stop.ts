// How a command that runs until it is told to stop comes to its end: the first signal lets it finish what is under way, a
// second one ends it at once.
import type { Logger } from '../base/logger.ts'

/** Past this a stop is given up: something hangs that should not. */
const STOP_MS_MAX = 30_000
/** Ctrl-C reaches a process from the terminal and from the one that started it. */
const SIGNAL_ECHO_MS = 500

/** Resolves with the first signal that asks for an end; a second one ends at once, unless it is an echo of the first. */
export function stopRequested(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let askedMs: number | undefined
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(name, () => {
        if (askedMs !== undefined && performance.now() - askedMs > SIGNAL_ECHO_MS) process.exit(1)
        askedMs ??= performance.now()
        resolve(name)
      })
    }
  })
}

/** Closes what runs and ends the process: 0, or 1 if closing takes too long. */
export async function endAfter(close: () => Promise<void>, logger: Logger): Promise<never> {
  setTimeout(() => {
    logger.error({}, 'Stopping took too long; nothing acknowledged is lost')
    process.exit(1)
  }, STOP_MS_MAX).unref()
  await close()
  logger.info({}, 'Stopped')
  process.exit(0)
}

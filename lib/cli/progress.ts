// A progress bar on standard error, only where a person sees it: never when standard error is redirected, and never while
// the records themselves are printed on the same terminal.
import { SingleBar } from 'cli-progress'

export interface Progress {
  /** Records done so far. */
  update(done: number): void
  stop(): void
}

const SILENT: Progress = { update: () => {}, stop: () => {} }

/** `total` 0: not known. */
export function startProgress(what: string, total: number, outputOnTerminal = false): Progress {
  if (!process.stderr.isTTY || outputOnTerminal) return SILENT
  const bar = new SingleBar({
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    fps: 10,
    format:
      total > 0
        ? `${what} [{bar}] {value} of {total} · {eta_formatted} left`
        : `${what} {value} · {duration_formatted}`,
  })
  bar.start(total, 0)
  return { update: (done) => bar.update(done), stop: () => bar.stop() }
}

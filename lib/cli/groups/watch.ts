// Shows something again and again until it is told to stop. On a terminal each picture takes the place of the last one, on a
// screen of its own that is given back at the end with the last picture left behind; into a pipe go plain lines, each with
// its time. A log that does not answer for a while is no reason to stop: what is wrong is said, and it is asked again.
import { setTimeout } from 'node:timers/promises'
import { ClientError } from '../../client/errors.ts'
import { Problem } from '../problem.ts'
import { table } from '../table.ts'
import { type View, viewText } from './views.ts'

const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'
const HOME = '\x1b[H'
const CLEAR_LINE = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'

/** What of standard output this needs. */
export interface Output {
  readonly isTTY?: boolean
  readonly rows?: number
  readonly columns?: number
  write(text: string): unknown
}

export interface WatchOptions {
  readonly intervalMs: number
  readonly signal: AbortSignal
  readonly output: Output
  /** Where a pipe's reader is told what went wrong in between. */
  readonly errors: Output
  readonly now: () => Date
}

/** Resolves when the signal is given. Rejects where the very first picture fails, since that is likely a wrong name. */
export async function watch(look: () => Promise<View>, options: WatchOptions): Promise<void> {
  const first = await unlessStopped(look(), options.signal)
  if (first === undefined) return
  if (options.output.isTTY === true) await watchOnTerminal(first, look, options)
  else await watchInPipe(first, look, options)
}

async function watchOnTerminal(first: View, look: () => Promise<View>, options: WatchOptions): Promise<void> {
  const { output, now } = options
  let text = viewText(first)
  const stamp = (): string => `${now().toISOString()}  every ${options.intervalMs / 1000} s, Ctrl-C ends`
  output.write(ENTER)
  try {
    output.write(picture(text, stamp(), output))
    while (await pauseBetween(options)) {
      const seen = await seeAgain(look, options.signal)
      if (seen === undefined) break
      if (seen.kind === 'view') text = viewText(seen.view)
      output.write(picture(text, seen.kind === 'view' ? stamp() : seen.sentence, output))
    }
  } finally {
    output.write(LEAVE)
  }
  output.write(text)
}

async function watchInPipe(first: View, look: () => Promise<View>, options: WatchOptions): Promise<void> {
  const { output, errors, now } = options
  const lines = (view: View): string => {
    const time = now().toISOString()
    return table(
      ['time', ...view.header],
      view.rows.map((row) => [time, ...row]),
    )
  }
  output.write(lines(first))
  while (await pauseBetween(options)) {
    const seen = await seeAgain(look, options.signal)
    if (seen === undefined) break
    if (seen.kind === 'trouble') errors.write(`${seen.sentence}\n`)
    // The header was written once.
    else output.write(lines(seen.view).replace(/^.*\n/, ''))
  }
}

/** The lines that fit, over whatever was there before; the last row says when, or what is wrong. */
export function picture(
  text: string,
  last: string,
  { rows = 24, columns = 80 }: Pick<Output, 'rows' | 'columns'>,
): string {
  const lines = text.trimEnd().split('\n')
  // One row for the last line, and one for how many did not fit.
  const room = Math.max(1, rows - 1)
  const shown = lines.length <= room ? lines : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines`]
  const painted = [...shown, last].map((line) => `${line.slice(0, columns)}${CLEAR_LINE}`)
  return `${HOME}${painted.join('\r\n')}${CLEAR_BELOW}`
}

type Seen = { readonly kind: 'view'; readonly view: View } | { readonly kind: 'trouble'; readonly sentence: string }

/** Undefined: told to stop meanwhile, for which nobody should have to wait until a server answers. */
async function seeAgain(look: () => Promise<View>, signal: AbortSignal): Promise<Seen | undefined> {
  try {
    const view = await unlessStopped(look(), signal)
    return view === undefined ? undefined : { kind: 'view', view }
  } catch (error) {
    if (error instanceof ClientError || error instanceof Problem) return { kind: 'trouble', sentence: error.message }
    throw error
  }
}

/** Undefined as soon as it is time to stop, whatever becomes of the work. */
function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const stop = (): void => resolve(undefined)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

/** False when it is time to stop. */
async function pauseBetween({ intervalMs, signal }: WatchOptions): Promise<boolean> {
  try {
    await setTimeout(intervalMs, undefined, { signal })
  } catch {
    // Only the signal cuts the pause short.
  }
  return !signal.aborted
}

// What `start` says while it runs: pino's JSON on standard error, or short lines where a person reads along. Standard output
// is left to what commands are asked for.
import { type Logger, pino } from 'pino'

const NAMES: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' }
const OWN_FIELDS = new Set(['level', 'time', 'pid', 'hostname', 'msg', 'err'])

export function createLogger(): Logger {
  const level = process.env['TIDELOG_LOG_LEVEL'] ?? 'info'
  if (!process.stderr.isTTY) return pino({ level }, pino.destination({ dest: 2, sync: true }))
  return pino({ level }, { write: (line: string) => process.stderr.write(readable(line)) })
}

/** `12:34:56 warn  message key=value`, and the stack of an error below it. */
export function readable(line: string): string {
  const entry: Record<string, unknown> = JSON.parse(line)
  const time = new Date(Number(entry['time'])).toTimeString().slice(0, 8)
  const name = (NAMES[Number(entry['level'])] ?? 'info').padEnd(5)
  const fields = Object.entries(entry)
    .filter(([key]) => !OWN_FIELDS.has(key))
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const { err } = entry
  const stack = typeof err === 'object' && err !== null && 'stack' in err ? `\n${String(err.stack)}` : ''
  return `${time} ${name} ${String(entry['msg'])}${fields.join('')}${stack}\n`
}

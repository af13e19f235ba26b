// Points in time as people give them to `group reset-offsets`: a date and time of ISO 8601, or a duration of it before now.
// What has no zone is UTC, as with Kafka's own tool, so that a command means the same on every machine. Years and months
// have no fixed length and are refused rather than guessed.
import { Problem } from '../problem.ts'

const DATE_TIME =
  /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/
const DURATION = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d{1,9}))?S)?)?$/

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const WEEK_MS = 7 * DAY_MS

/** Milliseconds since the epoch. */
export function readDateTime(text: string): number {
  const match = DATE_TIME.exec(text.trim())
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '0', zone = 'Z'] = match ?? []
  const calendar = `${year}-${month}-${day}T${hour}:${minute}:${second}`
  const atMs = match === null ? Number.NaN : Date.parse(`${calendar}Z`)
  // What is no date of the calendar (a 31st of June) would otherwise become another one.
  if (Number.isNaN(atMs) || new Date(atMs).toISOString().slice(0, calendar.length) !== calendar) {
    throw new Problem(`"${text}" is no date and time. Give it like 2026-01-31T12:00:00Z; without a zone it is UTC.`)
  }
  return atMs + fractionMs(fraction) - zoneMs(zone)
}

/** Milliseconds. */
export function readDuration(text: string): number {
  const match = DURATION.exec(text.trim().toUpperCase())
  const parts = match?.slice(1, 6) ?? []
  if (match === null || parts.every((part) => part === undefined) || /T$/i.test(text.trim())) {
    const hint = /^P\d*[YM]/i.test(text.trim()) ? ' Years and months differ in length: give days.' : ''
    throw new Problem(`"${text}" is no duration. Give it like P7D, PT1H30M or P1DT12H.${hint}`)
  }
  const [weeks, days, hours, minutes, seconds] = parts.map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
  ]
  const wholeMs = weeks * WEEK_MS + days * DAY_MS + hours * HOUR_MS + minutes * MINUTE_MS + seconds * SECOND_MS
  return wholeMs + fractionMs(match[6] ?? '0')
}

function fractionMs(digits: string): number {
  return Math.trunc(Number(`0.${digits}`) * SECOND_MS + 1e-6)
}

function zoneMs(zone: string): number {
  if (zone === 'Z') return 0
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3).replace(':', '') || 0)]
  return (zone.startsWith('-') ? -1 : 1) * (hours * HOUR_MS + minutes * MINUTE_MS)
}

// Durations and sizes as people write them in JSON: `7d`, `12h`, `10GiB`. A plain number would leave the unit to be
// guessed, so there always is one.
import { Duration, Size } from 'aws-cdk-lib'

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }

/** `500ms`, `30s`, `15m`, `12h`, `7d`; undefined for anything else. */
export function durationOf(value: unknown): Duration | undefined {
  const milliseconds = quantity(value, MILLISECONDS)
  return milliseconds === undefined ? undefined : Duration.millis(milliseconds)
}

/** `512B`, `64KiB`, `8MiB`, `10GiB`, `1TiB`; undefined for anything else. */
export function sizeOf(value: unknown): Size | undefined {
  const bytes = quantity(value, BYTES)
  return bytes === undefined ? undefined : Size.bytes(bytes)
}

function quantity(value: unknown, units: Readonly<Record<string, number>>): number | undefined {
  const match = typeof value === 'string' ? /^(\d{1,15}) ?([A-Za-z]+)$/.exec(value) : null
  const unit = units[match?.[2] ?? '']
  if (match === null || unit === undefined) return undefined
  const product = Number(match[1]) * unit
  return Number.isSafeInteger(product) ? product : undefined
}

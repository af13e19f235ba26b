// What explains a latency besides the server: how long this disk takes to make 8 KiB durable, measured alone, and what
// Tidelog's own metrics say of its store calls and its event loop. The comparison prints both beside its figures.
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Quantiles of one kind of waiting, in milliseconds. */
export interface Quantiles {
  readonly count: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Writes and syncs 8 KiB after 8 KiB for two seconds. */
export async function probeDisk(directory: string): Promise<Quantiles> {
  const path = join(directory, 'disk-probe')
  const file = await open(path, 'w')
  const bytes = Buffer.alloc(8192, 1)
  const times: number[] = []
  for (const until = performance.now() + 2000; performance.now() < until; ) {
    const startedAt = performance.now()
    await file.write(bytes)
    await file.datasync()
    times.push(performance.now() - startedAt)
  }
  await file.close()
  await rm(path)
  times.sort((a, b) => a - b)
  const at = (part: number): number => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0
  const meanMs = times.reduce((sum, time) => sum + time, 0) / times.length
  return { count: times.length, meanMs, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
}

/** The smallest bucket of a Prometheus histogram that holds this part of its values: an upper bound, in milliseconds. */
function bucketMs(lines: readonly string[], labels: string, part: number, count: number): number {
  for (const line of lines) {
    if (!line.startsWith('tidelog_store_call_duration_seconds_bucket') || !line.includes(labels)) continue
    const bound = /le="([\d.]+)"/.exec(line)?.[1]
    if (bound !== undefined && Number(line.split(' ').at(-1)) >= part * count) return Number(bound) * 1000
  }
  return Number.POSITIVE_INFINITY
}

/** A server's calls of one store operation since it started; p50, p99 and max are the bounds of their buckets. */
export async function storeCalls(httpPort: number, store: string, call: string): Promise<Quantiles> {
  const lines = (await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text()).split('\n')
  const labels = `store="${store}",call="${call}"`
  const value = (name: string): number =>
    Number(
      lines
        .find((line) => line.startsWith(`${name}{${labels}}`))
        ?.split(' ')
        .at(-1) ?? 0,
    )
  const count = value('tidelog_store_call_duration_seconds_count')
  const bound = (part: number): number => bucketMs(lines, labels, part, count)
  const meanMs = (value('tidelog_store_call_duration_seconds_sum') / Math.max(1, count)) * 1000
  return { count, meanMs, p50Ms: bound(0.5), p99Ms: bound(0.99), maxMs: bound(1) }
}

// What a gateway measures of itself, in Prometheus' terms. Each instance has a registry of its own, because several run in
// one process. Counters and histograms are fed as things happen; gauges are read when somebody asks. Labels come from
// closed sets (names of APIs, error codes and store calls), so that no client can make the registry grow.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { RequestReport } from '../broker/router.ts'
import type { LogStatus } from '../log/log.ts'
import type { StoreCall } from '../storage/observed.ts'
import { errorName } from '../wire/errors.ts'

/** From half a millisecond (a hit in memory) to the longest waits of clients. */
const REQUEST_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const EVENT_LOOP_RESOLUTION_MS = 10

/** Where the gauges read from. */
export interface MetricsSources {
  status(): LogStatus
  budget(): MemoryFigures
  fetchMemory(): MemoryFigures
}

interface MemoryFigures {
  readonly usedBytes: number
  readonly capacityBytes: number
  readonly waiting: number
}

export interface Metrics {
  /** For the TCP door. */
  readonly observer: {
    connectionOpened(): void
    connectionClosed(): void
    bytesIn(count: number): void
    bytesOut(count: number): void
  }
  onRequest(report: RequestReport): void
  onStoreCall(call: StoreCall): void
  /** From here on the gauges have something to read. */
  attach(sources: MetricsSources): void
  /** The text that Prometheus scrapes, and its content type. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>
  close(): void
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const requests = new Counter({
    name: 'tidelog_requests_total',
    help: 'Kafka requests handled.',
    labelNames: ['api'],
    registers,
  })
  const errors = new Counter({
    name: 'tidelog_request_errors_total',
    help: 'Kafka requests answered with an error, by the first error in the answer.',
    labelNames: ['api', 'error'],
    registers,
  })
  const durations = new Histogram({
    name: 'tidelog_request_duration_seconds',
    help: 'From the last byte of a request to its answer, waits that clients ask for included.',
    labelNames: ['api'],
    buckets: REQUEST_SECONDS,
    registers,
  })
  const bytesIn = new Counter({ name: 'tidelog_bytes_in_total', help: 'Bytes received from Kafka clients.', registers })
  const bytesOut = new Counter({ name: 'tidelog_bytes_out_total', help: 'Bytes sent to Kafka clients.', registers })
  const connections = new Gauge({ name: 'tidelog_connections', help: 'Open Kafka connections.', registers })
  const storeCalls = new Counter({
    name: 'tidelog_store_calls_total',
    help: 'Calls of the stores, by outcome.',
    labelNames: ['store', 'call', 'outcome'],
    registers,
  })
  const storeDurations = new Histogram({
    name: 'tidelog_store_call_duration_seconds',
    help: 'How long the calls of the stores took.',
    labelNames: ['store', 'call'],
    buckets: REQUEST_SECONDS,
    registers,
  })
  const storeBytes = new Counter({
    name: 'tidelog_store_bytes_total',
    help: 'Content written to and read from the stores.',
    labelNames: ['store', 'call'],
    registers,
  })
  const processGauges = addProcessGauges(registry)

  return {
    observer: {
      connectionOpened: () => connections.inc(),
      connectionClosed: () => connections.dec(),
      bytesIn: (count) => bytesIn.inc(count),
      bytesOut: (count) => bytesOut.inc(count),
    },
    onRequest: ({ apiName, errorCode, durationMs }) => {
      requests.inc({ api: apiName })
      durations.observe({ api: apiName }, durationMs / 1000)
      if (errorCode !== 0) errors.inc({ api: apiName, error: errorName(errorCode) })
    },
    onStoreCall: ({ store, operation, outcome, durationMs, bytes }) => {
      storeCalls.inc({ store, call: operation, outcome })
      storeDurations.observe({ store, call: operation }, durationMs / 1000)
      if (bytes !== undefined) storeBytes.inc({ store, call: operation }, bytes)
    },
    attach: (sources) => addLogGauges(registry, sources),
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
    close: () => {
      processGauges.close()
      registry.clear()
    },
  }
}

function addLogGauges(registry: Registry, sources: MetricsSources): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  }
  gauge('tidelog_journal_generation', 'Generation of the journal as this process knows it.', () => {
    return sources.status().generation
  })
  gauge('tidelog_journal_tail_entries', 'Entries of the journal that are not sealed yet.', () => {
    return sources.status().tailEntries
  })
  gauge('tidelog_journal_head_age_seconds', 'Replica lag: time since this process last read the head.', () => {
    return sources.status().headAgeMs / 1000
  })
  gauge('tidelog_halted', '1 when this process serves nothing any more.', () => (sources.status().halted ? 1 : 0))
  gauge('tidelog_topics', 'Topics.', () => sources.status().topics)
  gauge('tidelog_partitions', 'Partitions.', () => sources.status().partitions)
  gauge('tidelog_request_memory_bytes', 'Memory held by requests under way.', () => sources.budget().usedBytes)
  gauge('tidelog_request_memory_max_bytes', 'What requests may hold.', () => sources.budget().capacityBytes)
  gauge('tidelog_request_memory_waiting', 'Connections that wait for memory.', () => sources.budget().waiting)
  gauge('tidelog_fetch_memory_bytes', 'Memory held by records on their way to clients.', () => {
    return sources.fetchMemory().usedBytes
  })
  gauge('tidelog_fetch_memory_max_bytes', 'What records on their way to clients may hold.', () => {
    return sources.fetchMemory().capacityBytes
  })
  gauge('tidelog_fetch_memory_waiting', 'Fetches that wait for memory.', () => sources.fetchMemory().waiting)
}

function addProcessGauges(registry: Registry): { close(): void } {
  const delay = monitorEventLoopDelay({ resolution: EVENT_LOOP_RESOLUTION_MS })
  delay.enable()
  new Gauge({
    name: 'tidelog_event_loop_delay_seconds',
    help: 'How late timers of this process fire, since the last scrape.',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - EVENT_LOOP_RESOLUTION_MS / 1000)
      for (const quantile of [50, 99]) {
        this.set({ quantile: String(quantile / 100) }, delay.count === 0 ? 0 : late(delay.percentile(quantile)))
      }
      this.set({ quantile: '1' }, delay.count === 0 ? 0 : late(delay.max))
      delay.reset()
    },
  })
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory size in bytes.',
    registers: [registry],
    collect() {
      this.set(process.memoryUsage.rss())
    },
  })
  new Gauge({
    name: 'process_cpu_seconds',
    help: 'User and system CPU time spent in seconds.',
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage()
      this.set((user + system) / 1e6)
    },
  })
  return { close: () => delay.disable() }
}

// Runs seed after seed and says what it saw: medians, how often each fault struck each store call, seeds per second. Ends
// with exit code 1 at the first seed with an anomaly, naming seed, anomaly and how to repeat it, or when a fault variant
// was never tried in a run that is long enough to have tried them all.
//
//   npm run sim -- --minutes 3            a slice of fresh seeds
//   npm run sim -- --seeds 1 --from 42    one seed again; --trace prints everything that happened
//   npm run sim:hour                      an hour, whose figures go into docs/simulation-hour.md
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createFaultTable, renderFaultTable } from './faults.ts'
import { createIncidents, renderIncidents } from './incidents.ts'
import { type RunResult, simulate } from './simulate.ts'

interface Arguments {
  readonly from: number
  readonly seeds: number
  readonly minutes: number
  readonly trace: boolean
  /** Only anomalies fail the run: for mutants, whose few seeds prove nothing else. */
  readonly anomaliesOnly: boolean
  /** Goes on after a failed seed. */
  readonly all: boolean
  readonly report: string | undefined
}

/** Below this many seeds a variant that never struck proves nothing. */
const SEEDS_FOR_ALL_VARIANTS = 100
/** What each run must reach in the median. */
const REQUIRED = { processes: 3, partitions: 5, operations: 300, faults: 30 }

function parse(argv: readonly string[]): Arguments {
  const value = (name: string): string | undefined => {
    const at = argv.indexOf(`--${name}`)
    return at < 0 ? undefined : argv[at + 1]
  }
  const minutes = Number(value('minutes') ?? Number.POSITIVE_INFINITY)
  const seeds = Number(value('seeds') ?? (Number.isFinite(minutes) ? Number.POSITIVE_INFINITY : 200))
  const args = {
    from: Number(value('from') ?? 1),
    seeds,
    minutes,
    trace: argv.includes('--trace'),
    anomaliesOnly: argv.includes('--anomalies-only'),
    all: argv.includes('--all'),
    report: value('report'),
  }
  if (Number.isNaN(args.from) || Number.isNaN(args.seeds) || Number.isNaN(args.minutes)) {
    throw new Error('--from, --seeds and --minutes take numbers')
  }
  return args
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

function summarise(results: readonly RunResult[], seconds: number): string[] {
  const of = (pick: (result: RunResult) => number): number => median(results.map(pick))
  const first = results[0]?.seed
  const last = results.at(-1)?.seed
  return [
    `- seeds ${first} to ${last}: ${results.length} in ${seconds.toFixed(0)} s, ${(results.length / seconds).toFixed(1)} a second`,
    `- medians a seed: ${of((r) => r.processes)} processes, ${of((r) => r.partitions)} partitions written to, ` +
      `${of((r) => r.operations)} client operations, ${of((r) => r.faults)} injected faults`,
    `- medians a seed: ${of((r) => r.entries)} journal entries, ${of((r) => r.seals)} seals, ` +
      `${of((r) => r.checkpoints)} checkpoints, ${of((r) => r.collections)} collections, ` +
      `${of((r) => r.crashes)} crashes, ${of((r) => r.freezes)} freezes, ${(of((r) => r.virtualMs) / 3_600_000).toFixed(1)} virtual hours`,
    `- medians a seed: ${of((r) => r.incidents.get('request'))} requests over HTTPS, ` +
      `${of((r) => r.incidents.get('cold start'))} cold starts of functions, ` +
      `${of((r) => r.incidents.get('freeze between requests'))} freezes between requests, ` +
      `${of((r) => r.incidents.get('freeze inside a request') + r.incidents.get('frozen with work under way'))} inside`,
    `- in all: ${results.reduce((sum, r) => sum + r.operations, 0)} client operations, ` +
      `${results.reduce((sum, r) => sum + r.faults, 0)} faults, ${results.reduce((sum, r) => sum + r.events, 0)} events, ` +
      `${Math.round(results.reduce((sum, r) => sum + r.virtualMs, 0) / 3_600_000)} virtual hours`,
    `- seeds with an anomaly: ${results.filter((r) => r.anomalies.length > 0).length}`,
  ]
}

function complain(result: RunResult): void {
  console.error(`\nseed ${result.seed} shows ${result.anomalies.length} anomalies:`)
  for (const { name, detail } of result.anomalies.slice(0, 10)) console.error(`  ${name}: ${detail.slice(0, 600)}`)
  console.error(`repeat it: npm run sim -- --from ${result.seed} --seeds 1 --trace`)
}

/** What a run as a whole has to have shown, beyond seeds without anomalies. */
function shortcomings(results: readonly RunResult[], missing: readonly string[]): string[] {
  if (results.length < SEEDS_FOR_ALL_VARIANTS) return []
  const found = missing.map((variant) => `never tried: ${variant}`)
  for (const [name, least] of Object.entries(REQUIRED) as [keyof typeof REQUIRED, number][]) {
    const got = median(results.map((result) => result[name]))
    if (got < least) found.push(`the median of ${name} is ${got}, below ${least}`)
  }
  return found
}

const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim()

function writeReport(path: string, lines: readonly string[], failed: boolean): void {
  const dirty = git('status', '--porcelain', '--', 'lib', 'test/simulation') !== ''
  const text = [
    '# Simulation: one long run',
    '',
    'Written by `npm run sim:hour` at its end; not edited by hand.',
    '',
    `- commit ${commitAtStart}${dirty || dirtyAtStart ? ', with uncommitted changes' : ''}, ${new Date().toISOString()}, Node ${process.version}`,
    `- result: ${failed ? 'FAILED' : 'no anomaly'}`,
    ...lines,
    '',
  ].join('\n')
  mkdirSync('docs', { recursive: true })
  writeFileSync(path, text)
}

const args = parse(process.argv.slice(2))
const commitAtStart = args.report === undefined ? '' : git('rev-parse', 'HEAD')
const dirtyAtStart = args.report !== undefined && git('status', '--porcelain', '--', 'lib', 'test/simulation') !== ''
process.on('unhandledRejection', (error) => {
  console.error('a promise was rejected and nobody looked at it:', error)
  process.exit(1)
})

const startedAt = performance.now()
const elapsedSeconds = (): number => (performance.now() - startedAt) / 1000
const table = createFaultTable()
const incidents = createIncidents()
const results: RunResult[] = []
let failed = false
let saidAt = 0
for (let i = 0; i < args.seeds && elapsedSeconds() < args.minutes * 60; i++) {
  const result = await simulate(args.from + i, args.trace ? { onTrace: (line) => console.log(line) } : {})
  table.add(result.table)
  incidents.add(result.incidents)
  results.push(result)
  if (result.anomalies.length > 0) {
    failed = true
    complain(result)
    if (!args.all) break
  }
  if (elapsedSeconds() - saidAt > 30) {
    saidAt = elapsedSeconds()
    console.log(`${results.length} seeds in ${saidAt.toFixed(0)} s`)
  }
}
const lacking = args.anomaliesOnly ? [] : shortcomings(results, [...table.missing(), ...incidents.missing()])
const tables = [...renderFaultTable(table), '', ...renderIncidents(incidents)]
const lines = [...summarise(results, elapsedSeconds()), '', ...tables]
if (lacking.length > 0) {
  failed = true
  lines.push('', ...lacking.map((line) => `- ${line}`))
}
console.log(lines.join('\n'))
if (args.seeds === 1) console.log(`trace hash ${results[0]?.traceHash}`)
if (args.report !== undefined) writeReport(args.report, lines, failed)
process.exit(failed ? 1 : 0)

// The page and the lines on the terminal, both made of the same rows, so that neither can say what was not counted.
import { FUNCTION_COLLECT_MS } from '../../lib/base/limits.ts'
import { VALUE_BYTES } from './clients.ts'
import { BEAT_SECONDS } from './groups.ts'
import type { Measured } from './lambda.ts'
import { LATENCY_MS } from './meter.ts'
import { MACHINE, PRICES, PRICES_OF, type Price, STORAGE, type Usage } from './prices.ts'
import { type Counted, FLUSHES, RECORDS_PER_BATCH, SECONDS_PER_FLUSH } from './scenarios.ts'
import {
  type Bound,
  count,
  GATEWAY_MONTH,
  type Month,
  type PollsPerHour,
  perMillion,
  type Row,
  STORED,
  sumOf,
  wholeOf,
} from './table.ts'

const GROUPS: readonly (readonly [name: string, of: readonly (keyof typeof PRICES)[]])[] = [
  ['API Gateway', ['apiUnits']],
  ['Lambda', ['invocations', 'lambdaMs', 'logBytes']],
  ['DynamoDB', ['writeUnits', 'readUnits']],
  ['S3', ['s3Writes', 's3Reads']],
]

export function usd(value: number): string {
  if (value === 0) return '0'
  if (value >= 100) return `$${value.toFixed(0)}`
  return `$${value.toFixed(value >= 1 ? 2 : value >= 0.01 ? 3 : 5)}`
}

const rounded = (value: number): string => (value === 0 ? '' : String(Number(value.toFixed(value < 10 ? 2 : 0))))

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const isNumbers = (i: number): boolean => rows.every((cells) => /^[\d.,$*]*$/.test(cells[i] ?? ''))
  const rule = head.map((_, i) => (isNumbers(i) ? '---:' : '---'))
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}

export function costTable(rows: readonly Row[]): string {
  return table(
    ['A million …', 'of', 'costs', ...GROUPS.map(([name]) => name), 'maintenance', 'deletion later'],
    rows.map((row) => [
      row.name,
      row.unit,
      `**${usd(perMillion(row, wholeOf(row)))}**`,
      ...GROUPS.map(([, of]) => usd(perMillion(row, row.measured.usage, of))),
      usd(perMillion(row, row.maintenance)),
      usd(perMillion(row, row.deletion)),
    ]),
  )
}

function countTable(rows: readonly (readonly [name: string, measured: Measured])[]): string {
  const of = ({ usage }: Measured, name: keyof Usage): string => rounded(usage[name])
  return table(
    ['One request', 'measured', 'write units', 'read units', 'PUT, LIST', 'GET', 'CPU ms', 'stores ms', 'billed ms'],
    rows.map(([name, one]) => [
      name,
      `${one.count}`,
      of(one, 'writeUnits'),
      of(one, 'readUnits'),
      of(one, 's3Writes'),
      of(one, 's3Reads'),
      one.cpuMs.toFixed(1),
      rounded(one.storesMs),
      of(one, 'lambdaMs'),
    ]),
  )
}

function requestLines(rows: readonly (readonly [name: string, measured: Measured])[]): string {
  return rows
    .map(([name, { requests }]) => {
      const made = [...requests].map(([operation, each]) => `${operation.split(' ')[1]} ${rounded(each)}`)
      return `- ${name}: ${made.join(', ') || 'none'}`
    })
    .join('\n')
}

export function monthTable(months: readonly Month[]): string {
  return table(
    ['A month', 'costs', 'of which'],
    months.map((month) => [
      month.name,
      `**${usd(sumOf(month))}**`,
      month.parts.map(([what, part]) => `${what} ${usd(part)}`).join('; '),
    ]),
  )
}

export function boundTable(bounds: readonly Bound[]): string {
  return table(
    ['Bound', 'at most', 'counted', ''],
    bounds.map(({ what, bound, usd: value }) => [what, usd(bound), usd(value), value <= bound ? 'holds' : 'exceeded']),
  )
}

function priceTable(): string {
  const all: readonly Price[] = [...Object.values(PRICES), ...Object.values(STORAGE), ...Object.values(MACHINE)]
  return table(
    ['Price', 'us-east-1', 'source'],
    all.map(({ name, said, source }) => [name, said, source]),
  )
}

export function page(args: {
  readonly counted: Counted
  readonly rows: readonly Row[]
  readonly months: readonly Month[]
  readonly bounds: readonly Bound[]
  readonly pollsPerHour: PollsPerHour
  readonly on: string
}): string {
  const { counted, rows, months, bounds, pollsPerHour, on } = args
  const { collections, maintenance } = counted
  const named: (readonly [string, Measured])[] = [
    ...rows.map((row) => [row.name, row.measured] as const),
    ['Maintenance woken by new chunks', maintenance],
    ['Maintenance by the clock, cold, nothing new', counted.scheduled],
    ['Sweep of groups by the clock, cold, nothing new', counted.swept],
  ]
  const listed = collections.reduce((sum, { segments }) => sum + segments, 0)
  const read = collections.reduce((sum, { readUnits }) => sum + readUnits, 0)
  /** Dollars that a million flushes more cost for each thousand tiny segments that are kept: one collection a day. */
  const flushesPerDay = FUNCTION_COLLECT_MS / 1000 / SECONDS_PER_FLUSH
  const growth = ((read / listed) * 1000 * PRICES.readUnits.usd * 1e6) / flushesPerDay
  const unbatched = rows[0]!
  const unbatchedUsd = perMillion(unbatched, wholeOf(unbatched))
  const roomThousands = listed / collections.length / 1000 + ((unbatched.bound ?? 0) - unbatchedUsd) / growth
  const gatewayUsd = sumOf(months.find(({ name }) => name === GATEWAY_MONTH)!)
  const logBytes = rows.reduce((sum, row) => sum + row.measured.usage.logBytes, 0)
  return `# What the serverless form costs

Written by \`npm run bench:cost\`, which fails when a bound is exceeded. Prices of ${PRICES_OF} in us-east-1, without free tiers; counted on ${on}.

${boundTable(bounds)}

## Requests

${costTable(rows)}

A message has a value of ${count(VALUE_BYTES)} bytes, which do not compress; its producer is idempotent. A batch has ${RECORDS_PER_BATCH} of them. *Maintenance* is the share of one
flush in what the maintenance function does while a message is written every ${SECONDS_PER_FLUSH} seconds: checkpoints, collections, chunks that are deleted. Seals are
in the requests that make them. *Deletion later* is what the table charges when a tiny segment, or the remembered answer to a request, is removed at last.
Deleting from S3 is free.

## Months

${monthTable(months)}

Storage comes on top, per month: ${STORED.map(([what, value]) => `${what}, ${usd(value)}`).join('; ')}.

An idle consumer polls ${count(pollsPerHour.alone)} times an hour: counted with the code of \`tidelog connect\` in virtual time, for a client that waits 500 ms at the server;
${count(pollsPerHour.beside)} times where a heartbeat on the same connection cuts its waiting short. A classic member beats every ${BEAT_SECONDS.classic} s and a KIP-848 member every ${BEAT_SECONDS.consumer} s, which
leaves ${counted.groups.seenPerMinute.classic.toFixed(1)} and ${counted.groups.seenPerMinute.consumer.toFixed(1)} writes a minute that say when a group's members were last heard of: one for all members that a process knows of. What
dominates is API Gateway, whose price is that of a request, whatever it asks: longer intervals cost less (\`heartbeat.interval.ms\` with
\`session.timeout.ms\`; \`auto.commit.interval.ms\`). The gateway's rows are computed: its flush is the one counted above without the function, and its machine and its lease do not depend on traffic. A gateway
that does nothing costs as much as ${(gatewayUsd / unbatchedUsd).toFixed(1)} million messages a month that come one by one over HTTPS.

## What was counted

${countTable(named)}

The same by operation, on average:

${requestLines(named)}

**Collections.** Garbage is collected once a day; that day is counted in full among these ${count(FLUSHES)} flushes. A collection lists all tiny segments,
${count(listed / collections.length)} of them here, which reads ${count((read / listed) * 1000)} units for each thousand. So at one message every ${SECONDS_PER_FLUSH} seconds a million of them cost ${usd(growth)} more
for each thousand that is kept and not merged, and the bound of ${usd(unbatched.bound ?? 0)} holds up to about ${count(roomThousands)} thousand; where more are written a day, the same
list serves more of them.

## How

- The bundles of the functions run as they are deployed, each in a process of its own, on the events that API Gateway makes, against an emulator of S3
  and DynamoDB (MiniStack) behind a proxy that sees each request. At the end what it knows of every item is held against the table.
- A write costs the whole item per KB, the larger of before and after, also when its condition failed; reads are strongly consistent, one unit per 4 KB.
  API Gateway counts request and answer together, in units of 512 KB.
- Lambda's time is the processor time of the handler, measured (median; with the JSON around it), divided by the ${(1024 / 1769).toFixed(2)} of a processor that 1 GB
  has, and the time of the stores, modelled by their medians: ${LATENCY_MS.tableWrite} ms for a write to DynamoDB, ${LATENCY_MS.tableRead} ms for a read, ${LATENCY_MS.s3Write} ms for a PUT, ${LATENCY_MS.s3Read} ms for a GET,
  in the order in which the calls really followed and overlapped each other. A cold start counts the processor time from the start of the process,
  since Lambda bills that too. API Gateway's own time is not billed.
- CloudWatch takes in ${rounded(logBytes) || 'no'} bytes of all these requests: functions do not log what went well.
- The processor is this machine's, not Lambda's: a millisecond more or less is ${usd(PRICES.lambdaMs.usd * 1e6)} per million.
- Not in the figures: what leaves AWS for the Internet ($0.09 per GB after 100 GB a month: ${usd(0.09 / 1.024 / 1.024)} per million messages of 1 KiB that are read there), KMS
  and monitoring, which are options.

## Prices

${priceTable()}
`
}

// From what was counted to dollars: the rows of the table, the months, and the bounds that must hold.
import { LEASE_RENEW_MS } from '../../lib/base/limits.ts'
import { BEAT_SECONDS, COMMIT_SECONDS } from './groups.ts'
import type { Measured } from './lambda.ts'
import { add, cost, MACHINE, NOTHING, PRICES, STORAGE, times, type Usage, usage } from './prices.ts'
import { type Counted, RECORDS_PER_BATCH, SCHEDULED_EVERY_HOURS } from './scenarios.ts'

export interface Row {
  readonly name: string
  /** Of what the costs are a million. */
  readonly unit: string
  readonly measured: Measured
  /** Of one request, when `unit` is only a part of one. */
  readonly unitsPerRequest: number
  /** Beside the request itself, for one request. */
  readonly maintenance: Usage
  readonly deletion: Usage
  /** Dollars per million. */
  readonly bound?: number
}

export interface Month {
  readonly name: string
  readonly parts: readonly (readonly [what: string, usd: number])[]
  /** Dollars. */
  readonly bound?: number
}

const HOURS = 730
const METADATA_EVERY_MINUTES = 5
const GATEWAY = { vcpu: 0.5, gb: 1, leaseEverySeconds: LEASE_RENEW_MS / 1000, flushesPerSecond: 4, pollsPerSecond: 4 }
export const GATEWAY_MONTH = `A gateway with nothing to do (${GATEWAY.vcpu} vCPU, ${GATEWAY.gb} GB, Fargate)`

export function rowsOf(counted: Counted): Row[] {
  const { cold, deletions, groups, maintenancePerFlush: maintenance } = counted
  const row = (name: string, of: Measured, more: Partial<Row> = {}): Row => ({
    name,
    unit: 'requests',
    measured: of,
    unitsPerRequest: 1,
    maintenance: NOTHING,
    deletion: NOTHING,
    ...more,
  })
  const tiny = { maintenance, deletion: usage({ writeUnits: deletions.tinySegment }) }
  const batch = { maintenance, unit: 'messages', unitsPerRequest: RECORDS_PER_BATCH }
  // Documents are deleted one by one, in an invocation that is counted already.
  const answer = { deletion: usage({ writeUnits: deletions.answer }) }
  return [
    row('Produce, one message of 1 KiB', counted.unbatched, { ...tiny, unit: 'messages', bound: 6 }),
    row('Produce, a hundred messages of 1 KiB', counted.batched, { ...batch, bound: 0.2 }),
    row('Fetch, one new message of 1 KiB', counted.tail),
    row('Fetch, nothing new', counted.empty),
    row('Fetch, 1 MiB behind, batched by a hundred', counted.catchUp),
    row('Fetch, 256 KiB behind, unbatched', counted.catchUpUnbatched),
    row('InitProducerId, an idempotent producer starts', counted.producerStart, answer),
    row('ApiVersions', counted.versions),
    row('Metadata of all topics', counted.metadata),
    row('CreateTopics', counted.createTopic, { ...answer, maintenance }),
    row(
      `A member joins a classic group that was empty: ${requestsOf(groups.requestsPerJoin.classic)}`,
      groups.classicJoin,
      {
        unit: 'joins',
        unitsPerRequest: 1 / groups.requestsPerJoin.classic,
      },
    ),
    row(`A member joins a KIP-848 group: ${requestsOf(groups.requestsPerJoin.consumer)}`, groups.consumerJoin, {
      unit: 'joins',
      unitsPerRequest: 1 / groups.requestsPerJoin.consumer,
    }),
    row('Heartbeat of a classic member', groups.classicBeat),
    row('Heartbeat of a KIP-848 member', groups.consumerBeat),
    row('OffsetCommit', groups.commit, { maintenance }),
    row('OffsetCommit of what is committed already', groups.commitAgain),
    row('Cold: Produce, one message', cold.unbatched, { ...tiny, unit: 'messages' }),
    row('Cold: Produce, a hundred messages', cold.batched, batch),
    row('Cold: Fetch, one message', cold.tail),
    row('Cold: Fetch, nothing new', cold.empty),
    row('Cold: Fetch, 1 MiB behind, batched by a hundred', cold.catchUp),
    row('Cold: InitProducerId', cold.producerStart, answer),
    row('Cold: ApiVersions', cold.versions),
    row('Cold: Metadata of all topics', cold.metadata),
    row('Cold: CreateTopics', cold.createTopic, { ...answer, maintenance }),
  ]
}

const requestsOf = (perJoin: number): string => `${Number(perJoin.toFixed(1))} requests`

/** Dollars per million of the row's units. */
export const perMillion = ({ unitsPerRequest }: Row, used: Usage, names?: Parameters<typeof cost>[1]): number =>
  (cost(used, names) * 1e6) / unitsPerRequest

export const wholeOf = ({ measured, maintenance, deletion }: Row): Usage => add(measured.usage, maintenance, deletion)

/** Fetches of an idle consumer: alone on its connection, or beside the heartbeats of a classic member. */
export interface PollsPerHour {
  readonly alone: number
  readonly beside: number
}

export function monthsOf(counted: Counted, pollsPerHour: PollsPerHour): Month[] {
  const schedules = Math.ceil(HOURS / SCHEDULED_EVERY_HOURS)
  const polls = pollsPerHour.alone * HOURS
  const refreshes = (HOURS * 60) / METADATA_EVERY_MINUTES
  const machine = HOURS * (GATEWAY.vcpu * MACHINE.vcpu.usd + GATEWAY.gb * MACHINE.gb.usd)
  const seconds = HOURS * 3600
  // A gateway's flush is the function's, without the function.
  const { s3Writes, writeUnits, readUnits } = counted.batched.usage
  const flush = add(usage({ s3Writes, writeUnits, readUnits }), counted.maintenancePerFlush)
  const scheduled = times(counted.scheduled.usage, schedules)
  const { groups } = counted
  const refreshing = [
    `${count(refreshes)} refreshes of metadata, each a cold start`,
    refreshes * cost(counted.cold.metadata.usage),
  ] as const
  const polling = (times: number) => [`${count(times)} polls`, times * cost(counted.empty.usage)] as const
  const beating = (of: Measured, everySeconds: number) => {
    const beats = seconds / everySeconds
    return [`${count(beats)} heartbeats`, beats * cost(of.usage)] as const
  }
  const commits = seconds / COMMIT_SECONDS
  const recommitting = [
    `${count(commits)} commits of what is committed already`,
    commits * cost(groups.commitAgain.usage),
  ] as const
  const classic = beating(groups.classicBeat, BEAT_SECONDS.classic)
  const consumer = beating(groups.consumerBeat, BEAT_SECONDS.consumer)
  return [
    {
      name: 'Nobody connected',
      bound: 1,
      parts: [
        [`${schedules} scheduled runs of maintenance, each a cold start`, cost(scheduled)],
        [`${HOURS} sweeps of groups, each a cold start`, HOURS * cost(counted.swept.usage)],
        ['what invokes them', (schedules + HOURS) * PRICES.schedules.usd],
      ],
    },
    {
      name: 'One idle consumer through `tidelog connect`',
      bound: 5,
      parts: [polling(polls), refreshing],
    },
    {
      name: 'The same as a member of a classic group',
      bound: 5,
      parts: [polling(polls), classic, refreshing],
    },
    {
      name: 'The same as a member of a KIP-848 group',
      bound: 5,
      parts: [polling(polls), consumer, refreshing],
    },
    {
      name: 'A member of a classic group that fetches and beats on one connection (KafkaJS)',
      bound: 5,
      parts: [polling(pollsPerHour.beside * HOURS), classic, refreshing],
    },
    {
      name: 'A member of a classic group that commits every 5 s, whether or not anything came (Java, `enable.auto.commit`)',
      bound: 5,
      parts: [polling(polls), classic, recommitting, refreshing],
    },
    {
      name: GATEWAY_MONTH,
      parts: [
        ['the machine', machine],
        [
          `its lease, a write unit every ${GATEWAY.leaseEverySeconds} s`,
          (seconds / GATEWAY.leaseEverySeconds) * PRICES.writeUnits.usd,
        ],
      ],
    },
    {
      name: 'The same gateway with one idle consumer',
      parts: [
        ['the machine', machine],
        ['its lease', (seconds / GATEWAY.leaseEverySeconds) * PRICES.writeUnits.usd],
        ['four looks at the head a second', seconds * GATEWAY.pollsPerSecond * PRICES.readUnits.usd],
      ],
    },
    {
      name: 'The same gateway, flushing four times a second all month',
      parts: [
        ['the machine', machine],
        ['its lease', (seconds / GATEWAY.leaseEverySeconds) * PRICES.writeUnits.usd],
        ['PUTs', seconds * GATEWAY.flushesPerSecond * cost(flush, ['s3Writes'])],
        ['journal and maintenance', seconds * GATEWAY.flushesPerSecond * (cost(flush) - cost(flush, ['s3Writes']))],
      ],
    },
  ]
}

export const sumOf = ({ parts }: Month): number => parts.reduce((sum, [, usd]) => sum + usd, 0)

/** What is stored, of an assumed GB. */
export const STORED: readonly (readonly [what: string, usd: number])[] = [
  ['1 GB of records in S3', STORAGE.s3.usd],
  [
    '1 GB in the table (messages that came one by one), with point-in-time recovery',
    STORAGE.table.usd + STORAGE.backup.usd,
  ],
]

export interface Bound {
  readonly what: string
  readonly usd: number
  readonly bound: number
}

export function boundsOf(rows: readonly Row[], months: readonly Month[]): Bound[] {
  const ofRows = rows.flatMap((row) => {
    const what = `a million ${row.unit}: ${row.name}`
    return row.bound === undefined ? [] : [{ what, usd: perMillion(row, wholeOf(row)), bound: row.bound }]
  })
  const ofMonths = months.flatMap((month) =>
    month.bound === undefined ? [] : [{ what: `a month: ${month.name}`, usd: sumOf(month), bound: month.bound }],
  )
  return [...ofRows, ...ofMonths]
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

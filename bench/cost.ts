// `npm run bench:cost`: what the serverless form costs, counted. The functions' bundles run against an emulator of AWS with
// every request on the wire counted (`cost/meter.ts`), the counts meet AWS's prices (`cost/prices.ts`), and the result goes
// to the terminal and to docs/cost.md. Ends with 1 when a bound that we promise is exceeded.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { initAws } from '../lib/storage/aws/init.ts'
import { EMULATOR_ENVIRONMENT, startMinistack } from '../test/aws/ministack.ts'
import type { Item } from './cost/capacity.ts'
import { BEAT_SECONDS } from './cost/groups.ts'
import { pollsWithin } from './cost/idle-consumer.ts'
import { type Meter, startMeter } from './cost/meter.ts'
import { boundTable, costTable, monthTable, page } from './cost/report.ts'
import { type Counted, count } from './cost/scenarios.ts'
import { boundsOf, monthsOf, rowsOf } from './cost/table.ts'

const PAGE = join(import.meta.dirname, '../docs/cost.md')
const NAME = 'tidelog-cost'
const IDLE_HOURS = 24

/** All items of a table, as DynamoDB's JSON has them. */
async function scan(endpointUrl: string): Promise<Item[]> {
  const items: Item[] = []
  let from: Item | undefined
  do {
    const response = await fetch(endpointUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'DynamoDB_20120810.Scan',
        authorization: 'AWS4-HMAC-SHA256 Credential=test/20261101/us-east-1/dynamodb/aws4_request',
      },
      body: JSON.stringify({ TableName: NAME, ...(from === undefined ? {} : { ExclusiveStartKey: from }) }),
    })
    if (response.status !== 200) throw new Error(`a scan was answered ${response.status}`)
    const answer = (await response.json()) as { readonly Items: Item[]; readonly LastEvaluatedKey?: Item }
    items.push(...answer.Items)
    from = answer.LastEvaluatedKey
  } while (from !== undefined)
  return items
}

async function countAll(): Promise<Counted> {
  const ministack = await startMinistack()
  let meter: Meter | undefined
  try {
    const place = { bucket: NAME, table: NAME, region: 'us-east-1', endpointUrl: ministack.endpointUrl }
    const made = await initAws(place)
    if (made.kind !== 'ready') throw new Error(made.sentence)
    meter = await startMeter(ministack.endpointUrl)
    meter.adopt(await scan(ministack.endpointUrl))
    const counted = await count({ meter, place, aheadMs: 0, generation: 1 }, (what) =>
      console.error(`counting: ${what}`),
    )
    meter.prove(await scan(ministack.endpointUrl))
    return counted
  } finally {
    await meter?.close()
    await ministack.stop()
  }
}

Object.assign(process.env, EMULATOR_ENVIRONMENT)
const counted = await countAll()
const pollsPerHour = {
  alone: (await pollsWithin(IDLE_HOURS)) / IDLE_HOURS,
  beside: (await pollsWithin(IDLE_HOURS, BEAT_SECONDS.classic * 1000)) / IDLE_HOURS,
}
const rows = rowsOf(counted)
const months = monthsOf(counted, pollsPerHour)
const bounds = boundsOf(rows, months)
const on = new Date().toISOString().slice(0, 10)
await writeFile(PAGE, page({ counted, rows, months, bounds, pollsPerHour, on }))
for (const table of [costTable(rows), monthTable(months), boundTable(bounds)]) console.log(`${table}\n`)
const exceeded = bounds.filter(({ usd, bound }) => usd > bound)
for (const { what, usd, bound } of exceeded) console.error(`${what} costs $${usd.toFixed(3)}, more than $${bound}.`)
process.exitCode = exceeded.length === 0 ? 0 : 1

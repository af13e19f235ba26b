// Back-pressure: a gateway whose store takes five seconds for each PUT, two hundred producers that send as fast as they can
// for a minute (`--seconds`), and its resident memory looked at every 100 ms. It must stay under 512 MiB. Then the process
// is killed, started on the same directory, and every acknowledged record must be at its offset. Producers are bare
// connections with five requests of 256 KiB in flight each: twice the memory that the gateway may give to requests.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  createTopicFrame,
  fetchFrame,
  openRaw,
  produceFrame,
  readCreated,
  readFetched,
  readProduced,
  recordBatch,
  recordsOf,
} from '../clients/raw.ts'
import { freePort, ROOT, startTidelog, waitUntilServing } from '../clients/servers.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    producers: { type: 'string', default: '200' },
    'put-ms': { type: 'string', default: '5000' },
  },
})
const RSS_BYTES_MAX = 512 * 1024 * 1024
const PARTITIONS = 12
const IN_FLIGHT = 5
const RECORDS_PER_BATCH = 4
const RECORD_BYTES = 64 * 1024
const TOPIC = 'slow'

interface Acknowledged {
  readonly partition: number
  readonly offset: number
  readonly id: string
}

const padding = Buffer.alloc(RECORD_BYTES, 'x')
const valueFor = (id: string, index: number): Buffer => {
  const value = Buffer.from(padding)
  value.write(`${id}/${index};`)
  return value
}

/** Sends until the time is over, then waits for what is under way. Refusals are counted; a lost connection is opened anew. */
async function produce(
  port: number,
  name: number,
  until: number,
  done: Acknowledged[],
  refused: Map<number, number>,
): Promise<void> {
  const partition = name % PARTITIONS
  let number = 0
  let connection = await openRaw(port)
  const lane = async (): Promise<void> => {
    while (Date.now() < until) {
      const id = `${name}-${number}`
      number += 1
      const values = Array.from({ length: RECORDS_PER_BATCH }, (_, index) => valueFor(id, index))
      const answered = await connection
        .ask(produceFrame(TOPIC, partition, recordBatch(values, Date.now())))
        .then(readProduced)
        .catch(() => undefined)
      if (answered === undefined) {
        refused.set(-1, (refused.get(-1) ?? 0) + 1)
        await new Promise((resolve) => setTimeout(resolve, 100))
        connection = await openRaw(port).catch(() => connection)
      } else if (answered.error === 0) done.push({ partition, offset: answered.baseOffset, id })
      else refused.set(answered.error, (refused.get(answered.error) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  connection.close()
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
}

/** All records of a partition: the id and index that each begins with, by offset. */
async function readPartition(port: number, partition: number): Promise<Map<number, string>> {
  const connection = await openRaw(port)
  const found = new Map<number, string>()
  for (let offset = 0; ; ) {
    const { error, end, records } = readFetched(await connection.ask(fetchFrame(TOPIC, partition, offset, 0)))
    assert.equal(error, 0)
    const { records: read, next } = recordsOf(records)
    for (const record of read) {
      if (record.offset < offset) continue
      assert.equal(record.offset, found.size, 'offsets are dense')
      found.set(record.offset, record.value.subarray(0, record.value.indexOf(';')).toString())
    }
    offset = next ?? end
    if (offset >= end) break
  }
  connection.close()
  return found
}

async function verify(port: number, done: readonly Acknowledged[]): Promise<number> {
  let total = 0
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const found = await readPartition(port, partition)
    total += found.size
    for (const { offset, id } of done.filter((one) => one.partition === partition)) {
      for (let index = 0; index < RECORDS_PER_BATCH; index += 1) {
        assert.equal(found.get(offset + index), `${id}/${index}`, `partition ${partition}, offset ${offset + index}`)
      }
    }
  }
  return total
}

async function main(): Promise<void> {
  await mkdir(join(ROOT, '.cache'), { recursive: true })
  const scratch = await mkdtemp(join(ROOT, '.cache', 'crash-'))
  const directory = join(scratch, 'data')
  const port = await freePort()
  const gateway = spawn(
    process.execPath,
    [join(import.meta.dirname, 'slow-gateway.ts'), directory, String(port), values['put-ms']],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const ended = new Promise((resolve) => gateway.once('close', resolve))
  let peakBytes = 0
  const samples: number[] = []
  let watching = true
  try {
    await waitUntilServing(port, gateway, 30_000)
    const admin = await openRaw(port)
    assert.equal(readCreated(await admin.ask(createTopicFrame(TOPIC, PARTITIONS))), 0)
    admin.close()
    const watch = (async (): Promise<void> => {
      while (watching) {
        const bytes = await residentBytes(gateway.pid ?? 0)
        peakBytes = Math.max(peakBytes, bytes)
        samples.push(bytes)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    })()
    const done: Acknowledged[] = []
    const refused = new Map<number, number>()
    const until = Date.now() + Number(values.seconds) * 1000
    const producers = Array.from({ length: Number(values.producers) }, (_, name) =>
      produce(port, name, until, done, refused),
    )
    await Promise.all(producers)
    watching = false
    await watch
    gateway.kill('SIGKILL')
    await ended
    assert.ok(done.length > 0, 'something was acknowledged')
    const again = await startTidelog({ directory })
    const total = await verify(again.ports[0], done).finally(() => again.stop())
    const mib = (bytes: number): number => Math.round(bytes / 1048576)
    const refusals = [...refused].map(([error, count]) => `${count} with error ${error}`).join(', ') || 'none'
    const acknowledged = done.length * RECORDS_PER_BATCH
    console.log(
      `${values.producers} producers, ${values.seconds} s, ${values['put-ms']} ms per PUT: ${acknowledged} records acknowledged ` +
        `and found (${total} stored), refused: ${refusals}; peak ${mib(peakBytes)} MiB over ${samples.length} samples`,
    )
    assert.ok(peakBytes < RSS_BYTES_MAX, `resident memory reached ${mib(peakBytes)} MiB`)
  } finally {
    watching = false
    gateway.kill('SIGKILL')
    await ended
    await rm(scratch, { recursive: true, force: true })
  }
}

await main()

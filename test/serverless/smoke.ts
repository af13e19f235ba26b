// `node test/serverless/smoke.ts`: whether a deployment works, asked from outside, in a few seconds. Only the environment
// says where it is: AWS_ENDPOINT_URL names an emulator (any), without it this is AWS itself with your credentials. It finds
// the API by the stack's outputs, makes a topic, writes with KafkaJS over HTTPS, reads through a `tidelog connect` process,
// compares, and deletes the topic.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { defaultProvider } from '@aws-sdk/credential-provider-node'
import { openCluster } from '../../lib/client/cluster.ts'
import { consume, planConsume } from '../../lib/client/consumer.ts'
import { stackOutputs } from './aws-query.ts'
import { kafkaOver } from './kafkajs.ts'
import { startConnect } from './processes.ts'

const STACK = 'TidelogApi'
const PARTITIONS = 3
const RECORDS = 50
const topic = `smoke-${randomBytes(6).toString('hex')}`

const startedAt = performance.now()
function say(what: string): void {
  console.log(`ok ${what} (${Math.round(performance.now() - startedAt)} ms)`)
}

async function main(): Promise<void> {
  const region = process.env['AWS_REGION'] ?? 'us-east-1'
  const keys = await defaultProvider()()
  const endpointUrl = process.env['AWS_ENDPOINT_URL'] ?? `https://cloudformation.${region}.amazonaws.com`
  const { Url: url } = await stackOutputs(endpointUrl, STACK, { keys, region })
  assert.ok(url, `the stack ${STACK} says where its API is`)
  say(`the API is at ${url}`)

  const kafka = kafkaOver(url, keys)
  const admin = kafka.admin()
  await admin.connect()
  assert.equal(await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }] }), true)
  say(`made the topic ${topic}`)
  try {
    const sent = await write(kafka)
    say(`wrote ${sent.size} records with KafkaJS`)
    const connect = await startConnect(url, keys)
    try {
      const read = await readThrough(connect.port)
      assert.deepEqual(new Map([...read].sort()), new Map([...sent].sort()))
      say(`read ${read.size} records through tidelog connect, byte for byte`)
    } finally {
      await connect.stop()
    }
    const status = await unsignedStatus(url)
    say(`an unsigned request: ${status === 403 ? 'refused' : `let in (${status}), as AWS never would`}`)
  } finally {
    await admin.deleteTopics({ topics: [topic] })
    await admin.disconnect()
  }
  say('deleted the topic')
}

/** The status of a request that nobody signed. Few systems resolve the host names of emulators, `*.localhost`. */
function unsignedStatus(url: string): Promise<number | undefined> {
  const { protocol, hostname, host, port, pathname } = new URL(url)
  const place = { host: hostname.endsWith('.localhost') ? '127.0.0.1' : hostname, servername: hostname, port }
  const path = `${pathname.replace(/\/$/, '')}/kafka/admin`
  const make = protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const request = make({ ...place, method: 'POST', path, headers: { host } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.once('error', reject)
    request.end('x')
  })
}

/** Writes to each partition; resolves with the values by partition and offset. */
async function write(kafka: ReturnType<typeof kafkaOver>): Promise<Map<string, string>> {
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  const sent = new Map<string, string>()
  const messages = Array.from({ length: PARTITIONS * RECORDS }, (_, index) => {
    const [partition, offset] = [index % PARTITIONS, Math.floor(index / PARTITIONS)]
    const value = randomBytes(100 + index)
    sent.set(`${partition} ${offset}`, value.toString('hex'))
    return { partition, value }
  })
  await producer.send({ topic, messages })
  await producer.disconnect()
  return sent
}

async function readThrough(port: number): Promise<Map<string, string>> {
  const cluster = await openCluster({ host: '127.0.0.1', port })
  const options = { topic: await cluster.existingTopic(topic), from: { kind: 'beginning' }, follow: false } as const
  const read = new Map<string, string>()
  for await (const records of consume(cluster, options, await planConsume(cluster, options))) {
    for (const { partition, offset, value } of records) {
      read.set(`${partition} ${offset}`, Buffer.from(value ?? []).toString('hex'))
    }
  }
  await cluster.close()
  return read
}

await main()

// Runs in a folder where the tarball is installed: ten logs side by side, each written by KafkaJS and read by
// @platformatic/kafka, nothing of one seen in another; then an embedded one that is opened again.
import assert from 'node:assert/strict'
import { Consumer } from '@platformatic/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { Tidelog, TidelogStartError } from 'tidelog'
import { httpSocketFactory } from 'tidelog/kafkajs'

async function write(bootstrap, values, more = {}) {
  const producer = new Kafka({ brokers: [bootstrap], logLevel: logLevel.ERROR, ...more }).producer()
  await producer.connect()
  await producer.send({ topic: 'greetings', acks: -1, messages: values.map((value) => ({ key: 'k', value })) })
  await producer.disconnect()
}

/** Reads partition 0 without a group, by the same fetch that the client's streams use. */
async function read(bootstrap) {
  const consumer = new Consumer({ clientId: 'reader', groupId: 'unused', bootstrapBrokers: [bootstrap] })
  const metadata = await consumer.metadata({ topics: ['greetings'] })
  const { id, partitions } = metadata.topics.get('greetings')
  consumer.topics.trackAll('greetings')
  const from = {
    partition: 0,
    currentLeaderEpoch: -1,
    fetchOffset: 0n,
    lastFetchedEpoch: -1,
    partitionMaxBytes: 1 << 20,
  }
  const topics = [{ topicId: id, partitions: [from] }]
  const limits = { maxWaitTime: 500, minBytes: 1, maxBytes: 1 << 20 }
  const answer = await consumer.fetch({ node: partitions[0].leader, topics, ...limits })
  await consumer.close()
  const batches = answer.responses[0].partitions[0].records ?? []
  return batches.flatMap((batch) => batch.records.map((record) => record.value.toString()))
}

const logs = await Promise.all(
  Array.from({ length: 10 }, () => Tidelog.start({ store: 'memory', http: '127.0.0.1:0' })),
)
assert.equal(new Set(logs.map((log) => log.bootstrap)).size, 10)
await Promise.all(logs.map((log, i) => write(log.bootstrap, [`hello ${i}`, `tide ${i}`])))
for (const [i, log] of logs.entries()) {
  assert.deepEqual(await read(log.bootstrap), [`hello ${i}`, `tide ${i}`])
  assert.equal((await (await fetch(`${log.httpUrl}/health`)).json()).status, 'ok')
}
await write('tidelog:9092', ['over http'], { socketFactory: httpSocketFactory({ url: logs[0].httpUrl }) })
assert.deepEqual(await read(logs[0].bootstrap), ['hello 0', 'tide 0', 'over http'])
await assert.rejects(Tidelog.start({ store: 'memory', kafka: logs[0].bootstrap }), TidelogStartError)
await Promise.all(logs.map((log) => log.close()))

for (const round of [1, 2]) {
  const log = await Tidelog.start({ store: 'embedded', data: './data' })
  await write(log.bootstrap, [`round ${round}`])
  assert.equal((await read(log.bootstrap)).length, round)
  await log.close()
}
console.log(`fine on Node ${process.versions.node}`)

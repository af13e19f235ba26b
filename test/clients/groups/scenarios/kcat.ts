// kcat, as people use it by hand: `-G` joins a group, reads and commits; afterwards `-o stored` reads what came since, without
// being a member.
import assert from 'node:assert/strict'
import { run } from '../../servers.ts'
import type { Setting } from '../scene.ts'
import { createTopic, kafkaFor } from '../traffic.ts'

const PARTITIONS = 3

export async function kcat(setting: Setting): Promise<string> {
  const kafka = kafkaFor(setting.bootstrap)
  const topic = 'kcat-group'
  await createTopic(kafka, topic, PARTITIONS)
  const producer = kafka.producer()
  await producer.connect()
  const write = async (from: number, to: number): Promise<string[]> => {
    const values = Array.from({ length: to - from }, (_, at) => `value ${from + at}`)
    const messages = values.map((value, at) => ({ value, partition: at % PARTITIONS }))
    await producer.send({ topic, messages })
    return values.sort()
  }
  const read = async (...args: readonly string[]): Promise<string[]> => {
    const output = await run('kcat', ['-q', '-b', setting.bootstrap, '-X', 'session.timeout.ms=6000', ...args])
    return output
      .split('\n')
      .filter((line) => line !== '')
      .sort()
  }
  const group = 'kcat by hand'
  const grouped = (count: number): Promise<string[]> =>
    read('-X', 'auto.offset.reset=earliest', '-c', String(count), '-G', group, topic)
  const first = await write(0, 60)
  assert.deepEqual(await grouped(60), first, 'kcat -G reads everything')
  const second = await write(60, 90)
  assert.deepEqual(await grouped(30), second, 'kcat -G goes on where it had stopped')
  const third = await write(90, 105)
  const stored = await read('-C', '-t', topic, '-o', 'stored', '-e', '-X', `group.id=${group}`)
  assert.deepEqual(stored, third, 'kcat -o stored reads what came since')
  await producer.disconnect()
  return '60 and 30 records with -G, 15 with -o stored'
}

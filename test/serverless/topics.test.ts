// Topics declared in CDK: made by the first deployment, changed by the second, refused with a sentence and rolled back by
// the third, which asks for fewer partitions, and kept or deleted by the fourth, from which they are gone.
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { stackStatus } from './aws-query.ts'
import { deployTopics } from './deployment.ts'
import { readPartition } from './frames.ts'
import { describeTopic, kafkaOver } from './kafkajs.ts'
import { CHANGED_TOPICS, FEWER_PARTITIONS, REMOVED_TOPICS } from './topics.ts'

const { endpointUrl, caller } = inject('deployed')
const url = inject('url')
const kafka = kafkaOver(url, caller)
const STACK = 'TidelogTopics'
const DAY_MS = 24 * 60 * 60 * 1000

describe('topics declared in CDK', () => {
  beforeAll(async () => {
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic: 'declared-kept', messages: [{ value: 'kept' }] })
    await producer.disconnect()
  })

  it('are there after the first deployment', async () => {
    const declared = await describeTopic(kafka, 'declared')
    expect(declared?.partitions).toBe(3)
    expect(declared?.configs['retention.ms']).toBe(String(7 * DAY_MS))
    expect((await describeTopic(kafka, 'declared-destroyed'))?.partitions).toBe(1)
  })

  it('are changed by a second one', async () => {
    const run = await deployTopics(endpointUrl, CHANGED_TOPICS)
    expect(run.exitCode, run.output).toBe(0)
    const declared = await describeTopic(kafka, 'declared')
    expect(declared?.partitions).toBe(5)
    expect(declared?.configs['retention.ms']).toBe(String(DAY_MS))
    expect((await describeTopic(kafka, 'declared-later'))?.partitions).toBe(2)
  })

  it('do not lose partitions: the deployment fails with a sentence and rolls back', async () => {
    const run = await deployTopics(endpointUrl, FEWER_PARTITIONS)
    expect(run.exitCode, run.output).not.toBe(0)
    expect(run.output).toMatch(/declared.* has 5 partitions|5 partitions.*declared/)
    expect(await stackStatus(endpointUrl, STACK)).toBe('UPDATE_ROLLBACK_COMPLETE')
    const declared = await describeTopic(kafka, 'declared')
    expect(declared?.partitions).toBe(5)
    expect(declared?.configs['retention.ms']).toBe(String(DAY_MS))
  })

  it('stay with their records when they are taken out, unless they are to be destroyed', async () => {
    const run = await deployTopics(endpointUrl, REMOVED_TOPICS)
    expect(run.exitCode, run.output).toBe(0)
    expect(await stackStatus(endpointUrl, STACK)).toBe('UPDATE_COMPLETE')
    const kept = await readPartition({ url, keys: caller }, 'declared-kept', 0)
    expect(kept.map(String)).toEqual(['kept'])
    expect(await describeTopic(kafka, 'declared-destroyed')).toBeUndefined()
    expect((await describeTopic(kafka, 'declared'))?.partitions).toBe(5)
  })
})

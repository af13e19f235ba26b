// The functions that no client calls, with the rights of their roles: maintenance as the table's stream and the schedule
// wake it, and what is written before and after it.
import { expect, inject, it } from 'vitest'
import { createTopicFrame, produceFrame, readCreated, readProduced, recordBatch } from '../clients/raw.ts'
import { invokeFunction, resourceIn } from './aws-query.ts'
import { ask, readPartition } from './frames.ts'

const { endpointUrl, caller } = inject('deployed')
const door = { url: inject('url'), keys: caller }
const TOPIC = 'background'

it('maintenance works with the rights of its role, beside a writer', async () => {
  const maintenance = await resourceIn(endpointUrl, 'TidelogMaintenance', 'AWS::Lambda::Function', 'Maintenance')
  expect(readCreated(await ask(door, 'admin', createTopicFrame(TOPIC, 1)))).toBe(0)
  const write = async (round: number): Promise<void> => {
    const batch = recordBatch([Buffer.from(`round ${round}`)], Date.now())
    expect(readProduced(await ask(door, 'produce', produceFrame(TOPIC, 0, batch)))).toEqual({
      error: 0,
      baseOffset: round,
    })
  }
  for (let round = 0; round < 20; round++) await write(round)
  const stream = { Records: [{ eventSource: 'aws:dynamodb', dynamodb: { SequenceNumber: '1' } }] }
  for (const event of [stream, { job: 'maintain' }]) {
    const [returned] = await Promise.all([
      invokeFunction(endpointUrl, maintenance, event),
      write(event === stream ? 20 : 21),
    ])
    expect(returned).toEqual({ batchItemFailures: [] })
  }
  const values = (await readPartition(door, TOPIC, 0)).map(String)
  expect(values).toEqual(Array.from({ length: 22 }, (_, round) => `round ${round}`))
})

// Consumer groups of unmodified foreign clients through a `tidelog connect` process, API Gateway and Lambda: members of both
// protocols that share a topic, come, leave, come back and are killed, and kcat by hand. What they must have done is judged
// by `test/clients/groups/verify.ts`; how long a rebalance takes through HTTPS is printed.
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { FAMILIES } from '../clients/groups/families.ts'
import { kcat } from '../clients/groups/scenarios/kcat.ts'
import type { Setting } from '../clients/groups/scene.ts'
import { ROOT_DIRECTORY } from './deployment.ts'
import { membership } from './group-clients.ts'
import { type Running, startConnect } from './processes.ts'

/** `group.consumer.session.timeout.ms` as functions have it: Kafka's default. */
const CONSUMER_SESSION_MS = 45_000
/** Those of KIP-848 first: they take longest. */
const MEMBERS = [
  ...['java consumer', 'confluent consumer', 'platformatic consumer', 'java cooperative-sticky'],
  ...['confluent cooperative-sticky', 'kafkajs eachMessage', 'kafkajs eachBatch', 'platformatic'],
  ...['java range', 'confluent range', 'kafka-python'],
]

const { caller } = inject('deployed')
let connect: Running
let setting: Setting

beforeAll(async () => {
  connect = await startConnect(inject('url'), caller)
  const scratch = mkdtempSync(join(ROOT_DIRECTORY, '.cache/serverless-groups-'))
  setting = {
    server: 'tidelog',
    bootstrap: connect.bootstrap,
    seed: Date.now() % 1_000_000,
    consumerSessionMs: CONSUMER_SESSION_MS,
    scratch,
  }
})

afterAll(async () => {
  await connect?.stop()
  rmSync(setting.scratch, { recursive: true, force: true })
})

async function perform(name: string, play: () => Promise<string>): Promise<void> {
  const figures = await play().catch((error: unknown) => {
    throw new Error(`${error}\n${connect.output().slice(-2000)}`)
  })
  console.log(`${name}: ${figures}`)
  expect(figures).not.toBe('')
}

// Side by side: most of the time is spent waiting for sessions to end.
describe.concurrent('members share a topic, come back, and take over from who was killed', { timeout: 400_000 }, () => {
  it.for(MEMBERS)('%s', (name) => {
    const family = FAMILIES.find((one) => one.name === name)!
    return perform(name, () => membership(setting, family))
  })

  it('kcat -G and -o stored', () => perform('kcat', () => kcat(setting)))
})

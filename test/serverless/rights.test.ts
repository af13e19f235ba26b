// Who may do what: every route wants the signature of somebody who may call it, of this body, for this service and now.
// Whoever is refused has changed nothing. That each function has the rights of its own role and no others is not a test of
// its own: the emulator judges every request of every function in this run.
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { createTopicFrame, fetchFrame, produceFrame, readCreated, readFetched, recordBatch } from '../clients/raw.ts'
import { ask, type Door, post, readPartition, signed } from './frames.ts'

const { caller, reader } = inject('deployed')
const url = inject('url')
const TOPIC = 'rights'
const frame = (value: string): Buffer => produceFrame(TOPIC, 0, recordBatch([Buffer.from(value)], Date.now()))

beforeAll(async () => {
  expect(readCreated(await ask({ url, keys: caller }, 'admin', createTopicFrame(TOPIC, 1)))).toBe(0)
})

const REFUSED: readonly { readonly who: string; readonly door: Door }[] = [
  { who: 'nobody, without a signature', door: { url } },
  { who: 'somebody whom nobody knows', door: { url, keys: { ...caller, accessKeyId: 'AKIA0000000000000000' } } },
  { who: 'somebody with a wrong secret', door: { url, keys: { ...caller, secretAccessKey: 'wrong' } } },
  { who: 'somebody who signs for another service', door: { url, keys: caller, service: 'lambda' } },
  { who: 'somebody who may call other routes only', door: { url, keys: reader } },
]

describe('a route', () => {
  it.each(REFUSED)('refuses $who', async ({ who, door }) => {
    const { status, body } = await post(door, 'produce', frame(who))
    expect(status).toBe(403)
    expect(JSON.parse(String(body))).toHaveProperty('message')
  })

  it('refuses a body that was not signed', async () => {
    const body = frame('signed')
    const target = new URL(`${url}/kafka/produce`)
    const plain = { host: target.host, 'content-type': 'application/octet-stream' }
    const headers = await signed({ url, keys: caller }, target, plain, body)
    const other = await fetch(target, { method: 'POST', headers, body: frame('another') })
    expect(other.status).toBe(403)
    const old = { ...headers, 'x-amz-date': '20200101T000000Z' }
    expect((await fetch(target, { method: 'POST', headers: old, body: Buffer.from(body) })).status).toBe(403)
  })

  it('lets in who may call it, and those who were refused have written nothing', async () => {
    const door = { url, keys: caller }
    await ask(door, 'produce', frame('allowed'))
    expect((await readPartition(door, TOPIC, 0)).map(String)).toEqual(['allowed'])
    const fetched = await ask({ url, keys: reader }, 'fetch', fetchFrame(TOPIC, 0, 0, 0))
    expect(readFetched(fetched)).toMatchObject({ error: 0, end: 1 })
  })
})

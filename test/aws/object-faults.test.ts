// Every write of objects and documents under every fault: the outcome, whether it is there in the end (seen past the proxy),
// that it took one request, and what a repeat says.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../lib/base/clock.ts'
import { newUlid } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import type { Stores } from '../../lib/storage/ports.ts'
import { spoiledStores } from './deployment.ts'
import { freshBytes, freshKey, ON_DYNAMODB, ON_S3, REQUEST_MS, under } from './fault-cases.ts'
import type { Fault } from './inject.ts'

let opened: Awaited<ReturnType<typeof spoiledStores>>
let straight: Stores
let stores: Stores
beforeAll(async () => {
  opened = await spoiledStores({ timeouts: { dynamodbMs: REQUEST_MS, s3Ms: REQUEST_MS } })
  straight = opened.straight
  stores = opened.stores
})
afterAll(() => opened.close())
const spoiled = <T>(operation: string, fault: Fault, run: () => Promise<T>) =>
  under(opened.injector, operation, fault, run)

describe('objects', () => {
  test.each(ON_S3)('put to S3: %s', async (_name, { fault, outcome, applied }) => {
    const key = freshKey('segment')
    const put = (by: Stores) => by.objects.put(key, [Buffer.from('two '), Buffer.from('parts')])
    expect(await spoiled('s3 PutObject', fault, () => put(stores))).toMatchObject(outcome)
    expect((await straight.objects.get(key)).kind).toBe(applied ? 'found' : 'missing')
    expect((await put(straight)).kind).toBe(applied ? 'exists' : 'applied')
    const found = await straight.objects.get(key)
    expect(found.kind === 'found' && Buffer.from(found.bytes).toString()).toBe('two parts')
  })

  test.each(ON_DYNAMODB)('put of a tiny segment: %s', async (_name, { fault, outcome, applied }) => {
    const key = freshKey('tiny')
    const put = (by: Stores) => by.objects.put(key, [Buffer.from('tiny')])
    expect(await spoiled('dynamodb PutItem', fault, () => put(stores))).toMatchObject(outcome)
    expect((await straight.objects.get(key)).kind).toBe(applied ? 'found' : 'missing')
    expect((await put(straight)).kind).toBe(applied ? 'exists' : 'applied')
  })

  test.each(ON_S3)('delete from S3: %s', async (_name, { fault, outcome, applied }) => {
    const key = freshKey('segment')
    await straight.objects.put(key, [freshBytes()])
    const remove = (by: Stores) => by.objects.delete([key])
    expect(await spoiled('s3 DeleteObjects', fault, () => remove(stores))).toMatchObject(outcome)
    expect((await straight.objects.get(key)).kind).toBe(applied ? 'missing' : 'found')
    expect(await remove(straight)).toEqual({ kind: 'applied' })
    expect((await straight.objects.get(key)).kind).toBe('missing')
  })

  test('delete from S3: the answer names a key that failed', async () => {
    const result = (code: string) =>
      `<?xml version="1.0" encoding="UTF-8"?><DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` +
      `<Error><Key>k</Key><Code>${code}</Code><Message>no</Message></Error></DeleteResult>`
    const outcomes: [string, object][] = [
      ['SlowDown', { kind: 'unavailable', throttled: true }],
      ['AccessDenied', { kind: 'unavailable', throttled: false }],
      ['InternalError', { kind: 'unknown' }],
    ]
    for (const [code, outcome] of outcomes) {
      const fault: Fault = { kind: 'answerWith', status: 200, contentType: 'application/xml', body: result(code) }
      const remove = (by: Stores) => by.objects.delete([freshKey('segment')])
      expect(await spoiled('s3 DeleteObjects', fault, () => remove(stores)), code).toMatchObject(outcome)
    }
  })

  test.each(ON_DYNAMODB)('delete of a tiny segment: %s', async (_name, { fault, outcome, applied }) => {
    const key = freshKey('tiny')
    await straight.objects.put(key, [freshBytes()])
    const remove = (by: Stores) => by.objects.delete([key])
    expect(await spoiled('dynamodb BatchWriteItem', fault, () => remove(stores))).toMatchObject(outcome)
    expect((await straight.objects.get(key)).kind).toBe(applied ? 'missing' : 'found')
    expect(await remove(straight)).toEqual({ kind: 'applied' })
  })

  test('delete of tiny segments: DynamoDB leaves some over, then all of them', async () => {
    const keys = Array.from({ length: 30 }, () => freshKey('tiny'))
    for (const key of keys) await straight.objects.put(key, [freshBytes()])
    const before = opened.injector.seen.length
    opened.injector.spoil('dynamodb BatchWriteItem', { kind: 'leaveUnprocessed', count: 10 })
    expect(await stores.objects.delete(keys)).toEqual({ kind: 'applied' })
    expect(opened.injector.seen.slice(before).length, '25, the 10 left over, 5').toBe(3)
    for (const key of keys) expect((await straight.objects.get(key)).kind).toBe('missing')

    const key = freshKey('tiny')
    await straight.objects.put(key, [freshBytes()])
    opened.injector.spoil('dynamodb BatchWriteItem', { kind: 'leaveUnprocessed', count: 25 })
    expect(await stores.objects.delete([key])).toMatchObject({ kind: 'unavailable', throttled: true })
    expect((await straight.objects.get(key)).kind).toBe('found')
  })
})

describe('documents', () => {
  test.each(ON_DYNAMODB)('put: %s', async (_name, { fault, outcome, applied }) => {
    const key = `things/${newUlid(systemClock, systemRandom)}`
    const put = (by: Stores) => by.documents.put(key, Buffer.from('a'), 0)
    expect(await spoiled('dynamodb PutItem', fault, () => put(stores))).toMatchObject(outcome)
    const repeated = await put(straight)
    if (applied) expect(repeated).toMatchObject({ kind: 'conflict', current: { key, version: 1 } })
    else expect(repeated).toEqual({ kind: 'applied', version: 1 })
  })

  test.each(ON_DYNAMODB)('delete: %s', async (_name, { fault, outcome, applied }) => {
    const key = `things/${newUlid(systemClock, systemRandom)}`
    await straight.documents.put(key, Buffer.from('a'), 0)
    const remove = (by: Stores) => by.documents.delete(key, 1)
    expect(await spoiled('dynamodb DeleteItem', fault, () => remove(stores))).toMatchObject(outcome)
    expect((await straight.documents.get(key)).kind).toBe(applied ? 'missing' : 'found')
    expect((await remove(straight)).kind).toBe(applied ? 'conflict' : 'applied')
  })
})

// Every read under every fault: it says `unavailable`, which brings the caller back, and never `missing`, which would make
// data disappear.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemRandom } from '../../lib/base/random.ts'
import type { Stores } from '../../lib/storage/ports.ts'
import { spoiledStores } from './deployment.ts'
import {
  CONFLICT,
  DENIED,
  DYNAMODB_503,
  freshBytes,
  freshKey,
  INTERNAL,
  NO_TABLE,
  REQUEST_MS,
  S3_500,
  SLOW_DOWN,
  THROTTLING,
  under,
} from './fault-cases.ts'
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

describe('reads never say unknown, and never say that something is missing when they do not know', () => {
  const dynamodbFaults: [string, Fault, boolean][] = [
    ...[...THROTTLING].map((error): [string, Fault, boolean] => [error.code, { kind: 'refuse', error }, true]),
    ...[CONFLICT, DENIED, NO_TABLE, INTERNAL, DYNAMODB_503].map((error): [string, Fault, boolean] => [
      error.code,
      { kind: 'refuse', error },
      false,
    ]),
    ['the connection drops', { kind: 'dropAfter' }, false],
    ['the answer is late', { kind: 'answerLate', delayMs: 2 * REQUEST_MS }, false],
    ['the answer breaks off', { kind: 'halfAnswer', ending: 'drop' }, false],
    ['the answer stands still', { kind: 'halfAnswer', ending: 'hang' }, false],
  ]
  test.each(dynamodbFaults)('DynamoDB: %s', async (_name, fault, throttled) => {
    const key = freshKey('tiny')
    await straight.objects.put(key, [freshBytes()])
    await straight.documents.put(`things/${key}`, freshBytes(), 0)
    const unavailable = { kind: 'unavailable', throttled }
    const one = { limit: 1 }
    expect(await spoiled('dynamodb GetItem', fault, () => stores.journal.readHead())).toMatchObject(unavailable)
    expect(await spoiled('dynamodb Query', fault, () => stores.journal.readChunks(0, 9))).toMatchObject(unavailable)
    expect(await spoiled('dynamodb GetItem', fault, () => stores.objects.get(key))).toMatchObject(unavailable)
    expect(await spoiled('dynamodb Query', fault, () => stores.objects.list('tiny', one))).toMatchObject(unavailable)
    expect(await spoiled('dynamodb GetItem', fault, () => stores.documents.get('a/b'))).toMatchObject(unavailable)
    expect(await spoiled('dynamodb Query', fault, () => stores.documents.list('things'))).toMatchObject(unavailable)
  })

  const noBucket = { status: 404, code: 'NoSuchBucket', message: 'The specified bucket does not exist' }
  const denied = { status: 403, code: 'AccessDenied', message: 'Access Denied' }
  const s3Faults: [string, Fault, boolean][] = [
    ['SlowDown', { kind: 'refuse', error: SLOW_DOWN }, true],
    ['InternalError', { kind: 'refuse', error: S3_500 }, false],
    ['NoSuchBucket', { kind: 'refuse', error: noBucket }, false],
    ['AccessDenied', { kind: 'refuse', error: denied }, false],
    ['the connection drops', { kind: 'dropAfter' }, false],
    ['the answer is late', { kind: 'answerLate', delayMs: 2 * REQUEST_MS }, false],
    ['the answer breaks off', { kind: 'halfAnswer', ending: 'drop' }, false],
    ['the answer stands still', { kind: 'halfAnswer', ending: 'hang' }, false],
  ]
  test.each(s3Faults)('S3: %s', async (_name, fault, throttled) => {
    const key = freshKey('segment')
    await straight.objects.put(key, [systemRandom.bytes(100_000)])
    const unavailable = { kind: 'unavailable', throttled }
    const list = () => stores.objects.list('segment', { limit: 10 })
    expect(await spoiled('s3 GetObject', fault, () => stores.objects.get(key))).toMatchObject(unavailable)
    const range = { start: 10, end: 50_000 }
    expect(await spoiled('s3 GetObject', fault, () => stores.objects.get(key, range))).toMatchObject(unavailable)
    expect(await spoiled('s3 ListObjectsV2', fault, list)).toMatchObject(unavailable)
  })
})

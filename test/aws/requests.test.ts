// How many requests each call of the ports makes, since requests are what AWS charges for: one for everything on the hot
// path, and the smallest number for what works on many things.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { crc32c } from '../../lib/base/crc32c.ts'
import { spoiledStores } from './deployment.ts'
import { freshBytes, freshKey } from './fault-cases.ts'

let opened: Awaited<ReturnType<typeof spoiledStores>>
beforeAll(async () => {
  opened = await spoiledStores()
})
afterAll(() => opened.close())

async function requests(run: () => Promise<{ readonly kind: string }>, kind: string): Promise<readonly string[]> {
  const before = opened.injector.seen.length
  expect((await run()).kind).toBe(kind)
  return opened.injector.seen.slice(before)
}

test('journal', async () => {
  const { journal } = opened.stores
  const at = { generation: 1, incarnation: 1 }
  const entries = Array.from({ length: 64 }, freshBytes)
  expect(await requests(() => journal.init(), 'rejected')).toEqual(['dynamodb PutItem'])
  expect(await requests(() => journal.readHead(), 'found')).toEqual(['dynamodb GetItem'])
  expect(await requests(() => journal.append({ ...at, entries: [freshBytes()] }), 'applied')).toEqual([
    'dynamodb UpdateItem',
  ])
  expect(await requests(() => journal.append({ ...at, entries }), 'applied')).toEqual(['dynamodb UpdateItem'])
  expect(await requests(() => journal.append({ ...at, entries }), 'rejected')).toEqual(['dynamodb UpdateItem'])
  expect(await requests(() => journal.beginSeal(at), 'applied')).toEqual(['dynamodb UpdateItem'])
  expect(await requests(() => journal.putChunk(1, freshBytes()), 'applied')).toEqual(['dynamodb PutItem'])
  const finish = { generation: 2, incarnation: 1, hash: new Uint8Array(32) }
  expect(await requests(() => journal.finishSeal(finish), 'applied')).toEqual(['dynamodb UpdateItem'])
  const checkpoint = { key: freshKey('root'), generation: 2, index: 0 }
  expect(await requests(() => journal.moveCheckpoint({ incarnation: 1, checkpoint }), 'applied')).toEqual([
    'dynamodb UpdateItem',
  ])
  expect(await requests(() => journal.readChunks(1, 1), 'found')).toEqual(['dynamodb Query'])
  expect(await requests(() => journal.deleteChunks(1, 1_000_000), 'applied')).toEqual([
    'dynamodb Query',
    'dynamodb BatchWriteItem',
  ])
  expect(await requests(() => journal.deleteChunks(1, 1_000_000), 'applied')).toEqual(['dynamodb Query'])
})

test('objects', async () => {
  const { objects } = opened.stores
  const segment = freshKey('segment')
  const tiny = freshKey('tiny')
  const parts = [freshBytes(), new Uint8Array(8 * 1024 * 1024), freshBytes()]
  expect(await requests(() => objects.put(segment, parts), 'applied')).toEqual(['s3 PutObject'])
  expect(await requests(() => objects.put(segment, parts), 'exists')).toEqual(['s3 PutObject'])
  expect(await requests(() => objects.put(tiny, [freshBytes()]), 'applied')).toEqual(['dynamodb PutItem'])
  expect(await requests(() => objects.get(segment), 'found')).toEqual(['s3 GetObject'])
  expect(await requests(() => objects.get(segment, { start: 5, end: 90 }), 'found')).toEqual(['s3 GetObject'])
  expect(await requests(() => objects.get(tiny, { start: 5, end: 9 }), 'found')).toEqual(['dynamodb GetItem'])
  expect(await requests(() => objects.list('segment', { limit: 10 }), 'found')).toEqual(['s3 ListObjectsV2'])
  const queries = await requests(() => objects.list('tiny', { limit: 10 }), 'found')
  expect(queries, 'one per partition key').toEqual(Array.from({ length: 16 }, () => 'dynamodb Query'))
  expect(await requests(() => objects.delete([]), 'applied')).toEqual([])
  expect(await requests(() => objects.delete([segment, tiny, segment, tiny]), 'applied')).toEqual([
    'dynamodb BatchWriteItem',
    's3 DeleteObjects',
  ])
})

test('documents', async () => {
  const { documents } = opened.stores
  expect(await requests(() => documents.put('a/b', freshBytes(), 0), 'applied')).toEqual(['dynamodb PutItem'])
  expect(await requests(() => documents.put('a/b', freshBytes(), 0), 'conflict')).toEqual(['dynamodb PutItem'])
  expect(await requests(() => documents.get('a/b'), 'found')).toEqual(['dynamodb GetItem'])
  expect(await requests(() => documents.list('a'), 'found')).toEqual(['dynamodb Query'])
  expect(await requests(() => documents.delete('a/b', 1), 'applied')).toEqual(['dynamodb DeleteItem'])
})

test('every read of DynamoDB is strongly consistent', async () => {
  const { journal, objects, documents } = opened.stores
  const before = opened.injector.seen.length
  await journal.readHead()
  await journal.readChunks(1, 9)
  await journal.deleteChunks(1, 9)
  await objects.get(freshKey('tiny'))
  await objects.list('tiny', { limit: 10 })
  await documents.get('a/b')
  await documents.list('a')
  const reads = opened.injector.bodies.slice(before).map((body) => JSON.parse(body.toString()))
  expect(reads.length).toBe(22)
  for (const read of reads) expect(read.ConsistentRead).toBe(true)
})

test('a put to S3 carries its condition and its checksum, waits for no permission and is sent as it is', async () => {
  const { injector, stores } = opened
  const body = Buffer.from('the bytes that were written')
  const key = freshKey('segment')
  await stores.objects.put(key, [body])
  const crc = Buffer.alloc(4)
  crc.writeUInt32BE(crc32c(body))
  expect(injector.headers.at(-1)?.['x-amz-checksum-crc32c']).toBe(crc.toString('base64'))
  expect(injector.headers.at(-1)?.['if-none-match']).toBe('*')
  expect(injector.headers.at(-1)?.['expect']).toBeUndefined()
  expect(injector.headers.at(-1)?.['content-encoding']).toBeUndefined()
})

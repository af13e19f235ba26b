// Every write of the journal under every fault: the outcome, whether the head or chunk changed (seen past the proxy), that
// it took one request, and that a repeat leaves the write there exactly once.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemRandom } from '../../lib/base/random.ts'
import type { Head, Stores } from '../../lib/storage/ports.ts'
import { spoiledStores } from './deployment.ts'
import { freshBytes, freshKey, ON_DYNAMODB, ON_DYNAMODB_WITH_ANSWER, REQUEST_MS, under } from './fault-cases.ts'
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

async function head(): Promise<Head> {
  const answer = await straight.journal.readHead()
  if (answer.kind !== 'found') throw new Error('the journal is there')
  return answer.head
}

/** Seals what is there, so that each test begins with an empty tail. */
async function emptyTail(): Promise<Head> {
  const { generation, incarnation, tail, hash } = await head()
  if (tail.length > 0) {
    await straight.journal.beginSeal({ generation, incarnation })
    await straight.journal.finishSeal({ generation: generation + 1, incarnation, hash })
  }
  return head()
}

describe('journal', () => {
  test.each(ON_DYNAMODB_WITH_ANSWER)('append: %s', async (_name, { fault, outcome, applied }) => {
    const { generation, incarnation } = await emptyTail()
    const entry = freshBytes()
    const append = { generation, incarnation, entries: [entry] }
    expect(await spoiled('dynamodb UpdateItem', fault, () => stores.journal.append(append))).toMatchObject(outcome)
    expect((await head()).tail.map((e) => Buffer.from(e))).toEqual(applied ? [Buffer.from(entry)] : [])
    // Whatever happened, the repeat leaves exactly one.
    expect((await straight.journal.append(append)).kind).toBe(applied ? 'rejected' : 'applied')
    expect((await head()).tail.length).toBe(1)
  })

  test.each(ON_DYNAMODB_WITH_ANSWER)('beginSeal: %s', async (_name, { fault, outcome, applied }) => {
    const { generation, incarnation } = await emptyTail()
    await straight.journal.append({ generation, incarnation, entries: [freshBytes()] })
    const at = { generation, incarnation }
    expect(await spoiled('dynamodb UpdateItem', fault, () => stores.journal.beginSeal(at))).toMatchObject(outcome)
    expect((await head()).generation).toBe(applied ? generation + 1 : generation)
    expect((await straight.journal.beginSeal(at)).kind).toBe(applied ? 'rejected' : 'applied')
    const done = await straight.journal.finishSeal({
      generation: generation + 1,
      incarnation,
      hash: new Uint8Array(32),
    })
    expect(done.kind).toBe('applied')
  })

  test.each(ON_DYNAMODB_WITH_ANSWER)('finishSeal: %s', async (_name, { fault, outcome, applied }) => {
    const { generation, incarnation } = await emptyTail()
    await straight.journal.append({ generation, incarnation, entries: [freshBytes()] })
    await straight.journal.beginSeal({ generation, incarnation })
    const finish = { generation: generation + 1, incarnation, hash: systemRandom.bytes(32) }
    expect(await spoiled('dynamodb UpdateItem', fault, () => stores.journal.finishSeal(finish))).toMatchObject(outcome)
    expect((await head()).sealed.length).toBe(applied ? 0 : 1)
    expect((await straight.journal.finishSeal(finish)).kind).toBe('applied')
    expect(Buffer.from((await head()).hash)).toEqual(Buffer.from(finish.hash))
  })

  test.each(ON_DYNAMODB_WITH_ANSWER)('moveCheckpoint: %s', async (_name, { fault, outcome, applied }) => {
    const { incarnation, checkpoint: before } = await head()
    const checkpoint = { key: freshKey('root'), generation: (before?.generation ?? 0) + 1, index: 3 }
    const move = (by: Stores) => by.journal.moveCheckpoint({ incarnation, checkpoint })
    expect(await spoiled('dynamodb UpdateItem', fault, () => move(stores))).toMatchObject(outcome)
    expect((await head()).checkpoint).toEqual(applied ? checkpoint : before)
    expect((await move(straight)).kind).toBe(applied ? 'rejected' : 'applied')
  })

  test.each(ON_DYNAMODB)('putChunk: %s', async (_name, { fault, outcome, applied }) => {
    const generation = Number(Buffer.from(systemRandom.bytes(4)).readUInt32BE())
    const bytes = freshBytes()
    const put = (by: Stores) => by.journal.putChunk(generation, bytes)
    expect(await spoiled('dynamodb PutItem', fault, () => put(stores))).toMatchObject(outcome)
    const found = await straight.journal.readChunks(generation, generation)
    expect(found).toMatchObject({ kind: 'found', complete: true })
    expect(found.kind === 'found' && found.chunks.length).toBe(applied ? 1 : 0)
    expect((await put(straight)).kind).toBe(applied ? 'exists' : 'applied')
  })

  test('init: an unclear outcome is settled by a repeat', async () => {
    const { incarnation } = await head()
    expect(await spoiled('dynamodb PutItem', { kind: 'dropBefore' }, () => stores.journal.init())).toMatchObject({
      kind: 'unknown',
    })
    expect(await straight.journal.init()).toMatchObject({ kind: 'rejected', head: { incarnation } })
  })
})

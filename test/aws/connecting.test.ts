// What happens before a request is on the wire was not applied, and is said to be so: nobody listens, the host has no
// address, there are no credentials, no connection becomes free in time, the store is closed. A wait is always bounded.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { checkAws } from '../../lib/storage/aws/check.ts'
import { initAws } from '../../lib/storage/aws/init.ts'
import { openAwsStores } from '../../lib/storage/aws/stores.ts'
import type { Stores } from '../../lib/storage/ports.ts'
import { freshPlace, freshStores, spoiledStores } from './deployment.ts'
import { freshBytes, freshKey } from './fault-cases.ts'

const toClose: Stores[] = []
afterAll(async () => {
  for (const stores of toClose) await stores.close()
})
afterEach(() => vi.unstubAllEnvs())

const append = (stores: Stores) => stores.journal.append({ generation: 1, incarnation: 1, entries: [freshBytes()] })
const unavailable = (cause: RegExp) => ({ kind: 'unavailable', throttled: false, cause: expect.stringMatching(cause) })

async function expectAllUnavailable(stores: Stores, cause: RegExp): Promise<void> {
  toClose.push(stores)
  const outcome = unavailable(cause)
  expect(await append(stores)).toEqual(outcome)
  expect(await stores.journal.readHead()).toEqual(outcome)
  expect(await stores.objects.put(freshKey('segment'), [freshBytes()])).toEqual(outcome)
  expect(await stores.objects.put(freshKey('tiny'), [freshBytes()])).toEqual(outcome)
  expect(await stores.objects.get(freshKey('segment'))).toEqual(outcome)
  expect(await stores.documents.put('a/b', freshBytes(), 0)).toEqual(outcome)
}

test('nobody listens', async () => {
  await expectAllUnavailable(openAwsStores({ ...freshPlace(), endpointUrl: 'http://127.0.0.1:1' }), /ECONNREFUSED/)
})

test('nobody listens on any address of a host that has several', async () => {
  await expectAllUnavailable(openAwsStores({ ...freshPlace(), endpointUrl: 'http://localhost:1' }), /ECONNREFUSED/)
})

test('the host has no address', async () => {
  const endpointUrl = 'http://does-not-exist.invalid:4566'
  await expectAllUnavailable(openAwsStores({ ...freshPlace(), endpointUrl }), /ENOTFOUND|EAI_AGAIN/)
})

test('there are no credentials', async () => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, undefined)
  for (const name of ['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE']) vi.stubEnv(name, '/dev/null')
  const place = freshPlace()
  await expectAllUnavailable(openAwsStores(place), /CredentialsProviderError/)
  const sentence = expect.stringMatching(/^No AWS credentials were found\. Set AWS_ACCESS_KEY_ID/)
  expect(await checkAws(place)).toEqual({ kind: 'problem', sentence })
  expect(await initAws(place)).toEqual({ kind: 'problem', sentence })
})

test('a search for credentials that never ends is bounded too', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', undefined)
  // A credentials process that sleeps stands for anything that hangs before a request is made.
  const folder = mkdtempSync(join(tmpdir(), 'tidelog-'))
  writeFileSync(join(folder, 'config'), '[default]\ncredential_process = sleep 3\n')
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'))
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null')
  const stores = openAwsStores({ ...freshPlace(), timeouts: { dynamodbMs: 200 } })
  toClose.push(stores)
  const began = performance.now()
  expect(await append(stores)).toMatchObject({ kind: 'unknown', cause: expect.stringMatching(/within 200 ms/) })
  expect(performance.now() - began).toBeLessThan(2000)
  rmSync(folder, { recursive: true })
})

test('the server speaks something else: nobody can say what it did', async () => {
  const server = createServer((socket) => socket.resume().end('SSH-2.0-x\r\n'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const stores = openAwsStores({ ...freshPlace(), endpointUrl: `http://127.0.0.1:${port}` })
  toClose.push(stores)
  expect(await append(stores)).toMatchObject({ kind: 'unknown' })
  expect(await stores.journal.readHead()).toMatchObject({ kind: 'unavailable' })
  await new Promise((resolve) => server.close(resolve))
})

test('no connection becomes free in time: not sent, so not applied', async () => {
  const { stores, straight, injector, close } = await spoiledStores({
    connectionsMax: 1,
    timeouts: { connectMs: 200, dynamodbMs: 2000 },
  })
  injector.spoil('dynamodb UpdateItem', { kind: 'answerLate', delayMs: 800 })
  const before = injector.seen.length
  const first = append(stores)
  await expect.poll(() => injector.seen.length).toBe(before + 1)
  expect(await append(stores)).toEqual(unavailable(/did not establish a connection/))
  expect((await first).kind).toBe('applied')
  expect(injector.seen.length).toBe(before + 1)
  const head = await straight.journal.readHead()
  expect(head.kind === 'found' && head.head.tail.length).toBe(1)
  await close()
})

test('close waits for what is under way, may be called twice, and refuses what comes later', async () => {
  const { stores, straight, injector, close } = await spoiledStores()
  injector.spoil('dynamodb UpdateItem', { kind: 'answerLate', delayMs: 300 })
  const underWay = append(stores)
  const closed = [stores.close(), stores.close()]
  await Promise.all(closed)
  expect((await underWay).kind).toBe('applied')
  expect(await append(stores)).toEqual(unavailable(/closed/))
  const head = await straight.journal.readHead()
  expect(head.kind === 'found' && head.head.tail.length).toBe(1)
  await close()
})

test('a request of ours that DynamoDB does not accept is a broken invariant, not an outcome', async () => {
  const { stores, injector, close } = await spoiledStores()
  const message = 'Item size to update has exceeded the maximum allowed size'
  injector.spoil('dynamodb UpdateItem', {
    kind: 'refuse',
    error: { status: 400, code: 'ValidationException', message },
  })
  await expect(append(stores)).rejects.toThrow(/broken invariant: dynamodb accepts our requests.*Item size/)
  await close()
})

test('what would not fit is refused before it is sent', async () => {
  const stores = await freshStores()
  toClose.push(stores)
  const entries = Array.from({ length: 65 }, freshBytes)
  await expect(stores.journal.append({ generation: 1, incarnation: 1, entries })).rejects.toThrow(/1 to 64 entries/)
  const long = [new Uint8Array(1025)]
  await expect(stores.journal.append({ generation: 1, incarnation: 1, entries: long })).rejects.toThrow(/1 KiB/)
  await expect(stores.objects.put(freshKey('tiny'), [new Uint8Array(400_000)])).rejects.toThrow(/fits an item/)
  await expect(stores.documents.put('a/b', new Uint8Array(400_000), 0)).rejects.toThrow(/fits an item/)
})

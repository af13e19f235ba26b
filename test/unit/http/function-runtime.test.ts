// What a Lambda environment opens: it either serves with all it must know, or says why not, and never rejects.
import { expect, it } from 'vitest'
import { encodeMembership, MEMBERS_KEY } from '../../../lib/broker/cluster/membership-document.ts'
import { openFunctionRuntime } from '../../../lib/http/function-runtime.ts'
import { createMemoryBackend } from '../../../lib/storage/memory/memory.ts'
import type { DocumentStore, Stores } from '../../../lib/storage/ports.ts'
import { inlineCompression } from '../../../lib/wire/native-compression.ts'

const GONE = { kind: 'unavailable', throttled: false, cause: 'arn:aws:sts::1234 may not' } as const

async function opened(change: (stores: Stores) => Stores = (stores) => stores) {
  const backend = createMemoryBackend()
  const stores = backend.open()
  await stores.journal.init()
  const membership = encodeMembership({ clusterId: 'cluster', gateways: [] })
  await stores.documents.put(MEMBERS_KEY, membership, 0)
  await stores.documents.put(MEMBERS_KEY, membership, 1)
  const identify = async () => ({ kind: 'ready', clusterId: 'cluster' }) as const
  const deployment = { stores: change(stores), identify }
  return { stores, outcome: await openFunctionRuntime({ deployment, compression: inlineCompression }) }
}

const withMembers =
  (get: DocumentStore['get']) =>
  (stores: Stores): Stores => ({
    ...stores,
    documents: { ...stores.documents, get: (key) => (key === MEMBERS_KEY ? get(key) : stores.documents.get(key)) },
  })

it('opens a log', async () => {
  const { outcome } = await opened()
  expect(outcome.kind).toBe('opened')
})

it('does not serve with a leader epoch that it made up, as clients would see it go back', async () => {
  const { outcome } = await opened(withMembers(async () => GONE))
  if (outcome.kind !== 'problem') throw new Error('opened')
  expect(outcome.response.status).toBe(503)
  expect(String(outcome.response.body)).not.toContain(GONE.cause)
})

it('does not serve beside gateways of a release that it does not know', async () => {
  const body = Buffer.from('{"format":99}')
  const { outcome } = await opened(withMembers(async (key) => ({ kind: 'found', document: { key, version: 3, body } })))
  if (outcome.kind !== 'problem') throw new Error('opened')
  expect(outcome.response.status).toBe(503)
  expect(String(outcome.response.body)).toMatch(/another release/)
})

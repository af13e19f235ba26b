// After a restore from a backup an operator raises the incarnation: whoever still knows the old one changes nothing any
// more and learns the new one from the refusal.
import { expect, test } from 'vitest'
import { initAws } from '../../lib/storage/aws/init.ts'
import { raiseIncarnation } from '../../lib/storage/aws/journal.ts'
import { openAwsStores } from '../../lib/storage/aws/stores.ts'
import { freshPlace } from './deployment.ts'
import { freshBytes, freshKey } from './fault-cases.ts'

test('a raised incarnation refuses every change under the old one', async () => {
  const place = freshPlace()
  expect((await initAws(place)).kind).toBe('ready')
  const { journal, close } = openAwsStores(place)
  const old = { generation: 1, incarnation: 1 }
  const entries = [freshBytes()]
  expect((await journal.append({ ...old, entries })).kind).toBe('applied')
  expect(await raiseIncarnation(place)).toMatchObject({ kind: 'applied', head: { incarnation: 2, generation: 1 } })

  const refused = { kind: 'rejected', head: { incarnation: 2, generation: 1, sealed: [], tail: [expect.anything()] } }
  const checkpoint = { key: freshKey('root'), generation: 1, index: 1 }
  expect(await journal.append({ ...old, entries: [freshBytes()] })).toMatchObject(refused)
  expect(await journal.beginSeal(old)).toMatchObject(refused)
  expect(await journal.finishSeal({ ...old, hash: new Uint8Array(32) })).toMatchObject(refused)
  expect(await journal.moveCheckpoint({ incarnation: 1, checkpoint })).toMatchObject(refused)
  expect(await journal.readHead()).toMatchObject({ head: { incarnation: 2, checkpoint: undefined } })

  expect((await journal.append({ generation: 1, incarnation: 2, entries: [freshBytes()] })).kind).toBe('applied')
  await close()
})

test('there is nothing to raise where there is no journal', async () => {
  const place = freshPlace()
  expect(await raiseIncarnation(place)).toMatchObject({ kind: 'unavailable' })
})

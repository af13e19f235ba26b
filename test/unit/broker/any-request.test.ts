// Whatever a client sends, within the protocol or not, is answered or closes its connection: no request that the codecs let
// through may break an invariant of a handler, and none may keep the next one from being served.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ROWS } from '../../../lib/broker/handlers.ts'
import { encodeRequestFrame } from '../../../lib/wire/frame.ts'
import { metadata } from '../../../lib/wire/messages/metadata.ts'
import type { RequestInput } from '../../../lib/wire/schema.ts'
import { arbitraryStruct } from '../wire/arbitrary.ts'
import { connect, rawFrame, type World, world } from './support/world.ts'

const RUNS = 60

async function expectSound(w: World, frame: Uint8Array): Promise<void> {
  const gone = new AbortController()
  const handled = w.broker.handle(frame, connect(gone.signal))
  gone.abort()
  // Deadlines of produce requests pass, parked fetches end with their client.
  await handled.admitted
  const response = await handled.response
  expect(['send', 'none', 'close']).toContain(response.kind)
  expect(w.errors).toEqual([])
}

const served = ROWS.flatMap(({ api }) =>
  Array.from({ length: api.max - api.serveMin + 1 }, (_, i) => [api.name, api.serveMin + i, api] as const),
)

test.each(served)('%s version %i: arbitrary requests', async (_name, version, api) => {
  const w = world({ autoCreateTopics: true })
  await w.topic('t', 3)
  await fc.assert(
    fc.asyncProperty(arbitraryStruct(api.request, version), async (value) => {
      // The descriptors of this API made the value.
      const request = value as RequestInput<typeof api>
      await expectSound(
        w,
        Buffer.concat(encodeRequestFrame(api, version, { correlationId: 1, clientId: 'x' }, request)),
      )
    }),
    { numRuns: RUNS },
  )
  expect((await w.ask(metadata, 12, { topics: [] })).brokers).toHaveLength(1)
})

test.each(served)('%s version %i: random bytes', async (_name, version, api) => {
  const w = world()
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), (bytes) => expectSound(w, rawFrame(api.key, version, bytes))),
    { numRuns: RUNS },
  )
})

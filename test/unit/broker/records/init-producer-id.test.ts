// InitProducerId: fresh ids, renewed epochs, and the refusal of transactional ids.
import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { initProducerId } from '../../../../lib/wire/messages/init-producer-id.ts'
import { world } from '../support/world.ts'

const fresh = { transactionalId: null, transactionTimeoutMs: 60_000 }

test.each([0, 1, 2, 3, 4, 5])('version %i gives a fresh random id without asking a store', async (version) => {
  const w = world()
  w.log.failure = { kind: 'unavailable' }
  const ids = new Set<number>()
  for (let i = 0; i < 50; i++) {
    const { errorCode, producerId, producerEpoch } = await w.ask(initProducerId, version, fresh)
    expect([errorCode, producerEpoch]).toEqual([0, 0])
    expect(producerId).toBeGreaterThanOrEqual(2 ** 32)
    expect(producerId).toBeLessThan(2 ** 53)
    ids.add(producerId)
  }
  expect(ids.size).toBe(50)
  expect(w.log.calls.refresh).toBe(0)
})

describe('a renewed one', () => {
  test('gets the next epoch', async () => {
    const value = { ...fresh, producerId: 2 ** 40, producerEpoch: 3 }
    expect(await world().ask(initProducerId, 3, value)).toMatchObject({ producerId: 2 ** 40, producerEpoch: 4 })
    const last = { ...fresh, producerId: 2 ** 40, producerEpoch: 32_765 }
    expect(await world().ask(initProducerId, 3, last)).toMatchObject({ producerId: 2 ** 40, producerEpoch: 32_766 })
  })

  test('gets a new id when its epochs are used up', async () => {
    const value = { ...fresh, producerId: 2 ** 40, producerEpoch: 32_766 }
    const { producerId, producerEpoch } = await world().ask(initProducerId, 3, value)
    expect(producerId).not.toBe(2 ** 40)
    expect(producerEpoch).toBe(0)
  })

  test.each([
    [5, -1],
    [-1, 5],
  ])('with id %i and epoch %i is refused', async (producerId, producerEpoch) => {
    const { errorCode } = await world().ask(initProducerId, 3, { ...fresh, producerId, producerEpoch })
    expect(errorCode).toBe(ErrorCode.INVALID_REQUEST)
  })
})

test('transactional ids: the empty one is invalid, others are refused for good', async () => {
  const code = async (transactionalId: string) =>
    (await world().ask(initProducerId, 5, { ...fresh, transactionalId })).errorCode
  expect(await code('')).toBe(ErrorCode.INVALID_REQUEST)
  expect(await code('tx')).toBe(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
})

// First come, first served; never more than the capacity; a waiter that leaves does not block those behind it.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ByteBudget } from '../../../lib/gateway/byte-budget.ts'

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

test('a large request is not overtaken by small ones', async () => {
  const budget = new ByteBudget(100)
  const order: string[] = []
  expect(budget.tryAcquire(60)).toBe(true)
  budget.acquire(80, () => order.push('large'))
  expect(budget.tryAcquire(10)).toBe(false)
  budget.acquire(10, () => order.push('small'))
  await settle()
  expect(order).toEqual([])
  budget.release(60)
  expect(order).toEqual(['large', 'small'])
  expect(budget.usedBytes).toBe(90)
})

test('a waiter that gives up lets the next one in', async () => {
  const budget = new ByteBudget(100)
  let got = false
  budget.tryAcquire(50)
  const leave = budget.acquire(90, () => expect.unreachable())
  budget.acquire(50, () => {
    got = true
  })
  await settle()
  expect(got).toBe(false)
  leave()
  expect(got).toBe(true)
})

test('never hands out more than it has, and everyone is served in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 60 }), async (sizes) => {
      const budget = new ByteBudget(100)
      const served: number[] = []
      sizes.forEach((size, index) => {
        budget.acquire(size, () => {
          expect(budget.usedBytes).toBeLessThanOrEqual(100)
          served.push(index)
          setImmediate(() => budget.release(size))
        })
      })
      while (served.length < sizes.length) await settle()
      await settle()
      expect(served).toEqual(sizes.map((_, index) => index))
      expect(budget.usedBytes).toBe(0)
    }),
    { numRuns: 40 },
  )
})

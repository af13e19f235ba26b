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
  budget.abandon(60)
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

test('when frames that need more hold everything one of them gets what it lacks, and no other before that came back', async () => {
  const budget = new ByteBudget(100)
  const got: [string, number][] = []
  expect(budget.tryAcquire(50)).toBe(true)
  expect(budget.tryAcquire(50)).toBe(true)
  budget.acquire(10, (bytes) => got.push(['new', bytes]))
  budget.acquire(20, (bytes) => got.push(['first', bytes]), 40)
  budget.acquire(20, (bytes) => got.push(['second', bytes]), 30)
  await settle()
  expect(got).toEqual([['first', 40]])
  budget.settle()
  await settle()
  expect(got).toHaveLength(1)
  budget.release(90)
  expect(got).toEqual([
    ['first', 40],
    ['new', 10],
    ['second', 20],
  ])
})

test('what is settled comes back by itself: nothing is handed out beyond the capacity', async () => {
  const budget = new ByteBudget(100)
  budget.tryAcquire(50)
  budget.settle()
  budget.tryAcquire(50)
  budget.acquire(20, () => expect.unreachable(), 40)
  await settle()
  expect(budget.usedBytes).toBe(100)
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
          setImmediate(() => budget.abandon(size))
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

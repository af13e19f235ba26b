// The hashes that Kafka's own tests state for its murmur2.
import { expect, test } from 'vitest'
import { murmur2, partitionOf } from '../../../lib/client/partitioner.ts'

test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('murmur2 of %s', (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash)
})

test('partitions are never negative', () => {
  for (let i = 0; i < 1000; i++) {
    const partition = partitionOf(Buffer.from(`key ${i}`), 12)
    expect(partition).toBeGreaterThanOrEqual(0)
    expect(partition).toBeLessThan(12)
  }
})

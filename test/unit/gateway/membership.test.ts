// Gateways that find each other through documents, in virtual time: joining, taking over, expiry, leaving, and races of
// many at once over a store that loses answers.
import { expect, test } from 'vitest'
import type { Clock } from '../../../lib/base/clock.ts'
import { LEASE_EXPIRY_MS, LEASE_RENEW_MS } from '../../../lib/base/limits.ts'
import { systemRandom } from '../../../lib/base/random.ts'
import { LEASES, MEMBERS_KEY } from '../../../lib/broker/membership-document.ts'
import { type JoinedMembers, joinMembers } from '../../../lib/gateway/membership.ts'
import { createMemoryBackend } from '../../../lib/storage/memory/memory.ts'
import type { DocumentStore } from '../../../lib/storage/ports.ts'

class VirtualClock implements Clock {
  #now = 0
  readonly #timers = new Set<{ at: number; callback: () => void }>()
  now(): number {
    return this.#now
  }
  monotonic(): number {
    return this.#now
  }
  timer(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settle()
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > end) break
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.callback()
      await settle()
    }
    this.#now = end
  }
  /** Time passes and nothing runs. */
  jump(ms: number): void {
    this.#now += ms
  }
  /** The process stops here: nothing of it runs any more. */
  kill(): void {
    this.#timers.clear()
  }
}
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** One machine of several: each process has a clock of its own, so that it can be killed; all go at the same pace. */
function world() {
  const backend = createMemoryBackend()
  const clocks: VirtualClock[] = []
  const documents = backend.open().documents
  return {
    documents,
    async start(
      port: number,
      store: DocumentStore = documents,
    ): Promise<{ member: JoinedMembers; clock: VirtualClock }> {
      const clock = new VirtualClock()
      clocks.push(clock)
      const joining = joinMembers({ documents: store, clock, random: systemRandom }, { host: 'host', port })
      let done = false
      joining.then(
        () => (done = true),
        () => (done = true),
      )
      for (let i = 0; i < 400 && !done; i++) await clock.advance(25)
      return { member: await joining, clock }
    },
    async pass(ms: number): Promise<void> {
      for (let passed = 0; passed < ms; passed += 500) await Promise.all(clocks.map((clock) => clock.advance(500)))
    },
  }
}
const ids = (member: JoinedMembers) => member.nodes().map((node) => node.nodeId)

test('the first gateway is node 1 and chooses the cluster id; the next ones see it', async () => {
  const { start, pass } = world()
  const a = await start(1)
  const b = await start(2)
  expect([a.member.self, b.member.self]).toEqual([1, 2])
  expect(b.member.clusterId).toBe(a.member.clusterId)
  expect(a.member.clusterId).toMatch(/^[\w-]{22}$/)
  await pass(LEASE_RENEW_MS + 500)
  expect(ids(a.member)).toEqual([1, 2])
  expect(a.member.epoch()).toBe(b.member.epoch())
})

test('a restart under the same address takes over the node id and raises the epoch', async () => {
  const { start, documents } = world()
  const a = await start(1)
  await start(2)
  const before = a.member.epoch()
  a.clock.kill()
  const again = await start(1)
  expect(again.member.self).toBe(1)
  expect(ids(again.member)).toEqual([1, 2])
  expect(again.member.epoch()).toBeGreaterThan(before)
  const leases = await documents.list(LEASES)
  expect(leases.kind === 'found' && leases.documents.length).toBe(2)
})

test('a gateway that died is dropped by the others, and its number is given to the next one', async () => {
  const { start, pass, documents } = world()
  const a = await start(1)
  const b = await start(2)
  await start(3)
  await pass(5000)
  b.clock.kill()
  await pass(LEASE_EXPIRY_MS - LEASE_RENEW_MS)
  expect(ids(a.member)).toEqual([1, 2, 3])
  await pass(3 * LEASE_RENEW_MS)
  expect(ids(a.member)).toEqual([1, 3])
  const leases = await documents.list(LEASES)
  expect(leases.kind === 'found' && leases.documents.length).toBe(2)
  expect((await start(4)).member.self).toBe(2)
})

test('those who live are never dropped', async () => {
  const { start, pass } = world()
  const a = await start(1)
  await start(2)
  await pass(60_000)
  const epoch = a.member.epoch()
  await pass(120_000)
  expect(ids(a.member)).toEqual([1, 2])
  expect(a.member.epoch()).toBe(epoch)
})

test('a process that was frozen does not condemn the others when it wakes', async () => {
  const { start, pass } = world()
  const a = await start(1)
  const b = await start(2)
  await pass(5000)
  // The laptop slept for an hour: nobody renewed, and a's timers are the first to fire.
  a.clock.jump(3_600_000)
  await a.clock.advance(LEASE_RENEW_MS)
  expect(ids(a.member)).toEqual([1, 2])
  await pass(20_000)
  expect(ids(a.member)).toEqual([1, 2])
  expect(ids(b.member)).toEqual([1, 2])
})

test('a gateway that was dropped while it was frozen comes back by itself', async () => {
  const { start, pass, documents } = world()
  const a = await start(1)
  const b = await start(2)
  const got = await documents.get(MEMBERS_KEY)
  if (got.kind !== 'found') return expect.unreachable()
  const list = JSON.parse(Buffer.from(got.document.body).toString())
  const body = Buffer.from(JSON.stringify({ ...list, gateways: list.gateways.slice(0, 1) }))
  await documents.put(MEMBERS_KEY, body, got.document.version)
  await pass(2 * LEASE_RENEW_MS + 500)
  expect(ids(a.member)).toEqual([1, 2])
  expect(b.member.self).toBe(2)
})

test('who was replaced under its own address gives way', async () => {
  const { start, pass } = world()
  const old = await start(1)
  const successor = await start(1)
  await pass(20_000)
  expect(successor.member.self).toBe(1)
  expect(ids(old.member)).toEqual([1])
  expect(old.member.epoch()).toBe(successor.member.epoch())
})

test('leaving removes the entry and the lease; the document and its version stay', async () => {
  const { start, documents } = world()
  const a = await start(1)
  const epoch = a.member.epoch()
  await a.member.leave()
  const got = await documents.get(MEMBERS_KEY)
  if (got.kind !== 'found') return expect.unreachable()
  expect(JSON.parse(Buffer.from(got.document.body).toString()).gateways).toEqual([])
  expect(got.document.version).toBe(epoch + 1)
  const leases = await documents.list(LEASES)
  expect(leases.kind === 'found' && leases.documents.length).toBe(0)
  const again = await start(9)
  expect(again.member.clusterId).toBe(a.member.clusterId)
})

test('twenty join at once over a store that loses answers: each gets its own number', async () => {
  const { start, documents } = world()
  let calls = 0
  const lossy: DocumentStore = {
    ...documents,
    put: async (key, body, expected) => {
      const call = ++calls
      await settle()
      if (call % 7 === 0) return { kind: 'unavailable', throttled: true, cause: 'injected' }
      const outcome = await documents.put(key, body, expected)
      await settle()
      return call % 5 === 0 ? { kind: 'unknown', cause: 'injected' } : outcome
    },
    get: async (key) => {
      await settle()
      return ++calls % 11 === 0 ? { kind: 'unavailable', throttled: false, cause: 'injected' } : documents.get(key)
    },
  }
  const all = await Promise.all(Array.from({ length: 20 }, (_, i) => start(100 + i, lossy)))
  expect(all.map(({ member }) => member.self).sort((x, y) => x - y)).toEqual(
    Array.from({ length: 20 }, (_, i) => i + 1),
  )
  await all[0]!.member.refresh()
  expect(ids(all[0]!.member)).toHaveLength(20)
})

test('keeps its view when the store does not answer, and refuses to start without one', async () => {
  const { start, documents } = world()
  let down = false
  const store: DocumentStore = {
    ...documents,
    get: async (key) =>
      down ? { kind: 'unavailable', throttled: false, cause: 'the disk is gone' } : documents.get(key),
  }
  const a = await start(1, store)
  down = true
  await a.member.refresh()
  expect(ids(a.member)).toEqual([1])
  await expect(start(2, store)).rejects.toThrow('the disk is gone')
})

test('a list in the format of another release is neither joined nor rewritten, and those who serve go on', async () => {
  const { start, pass, documents } = world()
  const a = await start(1)
  const foreign = Buffer.from(JSON.stringify({ format: 2, gateways: 'elsewhere' }))
  await documents.put(MEMBERS_KEY, foreign, a.member.epoch())
  await expect(start(2)).rejects.toThrow('another release')
  await pass(20_000)
  await a.member.refresh()
  expect(ids(a.member)).toEqual([1])
  const got = await documents.get(MEMBERS_KEY)
  expect(got.kind === 'found' && Buffer.from(got.document.body)).toEqual(foreign)
})

// Gateways that find each other through documents, in virtual time: joining, taking over, expiry, leaving, and races of
// many at once over a store that loses answers.
import { expect, test } from 'vitest'
import { type Clock, sleep } from '../../../lib/base/clock.ts'
import { LEASE_EXPIRY_MS, LEASE_RENEW_MS } from '../../../lib/base/limits.ts'
import { silentLogger } from '../../../lib/base/logger.ts'
import { systemRandom } from '../../../lib/base/random.ts'
import { LEASES, MEMBERS_KEY } from '../../../lib/broker/cluster/membership-document.ts'
import { type JoinedMembers, joinMembers, type MembershipPorts } from '../../../lib/gateway/membership.ts'
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
      more: Pick<MembershipPorts, 'nodeId' | 'logger'> = {},
    ): Promise<{ member: JoinedMembers; clock: VirtualClock }> {
      const clock = new VirtualClock()
      clocks.push(clock)
      const joining = joinMembers({ documents: store, clock, random: systemRandom, ...more }, { host: 'host', port })
      let done = false
      joining.then(
        () => (done = true),
        () => (done = true),
      )
      // Who wants a number may have to watch others, whose time must go on then.
      const moving = more.nodeId === undefined ? [clock] : clocks
      for (let i = 0; i < 800 && !done; i++) await Promise.all(moving.map((each) => each.advance(25)))
      return { member: await joining, clock }
    },
    async pass(ms: number, stepMs = 500): Promise<void> {
      for (let passed = 0; passed < ms; passed += stepMs) {
        await Promise.all(clocks.map((clock) => clock.advance(stepMs)))
      }
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

/** How long after its last renewal a gateway that died is still listed by another, and when it is not any more. */
const DETECTED_MS = { from: LEASE_EXPIRY_MS - LEASE_RENEW_MS, to: LEASE_EXPIRY_MS + LEASE_RENEW_MS }

test('a gateway that died is dropped by the others within about six seconds, and its number is given to the next one', async () => {
  expect(DETECTED_MS.to).toBeLessThanOrEqual(6000)
  const { start, pass, documents } = world()
  const a = await start(1)
  const b = await start(2)
  await start(3)
  await pass(5000)
  b.clock.kill()
  await pass(DETECTED_MS.from - 500)
  expect(ids(a.member)).toEqual([1, 2, 3])
  await pass(DETECTED_MS.to - DETECTED_MS.from + 500)
  expect(ids(a.member)).toEqual([1, 3])
  const leases = await documents.list(LEASES)
  expect(leases.kind === 'found' && leases.documents.length).toBe(2)
  expect((await start(4)).member.self).toBe(2)
})

test('whenever it died, a gateway is dropped neither early nor late', async () => {
  for (let diesMs = 5000; diesMs <= 5000 + LEASE_RENEW_MS; diesMs += 100) {
    const { start, pass } = world()
    const a = await start(1)
    const b = await start(2)
    await pass(diesMs, 100)
    b.clock.kill()
    let tookMs = 0
    for (; ids(a.member).length === 2 && tookMs < 20_000; tookMs += 100) await pass(100, 100)
    expect(tookMs).toBeGreaterThanOrEqual(DETECTED_MS.from - 100)
    expect(tookMs).toBeLessThanOrEqual(DETECTED_MS.to + 100)
  }
})

test('one renewal that the store leaves unanswered for three seconds costs nobody its place', async () => {
  const { start, pass, documents } = world()
  const a = await start(1)
  let slow = false
  let clock: Clock | undefined
  const store: DocumentStore = {
    ...documents,
    put: async (key, body, expected) => {
      if (!slow || !key.startsWith(LEASES)) return documents.put(key, body, expected)
      slow = false
      await sleep(clock!, 3000)
      return { kind: 'unknown', cause: 'injected' }
    },
  }
  const b = await start(2, store)
  clock = b.clock
  await a.member.refresh()
  const epoch = a.member.epoch()
  for (let i = 0; i < 20; i++) {
    slow = true
    await pass(9700, 100)
    expect([slow, ids(a.member), a.member.epoch()]).toEqual([false, [1, 2], epoch])
  }
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
  for (let asleepMs = 5000; asleepMs < 5000 + LEASE_RENEW_MS; asleepMs += 100) {
    const { start, pass } = world()
    const a = await start(1)
    await pass(700, 100)
    const b = await start(2)
    await pass(asleepMs, 100)
    const epoch = b.member.epoch()
    // The laptop slept for an hour: nobody renewed, and a wakes two and a half seconds before b.
    a.clock.jump(3_600_000)
    await a.clock.advance(2500)
    await pass(20_000, 100)
    expect([ids(a.member), ids(b.member), a.member.epoch()]).toEqual([[1, 2], [1, 2], epoch])
  }
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
  // One of two reads in a row is answered.
  for (let i = 0; i < 2; i++) await all[0]!.member.refresh()
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

test('a wanted number is given if it is free, whatever the lowest free one is', async () => {
  const { start } = world()
  const a = await start(1)
  const b = await start(2, undefined, { nodeId: 7 })
  const zero = await start(3, undefined, { nodeId: 0 })
  const c = await start(4)
  expect([a, b, zero, c].map(({ member }) => member.self)).toEqual([1, 7, 0, 2])
  expect(ids(c.member)).toEqual([0, 1, 2, 7])
})

test('a wanted number that a live gateway has is refused with a sentence, and nothing is left behind', async () => {
  const { start, pass, documents } = world()
  const a = await start(1, undefined, { nodeId: 7 })
  await pass(5000)
  const epoch = a.member.epoch()
  const sentence = 'Node id 7 (node.id) is taken by the gateway at host:1: each needs its own.'
  await expect(start(2, undefined, { nodeId: 7 })).rejects.toThrow(sentence)
  await a.member.refresh()
  expect([ids(a.member), a.member.epoch()]).toEqual([[7], epoch])
  const leases = await documents.list(LEASES)
  expect(leases.kind === 'found' && leases.documents.length).toBe(1)
})

test('a wanted number is taken over from a gateway that is gone, at once at the same address and soon at another', async () => {
  const { start } = world()
  const a = await start(1)
  a.clock.kill()
  const sameAddress = await start(1, undefined, { nodeId: 7 })
  expect([sameAddress.member.self, ids(sameAddress.member)]).toEqual([7, [7]])
  expect(sameAddress.clock.now()).toBeLessThan(1000)
  sameAddress.clock.kill()
  const moved = await start(2, undefined, { nodeId: 7 })
  expect([moved.member.self, ids(moved.member)]).toEqual([7, [7]])
  expect(moved.member.epoch()).toBeGreaterThan(sameAddress.member.epoch())
  expect(moved.clock.now()).toBeLessThanOrEqual(DETECTED_MS.to)
})

/** Takes this gateway off the list, as others do with one that is frozen. */
async function dropped(documents: DocumentStore, nodeId: number): Promise<void> {
  const got = await documents.get(MEMBERS_KEY)
  if (got.kind !== 'found') return expect.unreachable()
  const list = JSON.parse(Buffer.from(got.document.body).toString())
  const gateways = list.gateways.filter((gateway: { nodeId: number }) => gateway.nodeId !== nodeId)
  await documents.put(MEMBERS_KEY, Buffer.from(JSON.stringify({ ...list, gateways })), got.document.version)
}

test('who was dropped comes back under its number, or under another one and says so', async () => {
  const { start, pass, documents } = world()
  await start(1)
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) }
  const b = await start(2, undefined, { nodeId: 7, logger })
  await dropped(documents, 7)
  await pass(2 * LEASE_RENEW_MS)
  expect([b.member.self, ids(b.member), warnings]).toEqual([7, [1, 7], []])

  await dropped(documents, 7)
  const usurper = joinMembers(
    { documents, clock: new VirtualClock(), random: systemRandom, nodeId: 7 },
    { host: 'host', port: 3 },
  )
  expect((await usurper).self).toBe(7)
  await pass(2 * LEASE_RENEW_MS)
  expect([b.member.self, ids(b.member)]).toEqual([2, [1, 2, 7]])
  expect(warnings).toEqual([
    expect.stringMatching(/^Node id 7 .+ is taken by the gateway at host:3.+ under another\.$/),
  ])
})

test('a view is steady for as long as the list is the same and is read on time', async () => {
  const { start, pass, documents } = world()
  let down = false
  const store: DocumentStore = {
    ...documents,
    get: async (key) => (down ? { kind: 'unavailable', throttled: false, cause: 'injected' } : documents.get(key)),
  }
  const a = await start(1, store)
  const steady = () => a.member.steadyMs!()
  await pass(6000)
  expect(steady()).toBeGreaterThanOrEqual(6000)
  await start(2)
  await pass(2 * LEASE_RENEW_MS)
  expect(steady()).toBeLessThanOrEqual(2 * LEASE_RENEW_MS)
  expect(steady()).toBeGreaterThan(0)
  await pass(6000)
  expect(steady()).toBeGreaterThanOrEqual(6000)
  down = true
  await pass(4000)
  expect(steady()).toBe(0)
  down = false
  await pass(LEASE_RENEW_MS)
  expect(steady()).toBeLessThanOrEqual(LEASE_RENEW_MS)
})

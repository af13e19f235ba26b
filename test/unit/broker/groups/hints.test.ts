// Who is sent to a group's coordinator, and that nobody is sent about for ever.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HINT_STEADY_MS, HINTED_GROUPS_MAX, LEASE_RENEW_MS } from '../../../../lib/base/limits.ts'
import type { BrokerConnection, Members } from '../../../../lib/broker/broker.ts'
import { coordinatorOf } from '../../../../lib/broker/cluster/leaders.ts'
import type { BrokerContext, Call } from '../../../../lib/broker/context.ts'
import { type HintFacts, isForAnother, isForCoordinator } from '../../../../lib/broker/groups/hints.ts'

const facts = (more: Partial<HintFacts> = {}): HintFacts => ({
  self: 1,
  coordinator: 2,
  live: [1, 2, 3],
  steadyMs: HINT_STEADY_MS,
  sentBefore: false,
  ...more,
})

const nodesOf = (ids: readonly number[]) => ids.map((nodeId) => ({ nodeId, host: 'host', port: nodeId }))

/** A gateway as the handlers' context shows it. */
function gateway(self: number, live: readonly number[], steadyMs: number | undefined = 60_000): BrokerContext {
  const members: Members = {
    self,
    clusterId: 'cluster',
    epoch: () => 1,
    nodes: () => nodesOf(live),
    refresh: async () => {},
    ...(steadyMs === undefined ? {} : { steadyMs: () => steadyMs }),
  }
  return { members } as BrokerContext
}

let connections = 0
function call(more: Partial<BrokerConnection> = {}): Call {
  const connection = { id: `c${connections++}`, clientAddress: '', signal: new AbortController().signal, ...more }
  return { apiVersion: 1, clientId: null, connection, takeOver: undefined, proven: false }
}

/** Group ids whose coordinator among these is this one. */
function groupsOf(nodeId: number, live: readonly number[], count: number): string[] {
  const all = Array.from({ length: 100 * count }, (_, i) => `group-${i}`)
  return all.filter((group) => coordinatorOf(group, nodesOf(live)).nodeId === nodeId).slice(0, count)
}

describe('the decision', () => {
  test.each<[string, Partial<HintFacts>, boolean]>([
    ['another live gateway is the coordinator', {}, true],
    ['it is this one', { coordinator: 1 }, false],
    ['the coordinator is not alive', { live: [1, 3] }, false],
    ['this gateway was dropped from the list', { live: [2, 3] }, false],
    ['the list changed a moment ago', { steadyMs: HINT_STEADY_MS - 1 }, false],
    ['the list is not read on time', { steadyMs: 0 }, false],
    ['the client came back', { sentBefore: true }, false],
  ])('%s', (_, more, expected) => {
    expect(isForAnother(facts(more))).toBe(expected)
  })

  test('waits until every other gateway has read the list again', () => {
    expect(HINT_STEADY_MS).toBeGreaterThan(2 * LEASE_RENEW_MS)
  })
})

describe('requests', () => {
  const live = [1, 2, 3]
  const [theirs, theirs2] = groupsOf(2, live, 2) as [string, string]
  const [ours] = groupsOf(1, live, 1) as [string]

  test('once per connection and group', () => {
    const [here, client, other] = [gateway(1, live), call(), call()]
    expect(isForCoordinator(here, client, ours)).toBe(false)
    expect(isForCoordinator(here, client, theirs)).toBe(true)
    expect(isForCoordinator(here, client, theirs)).toBe(false)
    expect(isForCoordinator(here, client, theirs2)).toBe(true)
    expect(isForCoordinator(here, other, theirs)).toBe(true)
    expect(isForCoordinator(here, other, theirs)).toBe(false)
  })

  test('a no is not remembered: the list may become steady later', () => {
    const client = call()
    expect(isForCoordinator(gateway(1, live, 0), client, theirs)).toBe(false)
    expect(isForCoordinator(gateway(1, live), client, theirs)).toBe(true)
  })

  test('never over HTTPS, and never where there is no list', () => {
    const alone = call({ exchange: { name: undefined, waitedMs: 0, responseBytesMax: 1 } })
    expect(isForCoordinator(gateway(1, live), alone, theirs)).toBe(false)
    const { steadyMs: _, ...members } = gateway(1, live).members
    expect(isForCoordinator({ members } as BrokerContext, call(), theirs)).toBe(false)
  })

  test('who names group after group is served in the end, and costs no memory', () => {
    const [here, client] = [gateway(1, live), call()]
    const groups = groupsOf(2, live, HINTED_GROUPS_MAX + 10)
    const sent = groups.filter((group) => isForCoordinator(here, client, group))
    expect(sent).toHaveLength(HINTED_GROUPS_MAX)
  })

  test('gateways that disagree in any way never send a client about for ever', () => {
    const ids = [1, 2, 3, 4]
    // Each gateway sees itself and any of the others, and has for long.
    const views = fc.tuple(...ids.map((id) => fc.subarray(ids).map((list) => [...new Set([id, ...list])])))
    fc.assert(
      fc.property(views, fc.string(), fc.constantFrom(...ids), (seen, group, first) => {
        const gateways = new Map(ids.map((id, i) => [id, gateway(id, seen[i]!)]))
        const clients = new Map(ids.map((id) => [id, call()]))
        let at = first
        let trips = 0
        while (isForCoordinator(gateways.get(at)!, clients.get(at)!, group)) {
          at = coordinatorOf(group, gateways.get(at)!.members.nodes()).nodeId
          expect(++trips).toBeLessThanOrEqual(ids.length)
        }
        // Where all agree one trip is enough, and it ends at the coordinator.
        if (seen.every((list) => list.length === ids.length)) {
          expect(trips).toBeLessThanOrEqual(1)
          expect(at).toBe(coordinatorOf(group, nodesOf(ids)).nodeId)
        }
      }),
    )
  })
})

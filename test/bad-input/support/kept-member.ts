// A member of a classic group that must keep its place whatever happens around it: it heartbeats all the time, and every answer
// must be the right one and come soon.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Address } from '../../../lib/base/address.ts'
import { openConnection } from '../../../lib/client/connection.ts'
import { ErrorCode } from '../../../lib/wire/errors.ts'
import { heartbeat } from '../../../lib/wire/messages/heartbeat.ts'
import { joinGroup } from '../../../lib/wire/messages/join-group.ts'
import { syncGroup } from '../../../lib/wire/messages/sync-group.ts'

/** The shortest session that a member can ask for: with a slower answer it would lose its place. */
export const HEARTBEAT_MS_MAX = 6000
const INTERVAL_MS = 100

export interface KeptMember {
  readonly groupId: string
  readonly memberId: string
  /** Asserts that it kept its place. */
  end(): Promise<void>
}

export async function keepMember(address: Address): Promise<KeptMember> {
  const groupId = 'kept'
  const connection = await openConnection(address)
  const joining = {
    groupId,
    sessionTimeoutMs: 60_000,
    rebalanceTimeoutMs: 10_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(8) }],
  }
  const { memberId } = await connection.request(joinGroup, { ...joining, memberId: '' })
  const joined = await connection.request(joinGroup, { ...joining, memberId })
  expect(joined).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1 })
  const member = { groupId, memberId, generationId: 1 }
  const synced = await connection.request(syncGroup, {
    ...member,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [],
  })
  expect(synced.errorCode).toBe(ErrorCode.NONE)
  let ended = false
  let beats = 0
  let slowestMs = 0
  const living = (async () => {
    while (!ended) {
      const began = performance.now()
      expect((await connection.request(heartbeat, member)).errorCode).toBe(ErrorCode.NONE)
      slowestMs = Math.max(slowestMs, performance.now() - began)
      beats++
      await sleep(INTERVAL_MS)
    }
  })()
  living.catch(() => {})
  return {
    groupId,
    memberId,
    async end() {
      ended = true
      await living
      await connection.close()
      const said = `${beats} heartbeats, slowest ${Math.round(slowestMs)} ms`
      if (process.env['TIDELOG_TEST_FIGURES'] !== undefined) console.log(said)
      expect(beats).toBeGreaterThan(5)
      expect(slowestMs, said).toBeLessThan(HEARTBEAT_MS_MAX)
    },
  }
}

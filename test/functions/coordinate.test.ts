// `coordinate` as the clock invokes it, on memory stores: a group whose members fell silent is emptied by the sweep and by
// nothing else that the function is sent meanwhile; what has not changed is left alone; and frames go on being answered by the
// same log and the same groups.
import type { Context } from 'aws-lambda'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { coordinateHandler } from '../../functions/coordinate.ts'
import { frameHandler, noCompression } from '../../functions/handler.ts'
import { systemClock } from '../../lib/base/clock.ts'
import { newUlid } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import type { ApiResult } from '../../lib/http/api-gateway.ts'
import { createMemoryBackend } from '../../lib/storage/memory/memory.ts'
import {
  beat,
  commit,
  committed,
  consumerBeat,
  describeGroup,
  join,
  list,
  type Question,
  sync,
} from '../serverless/group-frames.ts'
import { eventOf, REQUESTS } from './support/frames.ts'

/** Before the first import: Powertools writes past the console otherwise. */
vi.hoisted(() => {
  process.env['POWERTOOLS_DEV'] = 'true'
})

const SESSION_MS = 6000
const CONSUMER_SESSION_MS = 45_000
const UNKNOWN_MEMBER_ID = 25

let aheadMs = 0
beforeEach(() => {
  aheadMs = 0
  const now = Date.now
  vi.spyOn(Date, 'now').mockImplementation(() => now.call(Date) + aheadMs)
  for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, level).mockImplementation(() => undefined)
  }
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'true')
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

const context = (): Context => {
  const endsAt = performance.now() + 30_000
  return {
    functionName: 'test',
    functionVersion: '1',
    invokedFunctionArn: 'arn',
    memoryLimitInMB: '1024',
    awsRequestId: 'invocation-1',
    getRemainingTimeInMillis: () => endsAt - performance.now(),
  } as Context
}

/** A deployment with the topic `t` and one environment of `coordinate`. */
async function deployment() {
  const backend = createMemoryBackend()
  const openDeployment = () => {
    const stores = backend.open()
    const identify = async () => {
      await stores.journal.init()
      return { kind: 'ready', clusterId: 'cluster' } as const
    }
    return { stores, identify }
  }
  const options = { compression: noCompression, openDeployment }
  const handle = coordinateHandler(options)
  const admin = frameHandler('admin', options)
  const created = await admin(eventOf('/kafka/admin', REQUESTS.createTopic()), context())
  expect(created.statusCode).toBe(200)
  return {
    sweep: () => handle({ job: 'sweep' }, context()),
    async ask<Answer>({ frame, read }: Question<Answer>): Promise<Answer> {
      const headers = { 'tidelog-request-id': `1-${newUlid(systemClock, systemRandom)}` }
      for (;;) {
        const event = eventOf('/kafka/coordinate', frame, headers)
        const { statusCode, body }: ApiResult = await handle(event, context())
        if (statusCode === 200) return read(Buffer.from(body, 'base64'))
        expect(statusCode).toBe(202)
        aheadMs += 250
      }
    },
  }
}

it('a sweep empties a classic group whose member fell silent, and leaves alone one whose member beats', async () => {
  const { ask, sweep } = await deployment()
  const joined = async (groupId: string) => {
    const { memberId } = await ask(join(groupId, '', 't', SESSION_MS))
    const { generationId } = await ask(join(groupId, memberId, 't', SESSION_MS))
    const member = { groupId, memberId, generationId }
    expect((await ask(sync(member, 't', new Map([[memberId, [0]]])))).errorCode).toBe(0)
    return member
  }
  const silent = await joined('silent')
  expect((await ask(commit(silent, 't', 5))).topics[0]?.partitions[0]?.errorCode).toBe(0)
  const living = await joined('living')
  const states = async () => new Map((await ask(list())).groups.map((group) => [group.groupId, group.groupState]))
  // The second group was joined while the first one's member said nothing for half of its session.
  aheadMs += SESSION_MS - 3500
  expect((await ask(beat(living))).errorCode).toBe(0)
  aheadMs += 3500
  expect(await states()).toEqual(
    new Map([
      ['silent', 'Stable'],
      ['living', 'Stable'],
    ]),
  )
  expect(await sweep()).toEqual({ changed: 1 })
  expect(await states()).toEqual(
    new Map([
      ['silent', 'Empty'],
      ['living', 'Stable'],
    ]),
  )
  expect(await sweep()).toEqual({ changed: 0 })
  expect((await ask(beat(living))).errorCode).toBe(0)
  expect((await ask(beat(silent))).errorCode).toBe(UNKNOWN_MEMBER_ID)
  expect((await ask(commit(silent, 't', 9))).topics[0]?.partitions[0]?.errorCode).toBe(UNKNOWN_MEMBER_ID)
  const { groups } = await ask(committed('silent', 't'))
  expect(groups[0]?.topics[0]?.partitions[0]?.committedOffset).toBe(5)
  expect((await ask(describeGroup('living'))).groups[0]?.members).toHaveLength(1)
})

it('a sweep empties a KIP-848 group', async () => {
  const { ask, sweep } = await deployment()
  const { memberEpoch } = await ask(consumerBeat('group', 'member', 0, 't'))
  expect(memberEpoch).toBeGreaterThan(0)
  aheadMs += CONSUMER_SESSION_MS - 1000
  expect(await sweep()).toEqual({ changed: 0 })
  aheadMs += 2000
  expect((await ask(list())).groups).toMatchObject([{ groupId: 'group', groupState: 'Stable', groupType: 'consumer' }])
  expect(await sweep()).toEqual({ changed: 1 })
  expect((await ask(list())).groups).toMatchObject([{ groupId: 'group', groupState: 'Empty' }])
  expect((await ask(consumerBeat('group', 'member', memberEpoch, 't'))).errorCode).toBe(UNKNOWN_MEMBER_ID)
})

it('a sweep drops a group whose offsets nobody has committed for a week', async () => {
  const { ask, sweep } = await deployment()
  const outsider = { groupId: 'left', memberId: '', generationId: -1 }
  expect((await ask(commit(outsider, 't', 3))).topics[0]?.partitions[0]?.errorCode).toBe(0)
  aheadMs += 7 * 24 * 3_600_000 - 60_000
  expect(await sweep()).toEqual({ changed: 0 })
  expect((await ask(list())).groups.map(({ groupId }) => groupId)).toEqual(['left'])
  aheadMs += 120_000
  expect(await sweep()).toEqual({ changed: 1 })
  expect((await ask(list())).groups).toEqual([])
})

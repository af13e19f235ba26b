// Gateway processes on one data directory. See support/scenario.ts for what is claimed and how it is checked.
import { join } from 'node:path'
import { afterAll, afterEach, test } from 'vitest'
import { endAll, folder, startServer } from '../unit/cli/processes.ts'
import { membersComeAndGo, type StartGateway, threeAgree, topicsAcross, writeThroughBoth } from './support/scenario.ts'

afterEach(endAll)
afterAll(endAll)

/** A directory of its own, and how to start gateways on it. */
async function deployment(): Promise<StartGateway> {
  const data = join(await folder(), 'data')
  return (kafka) => startServer(data, kafka === undefined ? [] : ['--kafka', kafka])
}

test('what is written through both at once is dense, complete and the same through either, over a kill -9', async () => {
  await writeThroughBoth(await deployment(), 150)
})

test('topics made, deleted and made again at one are seen at the other', async () => {
  await topicsAcross(await deployment())
})

test('both are listed; one that leaves is gone, and the leader epoch rises', async () => {
  await membersComeAndGo(await deployment())
})

test('three name the same leaders and coordinators; a killed one is noticed within seconds, under a higher epoch', async () => {
  // 3 to 6 s by the clock of the leases; the rest is for a machine that is busy.
  await threeAgree(await deployment(), 9000)
}, 60_000)

// The jobs of a gateway by the clock: they run again and again, also after one broke down, and end with the process.
import { expect, test } from 'vitest'
import { silentLogger } from '../../../lib/base/logger.ts'
import { startMaintenance } from '../../../lib/log/maintenance.ts'
import { seededRandom } from '../support/manual-clock.ts'
import { createWorld } from '../support/world.ts'

test('maintenance that broke down is said and tried again', async () => {
  const { clock, open, plain } = await createWorld()
  const { log } = await open()
  const errors: string[] = []
  let runs = 0
  const also = async (): Promise<void> => {
    runs++
    if (runs === 1) throw new Error('a defect')
  }
  const logger = { ...silentLogger, error: (_fields: object, message: string) => void errors.push(message) }
  const everyMs = 1000
  const stop = startMaintenance({ log, stores: plain, clock, logger, random: seededRandom(1), everyMs, also })
  for (let ms = 0; ms < 5 * everyMs; ms += 50) await clock.advance(50)
  expect(runs).toBeGreaterThan(2)
  expect(errors).toEqual(['maintenance broke down and is tried again'])
  await stop()
  const atTheEnd = runs
  for (let ms = 0; ms < 5 * everyMs; ms += 50) await clock.advance(50)
  expect(runs).toBe(atTheEnd)
})

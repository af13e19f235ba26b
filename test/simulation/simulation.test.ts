// The slice of the simulation that runs with every `npm test`: a few seeds without an anomaly, and the proof that a seed
// says everything: twice in one process, and in a process of its own, it gives the same trace, byte for byte.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { simulate } from './simulate.ts'

const runner = fileURLToPath(new URL('runner.ts', import.meta.url))
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

describe('simulation', () => {
  it.each(SEEDS)('seed %i shows no anomaly', async (seed) => {
    const result = await simulate(seed)
    expect(result.anomalies).toEqual([])
    expect(result.operations).toBeGreaterThan(100)
    // Functions take part in every run, beside gateways.
    expect(result.incidents.get('cold start')).toBeGreaterThan(3)
    expect(result.incidents.get('freeze between requests')).toBeGreaterThan(20)
    expect(result.incidents.get('request')).toBeGreaterThan(20)
  })
  it('gives the same trace for the same seed, and another for another', async () => {
    const [first, again, other] = [await simulate(77), await simulate(77), await simulate(78)]
    expect(again.traceHash).toBe(first.traceHash)
    expect(other.traceHash).not.toBe(first.traceHash)
  })
  it('gives the same trace in another process', async () => {
    const here = await simulate(79)
    const { stdout } = await promisify(execFile)(process.execPath, [runner, '--from', '79', '--seeds', '1'])
    expect(stdout).toContain(`trace hash ${here.traceHash}`)
  })
})

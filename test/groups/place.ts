// Where the gateways of a soak keep everything: a directory that they share, or a bucket and a table of MiniStack, made by
// `tidelog init`.
import { join } from 'node:path'
import { EMULATOR_ENVIRONMENT, startMinistack } from '../aws/ministack.ts'
import { ROOT, run } from '../clients/servers.ts'

export interface Place {
  /** What `tidelog start` has to be told. */
  readonly args: readonly string[]
  stop(): Promise<void>
}

export async function startPlace(store: string): Promise<Place> {
  if (store === 'embedded') return { args: [], stop: () => Promise.resolve() }
  const ministack = await startMinistack()
  // The gateways inherit it.
  Object.assign(process.env, EMULATOR_ENVIRONMENT)
  const args = ['--bucket', 'soak', '--table', 'soak', '--endpoint-url', ministack.endpointUrl]
  await run(process.execPath, [join(ROOT, 'lib/cli/main.ts'), 'init', ...args])
  return { args: ['--store', 'aws', ...args], stop: () => ministack.stop() }
}

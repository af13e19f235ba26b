// The smoke script as `npm run localstack` runs it, on MiniStack by its endpoint: as a process of its own, at the API's own
// host name.
import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { run } from '../clients/servers.ts'
import { administratorEnvironment } from './deployment.ts'

it('the smoke script passes', async () => {
  const { endpointUrl } = inject('deployed')
  const env = administratorEnvironment(endpointUrl)
  const output = await run(process.execPath, [join(import.meta.dirname, 'smoke.ts')], { env })
  expect(output).toContain('byte for byte')
  expect(output).toContain('an unsigned request: refused')
  expect(output).toContain('deleted the topic')
})

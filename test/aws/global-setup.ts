// Starts one MiniStack for all files of the run and ends it afterwards. Each test makes a bucket and a table of its own.
// `TIDELOG_TEST_AWS_ENDPOINT` names an emulator that runs already, for a second opinion (see README.md here).
import type { TestProject } from 'vitest/node'
import { startMinistack } from './ministack.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    endpointUrl: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const endpointUrl = process.env['TIDELOG_TEST_AWS_ENDPOINT']
  if (endpointUrl !== undefined) {
    project.provide('endpointUrl', endpointUrl)
    return async () => {}
  }
  const ministack = await startMinistack()
  project.provide('endpointUrl', ministack.endpointUrl)
  return () => ministack.stop()
}

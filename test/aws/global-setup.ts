// Starts one MiniStack for all files of the run and ends it afterwards. Each test makes a bucket and a table of its own.
import type { TestProject } from 'vitest/node'
import { startMinistack } from './ministack.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    endpointUrl: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const ministack = await startMinistack()
  project.provide('endpointUrl', ministack.endpointUrl)
  return () => ministack.stop()
}

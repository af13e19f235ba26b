// What `npm run test:serverless` runs: the real stacks on emulated AWS (see README.md here).
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { EMULATOR_ENVIRONMENT } from '../aws/ministack.ts'
import { TRUST } from './certificate.ts'

export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    include: ['test/serverless/**/*.test.ts'],
    globalSetup: ['test/serverless/global-setup.ts'],
    setupFiles: ['test/serverless/trust.ts'],
    env: { ...EMULATOR_ENVIRONMENT, ...TRUST },
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // They share one log, one emulator and two processors.
    fileParallelism: false,
  },
})

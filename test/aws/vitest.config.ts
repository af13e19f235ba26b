// What `npm run test:aws` runs: the AWS adapters against emulated S3 and DynamoDB (see README.md here).
import { defineConfig } from 'vitest/config'
import { EMULATOR_ENVIRONMENT } from './ministack.ts'

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    globalSetup: ['./global-setup.ts'],
    env: EMULATOR_ENVIRONMENT,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
})

// What `npm run test:aws` runs: the AWS adapters against emulated S3 and DynamoDB (see README.md here).
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { EMULATOR_ENVIRONMENT } from './ministack.ts'

export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    include: ['test/aws/**/*.test.ts'],
    globalSetup: ['test/aws/global-setup.ts'],
    env: EMULATOR_ENVIRONMENT,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
})

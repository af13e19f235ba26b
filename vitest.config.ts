// What `npm test` runs: everything that needs Node alone. Suites that need emulated AWS, foreign clients or a long time
// have scripts of their own (see .ci/run).
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [
      'test/{unit,contract,fuzz,gateways,bad-input,infra}/**/*.test.ts',
      'test/simulation/**/*.test.ts',
      'test/functions/handlers.test.ts',
      'test/*.test.ts',
    ],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
  },
})

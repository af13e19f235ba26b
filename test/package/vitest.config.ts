// `npm run test:package`: what is published, installed from its tarball in empty folders. Needs the registry.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: { include: ['test/package/*.test.ts'], testTimeout: 120_000, hookTimeout: 300_000, maxWorkers: 1 },
})

// What the suites of foreign clients print: a line per scenario with how long it took and what there was to count, or why it
// failed; at the end `N passed, N failed`. A run in which nothing passed has failed.
export interface Tally {
  /** Runs it; that it failed is printed and counted, not thrown. */
  perform(name: string, run: () => Promise<string | undefined>): Promise<void>
  /** Prints the last line and sets the exit code. */
  end(more?: string): void
}

export function createTally(): Tally {
  const startedAt = performance.now()
  const count = { passed: 0, failed: 0 }
  const seconds = (since: number): string => `${Math.round((performance.now() - since) / 100) / 10} s`
  return {
    perform: async (name, run) => {
      const beganAt = performance.now()
      let line = 'ok    '
      let detail = ''
      try {
        detail = (await run()) ?? ''
        count.passed += 1
      } catch (error) {
        line = 'FAILED'
        count.failed += 1
        detail = `\n${String(error instanceof Error ? error.stack : error).replace(/^/gm, '        ')}`
      }
      console.log(`${line} ${name} (${seconds(beganAt)}) ${detail}`)
    },
    end: (more) => {
      const { passed, failed } = count
      console.log(`${passed} passed, ${failed} failed, ${more === undefined ? '' : `${more}, `}${seconds(startedAt)}`)
      process.exitCode = failed === 0 && passed > 0 ? 0 : 1
    },
  }
}

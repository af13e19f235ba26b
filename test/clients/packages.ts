// A real data set: Debian's package index, about 60,000 stanzas of several lines, keyed by package name. Taken from apt as
// it is on this machine (setup.sh fetches it when apt has none); no stanza contains the control characters that kcat uses as
// delimiters, which is asserted and not hoped for.
import assert from 'node:assert/strict'
import { run } from './servers.ts'

export interface Stanza {
  readonly key: string
  readonly value: string
}

const STANZAS_MIN = 50_000

function parse(dump: string): Stanza[] {
  return dump.split('\n\n').flatMap((text) => {
    const value = text.replace(/^\n+|\n+$/g, '')
    const key = /^Package: (\S+)$/m.exec(value)?.[1]
    return key === undefined ? [] : [{ key, value }]
  })
}

export async function loadPackages(): Promise<readonly Stanza[]> {
  const stanzas = parse(await run('apt-cache', ['dumpavail']))
  assert.ok(stanzas.length >= STANZAS_MIN, `apt knows ${stanzas.length} packages only`)
  // These are the delimiters.
  for (const { value } of stanzas) assert.ok(!value.includes('\x01') && !value.includes('\x02'), value)
  return stanzas
}

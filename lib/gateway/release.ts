// Which release this is: the version in package.json, which lies two folders above this file in a clone (lib/gateway) and
// in the published package (dist/gateway) alike.
import { readFileSync } from 'node:fs'

const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

/** The version of this release, such as `1.2.3`. */
export const RELEASE: string =
  typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : 'unknown'

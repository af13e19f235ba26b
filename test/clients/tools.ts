// One of Apache Kafka's command-line tools in a JVM of its own, as its shell script starts it. Their tests, which run many of
// them, are in `tools/`.
import { join } from 'node:path'
import { JARS, run } from './servers.ts'

const LOGGING = `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'java', 'log4j2.properties')}`

/** Runs a tool; resolves with its output. */
export function tool(name: string, args: readonly string[], input?: string): Promise<string> {
  const java = ['-XX:TieredStopAtLevel=1', '-Xshare:auto', '-Xmx256m', LOGGING, '-cp', JARS, name, ...args]
  return run('java', java, input === undefined ? {} : { input })
}

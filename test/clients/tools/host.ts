// Apache Kafka's command-line tools by the names of their shell scripts, all run in one JVM (`../java/ToolHost.java`). A tool
// that fails says so by its exit code and in words; which of both is expected is the scenario's to say.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { CLASSES, JARS } from '../servers.ts'

const TOOLS = {
  'kafka-broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  'kafka-cluster': 'org.apache.kafka.tools.ClusterTool',
  'kafka-configs': 'kafka.admin.ConfigCommand',
  'kafka-console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'kafka-console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'kafka-consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'kafka-delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'kafka-get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  'kafka-groups': 'org.apache.kafka.tools.GroupsCommand',
  'kafka-leader-election': 'org.apache.kafka.tools.LeaderElectionCommand',
  'kafka-log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'kafka-metadata-quorum': 'org.apache.kafka.tools.MetadataQuorumCommand',
  'kafka-reassign-partitions': 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  'kafka-topics': 'org.apache.kafka.tools.TopicCommand',
} as const
export type Tool = keyof typeof TOOLS

/** What an invocation said. */
export interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface ToolHost {
  /** Runs a tool to its end, whatever its exit code. Several may run at a time. */
  run(tool: Tool, args: readonly string[], input?: string): Promise<Said>
  /** How many were run. */
  readonly count: number
  close(): Promise<void>
}

const TOOL_MS_MAX = 60_000

export function startToolHost(): ToolHost {
  const logging = `-Dlog4j2.configurationFile=${join(import.meta.dirname, '..', 'java', 'log4j2.properties')}`
  const java = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto', '-Xmx256m', logging]
  const child = spawn('java', [...java, '-cp', `${CLASSES}:${JARS}`, 'ToolHost'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const waiting = new Map<number, (said: Said) => void>()
  let count = 0
  let isOver = false
  const ended = new Promise<void>((resolve) => {
    child.once('close', (code) => {
      isOver = true
      for (const answer of waiting.values()) answer({ code: -1, out: '', err: `the JVM of the tools ended: ${code}` })
      resolve()
    })
  })
  child.once('error', (error) => console.error(error))
  child.stdin.on('error', () => undefined)
  const endWithUs = (): void => void child.kill('SIGKILL')
  process.once('exit', endWithUs)
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, ...said } = JSON.parse(line) as Said & { readonly id: number }
    waiting.get(id)?.(said)
    waiting.delete(id)
  })
  return {
    get count() {
      return count
    },
    run(tool, args, input = '') {
      if (isOver) return Promise.reject(new Error('the JVM of the tools has ended'))
      const id = count++
      child.stdin.write(`${JSON.stringify({ id, tool: TOOLS[tool], args, input })}\n`)
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${tool} ${args.join(' ')} does not end`)), TOOL_MS_MAX)
        waiting.set(id, (said) => {
          clearTimeout(timer)
          resolve(said)
        })
      })
    },
    async close() {
      child.stdin.end()
      await ended
      process.off('exit', endWithUs)
    },
  }
}

// What the scenarios of the tools share: a tool that must succeed or must fail, tables as the tools print them, files that
// they read, and waiting for what takes a moment. What a tool printed is part of every failure.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunningServer } from '../servers.ts'
import type { Scenario } from '../suite.ts'
import type { Said, Tool, ToolHost } from './host.ts'

export interface Toolbox {
  readonly kind: RunningServer['kind']
  readonly bootstrap: string
  /** Node ids of the live brokers, ascending. */
  readonly nodes: readonly number[]
  /** Runs a tool to its end, whatever comes of it. */
  run(tool: Tool, args: readonly string[], input?: string): Promise<Said>
  /** Runs a tool that must succeed; what it printed, without blanks at both ends. */
  ok(tool: Tool, ...args: readonly string[]): Promise<string>
  /** Runs a tool that must fail and say so in words that match. */
  fails(words: RegExp, tool: Tool, ...args: readonly string[]): Promise<void>
  /** Writes records `key:value` into a topic. */
  produce(topic: string, lines: readonly string[], ...args: readonly string[]): Promise<void>
  /** Writes a file for a tool to read; its path. */
  file(name: string, content: string | object): Promise<string>
}

/** The scenarios of one file. */
export type Scenarios = (tools: Toolbox) => readonly Scenario[]

export function createToolbox(args: {
  readonly host: ToolHost
  readonly kind: RunningServer['kind']
  readonly bootstrap: string
  readonly nodes: readonly number[]
  readonly scratch: string
}): Toolbox {
  const { host, kind, bootstrap, nodes, scratch } = args
  const run = (tool: Tool, rest: readonly string[], input?: string): Promise<Said> => {
    const where = ['--bootstrap-server', bootstrap]
    // This one wants to hear what to do first.
    return host.run(tool, tool === 'kafka-cluster' ? [...rest, ...where] : [...where, ...rest], input)
  }
  const show = (tool: Tool, rest: readonly string[], { code, out, err }: Said): string =>
    `${tool} ${rest.join(' ')}\nended with ${code} and said:\n${out}\n${err}`
  return {
    kind,
    bootstrap,
    nodes,
    run,
    async ok(tool, ...rest) {
      const said = await run(tool, rest)
      assert.equal(said.code, 0, show(tool, rest, said))
      return said.out.trim()
    },
    async fails(words, tool, ...rest) {
      const said = await run(tool, rest)
      assert.ok(said.code !== 0, `should have failed: ${show(tool, rest, said)}`)
      assert.match(`${said.out}\n${said.err}`, words, show(tool, rest, said))
    },
    async produce(topic, lines, ...rest) {
      const keyed = ['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=:']
      const all = ['--topic', topic, ...keyed, ...rest]
      const said = await run('kafka-console-producer', all, lines.map((line) => `${line}\n`).join(''))
      assert.equal(said.code, 0, show('kafka-console-producer', all, said))
      // A record that is refused is told in the log only.
      assert.doesNotMatch(said.err, /ERROR/, said.err)
    },
    async file(name, content) {
      const path = join(scratch, name)
      await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
      return path
    },
  }
}

/** The rows of a table by the names of its columns, as tools print it: a line of names, then a line for each row. */
export function table(text: string): Record<string, string>[] {
  const cells = (line: string): string[] => line.trim().replace(/ +\(/g, '(').split(/\s+/)
  const [head = '', ...rows] = text.trim().split('\n')
  const names = cells(head)
  return rows
    .filter((row) => row.trim() !== '')
    .map((row) => Object.fromEntries(cells(row).map((cell, i) => [names[i] ?? '', cell])))
}

/** Checks until it holds: a group may take a moment, and to Apache Kafka's brokers so may a topic. */
export async function eventually(check: () => Promise<void>, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

/** Makes a topic and waits until the broker that is asked describes its configs too. */
export async function makeTopic(tools: Toolbox, topic: string, ...args: readonly string[]): Promise<void> {
  assert.equal(await tools.ok('kafka-topics', '--create', '--topic', topic, ...args), `Created topic ${topic}.`)
  const described = ['--entity-type', 'topics', '--entity-name', topic, '--describe']
  await eventually(async () => assert.match(await tools.ok('kafka-configs', ...described), /^Dynamic configs for/))
}

/** Records `key:value`, each with a key of its own. */
export const recordsOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `key ${i}:value ${i}`)

/** End offsets by partition. */
export async function endOffsets(tools: Toolbox, topic: string, ...args: readonly string[]): Promise<number[]> {
  const listed = await tools.ok('kafka-get-offsets', '--topic', topic, ...args)
  return listed.split('\n').map((line, partition) => {
    const [name, index, offset] = line.split(':')
    assert.deepEqual([name, Number(index)], [topic, partition], listed)
    return Number(offset)
  })
}

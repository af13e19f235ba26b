// The loop that the drivers written in TypeScript share: read a command, do it, reply, in order.
import { createInterface } from 'node:readline'
import type { Command, Reply } from '../protocol.ts'

export const fromBase64 = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text, 'base64'))
export const toBase64 = (bytes: Uint8Array | null | undefined): string | null =>
  bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString('base64')

/** An error whose Kafka code is known. */
export class CodedError extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

export async function serve(
  answer: (command: Command) => Promise<Record<string, unknown>>,
  codeOf: (error: unknown) => number,
  close: () => Promise<void>,
): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    let reply: Reply
    try {
      reply = { ok: true, ...(await answer(JSON.parse(line) as Command)) }
    } catch (error) {
      reply = { ok: false, code: codeOf(error), error: error instanceof Error ? (error.stack ?? '') : String(error) }
    }
    process.stdout.write(`${JSON.stringify(reply)}\n`)
  }
  await close()
  process.exit(0)
}

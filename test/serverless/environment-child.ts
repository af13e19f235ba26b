// One Lambda environment: loads a bundle as Lambda's runtime does and answers one event after the other, each a line of JSON
// on standard input, with a line on standard output. It knows nothing of being frozen; `environment.ts` does that to it.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

interface Call {
  readonly event: unknown
  readonly timeoutMs: number
  readonly requestId: string
}

const directory = process.argv[2] ?? ''
const { handler } = createRequire(import.meta.url)(`${directory}/index.js`) as {
  handler(event: unknown, context: unknown): Promise<unknown>
}
const write = process.stdout.write.bind(process.stdout)
// What a function logs belongs elsewhere.
process.stdout.write = process.stderr.write.bind(process.stderr)

for await (const line of createInterface({ input: process.stdin })) {
  const { event, timeoutMs, requestId } = JSON.parse(line) as Call
  const deadline = Date.now() + timeoutMs
  const context = {
    awsRequestId: requestId,
    functionName: 'tidelog',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:tidelog',
    memoryLimitInMB: '1024',
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  }
  try {
    write(`${JSON.stringify({ result: (await handler(event, context)) ?? null })}\n`)
  } catch (error) {
    write(`${JSON.stringify({ thrown: error instanceof Error ? error.message : String(error) })}\n`)
  }
}
process.exit(0)

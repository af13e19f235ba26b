// One Lambda environment: loads a function's bundle, calls its handler with each event it is sent, and says how much
// processor time that took, with the JSON that Lambda's runtime makes of event and result. JavaScript, so that a cold start
// pays for no compiler. Its wall clock can be set forward, as it is for an environment that was frozen.
import { createRequire } from 'node:module'

const { handler } = createRequire(import.meta.url)(process.argv[2])
const now = Date.now.bind(Date)

process.on('message', async ({ event, aheadMs }) => {
  Date.now = () => now() + aheadMs
  const before = process.cpuUsage()
  const deadline = performance.now() + 29_000
  const context = {
    functionName: 'cost',
    functionVersion: '$LATEST',
    memoryLimitInMB: '1024',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:cost',
    awsRequestId: crypto.randomUUID(),
    getRemainingTimeInMillis: () => deadline - performance.now(),
  }
  try {
    const result = JSON.stringify(await handler(JSON.parse(event), context))
    const { user, system } = process.cpuUsage(before)
    const whole = process.cpuUsage()
    process.send({ result, cpuMs: (user + system) / 1000, sinceStartMs: (whole.user + whole.system) / 1000 })
  } catch (error) {
    process.send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
})
process.send({ ready: true })

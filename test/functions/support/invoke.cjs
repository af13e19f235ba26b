// Loads a bundle as Lambda's runtime does and invokes it: arguments are the bundle's directory and the event as JSON, and
// `again` to invoke it once more for each line on stdin. The milliseconds of CPU since the start of the process and the
// answer go to stdout behind a mark each.
'use strict'
const { join } = require('node:path')

const [, , directory, event, again] = process.argv
const invoke = (handler) => {
  const endsAt = Date.now() + 10_000
  const context = {
    functionName: 'test',
    functionVersion: '1',
    invokedFunctionArn: 'arn',
    memoryLimitInMB: '1024',
    awsRequestId: 'invocation-1',
    getRemainingTimeInMillis: () => endsAt - Date.now(),
  }
  handler(JSON.parse(event), context).then((answer) => {
    const { user, system } = process.cpuUsage()
    process.stdout.write(`\nCPU ${(user + system) / 1000}\nANSWER ${JSON.stringify(answer ?? null)}\n`)
  })
}
const { handler } = require(join(directory, 'index.js'))
invoke(handler)
if (again === 'again') process.stdin.on('data', () => invoke(handler))

// Loads a bundle as Lambda's runtime does and invokes it once: arguments are the bundle's directory and the event as JSON;
// the answer goes to stdout behind a mark.
'use strict'
const { join } = require('node:path')

const [, , directory, event] = process.argv
const endsAt = Date.now() + 10_000
const context = {
  functionName: 'test',
  functionVersion: '1',
  invokedFunctionArn: 'arn',
  memoryLimitInMB: '1024',
  awsRequestId: 'invocation-1',
  getRemainingTimeInMillis: () => endsAt - Date.now(),
}
const { handler } = require(join(directory, 'index.js'))
handler(JSON.parse(event), context).then((answer) => {
  process.stdout.write(`\nANSWER ${JSON.stringify(answer ?? null)}\n`)
})

// An environment that is frozen between two invocations, as Lambda does it: the process stops, meanwhile its connections are
// closed from the other side and somebody else goes on, and the next invocation comes with the first moment of its new life.
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer, request, type Server } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type BundleName, bundleFunction } from '../../infra/bundle.ts'
import { fetch } from '../../lib/wire/messages/fetch.ts'
import { produce } from '../../lib/wire/messages/produce.ts'
import { EMULATOR_ENVIRONMENT, type Ministack, startMinistack } from '../aws/ministack.ts'
import { eventOf, REQUESTS, responseIn } from './support/frames.ts'

const FROZEN_MS = 1200
const IDLE_MS_MAX = 300
const NAME = 'frozen'
const HOST = process.arch === 'arm64' ? 'arm64' : 'x86_64'

let ministack: Ministack
let proxy: Server
let endpointUrl = ''
const children: ChildProcess[] = []

beforeAll(async () => {
  ministack = await startMinistack()
  // Between the function and the emulator, to close connections that are idle.
  proxy = createServer((incoming, response) => {
    const options = { method: incoming.method, headers: incoming.headers }
    const upstream = request(new URL(incoming.url ?? '/', ministack.endpointUrl), options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    incoming.pipe(upstream)
  })
  proxy.keepAliveTimeout = IDLE_MS_MAX
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const address = proxy.address()
  endpointUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  const sdk = await import('@aws-sdk/client-dynamodb')
  const settings = { endpoint: ministack.endpointUrl, region: 'us-east-1' }
  Object.assign(process.env, EMULATOR_ENVIRONMENT)
  const client = new sdk.DynamoDBClient(settings)
  // Bucket and table as CloudFormation leaves them: empty.
  await client.send(
    new sdk.CreateTableCommand({
      TableName: NAME,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  )
  client.destroy()
})

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  proxy.closeAllConnections()
  proxy.close()
  await ministack.stop()
})

/** An environment of a function; each call of `next` is an invocation with the same event. */
function environmentOf(name: BundleName, body: Uint8Array) {
  const event = JSON.stringify(eventOf(`/kafka/${name}`, body))
  const invoker = join(import.meta.dirname, 'support/invoke.cjs')
  const place = { AWS_ENDPOINT_URL: endpointUrl, TIDELOG_BUCKET: NAME, TIDELOG_TABLE: NAME }
  const env = { ...EMULATOR_ENVIRONMENT, ...place, POWERTOOLS_METRICS_DISABLED: 'true' }
  const child = spawn(process.execPath, [invoker, bundleFunction(name, HOST), event, 'again'], { env })
  children.push(child)
  let text = ''
  let taken = 0
  const answers = (): string[] => [...text.matchAll(/^ANSWER (.*)$/gm)].map(([, answer]) => answer!)
  child.stdout.on('data', (piece: Buffer) => {
    text += piece.toString()
  })
  return {
    async answer(): Promise<{ statusCode: number; body: string }> {
      await expect.poll(() => answers().length, { timeout: 15_000, interval: 5 }).toBeGreaterThan(taken)
      return JSON.parse(answers()[taken++]!)
    },
    freeze: () => child.kill('SIGSTOP'),
    /** The event is there before the process wakes. */
    thaw() {
      child.stdin.write('next\n')
      child.kill('SIGCONT')
    },
  }
}

it('goes on where it was, with other connections and what others wrote', async () => {
  expect((await environmentOf('admin', REQUESTS.createTopic()).answer()).statusCode).toBe(200)
  const [ours, theirs] = [
    environmentOf('produce', REQUESTS.produce('a')),
    environmentOf('produce', REQUESTS.produce('b')),
  ]
  const baseOffset = ({ body }: { readonly body: string }): unknown =>
    responseIn(produce, 9, body).responses[0]?.partitionResponses[0]
  const offsets = [baseOffset(await ours.answer()), baseOffset(await theirs.answer())]
  const reader = environmentOf('fetch', REQUESTS.fetch(0))
  await reader.answer()
  for (let round = 0; round < 4; round++) {
    for (const environment of [ours, theirs, reader]) environment.freeze()
    await new Promise((resolve) => setTimeout(resolve, FROZEN_MS))
    // Every second time the connections are cut off instead of closed.
    if (round % 2 === 1) proxy.closeAllConnections()
    for (const environment of [ours, theirs]) {
      environment.thaw()
      offsets.push(baseOffset(await environment.answer()))
    }
    reader.thaw()
    const [read] = responseIn(fetch, 11, (await reader.answer()).body).responses[0]!.partitions
    expect(read).toMatchObject({ errorCode: 0, highWatermark: offsets.length })
  }
  const dense = offsets.map((_, index) => expect.objectContaining({ errorCode: 0, baseOffset: index }))
  expect(offsets).toHaveLength(10)
  expect(offsets).toEqual(expect.arrayContaining(dense))
})

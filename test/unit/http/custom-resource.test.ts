// The envelope of a custom resource: one answer per call, in time and in CloudFormation's form, whatever becomes of the work
// and of the way to CloudFormation; and the question whether a stack is rolling back.
import { createServer, type IncomingMessage } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../lib/base/logger.ts'
import { answerCustomResource, putOverHttp } from '../../../lib/http/custom-resource.ts'
import { isRollingBack } from '../../../lib/http/stack-status.ts'
import { createManualClock, during } from '../support/manual-clock.ts'

const CALL = { responseUrl: 'http://there/answer', stackId: 'stack', requestId: 'request', logicalResourceId: 'Orders' }

/** Answers a call with what the puts do given one after the other; the last one is repeated. */
async function answer(
  work: Parameters<typeof answerCustomResource>[4],
  puts: readonly (number | { readonly cause: string })[] = [200],
) {
  const clock = createManualClock()
  const bodies: Record<string, unknown>[] = []
  const put = async (_url: string, body: Uint8Array) => {
    expect(body.length).toBeLessThanOrEqual(4096)
    bodies.push(JSON.parse(Buffer.from(body).toString()))
    return puts[Math.min(bodies.length, puts.length) - 1]!
  }
  const ports = { clock, logger: silentLogger, put }
  const answered = await during(clock, answerCustomResource(ports, CALL, 60_000, 'before', work), 300_000)
  return { answered, bodies, elapsedMs: clock.monotonic() }
}

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** A server that answers every request alike, and what came to it. */
async function serve(status: number, text = '') {
  const seen: { request: IncomingMessage; body: string }[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (piece) => {
      body += piece
    })
    request.on('end', () => {
      seen.push({ request, body })
      response.writeHead(status).end(text)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  return { seen, url: `http://127.0.0.1:${port}` }
}

describe('an answer', () => {
  it('says what was done', async () => {
    const { answered, bodies } = await answer(async () => ({
      kind: 'done',
      physicalId: 'orders',
      data: { Partitions: 3 },
    }))
    expect(answered).toBe(true)
    const common = { PhysicalResourceId: 'orders', StackId: 'stack', RequestId: 'request', LogicalResourceId: 'Orders' }
    expect(bodies).toEqual([{ Status: 'SUCCESS', ...common, Data: { Partitions: 3 } }])
  })

  it('comes for an exception too, without telling it', async () => {
    const { bodies } = await answer(() => Promise.reject(new Error('secret at line 7')))
    expect(bodies).toMatchObject([{ Status: 'FAILED', PhysicalResourceId: 'before' }])
    expect(JSON.stringify(bodies)).not.toContain('secret')
  })

  it('comes before the function ends, and tells the work so', async () => {
    let told: AbortSignal | undefined
    const { bodies, elapsedMs } = await answer((signal) => {
      told = signal
      return new Promise(() => {})
    })
    expect(bodies).toMatchObject([{ Status: 'FAILED', Reason: expect.stringContaining('no time left') }])
    expect(elapsedMs).toBeLessThan(60_000)
    expect(told?.aborted).toBe(true)
  })

  it('is cut to what CloudFormation takes', async () => {
    const { bodies } = await answer(async () => ({ kind: 'failed', physicalId: 'orders', reason: 'ü'.repeat(9000) }))
    expect(String(bodies[0]?.['Reason'])).toMatch(/^ü{200,}…/)
  })

  it('is sent again until it is taken, and not again when it never will be', async () => {
    const done = async () => ({ kind: 'done', physicalId: 'orders' }) as const
    const repeated = await answer(done, [503, { cause: 'reset' }, 200])
    expect([repeated.answered, repeated.bodies.length]).toEqual([true, 3])
    const refused = await answer(done, [403])
    expect([refused.answered, refused.bodies.length]).toEqual([false, 1])
    expect((await answer(done, [500])).answered).toBe(false)
  })

  it('is put with an empty content type, as its address is signed', async () => {
    const { seen, url } = await serve(200)
    expect(await putOverHttp(`${url}/a?b=c`, Buffer.from('{}'))).toBe(200)
    const { request, body } = seen[0]!
    expect([request.method, request.url, request.headers['content-type'], body]).toEqual(['PUT', '/a?b=c', '', '{}'])
    expect(await putOverHttp('http://127.0.0.1:1/', Buffer.from('{}'))).toHaveProperty('cause')
    expect(await putOverHttp('nonsense', Buffer.from('{}'))).toHaveProperty('cause')
  })
})

describe('whether a stack is rolling back', () => {
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
  const answerOf = (status: string): string =>
    `<DescribeStacksResponse><Stacks><member><StackStatus>${status}</StackStatus></member></Stacks></DescribeStacksResponse>`

  it('is asked by a signed request', async () => {
    for (const [status, expected] of [
      ['UPDATE_ROLLBACK_IN_PROGRESS', true],
      ['ROLLBACK_IN_PROGRESS', true],
      ['UPDATE_IN_PROGRESS', false],
      ['UPDATE_ROLLBACK_COMPLETE', false],
    ] as const) {
      const { seen, url } = await serve(200, answerOf(status))
      const place = { region: 'eu-west-1', endpointUrl: url, credentials }
      expect(await isRollingBack(place, 'arn:stack/1', silentLogger), status).toBe(expected)
      expect(seen[0]?.request.headers.authorization).toMatch(
        /Credential=key\/\d+\/eu-west-1\/cloudformation\/aws4_request/,
      )
      expect(Object.fromEntries(new URLSearchParams(seen[0]?.body))).toMatchObject({
        Action: 'DescribeStacks',
        StackName: 'arn:stack/1',
      })
    }
  })

  it('counts as no where nobody can say', async () => {
    const { url } = await serve(403, '<Error><Code>AccessDenied</Code></Error>')
    const place = { region: 'eu-west-1', credentials }
    expect(await isRollingBack({ ...place, endpointUrl: url }, 'arn', silentLogger)).toBe(false)
    expect(await isRollingBack({ ...place, endpointUrl: 'http://127.0.0.1:1' }, 'arn', silentLogger)).toBe(false)
  })
})

// What `tidelog connect` says when it cannot do its work: one sentence, exit code 1. That it does it is shown with real
// clients in test/gateways/https.test.ts.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endAll, run } from './processes.ts'

const AWS = { AWS_ACCESS_KEY_ID: undefined, AWS_PROFILE: undefined, AWS_REGION: undefined }
const server = createServer((request, response) => {
  const [, status = '200'] = /^\/(\d+)\//.exec(request.url ?? '') ?? []
  request.resume()
  response.writeHead(Number(status), { 'content-type': 'application/json' }).end('{"message":"Hello"}')
})
let port = 0

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})

afterAll(async () => {
  await endAll()
  server.closeAllConnections()
  server.close()
})

const connect = (url: string, kafka = '127.0.0.1:0', env: Readonly<Record<string, string | undefined>> = {}) =>
  run(['connect', '--url', url, '--kafka', kafka], '', undefined, { ...AWS, ...env }).ended

test.each<[string, (port: number) => string, RegExp]>([
  ['no URL', () => 'log.example.org', /"log\.example\.org" is no URL to send frames to/],
  ['nobody there', () => 'http://127.0.0.1:1', /cannot be reached: nothing listens on 127\.0\.0\.1:1/],
  ['no such host', () => 'http://tidelog.invalid', /there is no host named tidelog\.invalid/],
  ['somebody else', (port) => `http://127.0.0.1:${port}`, /is no Tidelog: it said 200 and application\/json/],
  ['no functions', (port) => `http://127.0.0.1:${port}/404`, /no such function at .+\(404 Hello\)/],
  ['no rights', (port) => `http://127.0.0.1:${port}/403`, /wants signed requests \(403 Hello\)/],
])('%s is one sentence', async (_, url, sentence) => {
  const { code, stdout, stderr } = await connect(url(port))
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(sentence)
  expect(stderr.trim().split('\n')).toHaveLength(1)
})

test('HTTPS without credentials says how to give them, before anything is sent', async () => {
  const nowhere = '/nonexistent'
  const env = {
    AWS_REGION: 'eu-west-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: nowhere,
    AWS_SHARED_CREDENTIALS_FILE: nowhere,
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: undefined,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: undefined,
    AWS_WEB_IDENTITY_TOKEN_FILE: undefined,
  }
  const ended = await connect('https://abc123.execute-api.eu-west-1.amazonaws.com', '127.0.0.1:0', env)
  expect(ended).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^There are no AWS credentials[^\n]+\n$/),
  })
})

test('a taken port, and an address that is none to tell clients, are one sentence each', async () => {
  const taken = await connect(`http://127.0.0.1:${port}`, `127.0.0.1:${port}`)
  expect(taken).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^127\.0\.0\.1:\d+ is taken[^\n]+--kafka\.\n$/),
  })
  const everywhere = await connect(`http://127.0.0.1:${port}`, '0.0.0.0:0')
  expect(everywhere).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^Clients have to be told one address[^\n]+\n$/),
  })
})

// Health, metrics and the server that answers them, over real sockets: what it says, what it refuses, and that bytes that
// are no HTTP end their own connection only.
import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Members } from '../../../lib/broker/broker.ts'
import { health } from '../../../lib/http/health.ts'
import { createMetrics } from '../../../lib/http/metrics.ts'
import { openHttpServer, reading } from '../../../lib/http/server.ts'
import type { LogStatus } from '../../../lib/log/log.ts'

const STATUS: LogStatus = {
  generation: 7,
  position: { generation: 1, index: 0 },
  tailEntries: 3,
  headAgeMs: 12.3,
  topics: 2,
  partitions: 14,
  halted: false,
}
const MEMBERS: Members = {
  self: 4,
  clusterId: 'abc',
  epoch: () => 1,
  nodes: () => [{ nodeId: 4, host: 'here', port: 1 }],
  refresh: async () => {},
}

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function serve(status = STATUS) {
  const metrics = createMetrics()
  metrics.attach({
    status: () => status,
    budget: () => ({ usedBytes: 5, capacityBytes: 10, waiting: 1 }),
    fetchMemory: () => ({ usedBytes: 7, capacityBytes: 20, waiting: 2 }),
  })
  const server = await openHttpServer('127.0.0.1', 0)
  closers.push(
    () => server.close(),
    () => metrics.close(),
  )
  server.serve(
    new Map([
      ['/health', reading(() => health(status, MEMBERS, '1.2.3'))],
      [
        '/metrics',
        reading(async () => {
          const { contentType, text } = await metrics.render()
          return { status: 200, headers: { 'content-type': contentType }, body: text }
        }),
      ],
    ]),
  )
  return { metrics, server, url: `http://127.0.0.1:${server.port}` }
}

test('health tells the state of the log', async () => {
  const { url } = await serve()
  const response = await fetch(`${url}/health`)
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({
    status: 'ok',
    generation: 7,
    headAgeMs: 12,
    nodeId: 4,
    clusterId: 'abc',
  })
})

test('a halted gateway is unhealthy', async () => {
  const { url } = await serve({ ...STATUS, halted: true })
  const response = await fetch(`${url}/health`)
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ status: 'halted' })
})

test('metrics count what happened, each instance its own', async () => {
  const one = await serve()
  const other = await serve()
  const report = { version: 9, result: 'send', bytesIn: 1, bytesOut: 1 } as const
  one.metrics.onRequest({ ...report, apiName: 'Produce', errorCode: 0, durationMs: 3 })
  one.metrics.onRequest({ ...report, apiName: 'Produce', errorCode: 10, durationMs: 3 })
  one.metrics.onStoreCall({ store: 'objects', operation: 'put', outcome: 'applied', durationMs: 8 })
  one.metrics.observer.connectionOpened()
  one.metrics.observer.bytesIn(100)
  const text = await (await fetch(`${one.url}/metrics`)).text()
  for (const line of [
    'tidelog_requests_total{api="Produce"} 2',
    'tidelog_request_errors_total{api="Produce",error="MESSAGE_TOO_LARGE"} 1',
    'tidelog_request_duration_seconds_count{api="Produce"} 2',
    'tidelog_bytes_in_total 100',
    'tidelog_connections 1',
    'tidelog_store_calls_total{store="objects",call="put",outcome="applied"} 1',
    'tidelog_journal_generation 7',
    'tidelog_journal_tail_entries 3',
    'tidelog_request_memory_bytes 5',
    'tidelog_fetch_memory_bytes 7',
    'tidelog_fetch_memory_max_bytes 20',
    'tidelog_fetch_memory_waiting 2',
  ]) {
    expect(text).toContain(line)
  }
  expect(text).toMatch(/tidelog_event_loop_delay_seconds\{quantile="0.99"\} \d/)
  expect(await (await fetch(`${other.url}/metrics`)).text()).not.toContain('api="Produce"')
})

test('an unknown path and a wrong method are problems in JSON', async () => {
  const { url } = await serve()
  const missing = await fetch(`${url}/topics?x=1`)
  expect(missing.status).toBe(404)
  expect(missing.headers.get('content-type')).toBe('application/problem+json')
  expect(await missing.json()).toMatchObject({ status: 404, detail: expect.stringContaining('/health') })
  const posted = await fetch(`${url}/health`, { method: 'POST', body: 'x' })
  expect(posted.status).toBe(405)
  expect(posted.headers.get('allow')).toBe('GET, HEAD')
})

test.each([
  ['random bytes', Buffer.from('00ff00ff0d0a0d0a', 'hex')],
  ['headers without end', Buffer.from(`GET / HTTP/1.1\r\nx: ${'y'.repeat(100_000)}`)],
])('%s end their own connection only', async (_, bytes) => {
  const { server, url } = await serve()
  const socket = connect(server.port, '127.0.0.1')
  closers.push(() => socket.destroy())
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.on('close', resolve))
  socket.resume()
  socket.write(bytes)
  await closed
  expect((await fetch(`${url}/health`)).status).toBe(200)
})

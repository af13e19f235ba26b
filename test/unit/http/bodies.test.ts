// Bodies at the HTTP port of a gateway: slow ones, endless ones, ones that stop in the middle, answers that nobody takes.
// None of them touches anybody else.
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { openHttpServer, reading } from '../../../lib/http/server.ts'

const MIB = 1024 * 1024
/** Tens of MiB take their time on a busy machine. */
const PATIENT = { timeout: 15_000 }
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function serve() {
  const server = await openHttpServer('127.0.0.1', 0)
  closers.push(() => server.close())
  server.serve(
    new Map([
      [
        '/in',
        {
          method: 'POST',
          bodyBytesMax: 4 * MIB,
          answer: ({ body }) => ({ status: 200, headers: {}, body: String(body.length) }),
        },
      ],
      ['/out', reading(() => ({ status: 200, headers: {}, body: new Uint8Array(32 * MIB) }))],
    ]),
  )
  const send = (body: string | Uint8Array): Promise<Response> =>
    fetch(`http://127.0.0.1:${server.port}/in`, { method: 'POST', body })
  return { port: server.port, send }
}

/** A request whose body is announced, of which `sent` comes. */
async function begun(port: number, announced: number, sent: Uint8Array): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  closers.push(() => socket.destroy())
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.write(`POST /in HTTP/1.1\r\nhost: x\r\ncontent-length: ${announced}\r\n\r\n`)
  if (sent.length > 0) await new Promise((resolve) => socket.write(sent, resolve))
  return socket
}

test('announcements alone stop nobody', async () => {
  const { port, send } = await serve()
  for (let i = 0; i < 40; i++) await begun(port, 4 * MIB, new Uint8Array(1))
  const answer = await send('hello')
  expect([answer.status, await answer.text()]).toEqual([200, '5'])
})

test('bodies share a bound, and give it back however they end', async () => {
  const { port, send } = await serve()
  const senders: Socket[] = []
  // The question takes room, too, and may crowd out a sender whose bytes are still coming: another one takes its place.
  while (senders.length < 17 || (await send(new Uint8Array(MIB))).status !== 503) {
    expect(senders.length).toBeLessThan(60)
    senders.push(await begun(port, 4 * MIB, new Uint8Array(4 * MIB - 1)))
    if (senders.length >= 17) await new Promise((resolve) => setTimeout(resolve, 100))
  }
  for (const socket of senders) socket.destroy()
  await expect.poll(async () => (await send(new Uint8Array(MIB))).status, PATIENT).toBe(200)
})

test('a body that is longer than it may be is refused, announced or in pieces', async () => {
  const { port, send } = await serve()
  expect((await send(new Uint8Array(4 * MIB + 1))).status).toBe(413)
  expect((await send(new Uint8Array(4 * MIB))).status).toBe(200)
  const pieces = connect(port, '127.0.0.1')
  closers.push(() => pieces.destroy())
  const said = new Promise<string>((resolve) => pieces.once('data', (bytes) => resolve(bytes.toString('latin1'))))
  pieces.write('POST /in HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n')
  expect(await said).toMatch(/^HTTP\/1\.1 100/)
  const answered = new Promise<string>((resolve) => pieces.once('data', (bytes) => resolve(bytes.toString('latin1'))))
  for (let i = 0; i < 5; i++)
    pieces.write(Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(MIB), Buffer.from('\r\n')]))
  pieces.write('0\r\n\r\n')
  expect(await answered).toMatch(/^HTTP\/1\.1 413/)
})

test('answers that nobody reads count, too, until their reader is gone', async () => {
  const { port, send } = await serve()
  const readers: Socket[] = []
  for (let i = 0; i < 4; i++) {
    const socket = connect(port, '127.0.0.1')
    closers.push(() => socket.destroy())
    socket.on('error', () => {})
    socket.pause()
    // Two at once: the second answer waits for the first.
    socket.write('GET /out HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(2))
    readers.push(socket)
  }
  await expect.poll(async () => (await send('x')).status, PATIENT).toBe(503)
  for (const socket of readers) socket.destroy()
  await expect.poll(async () => (await send('x')).status, PATIENT).toBe(200)
})

test('a sender that goes away in the middle ends its own request only', async () => {
  const { port, send } = await serve()
  for (let i = 0; i < 20; i++) {
    const socket = await begun(port, 2 * MIB, new Uint8Array(MIB))
    if (i % 2 === 0) socket.destroy()
    else socket.resetAndDestroy()
  }
  expect((await send('still here')).status).toBe(200)
})

// Events of API Gateway and of function URLs, and what they may not be.
import { expect, it } from 'vitest'
import { type ApiEvent, requestOf, resultOf } from '../../../lib/http/api-gateway.ts'

const event = (body: string | undefined, isBase64Encoded = true): ApiEvent => ({
  rawPath: '/kafka/produce',
  headers: { 'Content-Type': 'application/octet-stream' },
  requestContext: { http: { method: 'POST' } },
  body,
  isBase64Encoded,
})

it('undoes base 64, and what it says comes back', () => {
  for (const length of [0, 1, 2, 3, 4, 1000]) {
    const bytes = Buffer.from(Array.from({ length }, (_, i) => (i * 89) & 255))
    const request = requestOf(event(bytes.toString('base64')))
    if ('status' in request) throw new Error('refused')
    expect(Buffer.compare(request.body, bytes)).toBe(0)
    expect(request.headers['content-type']).toBe('application/octet-stream')
    expect(resultOf({ status: 200, headers: {}, body: request.body })).toMatchObject({
      isBase64Encoded: true,
      body: bytes.toString('base64'),
    })
  }
  expect(requestOf(event(undefined))).toMatchObject({ body: Buffer.alloc(0) })
  expect(requestOf(event('Grüße', false))).toMatchObject({ method: 'POST', path: '/kafka/produce' })
})

it.each([
  ['letters that are none of base 64', 'AAAA!AAA'],
  ['a line break', 'AAAA\nAAA='],
  ['one letter too many', 'AAAAA'],
  ['a letter alone', 'A'],
  ['padding in the middle', 'AA==AAAA'],
  ['padding without need', 'AAAA===='],
  ['padding alone', '=='],
  ['bits that belong to no byte', 'AB=='],
  ['the alphabet of URLs', '__--'],
  ['a text', 'this is not a frame'],
])('base 64 that lies: %s', (_name, body) => {
  expect(requestOf(event(body))).toMatchObject({ status: 400 })
})

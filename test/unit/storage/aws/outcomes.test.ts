// The table of outcomes on errors that no proxy can produce: those of the operating system while connecting, those of an
// established connection, and things that are no errors at all. What is not known to be a refusal is `unknown`.
import { describe, expect, test } from 'vitest'
import { type Failure, failureOf, unreadable, unwritten } from '../../../../lib/storage/aws/outcomes.ts'

const network = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more })
const answered = (status: number, name = 'UnknownError') =>
  Object.assign(new Error('x'), { name, $metadata: { httpStatusCode: status } })

describe('errors of the network', () => {
  test.each(['EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EADDRNOTAVAIL'])(
    '%s is a refusal while connecting, and unknown on an established connection',
    (code) => {
      expect(failureOf(network(code, { syscall: 'connect' }), 'dynamodb')).toMatchObject({ kind: 'unavailable' })
      expect(failureOf(network(code, { syscall: 'read' }), 'dynamodb').kind).toBe('unknown')
      expect(failureOf(network(code), 'dynamodb').kind).toBe('unknown')
    },
  )

  test('several addresses: a refusal only if none was reached', () => {
    const connecting = network('ETIMEDOUT', { syscall: 'connect' })
    const reading = network('ETIMEDOUT', { syscall: 'read' })
    const all = (errors: unknown[]) => Object.assign(new AggregateError(errors), { code: 'ETIMEDOUT' })
    expect(failureOf(all([connecting, connecting]), 's3').kind).toBe('unavailable')
    expect(failureOf(all([connecting, reading]), 's3').kind).toBe('unknown')
  })

  test.each(['ECONNRESET', 'EPIPE', 'HPE_INVALID_CONSTANT', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR'])(
    '%s may come after the request was applied',
    (code) => {
      expect(failureOf(network(code), 'dynamodb').kind).toBe('unknown')
    },
  )
})

describe('answers without a code that we know', () => {
  test.each([
    [200, 'dynamodb', 'unknown'],
    [400, 'dynamodb', 'unavailable'],
    [403, 's3', 'unavailable'],
    [404, 's3', 'unavailable'],
    [409, 's3', 'unavailable'],
    [412, 's3', 'conditionFailed'],
    [429, 's3', 'unavailable'],
    [500, 's3', 'unknown'],
    [502, 's3', 'unknown'],
    [503, 's3', 'unavailable'],
    [503, 'dynamodb', 'unknown'],
    [504, 'dynamodb', 'unknown'],
  ] as const)('status %d of %s: %s', (status, service, kind) => {
    expect(failureOf(answered(status), service).kind).toBe(kind)
  })
})

test('what is no error at all is unknown, never a refusal', () => {
  for (const thrown of [undefined, null, 'text', 5, {}, new TypeError('x')]) {
    expect(failureOf(thrown, 's3').kind).toBe('unknown')
  }
})

test('an answer that an operation cannot have is unavailable to a read and unknown to a write', () => {
  const odd: Failure[] = [{ kind: 'missing' }, { kind: 'rangePastEnd' }, { kind: 'conditionFailed', item: undefined }]
  for (const failure of odd) {
    expect(unreadable(failure).kind).toBe('unavailable')
    expect(unwritten(failure).kind).toBe('unknown')
  }
})

test('a cause is one line of bounded length', () => {
  const failure = failureOf(new Error('y'.repeat(10_000)), 's3')
  expect(failure.kind === 'unknown' && failure.cause.length).toBe(500)
})

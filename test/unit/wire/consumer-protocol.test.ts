// The messages of consumers to each other. The bytes were written by Kafka's own Java client 4.2.0 (the message classes with a
// version before them); what is hand-made says so.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  consumerProtocolVersion,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../lib/wire/consumer-protocol.ts'

const TOPICS = '0000000200066f7264657273000c7a61686c756e67656e2dc3bc00000003010203'
const OWNED = '0000000100066f72646572730000000300000000000000077fffffff'
const SUBSCRIPTIONS = [
  `0000${TOPICS}`,
  `0001${TOPICS}${OWNED}`,
  `0002${TOPICS}${OWNED}0000002a`,
  `0003${TOPICS}${OWNED}0000002a00027231`,
]
const EMPTY = [
  '000000000000ffffffff',
  '000100000000ffffffff00000000',
  '000200000000ffffffff00000000ffffffff',
  '000300000000ffffffff00000000ffffffffffff',
]
const ASSIGNED = '0000000200066f726465727300000003000000000000000100000005000162000000000000000109'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytes = (text: string): Uint8Array => Buffer.from(text, 'hex')

describe('a subscription', () => {
  const full = {
    topics: ['orders', 'zahlungen-ü'],
    userData: bytes('010203'),
    ownedPartitions: [{ topic: 'orders', partitions: [0, 7, 2147483647] }],
    generationId: 42,
    rackId: 'r1',
  }
  const none = { topics: [], userData: null, ownedPartitions: [], generationId: -1, rackId: null }

  it.each([0, 1, 2, 3])('is written as Kafka writes it in version %i', (version) => {
    expect(hex(encodeSubscription(version, full))).toBe(SUBSCRIPTIONS[version])
    expect(hex(encodeSubscription(version, none))).toBe(EMPTY[version])
  })

  it.each([0, 1, 2, 3])('is read in version %i, with defaults for what the version lacks', (version) => {
    const read = decodeSubscription(bytes(SUBSCRIPTIONS[version]!))
    expect({ ...read, userData: Buffer.from(read?.userData ?? []).toString('hex') }).toEqual({
      topics: full.topics,
      userData: '010203',
      ownedPartitions: version >= 1 ? full.ownedPartitions : [],
      generationId: version >= 2 ? 42 : -1,
      rackId: version >= 3 ? 'r1' : null,
    })
    expect(decodeSubscription(bytes(EMPTY[version]!))).toEqual(none)
  })

  it('of a version to come is read as the newest that is known, and the rest is left', () => {
    const later = bytes(`0007${SUBSCRIPTIONS[3]!.slice(4)}cafe`)
    expect(decodeSubscription(later)).toEqual(decodeSubscription(bytes(SUBSCRIPTIONS[3]!)))
    expect(consumerProtocolVersion(later)).toBe(3)
  })

  it('that is cut off, negative in version or empty is none', () => {
    for (let end = 0; end < SUBSCRIPTIONS[3]!.length; end += 2) {
      expect(decodeSubscription(bytes(SUBSCRIPTIONS[3]!.slice(0, end)))).toBeUndefined()
    }
    expect(decodeSubscription(bytes(`ffff${SUBSCRIPTIONS[0]!.slice(4)}`))).toBeUndefined()
    expect(consumerProtocolVersion(bytes('ffff'))).toBeUndefined()
    expect(consumerProtocolVersion(bytes('00'))).toBeUndefined()
  })
})

describe('an assignment', () => {
  const given = {
    assignedPartitions: [
      { topic: 'orders', partitions: [0, 1, 5] },
      { topic: 'b', partitions: [] },
    ],
    userData: bytes('09'),
  }

  it.each([0, 1, 2, 3])('is written and read as Kafka does in version %i', (version) => {
    const message = `000${version}${ASSIGNED}`
    expect(hex(encodeAssignment(version, given))).toBe(message)
    expect(decodeAssignment(bytes(message))?.assignedPartitions).toEqual(given.assignedPartitions)
    const nothing = `000${version}00000000ffffffff`
    expect(hex(encodeAssignment(version, { assignedPartitions: [], userData: null }))).toBe(nothing)
    expect(decodeAssignment(bytes(nothing))).toEqual({ assignedPartitions: [], userData: null })
  })

  it('that announces more than it holds is none', () => {
    expect(decodeAssignment(bytes('00007fffffff0001'))).toBeUndefined()
  })
})

it('any bytes are read or refused, never thrown over', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (message) => {
      const readings = [decodeSubscription(message), decodeAssignment(message), consumerProtocolVersion(message)]
      expect(readings).toHaveLength(3)
    }),
  )
})

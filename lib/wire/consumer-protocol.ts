// What consumers put into JoinGroup and SyncGroup for each other: a version, then the topics that a member wants and what it
// owns, or the partitions that it was given. Brokers need it only where a group of such members is assigned by the broker.
// A version that is newer than ours only adds fields at the end, so it is read as our newest one and the rest is left. Bytes
// that make no sense come from a client and are no error of ours: the answer is then undefined.
import { decodeRequest, Reader, WireError } from './reader.ts'
import { type Api, array, bytes, defineApi, int32, type RequestOf, string } from './schema.ts'
import { encodeRequest } from './writer.ts'

const VERSION_MAX = 3
/** Neither is an API of its own; they are described like one, with the message as the request. */
const NO_KEY = -1

const topicPartitions = { topic: string('0+'), partitions: array('0+', int32('0+')) }

const subscription = defineApi({
  key: NO_KEY,
  name: 'ConsumerProtocolSubscription',
  min: 0,
  max: VERSION_MAX,
  request: {
    topics: array('0+', string('0+')),
    userData: bytes('0+', { nullable: '0+', default: null }),
    ownedPartitions: array('1+', topicPartitions, { default: [] }),
    /** The generation in which it was given what it owns; -1: not said. */
    generationId: int32('2+', { default: -1 }),
    rackId: string('3+', { nullable: '3+', default: null }),
  },
  response: {},
})

const assignment = defineApi({
  key: NO_KEY,
  name: 'ConsumerProtocolAssignment',
  min: 0,
  max: VERSION_MAX,
  request: {
    assignedPartitions: array('0+', topicPartitions),
    userData: bytes('0+', { nullable: '0+', default: null }),
  },
  response: {},
})

/** What a member wants and what it owns. */
export type ConsumerProtocolSubscription = RequestOf<typeof subscription>
/** What a member was given. */
export type ConsumerProtocolAssignment = RequestOf<typeof assignment>

/** Either message's version; undefined where there is none. */
export function consumerProtocolVersion(message: Uint8Array): number | undefined {
  if (message.length < 2) return undefined
  const version = new Reader(message).int16()
  return version < 0 ? undefined : Math.min(version, VERSION_MAX)
}

function decode<A extends Api>(api: A, message: Uint8Array): RequestOf<A> | undefined {
  const version = consumerProtocolVersion(message)
  if (version === undefined) return undefined
  try {
    return decodeRequest(api, version, message.subarray(2))
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}

function prefixed(version: number, body: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Uint8Array.of(0, version), ...body])
}

/** Undefined where the bytes are no subscription. */
export function decodeSubscription(message: Uint8Array): ConsumerProtocolSubscription | undefined {
  return decode(subscription, message)
}

export function encodeSubscription(version: number, value: ConsumerProtocolSubscription): Uint8Array {
  return prefixed(version, encodeRequest(subscription, version, value))
}

/** Undefined where the bytes are no assignment. */
export function decodeAssignment(message: Uint8Array): ConsumerProtocolAssignment | undefined {
  return decode(assignment, message)
}

export function encodeAssignment(version: number, value: ConsumerProtocolAssignment): Uint8Array {
  return prefixed(version, encodeRequest(assignment, version, value))
}

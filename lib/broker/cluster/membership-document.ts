// The two kinds of documents that gateways find each other by. `gateways/members` lists all gateways and is changed by
// compare-and-set; its version is the leader epoch of every partition, so it is never removed. `gateway-leases/‹boot id›` is
// written by its gateway every few seconds and says nothing but "I am still here": the others watch its version change,
// each by its own monotonic clock, so no two clocks are ever compared. It is removed by its owner, or by whoever drops the
// owner from the list.
import { StoredBytesError } from '../../base/bytes.ts'

export const MEMBERS_KEY = 'gateways/members'
export const LEASES = 'gateway-leases'
const FORMAT = 1

/** One gateway. `bootId` is new with each start of a process, so that an entry can be told from its successor's. */
export interface Gateway {
  /** From 0 on; the lowest that we choose is 1. */
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly bootId: string
}
export interface Membership {
  /** Chosen by the first gateway of the deployment, for ever. */
  readonly clusterId: string
  readonly gateways: readonly Gateway[]
}

export function leaseKey(bootId: string): string {
  return `${LEASES}/${bootId}`
}

export function encodeMembership(membership: Membership): Uint8Array {
  return Buffer.from(JSON.stringify({ format: FORMAT, ...membership }))
}

/** Throws if it is not what this release writes: a gateway that cannot read the list must not rewrite it. */
export function decodeMembership(body: Uint8Array): Membership {
  let content: unknown
  try {
    content = JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    throw new StoredBytesError('the list of gateways is not JSON')
  }
  if (!isRecord(content) || content['format'] !== FORMAT) {
    throw new StoredBytesError('the list of gateways was written by another release')
  }
  const { clusterId, gateways } = content
  if (typeof clusterId !== 'string' || !Array.isArray(gateways) || !gateways.every(isGateway)) {
    throw new StoredBytesError('the list of gateways is damaged')
  }
  return { clusterId, gateways }
}

function isGateway(value: unknown): value is Gateway {
  if (!isRecord(value)) return false
  const { nodeId, host, port, bootId } = value
  return (
    Number.isSafeInteger(nodeId) && typeof host === 'string' && Number.isSafeInteger(port) && typeof bootId === 'string'
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

export type Entered =
  | { readonly kind: 'entered'; readonly membership: Membership }
  /** It is in the list already. */
  | { readonly kind: 'there' }
  /** Another gateway has the node id that was asked for. */
  | { readonly kind: 'taken'; readonly by: Gateway }

/**
 * The list with `self` in it: under `wantedId` where one is given, else under the node id of an entry with the same address
 * (that process is gone, or it could not have been bound), else under the lowest free one. An entry with the same address
 * goes in any case.
 */
export function withGateway(membership: Membership, self: Omit<Gateway, 'nodeId'>, wantedId?: number): Entered {
  const { gateways } = membership
  if (gateways.some((g) => g.bootId === self.bootId)) return { kind: 'there' }
  const predecessor = gateways.find((g) => g.host === self.host && g.port === self.port)
  const others = gateways.filter((g) => g !== predecessor)
  const holder = others.find((g) => g.nodeId === wantedId)
  if (holder !== undefined) return { kind: 'taken', by: holder }
  const nodeId = wantedId ?? predecessor?.nodeId ?? lowestFree(new Set(others.map((g) => g.nodeId)))
  const list = [...others, { nodeId, ...self }].sort((a, b) => a.nodeId - b.nodeId)
  return { kind: 'entered', membership: { ...membership, gateways: list } }
}

function lowestFree(taken: ReadonlySet<number>): number {
  let nodeId = 1
  while (taken.has(nodeId)) nodeId++
  return nodeId
}

/** The list without these processes. `undefined` if none of them is in it. */
export function withoutGateways(membership: Membership, bootIds: ReadonlySet<string>): Membership | undefined {
  const gateways = membership.gateways.filter((g) => !bootIds.has(g.bootId))
  return gateways.length === membership.gateways.length ? undefined : { ...membership, gateways }
}

// This gateway's place among the others: it joins the membership document, renews its lease, drops gateways that stopped
// renewing theirs, and keeps a view for Metadata. All changes are compare-and-set on one document, and each is a function of
// what is there, so an unknown outcome is settled by reading and deciding again. Membership only routes clients; two
// processes that both believe they are node 1 confuse nobody's records.
import { formatAddress } from '../base/address.ts'
import { assert } from '../base/assert.ts'
import { StoredBytesError } from '../base/bytes.ts'
import { type Clock, sleep } from '../base/clock.ts'
import { GATEWAYS_MAX, LEASE_EXPIRY_MS, LEASE_RENEW_MS } from '../base/limits.ts'
import type { Logger } from '../base/logger.ts'
import { type Random, randomInt } from '../base/random.ts'
import type { Members, Node } from '../broker/broker.ts'
import {
  decodeMembership,
  encodeMembership,
  type Gateway,
  leaseKey,
  MEMBERS_KEY,
  type Membership,
  withGateway,
  withoutGateways,
} from '../broker/cluster/membership-document.ts'
import type { DocumentStore } from '../storage/ports.ts'
import { LeaseWatch } from './lease-watch.ts'
import { leaseVersion, listLeases, removeLease } from './leases.ts'

/** Leases are listed at least every so many renewals, even by a gateway that knows of no other. */
const LOOK_ALONE_EVERY = 8
const TRIES_MAX = 20
const RETRY_MS_MAX = 500
/** A view is up to date while every renewal brought a read of the list, or all but one. */
const VIEW_AGE_MS_MAX = 2 * LEASE_RENEW_MS + RETRY_MS_MAX

function taken({ nodeId, host, port }: Gateway): string {
  return `Node id ${nodeId} (node.id) is taken by the gateway at ${formatAddress({ host, port })}: each needs its own.`
}

export interface MembershipPorts {
  readonly documents: DocumentStore
  readonly clock: Clock
  readonly random: Random
  /** The cluster id that the deployment has already; otherwise the first gateway chooses one. */
  readonly clusterId?: string
  /** The node id that this gateway must have; otherwise it gets a free one. */
  readonly nodeId?: number
  readonly logger?: Logger
}

/** `Members` with its end of life. */
export interface JoinedMembers extends Members {
  /** Removes this gateway from the list and stops renewing. Tries for a while, then leaves it to the others to notice. */
  leave(): Promise<void>
}

interface View {
  readonly version: number
  readonly membership: Membership
}
type ChangeOutcome =
  | { readonly kind: 'done'; readonly view: View }
  | { readonly kind: 'failed'; readonly cause: string }
type EnterOutcome = ChangeOutcome | { readonly kind: 'taken'; readonly by: Gateway }

/**
 * Joins under the advertised address. Rejects, with a sentence for people, when the store does not answer for several seconds
 * and when another live gateway has the node id that this one must have.
 */
export async function joinMembers(ports: MembershipPorts, address: Omit<Node, 'nodeId'>): Promise<JoinedMembers> {
  const member = new Member(ports, address)
  await member.join()
  return member
}

class Member implements JoinedMembers {
  readonly #ports: MembershipPorts
  readonly #address: Omit<Node, 'nodeId'>
  readonly #bootId: string
  readonly #watch = new LeaseWatch()
  #view: View | undefined
  #readMs = Number.NEGATIVE_INFINITY
  #steadySinceMs = 0
  #self = 0
  #leaseVersion = 0
  #reading: Promise<void> | undefined
  #ticks = 0
  #tickedMs = Number.POSITIVE_INFINITY
  #cancelTick = (): void => {}
  #ticking: Promise<void> | undefined
  #left = false

  constructor(ports: MembershipPorts, address: Omit<Node, 'nodeId'>) {
    this.#ports = ports
    this.#address = address
    this.#bootId = Buffer.from(ports.random.bytes(12)).toString('hex')
  }

  get self(): number {
    return this.#self
  }

  get clusterId(): string {
    return this.#known().membership.clusterId
  }

  epoch(): number {
    return this.#known().version
  }

  nodes(): readonly Node[] {
    const gateways = this.#known().membership.gateways.map(({ nodeId, host, port }) => ({ nodeId, host, port }))
    // All of them may have been dropped while nobody could renew; this one is alive, whatever the list says.
    return gateways.length > 0 ? gateways : [{ nodeId: this.#self, ...this.#address }]
  }

  steadyMs(): number {
    const nowMs = this.#ports.clock.monotonic()
    return nowMs - this.#readMs > VIEW_AGE_MS_MAX ? 0 : nowMs - this.#steadySinceMs
  }

  refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async join(): Promise<void> {
    const { documents, clock, nodeId } = this.#ports
    const holders = new LeaseWatch()
    const giveUpMs = clock.monotonic() + 3 * LEASE_EXPIRY_MS
    for (;;) {
      // The lease comes first, so that nobody ever sees a member without one for longer than a read takes.
      await this.#renew()
      const entered = await this.#enter(nodeId)
      if (entered.kind === 'failed') throw new Error(`Cannot join the list of gateways: ${entered.cause}.`)
      if (entered.kind === 'done') break
      // Whoever has the number may have died a moment ago: this gateway's own predecessor at another address, for instance.
      const holder = await this.#lookAt(entered.by, holders)
      if (holder === 'lives' || clock.monotonic() > giveUpMs) {
        await removeLease(documents, this.#bootId, this.#leaseVersion)
        throw new Error(taken(entered.by))
      }
      if (holder === 'unsure') await sleep(clock, LEASE_RENEW_MS)
    }
    this.#schedule()
  }

  /** What one look more at a gateway's lease shows. One that is gone is dropped. */
  async #lookAt({ bootId }: Gateway, watch: LeaseWatch): Promise<'lives' | 'gone' | 'unsure'> {
    const { documents, clock } = this.#ports
    const version = await leaseVersion(documents, bootId)
    if (version === undefined) return 'unsure'
    const seen = watch.versionOf(bootId)
    if (seen !== undefined && version > 0 && version !== seen) return 'lives'
    const leases = new Map([[bootId, version]])
    if (!watch.look(clock.monotonic(), leases).has(bootId)) return 'unsure'
    await this.#drop(new Set([bootId]), leases)
    return 'gone'
  }

  async leave(): Promise<void> {
    if (this.#left) return
    this.#left = true
    this.#cancelTick()
    await this.#ticking
    const own = new Set([this.#bootId])
    await this.#change((membership) => membership && withoutGateways(membership, own))
    await this.#ports.documents.delete(leaseKey(this.#bootId), this.#leaseVersion)
  }

  #known(): View {
    assert(this.#view !== undefined, 'the membership document was read before anyone asks')
    return this.#view
  }

  /** Takes over a newer view; an older one, from a read that was overtaken, is dropped. */
  #learn(view: View): void {
    const nowMs = this.#ports.clock.monotonic()
    const isNewer = this.#view === undefined || view.version > this.#view.version
    if (isNewer || nowMs - this.#readMs > VIEW_AGE_MS_MAX) this.#steadySinceMs = nowMs
    this.#readMs = nowMs
    if (isNewer) this.#view = view
  }

  async #read(): Promise<void> {
    const got = await this.#ports.documents.get(MEMBERS_KEY)
    if (got.kind !== 'found') return
    try {
      this.#learn({ version: got.document.version, membership: decodeMembership(got.document.body) })
    } catch (error) {
      // A newer release writes another format: this gateway keeps its view, and goes on to serve.
      if (!(error instanceof StoredBytesError)) throw error
    }
  }

  async #enter(wantedId: number | undefined): Promise<EnterOutcome> {
    const self = { ...this.#address, bootId: this.#bootId }
    const predecessors = new Set<string>()
    let holder: Gateway | undefined
    const outcome = await this.#change((membership) => {
      const list = membership ?? { clusterId: this.#ports.clusterId ?? this.#newClusterId(), gateways: [] }
      const entered = withGateway(list, self, wantedId)
      holder = entered.kind === 'taken' ? entered.by : undefined
      if (entered.kind !== 'entered') return undefined
      const same = list.gateways.filter((g) => g.host === self.host && g.port === self.port)
      for (const gateway of same) predecessors.add(gateway.bootId)
      assert(list.gateways.length < GATEWAYS_MAX, 'a deployment has a bounded number of gateways')
      return entered.membership
    })
    if (outcome.kind === 'failed') return outcome
    if (holder !== undefined) return { kind: 'taken', by: holder }
    const entry = outcome.view.membership.gateways.find((g) => g.bootId === this.#bootId)
    assert(entry !== undefined, 'whoever joined is in the list')
    this.#self = entry.nodeId
    for (const bootId of predecessors) await removeLease(this.#ports.documents, bootId)
    return outcome
  }

  #newClusterId(): string {
    return Buffer.from(this.#ports.random.bytes(16)).toString('base64url')
  }

  /** Compare-and-set until `change` has nothing to change (it returns `undefined`) or its result is in place. */
  async #change(change: (current: Membership | undefined) => Membership | undefined): Promise<ChangeOutcome> {
    const { documents, clock, random } = this.#ports
    let cause = 'too many gateways change it at once'
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (tries > 0) await sleep(clock, randomInt(random, 1, Math.min(RETRY_MS_MAX, 20 * 2 ** tries)))
      const got = await documents.get(MEMBERS_KEY)
      if (got.kind === 'unavailable') {
        cause = got.cause
        continue
      }
      const current = got.kind === 'found' ? got.document : undefined
      const membership = current && decodeMembership(current.body)
      const changed = change(membership)
      if (changed === undefined) {
        const view = { version: current?.version ?? 0, membership: membership ?? this.#known().membership }
        this.#learn(view)
        return { kind: 'done', view }
      }
      const put = await documents.put(MEMBERS_KEY, encodeMembership(changed), current?.version ?? 0)
      if (put.kind === 'applied') {
        const view = { version: put.version, membership: changed }
        this.#learn(view)
        return { kind: 'done', view }
      }
      // A conflict, or an outcome that the next read will show.
      if (put.kind !== 'conflict') cause = put.cause
    }
    return { kind: 'failed', cause }
  }

  /** The next tick comes LEASE_RENEW_MS after the last one began, so that a slow store does not make the lease look older. */
  #schedule(): void {
    if (this.#left) return
    const tookMs = Math.max(0, this.#ports.clock.monotonic() - this.#tickedMs)
    this.#cancelTick = this.#ports.clock.timer(Math.max(0, LEASE_RENEW_MS - tookMs), () => {
      this.#ticking = this.#tick()
        // A list that this release cannot read must not end the process: it keeps its view and tries again.
        .catch(() => {})
        .finally(() => this.#schedule())
    })
  }

  async #tick(): Promise<void> {
    const nowMs = this.#ports.clock.monotonic()
    // This process was frozen, and so may the others have been: they get their time to renew from now on.
    if (nowMs - this.#tickedMs >= LEASE_EXPIRY_MS) this.#watch.restart()
    this.#tickedMs = nowMs
    this.#ticks++
    await this.#renew()
    await this.refresh()
    const { gateways } = this.#known().membership
    if (!gateways.some((g) => g.bootId === this.#bootId)) await this.#rejoin()
    if (gateways.length > 1 || this.#ticks % LOOK_ALONE_EVERY === 0) await this.#dropTheDead()
  }

  /** Others dropped this gateway while it could not renew. Not when a successor has its address: that one is right. */
  async #rejoin(): Promise<void> {
    const { host, port } = this.#address
    if (this.#known().membership.gateways.some((g) => g.host === host && g.port === port)) return
    const wantedId = this.#self
    const entered = await this.#enter(wantedId)
    if (entered.kind !== 'taken') return
    // Somebody came in the meantime. This gateway has clients, so it goes on under another number instead of ending.
    this.#ports.logger?.warn({ nodeId: wantedId }, `${taken(entered.by)} This one goes on under another.`)
    await this.#enter(undefined)
  }

  async #renew(): Promise<void> {
    const { documents } = this.#ports
    const put = await documents.put(leaseKey(this.#bootId), Buffer.from('{}'), this.#leaseVersion)
    if (put.kind === 'applied') this.#leaseVersion = put.version
    // After an unknown outcome, or after somebody removed it: go on from what is there. The next renewal changes it.
    if (put.kind === 'conflict') this.#leaseVersion = put.current?.version ?? 0
  }

  async #dropTheDead(): Promise<void> {
    const leases = await listLeases(this.#ports.documents)
    if (leases === undefined) return
    const others = this.#known().membership.gateways.filter((g) => g.bootId !== this.#bootId)
    leases.delete(this.#bootId)
    const gone = this.#watch.look(
      this.#ports.clock.monotonic(),
      leases,
      others.map((g) => g.bootId),
    )
    if (gone.size > 0) await this.#drop(gone, leases)
  }

  async #drop(gone: ReadonlySet<string>, leases?: ReadonlyMap<string, number>): Promise<void> {
    await this.#change((membership) => membership && withoutGateways(membership, gone))
    for (const bootId of gone) await removeLease(this.#ports.documents, bootId, leases?.get(bootId))
  }
}

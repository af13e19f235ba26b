// Who is still alive, judged only by whether lease documents change while we look. A gateway counts as gone when its lease
// stayed the same for LEASE_EXPIRY_MS of our monotonic time and over several looks: after this process itself was slow, the
// time alone would condemn gateways that renewed in between. After it was frozen, or the whole laptop slept, nothing that was
// seen before counts (`restart`), since the others had no chance to renew either.
import { LEASE_EXPIRY_MS } from '../base/limits.ts'

const LOOKS_MIN = 3

interface Watched {
  version: number
  sinceMs: number
  looks: number
}

export class LeaseWatch {
  readonly #watched = new Map<string, Watched>()

  /** Forgets all that was seen. */
  restart(): void {
    this.#watched.clear()
  }

  /** The lease's version when it was last looked at. */
  versionOf(bootId: string): number | undefined {
    return this.#watched.get(bootId)?.version
  }

  /**
   * One look: the lease versions by boot id as read now, and the boot ids that ought to have one. Returns those that are
   * gone, leases without an owner included.
   */
  look(nowMs: number, leases: ReadonlyMap<string, number>, expected: Iterable<string> = []): Set<string> {
    const bootIds = new Set([...leases.keys(), ...expected])
    const gone = new Set<string>()
    for (const bootId of this.#watched.keys()) if (!bootIds.has(bootId)) this.#watched.delete(bootId)
    for (const bootId of bootIds) {
      const version = leases.get(bootId) ?? 0
      const before = this.#watched.get(bootId)
      if (before === undefined || before.version !== version) {
        this.#watched.set(bootId, { version, sinceMs: nowMs, looks: 0 })
        continue
      }
      before.looks++
      if (before.looks >= LOOKS_MIN && nowMs - before.sinceMs >= LEASE_EXPIRY_MS) gone.add(bootId)
    }
    return gone
  }
}

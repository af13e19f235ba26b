// Garbage collection as the design orders it, by a process of its own on faulty stores: the head's checkpoint has moved; the
// horizon is advanced to a checkpoint announced some time ago; only then chunks behind it and objects that nothing refers to
// are deleted. Beside the log's own collector this one is impatient: its grace period is often far too
// short, which may cost a writer its work but never the log its records.
import { newUlid } from '../../lib/base/ids.ts'
import { encodeHorizonAdvanced } from '../../lib/journal/entries/horizon-advanced.ts'
import { encodeEntry } from '../../lib/journal/entry.ts'
import { type Head, OBJECT_KINDS, type ObjectKey, type Stores } from '../../lib/storage/ports.ts'
import type { Host } from './host.ts'
import type { Oracle } from './oracle.ts'
import type { World } from './world.ts'

const TRIES = 40
const LIST_PAGE = 100

/** One sweep. Ends early when the stores do not let it through. */
export async function collect(
  world: World,
  host: Host,
  stores: Stores,
  oracle: Oracle,
  graceMs: number,
): Promise<void> {
  const pause = (): Promise<void> => new Promise((resolve) => void host.clock.timer(host.random.duration(80), resolve))
  const due = oracle.checkpoints.filter(({ atMs }) => world.now() - atMs >= graceMs).at(-1)
  if (due === undefined) return
  const horizon = due.generation

  async function readHead(): Promise<Head | undefined> {
    for (let i = 0; i < TRIES; i++) {
      const outcome = await stores.journal.readHead()
      if (outcome.kind === 'found') return outcome.head
      await pause()
    }
    return undefined
  }
  async function advanceHorizon(to: number): Promise<boolean> {
    let head = await readHead()
    if (head?.checkpoint === undefined || head.checkpoint.generation < horizon) return false
    const id = newUlid(host.clock, host.random)
    const entry = encodeEntry(
      { kind: 'horizonAdvanced', id, origin: head.generation },
      encodeHorizonAdvanced({ generation: to }),
    )!
    for (let i = 0; i < TRIES && head !== undefined; i++) {
      const { generation, incarnation } = head
      const outcome = await stores.journal.append({ generation, incarnation, entries: [entry.bytes] })
      if (outcome.kind === 'applied') return true
      // A lost answer: once the generation has passed it may be there already, and a second one would be an entry twice.
      if (outcome.kind === 'unknown') return false
      if (outcome.kind === 'rejected' && outcome.head !== undefined) head = outcome.head
      await pause()
    }
    return false
  }
  async function repeat(work: () => Promise<{ readonly kind: string }>): Promise<void> {
    for (let i = 0; i < TRIES; i++) {
      const { kind } = await work()
      if (kind === 'applied') return
      await pause()
    }
  }
  async function sweep(kind: (typeof OBJECT_KINDS)[number]): Promise<void> {
    let next: string | undefined
    const keys: ObjectKey[] = []
    for (let i = 0; i < TRIES; i++) {
      const page = await stores.objects.list(kind, { limit: LIST_PAGE, ...(next === undefined ? {} : { next }) })
      if (page.kind !== 'found') {
        await pause()
        continue
      }
      keys.push(...page.objects.map((object) => object.key))
      next = page.next
      if (next === undefined) break
    }
    const garbage = await oracle.garbage(keys, horizon)
    if (garbage.length > 0) await repeat(() => stores.objects.delete(garbage))
  }

  // A foolish one asks for more than any checkpoint covers; the fold has to refuse that.
  if (host.random.chance(0.1)) await advanceHorizon(horizon + host.random.int(1, 30))
  if (!(await advanceHorizon(horizon))) return
  world.trace(`${host.name} collects behind ${horizon}`)
  if (horizon > 1) await repeat(() => stores.journal.deleteChunks(1, horizon - 1))
  for (const kind of OBJECT_KINDS) await sweep(kind)
}

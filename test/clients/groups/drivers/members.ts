// What the drivers written in TypeScript share: reading commands, writing events, and keeping account of what a member owns,
// so that every client's way of telling about assignments comes out as the same few events. Output is written synchronously
// (standard output is a pipe), so what a member did before it was killed is known.
import { createInterface } from 'node:readline'
import type { GroupEvent, MemberCommand, Place } from '../events.ts'
import { placeKey } from '../events.ts'

type Said = GroupEvent extends infer E ? (E extends GroupEvent ? Omit<E, 'at' | 'member'> : never) : never

export interface Teller {
  tell(event: Said, at?: number): void
  /** Makes what it owns exactly this: what is missing was revoked (or lost), what is new was assigned. */
  own(places: readonly Place[], how?: 'revoked' | 'lost'): void
  /** A rebalance began: everything it owns is given up. */
  give(how: 'revoked' | 'lost', at?: number): void
  owns(topic: string, partition: number): boolean
}

export function teller(member: string): Teller {
  let owned: readonly Place[] = []
  const tell = (event: Said, at = Date.now()): void => {
    process.stdout.write(`${JSON.stringify({ ...event, member, at })}\n`)
  }
  const self: Teller = {
    tell,
    own: (places, how = 'revoked') => {
      const before = new Set(owned.map(placeKey))
      const after = new Set(places.map(placeKey))
      const gone = owned.filter((place) => !after.has(placeKey(place)))
      owned = [...places]
      if (gone.length > 0) tell({ event: how, places: gone })
      tell({ event: 'assigned', places: places.filter((place) => !before.has(placeKey(place))) })
    },
    give: (how, at) => {
      if (owned.length > 0) tell({ event: how, places: owned }, at)
      owned = []
    },
    owns: (topic, partition) => owned.some((place) => place[0] === topic && place[1] === partition),
  }
  return self
}

type Start = Extract<MemberCommand, { op: 'start' }>
type Alone = Extract<MemberCommand, { op: 'commitAlone' | 'fetchCommitted' }>

export interface RunningMember {
  stop(): Promise<void>
  /** Pause, resume and seek. */
  steer?(command: Extract<MemberCommand, { op: 'pause' | 'resume' | 'seek' }>): void
}

/** Serves commands until standard input ends, then stops every member. */
export async function serveMembers(
  start: (spec: Start, told: Teller) => Promise<RunningMember>,
  alone: (command: Alone) => Promise<Record<string, unknown>>,
  codeOf: (error: unknown) => number,
): Promise<void> {
  const members = new Map<string, { teller: Teller; running: Promise<RunningMember | undefined> }>()
  const failed = (told: Teller, error: unknown): void =>
    told.tell({ event: 'error', code: codeOf(error), text: String(error), fatal: true })
  const stop = async (name: string): Promise<void> => {
    const found = members.get(name)
    if (found === undefined) return
    members.delete(name)
    found.teller.tell({ event: 'leaving' })
    await (await found.running)?.stop().catch((error) => failed(found.teller, error))
    found.teller.give('revoked')
    found.teller.tell({ event: 'closed' })
  }
  const stopping: Promise<void>[] = []
  const perform = async (command: MemberCommand): Promise<void> => {
    if (command.op === 'start') {
      const told = teller(command.member)
      told.tell({ event: 'joining' })
      const running = start(command, told).catch((error) => {
        failed(told, error)
        return undefined
      })
      members.set(command.member, { teller: told, running })
    } else if (command.op === 'stop') {
      stopping.push(stop(command.member))
    } else if (command.op === 'commitAlone' || command.op === 'fetchCommitted') {
      const { id } = command
      const { tell } = teller('')
      await alone(command).then(
        (reply) => tell({ event: 'reply', id, ok: true, ...reply }),
        (error) => tell({ event: 'reply', id, ok: false, code: codeOf(error), text: String(error) }),
      )
    } else {
      const running = await members.get(command.member)?.running
      running?.steer?.(command)
    }
  }
  for await (const line of createInterface({ input: process.stdin })) void perform(JSON.parse(line) as MemberCommand)
  await Promise.all([...stopping, ...[...members.keys()].map(stop)])
  process.exit(0)
}

// The members of one group as running processes: starts drivers, hands them commands, merges their events in the order of
// arrival, and knows at any moment who owns what. Ends only processes that it started, by their process ids. Waiting is for
// conditions on what has been told, never for a fixed time.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type EventOf, type GroupEvent, type MemberCommand, type MemberSpec, type Place, placeKey } from './events.ts'
import { GROUP_DRIVERS } from './families.ts'
import { sleep } from './traffic.ts'

type DriverName = keyof typeof GROUP_DRIVERS
type Reply = EventOf<'reply'>

export interface DriverProcess {
  readonly child: ChildProcess
  readonly ended: Promise<void>
  readonly errors: string[]
  readonly members: Set<string>
}

export interface Fleet {
  /** Everything told so far, in order of arrival. */
  readonly events: readonly GroupEvent[]
  /** What each living member owns now. */
  readonly owned: ReadonlyMap<string, ReadonlySet<string>>
  /** A process with members of one driver. */
  open(driver: DriverName): DriverProcess
  /** Starts a member, in a process of its own unless one is given. */
  start(driver: DriverName, member: string, spec: MemberSpec, process?: DriverProcess): void
  /** Leaves the group gracefully; resolves when it is closed. */
  stop(member: string): Promise<void>
  /** kill -9 of its process, and of all members that live there. */
  kill(member: string): Promise<void>
  /** Stops a member's process for a while (SIGSTOP), and lets it go on (SIGCONT). */
  signal(member: string, signal: 'SIGSTOP' | 'SIGCONT'): void
  tell(member: string, command: Extract<MemberCommand, { op: 'pause' | 'resume' | 'seek' }>): void
  /** Offsets without membership, asked of a driver's process. */
  ask(process: DriverProcess, command: Alone): Promise<Reply>
  /** Resolves when it holds, looking again as long as something is told; rejects with what was seen instead. */
  until(what: string, holds: () => boolean, timeoutMs: number): Promise<void>
  /** What the processes said on standard error, newest last. */
  errors(linesMax?: number): string
  close(): Promise<void>
}

type Alone =
  | Omit<Extract<MemberCommand, { op: 'commitAlone' }>, 'id' | 'bootstrap'>
  | Omit<Extract<MemberCommand, { op: 'fetchCommitted' }>, 'id' | 'bootstrap'>

const LOOK_MS = 20
const ERROR_LINES_MAX = 2000
const CLOSE_MS_MAX = 25_000
const ASK_MS_MAX = 40_000

// Each process waits for our exit.
process.setMaxListeners(0)

export function createFleet(bootstrap: string): Fleet {
  const events: GroupEvent[] = []
  const owned = new Map<string, Set<string>>()
  const processes = new Set<DriverProcess>()
  const homes = new Map<string, DriverProcess>()
  let asked = 0

  const take = (event: GroupEvent): void => {
    events.push(event)
    const mine = owned.get(event.member)
    if (event.event === 'joining') owned.set(event.member, new Set())
    else if (event.event === 'assigned') for (const place of event.places) mine?.add(placeKey(place))
    else if (event.event === 'revoked' || event.event === 'lost') {
      for (const place of event.places) mine?.delete(placeKey(place))
    } else if (event.event === 'killed' || event.event === 'closed') owned.delete(event.member)
  }

  const open = (driver: DriverName): DriverProcess => {
    const [command, ...args] = GROUP_DRIVERS[driver]
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    const errors: string[] = []
    const endWithUs = (): void => void child.kill('SIGKILL')
    process.once('exit', endWithUs)
    const ended = new Promise<void>((resolve) => {
      child.once('error', (error) => errors.push(String(error)))
      child.once('close', () => {
        process.off('exit', endWithUs)
        // Whatever its members had is over, however it ended.
        for (const member of self.members) take({ event: 'killed', member, at: Date.now() })
        self.members.clear()
        resolve()
      })
    })
    const self: DriverProcess = { child, ended, errors, members: new Set() }
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.startsWith('{')) return
      const event = JSON.parse(line) as GroupEvent
      if (event.event === 'closed') self.members.delete(event.member)
      take(event)
    })
    createInterface({ input: child.stderr }).on('line', (line) => {
      errors.push(line)
      if (errors.length > ERROR_LINES_MAX) errors.shift()
    })
    child.stdin.on('error', () => undefined)
    processes.add(self)
    return self
  }

  const send = (to: DriverProcess | undefined, command: MemberCommand): void => {
    to?.child.stdin?.write(`${JSON.stringify(command)}\n`)
  }

  const until: Fleet['until'] = async (what, holds, timeoutMs) => {
    const deadline = Date.now() + timeoutMs
    for (let looked = -1; ; await sleep(LOOK_MS)) {
      // Where nothing was told nothing can have changed.
      if (looked !== events.length && holds()) return
      looked = events.length
      if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms.\n${picture()}`)
    }
  }

  /** What there was to see when something did not come about. */
  const picture = (): string => {
    const shown = [...owned].map(([member, places]) => `${member} owns ${[...places].sort().join(' ') || 'nothing'}`)
    const last = events.filter(({ event }) => event !== 'record' && event !== 'committed').slice(-15)
    return [...shown, ...last.map((event) => JSON.stringify(event).slice(0, 400)), fleet.errors()].join('\n')
  }

  const fleet: Fleet = {
    events,
    owned,
    open,
    start: (driver, member, spec, given) => {
      const home = given ?? open(driver)
      home.members.add(member)
      homes.set(member, home)
      send(home, { op: 'start', member, bootstrap, ...spec })
    },
    stop: async (member) => {
      const home = homes.get(member)
      send(home, { op: 'stop', member })
      await until(`${member} leaves`, () => home?.members.has(member) !== true, CLOSE_MS_MAX)
      // The last one to leave takes its process with it.
      if (home !== undefined && home.members.size === 0) {
        home.child.stdin?.end()
        await Promise.race([home.ended, sleep(5000)])
        home.child.kill('SIGKILL')
      }
    },
    kill: async (member) => {
      const home = homes.get(member)
      home?.child.kill('SIGKILL')
      await home?.ended
    },
    signal: (member, signal) => void homes.get(member)?.child.kill(signal),
    tell: (member, command) => send(homes.get(member), command),
    ask: async (to, command) => {
      asked += 1
      const id = asked
      send(to, { ...command, id, bootstrap } as MemberCommand)
      const answer = (): Reply | undefined =>
        events.find((event): event is Reply => event.event === 'reply' && event.id === id)
      await until(command.op, () => answer() !== undefined, ASK_MS_MAX)
      return answer() as Reply
    },
    until,
    errors: () =>
      [...processes]
        .flatMap(({ errors }) => errors.slice(-6))
        .slice(-25)
        .join('\n'),
    close: async () => {
      for (const { child } of processes) child.stdin?.end()
      const timer = setTimeout(() => {
        for (const { child } of processes) child.kill('SIGKILL')
      }, 8000)
      await Promise.all([...processes].map(({ ended }) => ended))
      clearTimeout(timer)
    },
  }
  return fleet
}

/** Each partition of the topic has an owner, these members and no others own something, and none owns two shares. */
export function settled(fleet: Fleet, places: readonly Place[], members: number, idle = 0): boolean {
  const sizes = [...fleet.owned.values()].map(({ size }) => size)
  if (sizes.length !== members + idle || sizes.filter((size) => size === 0).length !== idle) return false
  const all = [...fleet.owned.values()].flatMap((mine) => [...mine])
  return all.length === places.length && new Set(all).size === places.length
}

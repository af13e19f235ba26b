// What the scenarios share: a topic under steady load, a group with its members and an observer of its offsets, set up before
// and cleared away after, and the end that each of them comes to: writing stops, everything is processed, the members leave,
// the judge is asked. Each scene has names of its own, so scenes can run side by side.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Kafka } from 'kafkajs'
import type { RunningServer } from '../servers.ts'
import type { GroupEvent, MemberSpec, Place } from './events.ts'
import type { Family } from './families.ts'
import { createFleet, type DriverProcess, type Fleet, settled } from './fleet.ts'
import {
  createTopic,
  endsOf,
  kafkaFor,
  type Observer,
  placesOf,
  startObserver,
  startTraffic,
  type Traffic,
} from './traffic.ts'
import { type Expected, type Figures, type Observation, verify } from './verify.ts'

/** What a run is given. */
export interface Setting {
  readonly server: RunningServer['kind']
  readonly bootstrap: string
  readonly seed: number
  /** How long the server keeps members of the KIP-848 protocol that it hears nothing of. */
  readonly consumerSessionMs: number
  /** How much longer than usual everything may take, sessions of members too: for a machine that does much else. 1 if undefined. */
  readonly patience?: number
  /** Where the events of a scene that failed are left. */
  readonly scratch: string
}

/** The shortest that Kafka lets members of classic groups ask for. */
export const SESSION_MS = 6000
/** Generous: what is slow is measured elsewhere. */
export const SETTLE_MS = 40_000
const DRAIN_MS = 20_000
const RECORDS_PER_TICK = 6

export interface Scene {
  readonly setting: Setting
  readonly kafka: Kafka
  readonly fleet: Fleet
  readonly topic: string
  readonly group: string
  readonly traffic: Traffic
  /** How long to wait for what should come about, and the session of members of classic groups. */
  readonly settleMs: number
  readonly sessionMs: number
  /** Starts a member of the family. */
  join(family: Family, member: string, more?: Partial<MemberSpec>, process?: DriverProcess): void
  /** A process of the family that is ready to take a member without further ado. */
  prepare(family: Family): Promise<DriverProcess>
  /** Resolves when these members share the partitions of the topic, and so many more have none. */
  shared(partitions: number, members: number, idle?: number, timeoutMs?: number): Promise<void>
  /** Adds partitions to the topic and writes to them. */
  widen(partitions: number): Promise<void>
  /** To the end, whatever is left of the group; resolves with what there was to count. */
  finish(options?: Pick<Expected, 'lateRecords' | 'outlived'>): Promise<string>
}

export const slug = (name: string): string => name.replace(/[^a-zA-Z0-9.]+/g, '-')

interface StageOptions {
  readonly partitions: number
  readonly perTick?: number
  /** How often records are written and committed offsets looked at; undefined: many times a second. */
  readonly tickMs?: number
  readonly lookMs?: number
}

/** Plays a scene and clears away after it. */
export async function stage(
  setting: Setting,
  name: string,
  options: StageOptions,
  play: (scene: Scene) => Promise<string>,
): Promise<string> {
  const topic = slug(name)
  const kafka = kafkaFor(setting.bootstrap)
  await createTopic(kafka, topic, options.partitions)
  const { patience = 1 } = setting
  const { partitions, perTick = RECORDS_PER_TICK, tickMs, lookMs } = options
  const traffic = await startTraffic(kafka, { [topic]: partitions }, perTick, 1, tickMs)
  const observer = await startObserver(kafka, [{ group: topic, topic }], lookMs)
  const fleet = createFleet(setting.bootstrap)
  const scene: Scene = {
    ...{ setting, kafka, fleet, topic, group: topic, traffic },
    ...{ settleMs: SETTLE_MS * patience, sessionMs: SESSION_MS * patience },
    join: (family, member, more = {}, process) => {
      const spec: MemberSpec = {
        group: topic,
        topics: [topic],
        sessionTimeoutMs: SESSION_MS,
        ...family.member,
        ...more,
      }
      fleet.start(family.driver, member, spec, process)
    },
    prepare: async (family) => {
      const process = fleet.open(family.driver)
      await fleet.ask(process, { op: 'fetchCommitted', group: topic, place: [topic, 0] })
      return process
    },
    shared: (partitions, members, idle = 0, timeoutMs = scene.settleMs) => {
      const places: readonly Place[] = placesOf(topic, partitions)
      const what = `${members} members share ${partitions} partitions${idle > 0 ? `, ${idle} have none` : ''}`
      return fleet.until(what, () => settled(fleet, places, members, idle), timeoutMs)
    },
    widen: async (partitions) => {
      const admin = kafka.admin()
      await admin.connect()
      await admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] })
      await admin.disconnect()
      await traffic.widen(topic, partitions)
    },
    finish: (options = {}) => finish(scene, observer, options),
  }
  try {
    return await play(scene)
  } catch (error) {
    await writeFile(
      join(setting.scratch, `${topic}.jsonl`),
      fleet.events.map((event) => JSON.stringify(event)).join('\n'),
    )
    throw error
  } finally {
    await Promise.allSettled([traffic.stop(), observer.stop(), fleet.close()])
  }
}

async function finish(scene: Scene, observer: Observer, options: Partial<Expected>): Promise<string> {
  const { fleet, traffic, kafka, topic } = scene
  await traffic.stop()
  const ends = await endsOf(kafka, [topic])
  const reached = drained(fleet.events)
  await fleet.until('all records are processed', () => reached(ends), DRAIN_MS * (scene.setting.patience ?? 1))
  for (const member of [...fleet.owned.keys()]) await fleet.stop(member)
  await observer.stop()
  const { produced } = traffic
  const { observations } = observer
  const verdict = verify(fleet.events, { produced, ends, observations, ...options })
  if (verdict.violations.length > 0) throw new Error(`\n${verdict.violations.join('\n')}`)
  return summary(verdict.figures, observations)
}

export function summary(figures: Figures, observations: readonly Observation[]): string {
  const { records, duplicates, owners, commits, late, lost } = figures
  const more = `${late > 0 ? `, ${late} late` : ''}${lost > 0 ? `, ${lost} lost` : ''}`
  return `${records} records, ${duplicates} twice, ${owners} ownerships, ${commits} commits, ${observations.length} looks${more}`
}

/** From when the change began to the last change of what anybody owns, as the members tell it. */
export function changeMs(events: readonly GroupEvent[], since: number): number {
  const told = events.slice(since)
  const begun = told.find(({ event }) => event === 'joining' || event === 'leaving' || event === 'killed')
  const ended = told.findLast(
    (event) => (event.event === 'assigned' || event.event === 'revoked') && event.places.length > 0,
  )
  return Math.max(0, Math.round((ended?.at ?? 0) - (begun?.at ?? 0)))
}

/** Whether all records up to these ends have been processed by somebody, looking at what was told since it looked last. */
export function drained(events: readonly GroupEvent[]): (ends: ReadonlyMap<string, number>) => boolean {
  const next = new Map<string, number>()
  let read = 0
  return (ends) => {
    for (; read < events.length; read += 1) {
      const event = events[read]
      if (event?.event !== 'record') continue
      const place = `${event.topic}/${event.partition}`
      next.set(place, Math.max(next.get(place) ?? 0, event.offset + 1))
    }
    return [...ends].every(([place, end]) => (next.get(place) ?? 0) >= end)
  }
}

/** What this member has been told of partitions since: none, if no rebalance has reached it. */
export const disturbances = (scene: Scene, since: number, member: string): GroupEvent[] =>
  scene.fleet.events
    .slice(since)
    .filter((event) => event.member === member && ['assigned', 'revoked', 'lost'].includes(event.event))

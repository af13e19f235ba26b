// The main scenario of each family: a topic of twelve partitions under a steady load of keyed records, read by a group whose
// members come, leave and are killed: one, three, two, four, one. Which of them goes, and how, is drawn from the run's
// seed; at least one is killed and one leaves. Then everything that was told goes to the judge.
import type { GroupEvent, MemberSpec } from './events.ts'
import type { Family } from './families.ts'
import { createFleet, type Fleet, settled } from './fleet.ts'
import { createTopic, kafkaFor, placesOf, sleep, startObserver, startTraffic } from './traffic.ts'
import { type Figures, type Observation, verify } from './verify.ts'

export interface Setting {
  readonly bootstrap: string
  readonly seed: number
  /** How long the server keeps members of the KIP-848 protocol that it hears nothing of. */
  readonly consumerSessionMs: number
}

const PARTITIONS = 12
const RECORDS_PER_TICK = 6
const SESSION_MS = 6000
/** Beyond the session of a killed member. Generous: what is slow is measured elsewhere. */
const SETTLE_MS = 25_000
const DRAIN_MS = 20_000
const SIZES = [1, 3, 2, 4, 1]

/** A small generator, so that a run can be repeated from its seed. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below)
  }
}

export const slug = (name: string): string => name.replace(/[^a-zA-Z0-9.]+/g, '-')

/** From when the change began to the last change of what anybody owns, as the members tell it. */
export function changeMs(events: readonly GroupEvent[], since: number): number {
  const told = events.slice(since)
  const begun = told.find(({ event }) => event === 'joining' || event === 'leaving' || event === 'killed')
  const ended = told.findLast(
    (event) => (event.event === 'assigned' || event.event === 'revoked') && event.places.length > 0,
  )
  return Math.max(0, Math.round((ended?.at ?? 0) - (begun?.at ?? 0)))
}

/** All records up to these ends have been processed by somebody. */
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

interface Running {
  readonly fleet: Fleet
  readonly family: Family
  readonly spec: MemberSpec
  readonly setting: Setting
  readonly random: (below: number) => number
  readonly kills: boolean[]
  readonly steps: string[]
  started: number
}

async function scaleTo(running: Running, topic: string, size: number): Promise<void> {
  const { fleet, family, spec, random, kills, steps } = running
  const from = fleet.owned.size
  const since = fleet.events.length
  let how = ''
  let killed = false
  while (fleet.owned.size > size) {
    const names = [...fleet.owned.keys()]
    const member = names[random(names.length)] ?? ''
    const kill = kills.shift() ?? false
    how += kill ? ' kill' : ' leave'
    killed ||= kill
    if (kill) await fleet.kill(member)
    else await fleet.stop(member)
  }
  for (let more = fleet.owned.size; more < size; more += 1) {
    running.started += 1
    fleet.start(family.driver, `${slug(family.name)}-${running.started}`, spec)
  }
  const session = !killed ? 0 : spec.protocol === 'consumer' ? running.setting.consumerSessionMs : SESSION_MS
  const places = placesOf(topic, PARTITIONS)
  await fleet.until(`${size} members share the topic`, () => settled(fleet, places, size), SETTLE_MS + session)
  steps.push(`${from}→${size}${how} ${(changeMs(fleet.events, since) / 1000).toFixed(1)} s`)
  await sleep(500 + random(1000))
}

export async function churn(setting: Setting, family: Family): Promise<string> {
  const name = `churn-${slug(family.name)}`
  const kafka = kafkaFor(setting.bootstrap)
  await createTopic(kafka, name, PARTITIONS)
  const seed = setting.seed + [...family.name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 0)
  const random = randomFrom(seed)
  const traffic = await startTraffic(kafka, { [name]: PARTITIONS }, RECORDS_PER_TICK)
  const observer = await startObserver(kafka, [{ group: name, topic: name }])
  const fleet = createFleet(setting.bootstrap)
  const first = random(2) === 0
  const running: Running = {
    ...{ fleet, family, setting, random, steps: [], started: 0 },
    spec: { group: name, topics: [name], sessionTimeoutMs: SESSION_MS, ...family.member },
    // A session of the KIP-848 protocol takes 45 s to run out: one is enough.
    kills: [first, !first, ...[0, 1].map(() => family.member.protocol === 'classic' && random(2) === 0)],
  }
  try {
    for (const size of SIZES) await scaleTo(running, name, size)
    const ends = await traffic.stop()
    const reached = drained(fleet.events)
    await fleet.until('all records are processed', () => reached(ends), DRAIN_MS)
    for (const member of [...fleet.owned.keys()]) await fleet.stop(member)
    await observer.stop()
    const { lateRecords = false } = family
    const { produced } = traffic
    const verdict = verify(fleet.events, { produced, ends, observations: observer.observations, lateRecords })
    if (verdict.violations.length > 0) throw new Error(verdict.violations.join('\n'))
    return `${running.steps.join(', ')}; ${summary(verdict.figures, observer.observations)}`
  } finally {
    await Promise.allSettled([traffic.stop(), observer.stop(), fleet.close()])
  }
}

export function summary(figures: Figures, observations: readonly Observation[]): string {
  const { records, duplicates, owners, commits, late, lost } = figures
  const more = `${late > 0 ? `, ${late} late` : ''}${lost > 0 ? `, ${lost} lost` : ''}`
  return `${records} records, ${duplicates} twice, ${owners} ownerships, ${commits} commits, ${observations.length} looks${more}`
}

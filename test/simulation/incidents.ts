// How often the things happened to functions, to requests over HTTPS and to groups that a run claims to try. As with faults of stores,
// what never happened in a long run fails it.
export const INCIDENTS = [
  'cold start',
  'thaw',
  'freeze between requests',
  'freeze inside a request',
  'frozen with work under way',
  'killed while frozen',
  'killed inside a request',
  'killed by the time limit',
  'request',
  'request refused on the way',
  'request repeated under its id',
  'request delivered late',
  'request delivered twice at once',
  'request delivered again later',
  'answer lost',
  'no answer within the time of API Gateway',
  'answered 202',
  'request id used for another frame',
  'request id from the future',
  'group member falls silent',
  'group member sleeps and goes on',
  'group member wakes up late',
  'group deleted',
  'offsets of a group deleted',
  'gateway frozen over a commit',
  'static member replaced over a commit',
  'groups swept',
  'commit acknowledged',
  'commit refused',
  'commit in doubt',
  'partition of a group taken over',
  'generation of a classic group',
] as const
export type Incident = (typeof INCIDENTS)[number]

export interface Incidents {
  count(incident: Incident): void
  add(other: Incidents): void
  get(incident: Incident): number
  /** What never happened. */
  missing(): readonly string[]
}

export function createIncidents(): Incidents {
  const counts = new Map<Incident, number>()
  const get = (incident: Incident): number => counts.get(incident) ?? 0
  return {
    get,
    count: (incident) => void counts.set(incident, get(incident) + 1),
    add(other) {
      for (const incident of INCIDENTS) counts.set(incident, get(incident) + other.get(incident))
    },
    missing: () => INCIDENTS.filter((incident) => get(incident) === 0),
  }
}

/** The table as lines of Markdown. */
export function renderIncidents(incidents: Incidents): string[] {
  return ['| functions and HTTPS | times |', '|---|---:|', ...INCIDENTS.map((i) => `| ${i} | ${incidents.get(i)} |`)]
}

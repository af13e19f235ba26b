// What the clients of groups in a run have in common: the groups, the topic they read, and how a client reaches the cluster.
import { offsetCommit } from '../../lib/wire/messages/offset-commit.ts'
import type { Api } from '../../lib/wire/schema.ts'
import type { Process } from './cluster.ts'
import { eitherLine, type GroupLine, gatewayLine, httpsLine } from './group-line.ts'
import type { Gateway } from './https.ts'
import type { Incidents } from './incidents.ts'
import type { Seeded } from './random.ts'
import { KEPT_TOPIC, type KnownTopic, type Scene } from './scene.ts'

export interface GroupTraffic {
  readonly scene: Scene
  readonly gateway: Gateway
  readonly random: Seeded
  readonly incidents: Incidents
  /** None in some runs. */
  readonly groups: readonly GroupPlan[]
}

export interface GroupPlan {
  readonly id: string
  /** `mixed`: members of both, so that the group changes its own while it runs. */
  readonly protocol: 'classic' | 'consumer' | 'mixed'
}
export const keptTopic = (scene: Scene): KnownTopic =>
  [...scene.topics.values()].find(({ name }) => name === KEPT_TOPIC)!

/** How a client reaches the cluster. */
export function lineFor(traffic: GroupTraffic, random: Seeded, name: string): GroupLine {
  const { scene, gateway } = traffic
  const onSent = (api: Api, process: Process): void => freezeInside(traffic, random, api, process)
  const draw = random.fraction()
  if (draw < 0.35) return gatewayLine(scene, random, { onSent })
  if (draw < 0.6) return gatewayLine(scene, random, { hops: true, onSent })
  const https = httpsLine(gateway.client(name), random)
  return draw < 0.9 ? https : eitherLine(https, gatewayLine(scene, random, { hops: true, onSent }), random)
}

/** A commit rests on what its process read a moment ago: that moment is made long now and then. */
function freezeInside({ scene, incidents }: GroupTraffic, random: Seeded, api: Api, { host }: Process): void {
  if (!scene.busy || api.key !== offsetCommit.key || !random.chance(0.08)) return
  // While it looks at the journal, or at any time until it has answered.
  const afterMs = random.fraction() * random.pick([6, 25])
  const forMs = random.duration(random.pick([2_000, 8_000, 20_000]))
  scene.world.at(afterMs, `${host.name} falls asleep over a commit`, () => {
    if (!scene.busy || host.state() !== 'running') return
    incidents.count('gateway frozen over a commit')
    host.freeze(forMs)
  })
}

// The serverless side of a busy time: producers, consumers and administrators over HTTPS beside those of the gateways, all
// of them on one log, and the maintenance function, which is woken by seals and now and then by nothing.
import { readToEndByHttps, runConsumer } from './consumer.ts'
import type { Gateway } from './https.ts'
import { runOnce, runRogue } from './https-clients.ts'
import type { Incidents } from './incidents.ts'
import type { Oracle } from './oracle.ts'
import { runProducer } from './producer.ts'
import type { Seeded } from './random.ts'
import { KEPT_TOPIC, type Scene } from './scene.ts'

export interface Traffic {
  readonly scene: Scene
  readonly gateway: Gateway
  readonly oracle: Oracle
  readonly random: Seeded
  readonly incidents: Incidents
}

const HOUR_MS = 3_600_000

/** The clients of one busy time. */
export function httpsClients(traffic: Traffic, index: number, part: (total: number) => number): Promise<void>[] {
  const { scene, gateway, random, incidents } = traffic
  const common = { byFrame: false, fanOut: random.int(1, 4) }
  const clients: Promise<void>[] = []
  const producers = [
    { idempotent: true, repeats: true, batches: part(20) },
    { idempotent: false, repeats: random.chance(0.5), batches: part(20) },
  ]
  for (const [i, options] of producers.entries()) {
    const name = `hp${index}-${i}`
    const https = gateway.client(name)
    clients.push(runProducer(scene, random.fork(name), { ...common, ...options, name, https }))
  }
  const names = [`hc${index}`, `ho${index}`, `hr${index}`] as const
  clients.push(runConsumer(scene, random.fork(names[0]), names[0], part(24), gateway.client(names[0])))
  clients.push(runOnce(scene, random.fork(names[1]), gateway.client(names[1]), names[1], part(10)))
  clients.push(runRogue(scene, random.fork(names[2]), gateway.client(names[2]), incidents, names[2], part(4)))
  return clients
}

/** Wakes the maintenance function after seals, as new chunks do, until `over`. */
export async function runMaintenance({ scene, oracle, random }: Traffic, over: () => boolean): Promise<void> {
  let seals = oracle.seals()
  while (!over()) {
    await scene.world.pause(random.duration(800))
    if (oracle.seals() === seals && !random.chance(0.1)) continue
    seals = oracle.seals()
    scene.fleet.maintain(random.pick([500, 10_000, HOUR_MS]))
  }
}

/** The topic that is never deleted, read to its end over HTTPS. */
export async function finalReadsByHttps(
  { scene, gateway }: Traffic,
  sight: (anomaly: string, detail: string) => void,
): Promise<void> {
  const client = gateway.client('final')
  for (const topic of [...scene.topics.values()].filter(({ name }) => name === KEPT_TOPIC)) {
    for (let partition = 0; partition < topic.partitions; partition++) {
      if (await readToEndByHttps(scene, client, { topic, partition })) continue
      sight('stuck', `${topic.name}/${partition} cannot be read to its end over HTTPS`)
      return
    }
  }
}

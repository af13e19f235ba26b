// What the phases of one run share.
import type { Mix } from './faults.ts'
import type { GroupTraffic } from './group-traffic.ts'
import type { Traffic } from './https-traffic.ts'
import type { Network } from './stores.ts'

export const MINUTE_MS = 60_000
export const HOUR_MS = 60 * MINUTE_MS
/** After the faults have stopped everything ends within this. */
export const CALM_MS_MAX = 3 * MINUTE_MS

export interface Run extends Traffic, GroupTraffic {
  readonly network: Network
  readonly sight: (anomaly: string, detail: string) => void
  /** Processes do not agree about the time of day. */
  clocksDiffer: boolean
  crashes: number
  freezes: number
  /** So much went wrong that more of it tells nothing. */
  isBroken(): boolean
}

export function setMix({ network, gateway, scene }: Run, mix: Mix): void {
  network.setMix(mix)
  gateway.setMix(mix)
  scene.fleet.setMix(mix)
}

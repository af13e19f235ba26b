// The only source of chance in a simulated run: a small generator (xoshiro128**) seeded from a number and a label, so that
// each part of the world (every process, the faults, every client) draws from a stream of its own and a change in one part
// does not shift what all the others draw. Same seed, same label, same draws, on every machine.
import type { Random } from '../../lib/base/random.ts'

/** Seeded randomness with the shapes that the simulation needs. */
export interface Seeded extends Random {
  /** Uniform in [0, 1). */
  fraction(): number
  /** Uniform integer in [min, max). */
  int(min: number, max: number): number
  /** True with this probability. */
  chance(probability: number): boolean
  /** One element of a list that is not empty. */
  pick<T>(list: readonly T[]): T
  /** A duration with a long tail: mostly around `typicalMs`, now and then ten times that. */
  duration(typicalMs: number): number
  /** An independent stream. */
  fork(label: string): Seeded
}

/** A stream for a seed and a label. */
export function seeded(seed: number, label: string): Seeded {
  let a = hash(seed, label, 0x9e3779b9)
  let b = hash(seed, label, 0x243f6a88)
  let c = hash(seed, label, 0xb7e15162)
  let d = hash(seed, label, 0xdeadbeef) | 1

  function next(): number {
    const scrambled = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = rotate(d, 11)
    return scrambled
  }
  const fraction = (): number => next() / 0x1_0000_0000
  const int = (min: number, max: number): number => min + Math.floor(fraction() * (max - min))

  return {
    fraction,
    int,
    chance: (probability) => fraction() < probability,
    pick: (list) => list[int(0, list.length)]!,
    duration: (typicalMs) => {
      const base = typicalMs * (0.25 + 1.5 * fraction())
      return fraction() < 0.04 ? base * 10 : base
    },
    fork: (inner) => seeded(seed, `${label}/${inner}`),
    bytes: (length) => {
      const out = new Uint8Array(length)
      for (let i = 0; i < length; i++) out[i] = next() >>> 24
      return out
    },
  }
}

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by))
}

/** FNV-1a over the label, started from the seed, then mixed (murmur3's finaliser). */
function hash(seed: number, label: string, salt: number): number {
  let h = (salt ^ Math.imul(seed | 0, 0x01000193) ^ Math.floor(seed / 0x1_0000_0000)) | 0
  for (let i = 0; i < label.length; i++) h = Math.imul(h ^ label.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) | 0
}

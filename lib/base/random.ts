// Randomness as a port, for the same reason as time: a simulated run must be repeatable from its seed.
import { randomFillSync } from 'node:crypto'

/** A source of random bytes. */
export interface Random {
  /** `length` fresh random bytes. */
  bytes(length: number): Uint8Array
}

/** A uniform number in [0, 1), from 32 random bits. */
export function randomFraction(random: Random): number {
  const b = random.bytes(4)
  return (b[0]! * 0x1000000 + b[1]! * 0x10000 + b[2]! * 0x100 + b[3]!) / 0x1_0000_0000
}

/** A uniform integer in [min, max). The span must be below 2^32. */
export function randomInt(random: Random, min: number, max: number): number {
  return min + Math.floor(randomFraction(random) * (max - min))
}

/** An integer from 1 to 2^48: whoever draws two of them gets two. */
export function randomOnce(random: Random): number {
  return 1 + Buffer.from(random.bytes(6)).readUIntBE(0, 6)
}

/** The operating system's generator. */
export const systemRandom: Random = {
  bytes: (length) => randomFillSync(new Uint8Array(length)),
}

// One object's way into the store: repeated under the same key until it is there or the time is over. A slow put is sent a
// second time beside the first; `exists` means that an earlier one of ours arrived, since keys are unique.
import { type Clock, sleep } from '../base/clock.ts'
import { type Random, randomFraction } from '../base/random.ts'
import type { ObjectKey, ObjectStore } from '../storage/ports.ts'

export interface UploadOptions {
  /** A put that takes longer is sent a second time, under the same key. */
  readonly hedgeMs: number
  /** An upload that did not succeed by then fails. */
  readonly uploadMs: number
}
export const UPLOAD_DEFAULTS: UploadOptions = { hedgeMs: 2000, uploadMs: 30_000 }

const PAUSE_MS_MIN = 20
const PAUSE_MS_MAX = 1000

/** True once the object is in the store; its bytes are durable with the next journal append at the latest. */
export function uploadObject(
  args: {
    readonly objects: ObjectStore
    readonly clock: Clock
    readonly random: Random
    readonly options: UploadOptions
    /** Once true, a failed try is the last. */
    readonly isClosed: () => boolean
  },
  key: ObjectKey,
  body: readonly Uint8Array[],
): Promise<boolean> {
  const { objects, clock, random, options } = args
  return new Promise((resolve) => {
    const startedAt = clock.monotonic()
    let underWay = 0
    let done = false
    const finish = (stored: boolean): void => {
      done = true
      cancelHedge()
      resolve(stored)
    }
    const send = async (tries: number): Promise<void> => {
      underWay++
      const outcome = await objects.put(key, body, { withNextAppend: true })
      underWay--
      if (done) return
      if (outcome.kind === 'applied' || outcome.kind === 'exists') {
        finish(true)
        return
      }
      if (underWay > 0) return
      if (args.isClosed() || clock.monotonic() - startedAt > options.uploadMs) {
        finish(false)
        return
      }
      const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** tries)
      await sleep(clock, pauseMs * (0.5 + randomFraction(random) / 2))
      if (!done) await send(tries + 1)
    }
    const cancelHedge = clock.timer(options.hedgeMs, () => void send(0))
    void send(0)
  })
}

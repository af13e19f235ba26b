// A consumer that waits for records which never come, behind the real client side of HTTPS in virtual time: how many polls
// that is. It asks as Kafka's consumers do: with a wait of 500 ms, and again as soon as it was answered. A member of a group
// says all the while that it lives: most clients do on a connection of its own, KafkaJS on the one that it fetches by.
import { sleep } from '../../lib/base/clock.ts'
import { Channel } from '../../lib/client/https/channel.ts'
import { Line } from '../../lib/client/https/line.ts'
import type { Sender } from '../../lib/client/https/sender.ts'
import { encodeResponseFrame } from '../../lib/wire/frame.ts'
import { heartbeat } from '../../lib/wire/messages/heartbeat.ts'
import {
  correlationOf,
  fetchAnswer,
  fetchFrame,
  framed,
  heartbeatFrame,
  later,
} from '../../test/unit/client/https/scripted-sender.ts'
import { createManualClock, seededRandom } from '../../test/unit/support/manual-clock.ts'

const MAX_WAIT_MS = 500
const HOUR_MS = 3_600_000

/** Fetches within so many hours. `beatMs`: how often a heartbeat comes on the same connection. */
export async function pollsWithin(hours: number, beatMs?: number): Promise<number> {
  const clock = createManualClock()
  let polls = 0
  const sender: Sender = {
    url: 'https://log.example.org',
    // As the function does: there is nothing yet as long as the client's wait is not over.
    send: async ({ frame, waitedMs = 0, functionName }) => {
      if (functionName !== 'fetch') {
        return framed(encodeResponseFrame(heartbeat, 4, correlationOf(frame), { errorCode: 0 }))
      }
      polls++
      return waitedMs < MAX_WAIT_MS ? later : fetchAnswer(correlationOf(frame))
    },
    close: () => {},
  }
  const random = seededRandom(1)
  const line = new Line({ sender, clock, random, advertise: '127.0.0.1:9092', onTrouble: () => {} })
  const channel = new Channel('idle', line)
  let isOver = false
  const consumer = (async () => {
    for (let correlationId = 1; !isOver; correlationId++) {
      await channel.request(fetchFrame(correlationId, { maxWaitMs: MAX_WAIT_MS, offset: 5 }))
    }
  })()
  const member = (async () => {
    for (let correlationId = -1; !isOver && beatMs !== undefined; correlationId--) {
      await sleep(clock, beatMs)
      await channel.request(heartbeatFrame(correlationId))
    }
  })()
  await clock.advance(hours * HOUR_MS)
  isOver = true
  const counted = polls
  channel.hurry()
  await clock.advance(MAX_WAIT_MS * 10)
  await Promise.all([consumer, member])
  return counted
}

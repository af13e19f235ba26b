// A consumer that waits for records which never come, behind the real client side of HTTPS in virtual time: how many polls
// that is. It asks as Kafka's consumers do: with a wait of 500 ms, and again as soon as it was answered.
import { Channel } from '../../lib/client/https/channel.ts'
import { Line } from '../../lib/client/https/line.ts'
import type { Sender } from '../../lib/client/https/sender.ts'
import { correlationOf, fetchAnswer, fetchFrame, later } from '../../test/unit/client/https/scripted-sender.ts'
import { createManualClock, seededRandom } from '../../test/unit/support/manual-clock.ts'

const MAX_WAIT_MS = 500
const HOUR_MS = 3_600_000

/** Requests within so many hours. */
export async function pollsWithin(hours: number): Promise<number> {
  const clock = createManualClock()
  let polls = 0
  const sender: Sender = {
    url: 'https://log.example.org',
    // As the function does: there is nothing yet as long as the client's wait is not over.
    send: async ({ frame, waitedMs = 0 }) => {
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
  await clock.advance(hours * HOUR_MS)
  isOver = true
  const counted = polls
  channel.hurry()
  await clock.advance(MAX_WAIT_MS * 10)
  await consumer
  return counted
}

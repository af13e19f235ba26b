// One connection over HTTPS for tests, and what they read of its frames.
import { Channel, type ChannelAnswer } from '../../../../lib/client/https/channel.ts'
import { Line } from '../../../../lib/client/https/line.ts'
import { createManualClock, type ManualClock, rest, seededRandom } from '../../support/manual-clock.ts'
import { type ScriptedSender, scriptedSender, versionsAnswer, versionsFrame } from './scripted-sender.ts'

export interface Opened {
  readonly clock: ManualClock
  readonly sender: ScriptedSender
  readonly line: Line
  readonly channel: Channel
  readonly troubles: string[]
}

/** A connection in virtual time, with a sender that answers as the test says. */
export function openChannel(): Opened {
  const clock = createManualClock()
  const sender = scriptedSender(() => clock.monotonic())
  const troubles: string[] = []
  const onTrouble = (sentence: string): void => void troubles.push(sentence)
  const line = new Line({ sender, clock, random: seededRandom(1), advertise: '127.0.0.1:9092', onTrouble })
  return { clock, sender, line, channel: new Channel('c1', line), troubles }
}

export const correlation = (answer: ChannelAnswer): number | undefined =>
  answer.kind === 'send' ? Buffer.concat(answer.buffers).readInt32BE(0) : undefined

export function withCorrelation(body: Uint8Array, correlationId: number): Buffer {
  const changed = Buffer.from(body)
  changed.writeInt32BE(correlationId, 4)
  return changed
}

/** The generation is known from here on. */
export async function learn({ channel, sender }: Opened): Promise<void> {
  const answer = channel.request(versionsFrame(0))
  await rest()
  sender.open[0]!.answer(versionsAnswer(0))
  await answer
  sender.asked.length = 0
}

/** When tries were made, since the first. */
export function times({ sender }: Opened): number[] {
  return sender.asked.map(({ atMs }) => atMs - sender.asked[0]!.atMs)
}

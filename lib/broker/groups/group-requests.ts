// What the handlers of groups have in common: how a request on the wire becomes one in the terms of groups. Bytes that only
// members understand (their metadata and assignments) are base64 inside, since a group's document is text; they are turned
// here and nowhere else. A request that asks about many groups is answered a few at a time, each group once, so that naming
// one of them a thousand times costs nothing.
import { GROUP_ID_BYTES_MAX, GROUPS_ANSWER_BYTES_MAX, GROUPS_AT_ONCE_MAX, GROUPS_MAX } from '../../base/limits.ts'
import type { Patience } from '../../groups/groups.ts'
import { formatRequestId } from '../../wire/https.ts'
import type { BrokerContext, Call } from '../context.ts'

export const toBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
export const fromBase64 = (text: string): Uint8Array => Buffer.from(text, 'base64')

/** Whether there can be a group of this id. Clients that only keep offsets may leave it empty, as old ones do. */
export function isGroupId(groupId: string, mayBeEmpty: 'mayBeEmpty' | 'neverEmpty' = 'neverEmpty'): boolean {
  if (groupId === '') return mayBeEmpty === 'mayBeEmpty'
  return Buffer.byteLength(groupId) <= GROUP_ID_BYTES_MAX
}

/** Who asks, as a group keeps it of its members and tells it to administrators. The host is spelt as Kafka does. */
export function clientOf({ clientId, connection }: Call): { readonly clientId: string; readonly clientHost: string } {
  return { clientId: clientId ?? '', clientHost: `/${connection.clientAddress.replace(/^::ffff:(?=\d+\.)/, '')}` }
}

/** The request's own name: the same when the same request is looked at again, by whatever process. */
export function tokenOf({ random }: BrokerContext, { connection }: Call): string {
  const name = connection.exchange?.name
  return name === undefined ? `${connection.id}-${Buffer.from(random.bytes(8)).toString('hex')}` : formatRequestId(name)
}

/** A request that travels by itself does not wait here: its client asks again. */
export function patienceOf({ connection }: Call): Patience {
  return { signal: connection.signal, mayWait: connection.exchange === undefined }
}

/** What becomes of a request that nobody could answer yet: it comes again, or its client is gone and nobody reads on. */
export function notYet({ connection }: Call): 'later' | undefined {
  return connection.exchange === undefined ? undefined : 'later'
}

/**
 * Answers about each group once, in the order in which they are first named. What comes after more than one answer may hold
 * is refused instead.
 */
export async function eachGroup<Asked, Answer>(
  asked: readonly Asked[],
  about: {
    readonly id: (asked: Asked) => string
    readonly answer: (asked: Asked) => Promise<Answer>
    /** What the answer takes, about. */
    readonly sizeBytes: (answer: Answer) => number
    readonly refuse: (asked: Asked) => Answer
  },
): Promise<Answer[]> {
  const byId = new Map<string, Asked>()
  for (const one of asked) if (!byId.has(about.id(one))) byId.set(about.id(one), one)
  const distinct = [...byId.values()]
  const answers: Answer[] = []
  let sizeBytes = 0
  let next = 0
  const work = async (): Promise<void> => {
    while (next < distinct.length) {
      const at = next++
      const one = distinct[at]!
      // There are never more groups than that; a frame has room for millions of names, and each is looked up.
      const isTooMuch = at >= GROUPS_MAX || sizeBytes > GROUPS_ANSWER_BYTES_MAX
      const answer = isTooMuch ? about.refuse(one) : await about.answer(one)
      sizeBytes += about.sizeBytes(answer)
      answers[at] = answer
    }
  }
  await Promise.all(Array.from({ length: Math.min(GROUPS_AT_ONCE_MAX, distinct.length) }, work))
  return answers
}

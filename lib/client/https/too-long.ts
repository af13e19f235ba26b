// The answer to a frame that is too long for HTTPS, given without sending it. A producer is told MESSAGE_TOO_LARGE for each
// partition, which clients know what to do with (the Java client splits the batch and goes on); other requests of this
// length have no such answer, and nobody sends them.

import { ErrorCode } from '../../wire/errors.ts'
import { encodeResponseFrame, type RequestHeader } from '../../wire/frame.ts'
import { HTTPS_FRAME_BYTES_MAX } from '../../wire/https.ts'
import { produce } from '../../wire/messages/produce.ts'
import { decodeRequest, WireError } from '../../wire/reader.ts'
import { isServed } from '../../wire/schema.ts'

const LENGTH_BYTES = 4
const LIMIT = `${HTTPS_FRAME_BYTES_MAX / 1024 / 1024} MiB`

export function isTooLong(frame: Uint8Array): boolean {
  return frame.length + LENGTH_BYTES > HTTPS_FRAME_BYTES_MAX
}

/** A response frame without length prefix, or why there is none. */
export function tooLongAnswer(header: RequestHeader, body: Uint8Array): readonly Uint8Array[] | string {
  const { apiKey, apiVersion, correlationId } = header
  const bytes = `${body.length} bytes are more than the ${LIMIT} that a request over HTTPS may have`
  if (apiKey !== produce.key || !isServed(produce, apiVersion)) return `A request with API key ${apiKey}: ${bytes}.`
  try {
    const { acks, topicData } = decodeRequest(produce, apiVersion, body)
    if (acks === 0) return `A produce request with acks=0: ${bytes}.`
    const failure = {
      errorCode: ErrorCode.MESSAGE_TOO_LARGE,
      baseOffset: -1,
      errorMessage: `A request over HTTPS may have ${LIMIT}, all its batches together. Send smaller ones.`,
    }
    const responses = topicData.map(({ name, partitionData }) => {
      return { name, partitionResponses: partitionData.map(({ index }) => ({ index, ...failure })) }
    })
    return encodeResponseFrame(produce, apiVersion, correlationId, { responses })
  } catch (error) {
    if (error instanceof WireError) return `A malformed produce request (${error.message}).`
    throw error
  }
}

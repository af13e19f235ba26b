// InitProducerId without a transactional id: a fresh producer id, or the next epoch of the one that the client has. It
// costs no store call: the id is random between 2^32 and 2^53, so that no two producers share one by any chance that
// matters, ids below are left to transactional producers, and every id is an exact number everywhere.
import type { Random } from '../../base/random.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type { InitProducerIdRequest, InitProducerIdResponse } from '../../wire/messages/init-producer-id.ts'
import type { BrokerContext } from '../context.ts'

/** The last epoch that is handed out; 32767 is Kafka's own, for fencing. */
const EPOCH_MAX = 32_766
const PRODUCER_ID_MIN = 2 ** 32

export async function handleInitProducerId(
  context: BrokerContext,
  request: InitProducerIdRequest,
): Promise<InitProducerIdResponse> {
  const { transactionalId, producerId, producerEpoch } = request
  if (transactionalId === '') return initProducerIdError(ErrorCode.INVALID_REQUEST)
  if (transactionalId !== null) {
    // There are no transactions yet. This code is the one that ends a transactional producer for good in every client;
    // librdkafka repeats the request for ever after most others.
    return initProducerIdError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
  }
  if (producerId >= 0 !== producerEpoch >= 0) return initProducerIdError(ErrorCode.INVALID_REQUEST)
  if (producerId >= 0 && producerEpoch < EPOCH_MAX) return given(producerId, producerEpoch + 1)
  return given(randomProducerId(context.random), 0)
}

function given(producerId: number, producerEpoch: number): InitProducerIdResponse {
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerId, producerEpoch }
}

export function initProducerIdError(errorCode: number): InitProducerIdResponse {
  return { throttleTimeMs: 0, errorCode, producerId: -1, producerEpoch: -1 }
}

/** Uniform over [2^32, 2^53). */
function randomProducerId(random: Random): number {
  for (;;) {
    const bytes = random.bytes(7)
    let id = bytes[0]! & 0x1f
    for (let i = 1; i < 7; i++) id = id * 256 + bytes[i]!
    if (id >= PRODUCER_ID_MIN) return id
  }
}

// InitProducerId: a producer id and epoch for an idempotent producer, or for a transactional one (with its own id).
import { defineApi, int16, int32, int64, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const initProducerId = defineApi({
  key: 22,
  name: 'InitProducerId',
  min: 0,
  max: 5,
  flexibleFrom: 2,
  request: {
    transactionalId: string('0+', { nullable: '0+' }),
    transactionTimeoutMs: int32('0+'),
    /** From version 3 on, the id and epoch that the client holds already. */
    producerId: int64('3+', { default: -1 }),
    producerEpoch: int16('3+', { default: -1 }),
  },
  response: {
    throttleTimeMs: int32('0+', { default: 0 }),
    errorCode: int16('0+'),
    producerId: int64('0+', { default: -1 }),
    producerEpoch: int16('0+', { default: 0 }),
  },
})

/** A request as handlers get it. */
export type InitProducerIdRequest = RequestOf<typeof initProducerId>
/** A response as handlers give it. */
export type InitProducerIdResponse = ResponseInput<typeof initProducerId>

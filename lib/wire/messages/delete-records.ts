// DeleteRecords: moves the log start of partitions to an offset; -1 is the high watermark. What lies before it is deleted.
import { array, defineApi, int16, int32, int64, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const deleteRecords = defineApi({
  key: 21,
  name: 'DeleteRecords',
  min: 0,
  max: 2,
  flexibleFrom: 2,
  request: {
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        offset: int64('0+'),
      }),
    }),
    timeoutMs: int32('0+'),
  },
  response: {
    throttleTimeMs: int32('0+', { default: 0 }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        /** The log start afterwards; -1 with an error. */
        lowWatermark: int64('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
})

/** A request as handlers get it. */
export type DeleteRecordsRequest = RequestOf<typeof deleteRecords>
/** A response as handlers give it. */
export type DeleteRecordsResponse = ResponseInput<typeof deleteRecords>

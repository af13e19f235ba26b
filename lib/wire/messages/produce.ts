// Produce: record batches for partitions. Versions 0 to 2 are advertised only because old librdkafka releases derive from
// them which compression a broker supports; they are not served, as in Kafka 4. From version 13 on topics go by id.
import {
  array,
  defineApi,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseInput,
  records,
  string,
  struct,
} from '../schema.ts'

export const produce = defineApi({
  key: 0,
  name: 'Produce',
  min: 0,
  serveMin: 3,
  max: 11,
  flexibleFrom: 9,
  request: {
    transactionalId: string('3+', { nullable: '3+', default: null }),
    acks: int16('0+'),
    timeoutMs: int32('0+'),
    topicData: array('0+', {
      name: string('0-12'),
      partitionData: array('0+', {
        index: int32('0+'),
        records: records('0+', { nullable: '0+' }),
      }),
    }),
  },
  response: {
    responses: array('0+', {
      name: string('0-12'),
      partitionResponses: array('0+', {
        index: int32('0+'),
        errorCode: int16('0+'),
        baseOffset: int64('0+'),
        logAppendTimeMs: int64('2+', { default: -1 }),
        logStartOffset: int64('5+', { default: -1 }),
        recordErrors: array(
          '8+',
          {
            batchIndex: int32('8+'),
            batchIndexErrorMessage: string('8+', { nullable: '8+', default: null }),
          },
          { default: [] },
        ),
        errorMessage: string('8+', { nullable: '8+', default: null }),
        currentLeader: struct(
          '10+',
          {
            leaderId: int32('10+', { default: -1 }),
            leaderEpoch: int32('10+', { default: -1 }),
          },
          { tag: 0 },
        ),
      }),
    }),
    throttleTimeMs: int32('1+', { default: 0 }),
    nodeEndpoints: array(
      '10+',
      {
        nodeId: int32('10+'),
        host: string('10+'),
        port: int32('10+'),
        rack: string('10+', { nullable: '10+', default: null }),
      },
      { tag: 0 },
    ),
  },
})

/** A request as handlers get it. */
export type ProduceRequest = RequestOf<typeof produce>
/** A response as handlers give it. */
export type ProduceResponse = ResponseInput<typeof produce>

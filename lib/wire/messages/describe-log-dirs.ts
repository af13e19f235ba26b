// DescribeLogDirs: the log directories of one broker and how much each partition occupies in them; null topics ask for all.
import { array, bool, defineApi, int16, int32, int64, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const describeLogDirs = defineApi({
  key: 35,
  name: 'DescribeLogDirs',
  min: 1,
  max: 4,
  flexibleFrom: 2,
  request: {
    topics: array(
      '0+',
      {
        topic: string('0+'),
        partitions: array('0+', int32('0+')),
      },
      { nullable: '0+' },
    ),
  },
  response: {
    throttleTimeMs: int32('0+', { default: 0 }),
    errorCode: int16('3+', { default: 0 }),
    results: array('0+', {
      errorCode: int16('0+'),
      logDir: string('0+'),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          partitionSize: int64('0+'),
          offsetLag: int64('0+'),
          isFutureKey: bool('0+'),
        }),
      }),
      /** -1: not known. */
      totalBytes: int64('4+', { default: -1 }),
      usableBytes: int64('4+', { default: -1 }),
    }),
  },
})

/** A request as handlers get it. */
export type DescribeLogDirsRequest = RequestOf<typeof describeLogDirs>
/** A response as handlers give it. */
export type DescribeLogDirsResponse = ResponseInput<typeof describeLogDirs>

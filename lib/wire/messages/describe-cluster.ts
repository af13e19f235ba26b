// DescribeCluster: cluster id, controller and brokers, for administrators.
import { array, bool, defineApi, int8, int16, int32, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const describeCluster = defineApi({
  key: 60,
  name: 'DescribeCluster',
  min: 0,
  max: 2,
  flexibleFrom: 0,
  request: {
    includeClusterAuthorizedOperations: bool('0+', { default: false }),
    /** 1 brokers, 2 controllers. */
    endpointType: int8('1+', { default: 1 }),
    includeFencedBrokers: bool('2+', { default: false }),
  },
  response: {
    throttleTimeMs: int32('0+', { default: 0 }),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    endpointType: int8('1+', { default: 1 }),
    clusterId: string('0+'),
    controllerId: int32('0+', { default: -1 }),
    brokers: array('0+', {
      brokerId: int32('0+'),
      host: string('0+'),
      port: int32('0+'),
      rack: string('0+', { nullable: '0+', default: null }),
      isFenced: bool('2+', { default: false }),
    }),
    clusterAuthorizedOperations: int32('0+', { default: -2147483648 }),
  },
})

/** A request as handlers get it. */
export type DescribeClusterRequest = RequestOf<typeof describeCluster>
/** A response as handlers give it. */
export type DescribeClusterResponse = ResponseInput<typeof describeCluster>

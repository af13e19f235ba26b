// FindCoordinator: which node coordinates a group or a transactional id. From version 4 on one request asks about many keys.
import { array, defineApi, int8, int16, int32, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const findCoordinator = defineApi({
  key: 10,
  name: 'FindCoordinator',
  min: 0,
  max: 5,
  flexibleFrom: 3,
  request: {
    key: string('0-3', { default: '' }),
    /** 0 group, 1 transactional id, 2 share group. */
    keyType: int8('1+', { default: 0 }),
    coordinatorKeys: array('4+', string('4+'), { default: [] }),
  },
  response: {
    throttleTimeMs: int32('1+', { default: 0 }),
    errorCode: int16('0-3', { default: 0 }),
    errorMessage: string('1-3', { nullable: '1-3', default: '' }),
    nodeId: int32('0-3', { default: 0 }),
    host: string('0-3', { default: '' }),
    port: int32('0-3', { default: 0 }),
    coordinators: array(
      '4+',
      {
        key: string('4+'),
        nodeId: int32('4+'),
        host: string('4+'),
        port: int32('4+'),
        errorCode: int16('4+'),
        errorMessage: string('4+', { nullable: '4+', default: '' }),
      },
      { default: [] },
    ),
  },
})

/** A request as handlers get it. */
export type FindCoordinatorRequest = RequestOf<typeof findCoordinator>
/** A response as handlers give it. */
export type FindCoordinatorResponse = ResponseInput<typeof findCoordinator>

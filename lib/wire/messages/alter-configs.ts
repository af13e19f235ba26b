// AlterConfigs: replaces all explicit settings of each resource (KafkaJS knows only this one).
import { array, bool, defineApi, int8, int16, int32, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const alterConfigs = defineApi({
  key: 33,
  name: 'AlterConfigs',
  min: 0,
  max: 2,
  flexibleFrom: 2,
  request: {
    resources: array('0+', {
      resourceType: int8('0+'),
      resourceName: string('0+'),
      configs: array('0+', {
        name: string('0+'),
        value: string('0+', { nullable: '0+' }),
      }),
    }),
    validateOnly: bool('0+', { default: false }),
  },
  response: {
    throttleTimeMs: int32('0+', { default: 0 }),
    responses: array('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      resourceType: int8('0+'),
      resourceName: string('0+'),
    }),
  },
})

/** A request as handlers get it. */
export type AlterConfigsRequest = RequestOf<typeof alterConfigs>
/** A response as handlers give it. */
export type AlterConfigsResponse = ResponseInput<typeof alterConfigs>

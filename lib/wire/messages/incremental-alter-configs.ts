// IncrementalAlterConfigs: changes single settings of each resource (operation 0 set, 1 delete, 2 append, 3 subtract).
import { array, bool, defineApi, int8, int16, int32, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const incrementalAlterConfigs = defineApi({
  key: 44,
  name: 'IncrementalAlterConfigs',
  min: 0,
  max: 1,
  flexibleFrom: 1,
  request: {
    resources: array('0+', {
      resourceType: int8('0+'),
      resourceName: string('0+'),
      configs: array('0+', {
        name: string('0+'),
        configOperation: int8('0+'),
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
export type IncrementalAlterConfigsRequest = RequestOf<typeof incrementalAlterConfigs>
/** A response as handlers give it. */
export type IncrementalAlterConfigsResponse = ResponseInput<typeof incrementalAlterConfigs>

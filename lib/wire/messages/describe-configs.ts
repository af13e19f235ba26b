// DescribeConfigs: settings of topics and brokers with their source; null keys ask for all of them.
import { array, bool, defineApi, int8, int16, int32, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const describeConfigs = defineApi({
  key: 32,
  name: 'DescribeConfigs',
  min: 1,
  max: 4,
  flexibleFrom: 4,
  request: {
    resources: array('0+', {
      resourceType: int8('0+'),
      resourceName: string('0+'),
      configurationKeys: array('0+', string('0+'), { nullable: '0+' }),
    }),
    includeSynonyms: bool('1+', { default: false }),
    includeDocumentation: bool('3+', { default: false }),
  },
  response: {
    throttleTimeMs: int32('0+', { default: 0 }),
    results: array('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      resourceType: int8('0+'),
      resourceName: string('0+'),
      configs: array('0+', {
        name: string('0+'),
        value: string('0+', { nullable: '0+' }),
        readOnly: bool('0+'),
        configSource: int8('1+', { default: -1 }),
        isSensitive: bool('0+'),
        synonyms: array(
          '1+',
          {
            name: string('1+'),
            value: string('1+', { nullable: '0+' }),
            source: int8('1+'),
          },
          { default: [] },
        ),
        configType: int8('3+', { default: 0 }),
        documentation: string('3+', { nullable: '0+', default: null }),
      }),
    }),
  },
})

/** A request as handlers get it. */
export type DescribeConfigsRequest = RequestOf<typeof describeConfigs>
/** A response as handlers give it. */
export type DescribeConfigsResponse = ResponseInput<typeof describeConfigs>

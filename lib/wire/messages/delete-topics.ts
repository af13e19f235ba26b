// DeleteTopics: by name up to version 5 (`topicNames`), by name or id from version 6 on (`topics`).
import { ZERO_TOPIC_ID } from '../../base/ids.ts'
import { array, defineApi, int16, int32, type RequestOf, type ResponseInput, string, uuid } from '../schema.ts'

export const deleteTopics = defineApi({
  key: 20,
  name: 'DeleteTopics',
  min: 1,
  max: 6,
  flexibleFrom: 4,
  request: {
    topics: array(
      '6+',
      {
        name: string('6+', { nullable: '6+', default: null }),
        topicId: uuid('6+', { default: ZERO_TOPIC_ID }),
      },
      { default: [] },
    ),
    topicNames: array('0-5', string('0-5'), { default: [] }),
    timeoutMs: int32('0+'),
  },
  response: {
    throttleTimeMs: int32('1+', { default: 0 }),
    responses: array('0+', {
      name: string('0+', { nullable: '6+' }),
      topicId: uuid('6+', { default: ZERO_TOPIC_ID }),
      errorCode: int16('0+'),
      errorMessage: string('5+', { nullable: '5+', default: null }),
    }),
  },
})

/** A request as handlers get it. */
export type DeleteTopicsRequest = RequestOf<typeof deleteTopics>
/** A response as handlers give it. */
export type DeleteTopicsResponse = ResponseInput<typeof deleteTopics>

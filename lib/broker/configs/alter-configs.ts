// AlterConfigs: replaces all explicit configs of a topic by those in the request; what it does not name goes back to its
// default. Superseded by IncrementalAlterConfigs, but the only one that KafkaJS knows.
import type { AlterConfigsRequest, AlterConfigsResponse } from '../../wire/messages/alter-configs.ts'
import type { BrokerContext } from '../context.ts'
import { alterResources, refusedConfigs } from './config-resources.ts'

export async function handleAlterConfigs(
  context: BrokerContext,
  request: AlterConfigsRequest,
): Promise<AlterConfigsResponse> {
  const responses = await alterResources(context, request.resources, request.validateOnly, ({ configs }) => {
    const wanted = new Map<string, string>()
    for (const { name, value } of configs) {
      if (value === null) return refusedConfigs(`Null value not supported for: ${name}`)
      wanted.set(name, value)
    }
    return { kind: 'configs', configs: wanted }
  })
  return { throttleTimeMs: 0, responses }
}

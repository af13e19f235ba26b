// IncrementalAlterConfigs: sets, deletes, appends to and subtracts from single configs of a topic, all those of one request
// at once or none. What it makes of them rests on the topic as it is when the change is made, not when the request arrived.
import { applyConfigOp, CONFIG_OPS } from '../../log/topic-settings.ts'
import type {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '../../wire/messages/incremental-alter-configs.ts'
import type { BrokerContext } from '../context.ts'
import { configFailure } from '../outcomes.ts'
import { alterResources, type Configured, refusedConfigs } from './config-resources.ts'

type Operation = IncrementalAlterConfigsRequest['resources'][number]['configs'][number]

export async function handleIncrementalAlterConfigs(
  context: BrokerContext,
  request: IncrementalAlterConfigsRequest,
): Promise<IncrementalAlterConfigsResponse> {
  const responses = await alterResources(context, request.resources, request.validateOnly, (resource, present) =>
    applyAll(resource.configs, present),
  )
  return { throttleTimeMs: 0, responses }
}

function applyAll(operations: readonly Operation[], present: ReadonlyMap<string, string>): Configured {
  const configs = new Map(present)
  for (const { name, configOperation, value } of operations) {
    const operation = CONFIG_OPS[configOperation]
    if (operation === undefined) {
      return refusedConfigs(`Unknown operation ${configOperation} for ${name}.`)
    }
    if (operation !== 'delete' && value === null) {
      return refusedConfigs(`Null value not supported for: ${name}`)
    }
    const applied = applyConfigOp(name, configs.get(name), operation, value)
    if (applied.kind !== 'ok') return { kind: 'refused', failure: configFailure(applied) }
    if (applied.value === undefined) configs.delete(name)
    else configs.set(name, applied.value)
  }
  return { kind: 'configs', configs }
}

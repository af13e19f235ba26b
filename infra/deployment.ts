// The five stacks of this repository's own deployment, wired together. What is kept, what changes often and what only
// watches lie in stacks of their own, so that each can be deployed, rolled back or deleted without the others.
import type { Construct } from 'constructs'
import type { LogFunctionOptions } from './constructs/log-function.ts'
import type { Settings } from './settings.ts'
import { ApiStack } from './stacks/api-stack.ts'
import { CoordinationStack } from './stacks/coordination-stack.ts'
import { MaintenanceStack } from './stacks/maintenance-stack.ts'
import { StorageStack } from './stacks/storage-stack.ts'
import { TopicsStack } from './stacks/topics-stack.ts'

export interface Deployment {
  readonly storage: StorageStack
  readonly api: ApiStack
  readonly topics: TopicsStack
  readonly coordination: CoordinationStack
  readonly maintenance: MaintenanceStack
}

/**
 * Adds the stacks of one log to an app.
 *
 * @example
 * const app = new App()
 * const { topics } = addStacks(app, settingsOf(app.node))
 * topics.addTopic('orders', { partitions: 12 })
 */
export function addStacks(
  scope: Construct,
  { name, encryptionKey, ...choices }: Settings & Pick<LogFunctionOptions, 'code'>,
): Deployment {
  const storage = new StorageStack(scope, `${name}Storage`, {
    description: 'Tidelog: where the log lies',
    encryptionKey,
  })
  const parts = { ...choices, storage: storage.storage }
  const api = new ApiStack(scope, `${name}Api`, { ...parts, description: 'Tidelog: Kafka frames over HTTPS' })
  const topics = new TopicsStack(scope, `${name}Topics`, { ...parts, description: 'Tidelog: declared topics' })
  const coordination = new CoordinationStack(scope, `${name}Coordination`, {
    ...choices,
    description: 'Tidelog: the sweeper of groups',
    coordinate: api.api.functions.coordinate,
  })
  const maintenance = new MaintenanceStack(scope, `${name}Maintenance`, {
    ...parts,
    description: 'Tidelog: background work',
    monitored: [...Object.values(api.api.functions), topics.topics.provider],
  })
  return { storage, api, topics, coordination, maintenance }
}

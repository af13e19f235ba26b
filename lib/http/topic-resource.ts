// A topic declared in CloudFormation (`Custom::TidelogTopic`): what Create, Update and Delete do to the log. Every request
// may come twice, after a failure, or as the rollback of another one. Which declaration a topic belongs to, whether that one
// made it or found it, and by which request, is kept beside the topic's configs in the same journal entry: what a stack did
// not make it never deletes, so neither a rolled back adoption, nor the Delete behind a failed Create, nor the one of a
// declaration that moved to another logical id takes records along. A topic that was retained counts as found when it is
// declared again, even by the same declaration (of a retained resource nobody tells us). The physical id is the topic's name.
//
// Partitions never become fewer. A number below the topic's fails with a sentence, and CloudFormation rolls back; but it is
// taken as it is when it is not this update that lowers it (somebody added partitions meanwhile), or when the stack is
// rolling back: the raise that another resource's failure undoes cannot be undone, and failing there would leave the stack
// stuck. The event does not tell a rollback from a wish, so the stack's own status is asked.
import { createHash } from 'node:crypto'
import { type Clock, sleep } from '../base/clock.ts'
import { CHANGE_TOPIC_ATTEMPTS_MAX, PARTITIONS_PER_TOPIC_MAX } from '../base/limits.ts'
import { kafkaConfigs, RESERVED_CONFIG_PREFIX, replacedConfigs } from '../broker/cluster/replication.ts'
import { changeTopicFailure, configFailure, createTopicFailure, deleteTopicFailure } from '../broker/outcomes.ts'
import { topicNameProblem } from '../broker/topics/topic-names.ts'
import type { Log, Topic } from '../log/log.ts'
import { validateTopicConfigs } from '../log/topic-settings.ts'

/** What a template says of a topic. */
export interface TopicDeclaration {
  readonly name: string
  readonly partitions: number
  readonly configs: ReadonlyMap<string, string>
}

/** `resource` is the declaration's identity (see `resourceIdentity`), `requestId` CloudFormation's name of this request. */
export type TopicRequest =
  | {
      readonly kind: 'create'
      readonly resource: string
      readonly requestId: string
      readonly declared: TopicDeclaration
    }
  | {
      readonly kind: 'update'
      readonly resource: string
      readonly requestId: string
      readonly declared: TopicDeclaration
      /** The name it had before this request. */
      readonly physicalId: string
      /** The number it was declared with before; undefined where that was no number. */
      readonly partitionsBefore: number | undefined
    }
  | { readonly kind: 'delete'; readonly resource: string; readonly physicalId: string; readonly destroy: boolean }

export type TopicResourceOutcome =
  /** `topic` is undefined after a Delete. */
  | { readonly kind: 'done'; readonly physicalId: string; readonly topic?: Topic }
  | { readonly kind: 'failed'; readonly physicalId: string; readonly reason: string }

export interface TopicResourcePorts {
  readonly log: Pick<
    Log,
    'refresh' | 'topicByName' | 'createTopic' | 'configureTopic' | 'addPartitions' | 'deleteTopic'
  >
  readonly clock: Clock
  /** Whether CloudFormation is rolling the stack back. Asked only before a number of partitions is refused. */
  rollingBack(): Promise<boolean>
  /** No further step is begun once it is aborted: somebody was told that the request failed. */
  readonly signal: AbortSignal
}

/** Beside a topic's configs: `made` or `adopted`, by which declaration, and by which of its requests. */
export const DECLARED_BY_CONFIG = `${RESERVED_CONFIG_PREFIX}declared.by`

/** Names one declaration of one stack, whatever its properties are. */
export function resourceIdentity(stackId: string, logicalResourceId: string): string {
  return createHash('sha256').update(`${stackId}\n${logicalResourceId}`).digest('hex').slice(0, 32)
}

/** Does what the request asks for. Safe to repeat. */
export async function applyTopicRequest(
  ports: TopicResourcePorts,
  request: TopicRequest,
): Promise<TopicResourceOutcome> {
  if (request.kind === 'delete') return removeTopic(ports, request)
  const { declared } = request
  // After a failure the resource is what it was; a Create that failed leaves nothing that its Delete would find.
  const physicalId = request.kind === 'update' ? request.physicalId : declared.name
  const problem = declarationProblem(declared)
  if (problem !== undefined) return { kind: 'failed', physicalId, reason: problem }
  const outcome = await repeatedly(ports, () => declareOnce(ports, request))
  if (outcome.kind === 'failed') return { ...outcome, physicalId }
  return { kind: 'done', physicalId: declared.name, ...(outcome.kind === 'done' ? { topic: outcome.topic } : {}) }
}

/** What is wrong with a declaration, whatever the log holds. */
function declarationProblem({ name, partitions, configs }: TopicDeclaration): string | undefined {
  const nameProblem = topicNameProblem(name)
  if (nameProblem !== undefined) return nameProblem
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > PARTITIONS_PER_TOPIC_MAX) {
    return `Topic '${name}' cannot have ${partitions} partitions: from 1 to ${PARTITIONS_PER_TOPIC_MAX} are possible.`
  }
  const verdict = validateTopicConfigs(configs)
  return verdict.kind === 'ok' ? undefined : `Topic '${name}': ${configFailure(verdict).errorMessage}`
}

type Step =
  | { readonly kind: 'done'; readonly topic: Topic }
  | { readonly kind: 'gone' }
  | { readonly kind: 'failed'; readonly reason: string }
  /** Somebody else came between, or a store did not answer: look again. */
  | { readonly kind: 'again'; readonly reason: string }

const PAUSE_MS_MIN = 50

/** Takes steps until one is final; the last reason is the answer when none was. */
async function repeatedly(
  { log, clock, signal }: TopicResourcePorts,
  step: () => Promise<Step>,
): Promise<Exclude<Step, { kind: 'again' }>> {
  let reason = ''
  for (let attempt = 0; attempt < CHANGE_TOPIC_ATTEMPTS_MAX; attempt++) {
    if (attempt > 0) await sleep(clock, PAUSE_MS_MIN * 2 ** attempt, signal)
    if (signal.aborted) return { kind: 'failed', reason: 'There was not enough time; try again.' }
    const fresh = await log.refresh()
    if (fresh.kind !== 'fresh') {
      reason = changeTopicFailure(fresh).errorMessage
      if (fresh.kind === 'halted') break
      continue
    }
    const outcome = await step()
    if (outcome.kind !== 'again') return outcome
    reason = outcome.reason
  }
  return { kind: 'failed', reason }
}

type Declaring = Exclude<TopicRequest, { kind: 'delete' }>

/** Whether a topic may have more partitions than are declared. */
async function mayStayAbove(ports: TopicResourcePorts, request: Declaring): Promise<boolean> {
  if (request.kind === 'create') return false
  const { declared, physicalId, partitionsBefore } = request
  return (physicalId === declared.name && partitionsBefore === declared.partitions) || (await ports.rollingBack())
}

/** Whether this declaration made the topic, in the life of the resource that this request is about. */
async function isOurs(ports: TopicResourcePorts, request: Declaring, topic: Topic): Promise<boolean> {
  const owner = topic.configs.get(DECLARED_BY_CONFIG)
  if (owner === undefined || !owner.startsWith(`made ${request.resource} `)) return false
  // An earlier try of this very request.
  if (owner === madeBy(request)) return true
  if (request.kind === 'create') return false
  // Under another name it was left behind: the rollback of that takes it back, a new wish finds it.
  return request.physicalId === topic.name || (await ports.rollingBack())
}

const madeBy = ({ resource, requestId }: Declaring): string => `made ${resource} ${requestId}`

/** Makes the topic, or makes it what is declared: partitions first, then configs and whose it is. */
async function declareOnce(ports: TopicResourcePorts, request: Declaring): Promise<Step> {
  const { declared } = request
  const { log } = ports
  const { name, partitions, configs } = declared
  const found = log.topicByName(name)
  if (found === undefined) {
    const owned = new Map([...configs, [DECLARED_BY_CONFIG, madeBy(request)]])
    const made = await log.createTopic({ name, partitions, configs: owned })
    if (made.kind === 'created') return { kind: 'done', topic: made.topic }
    const reason = createTopicFailure(made, name).errorMessage
    return { kind: made.kind === 'limit' || made.kind === 'halted' ? 'failed' : 'again', reason }
  }
  if (found.partitions > partitions && !(await mayStayAbove(ports, request))) {
    const reason =
      `Topic '${name}' has ${found.partitions} partitions and cannot have ${partitions}: partitions can be added, ` +
      `not removed. Declare ${found.partitions} or more, or a topic of another name.`
    return { kind: 'failed', reason }
  }
  let topic = found
  if (topic.partitions < partitions) {
    const raised = await log.addPartitions(topic, partitions)
    if (raised.kind !== 'changed') return unchanged(raised)
    topic = raised.topic
  }
  const before = topic.configs.get(DECLARED_BY_CONFIG)
  const adopted = `adopted ${request.resource} ${request.requestId}`
  const isKept = before !== undefined && (await isOurs(ports, request, topic))
  const isAdopted = before?.startsWith(`adopted ${request.resource} `) ?? false
  const owner = isKept || isAdopted ? before! : adopted
  const wanted = replacedConfigs(topic, configs).set(DECLARED_BY_CONFIG, owner)
  if (sameConfigs(wanted, topic.configs)) return { kind: 'done', topic }
  const configured = await log.configureTopic(topic, wanted)
  return configured.kind === 'changed' ? { kind: 'done', topic: configured.topic } : unchanged(configured)
}

function unchanged(outcome: Parameters<typeof changeTopicFailure>[0]): Step {
  const reason = changeTopicFailure(outcome).errorMessage
  return { kind: outcome.kind === 'limit' || outcome.kind === 'halted' ? 'failed' : 'again', reason }
}

function sameConfigs(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value)
}

/** Deletes what this declaration made and is to destroy; otherwise lets go of it, so that nobody destroys it later. */
async function removeTopic(
  ports: TopicResourcePorts,
  { resource, physicalId, destroy }: Extract<TopicRequest, { kind: 'delete' }>,
): Promise<TopicResourceOutcome> {
  const { log } = ports
  const outcome = await repeatedly(ports, async (): Promise<Step> => {
    const topic = log.topicByName(physicalId)
    const owner = topic?.configs.get(DECLARED_BY_CONFIG)
    const [how, by] = owner?.split(' ') ?? []
    if (topic === undefined || by !== resource) return { kind: 'gone' }
    if (destroy && how === 'made') {
      const deleted = await log.deleteTopic(topic)
      if (deleted.kind === 'deleted' || deleted.kind === 'unknownTopic') return { kind: 'gone' }
      const reason = deleteTopicFailure(deleted, 'name').errorMessage
      return { kind: deleted.kind === 'halted' ? 'failed' : 'again', reason }
    }
    const released = replacedConfigs(topic, kafkaConfigs(topic))
    released.delete(DECLARED_BY_CONFIG)
    const changed = await log.configureTopic(topic, released)
    return changed.kind === 'changed' ? { kind: 'gone' } : unchanged(changed)
  })
  if (outcome.kind !== 'failed') return { kind: 'done', physicalId }
  // What stays anyway must not keep a stack from being deleted.
  return destroy ? { ...outcome, physicalId } : { kind: 'done', physicalId }
}

// An administrator in a run, who removes offsets of groups and groups, while nobody is in them, or tries to.
import { ErrorCode } from '../../lib/wire/errors.ts'
import { deleteGroups } from '../../lib/wire/messages/delete-groups.ts'
import { offsetDelete } from '../../lib/wire/messages/offset-delete.ts'
import { REQUEST_TIMEOUT_MS } from './group-desk.ts'
import type { GroupRemoval } from './group-history.ts'
import type { GroupLine } from './group-line.ts'
import { type GroupTraffic, keptTopic, lineFor } from './group-traffic.ts'
import type { Seeded } from './random.ts'
import type { Scene } from './scene.ts'

const DEFINITE: ReadonlySet<number> = new Set([
  ErrorCode.NON_EMPTY_GROUP,
  ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC,
  ErrorCode.GROUP_ID_NOT_FOUND,
])

/** Removes offsets or the whole group, while it has no members, or tries to. */
export async function administer(
  traffic: GroupTraffic,
  random: Seeded,
  group: string,
  name: string,
  triesMax: number,
): Promise<void> {
  const { scene, incidents } = traffic
  const line = lineFor(traffic, random, name)
  if (random.chance(0.3)) await scene.world.pause(random.duration(10_000))
  for (let tries = triesMax; tries > 0 && scene.busy; tries--) {
    const what = random.chance(0.7) ? 'group' : 'offsets'
    const noted = scene.history.add<GroupRemoval>({
      kind: 'groupRemoval',
      group,
      client: name,
      what,
      invoked: scene.history.tick(),
      completed: undefined,
      outcome: 'info',
    })
    const told = what === 'group' ? await removeGroup(line, group) : await removeOffsets(line, scene, group)
    if (told?.isAlone) {
      noted.completed = scene.history.tick()
      if (told.code === ErrorCode.NONE) noted.outcome = 'ok'
      else if (DEFINITE.has(told.code)) noted.outcome = 'fail'
    }
    if (told?.code === ErrorCode.NONE) {
      incidents.count(what === 'group' ? 'group deleted' : 'offsets of a group deleted')
      break
    }
    await scene.world.pause(random.duration(400))
  }
  line.leave()
}

type Told = { readonly code: number; readonly isAlone: boolean } | undefined

async function removeGroup(line: GroupLine, group: string): Promise<Told> {
  const answer = await line.ask(deleteGroups, 2, { groupsNames: [group] }, REQUEST_TIMEOUT_MS)
  return answer && { code: answer.value.results[0]!.errorCode, isAlone: answer.isAlone }
}

async function removeOffsets(line: GroupLine, scene: Scene, group: string): Promise<Told> {
  const { name, partitions } = keptTopic(scene)
  const all = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex }))
  const request = { groupId: group, topics: [{ name, partitions: all }] }
  const answer = await line.ask(offsetDelete, 0, request, REQUEST_TIMEOUT_MS)
  if (answer === undefined) return undefined
  const { errorCode, topics } = answer.value
  const codes = [errorCode, ...topics.flatMap((one) => one.partitions.map((partition) => partition.errorCode))]
  return { code: codes.find((code) => code !== ErrorCode.NONE) ?? ErrorCode.NONE, isAlone: answer.isAlone }
}

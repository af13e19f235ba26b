// Consumers as they behave towards a group: a KIP-848 one, and classic ones that give up everything before they join (eager) or
// only what they are no longer assigned (cooperative). They know only what answers tell them, answers get lost, and what a
// consumer owns is what it would read from. The leader among classic ones assigns as cooperative assignors do: nobody gets
// what another one may still own.
import type { Assignment } from '../../../../../lib/groups/group.ts'
import type { Joined } from '../../../../../lib/groups/requests.ts'
import { decodeAssignment, decodeSubscription, encodeAssignment } from '../../../../../lib/wire/consumer-protocol.ts'
import { metadataOf, placesOf, type Scene } from './scene.ts'

export interface Client {
  /** Sends its next request, twice if it is repeated on its way; with `isLost` no answer comes back. */
  step(way: Way): void
  /** Does what it was told: stops and begins to read from partitions. */
  obey(): void
  subscribe(topics: readonly string[]): void
  /** Leaves; false: it cannot leave like this. */
  leave(isForAWhile: boolean): boolean
  /** What it reads from, as places, if it is still a member by all that it knows and the group knows. */
  readonly reads: readonly string[]
  readonly wants: readonly string[]
}

export interface Way {
  readonly isLost: boolean
  readonly isRepeated: boolean
  readonly viewsBehind: number
}
export const STRAIGHT: Way = { isLost: false, isRepeated: false, viewsBehind: 0 }

/** What came back of a request. */
function through<Answer>({ isLost, isRepeated }: Way, ask: () => Answer): Answer | undefined {
  if (isRepeated) ask()
  const answer = ask()
  return isLost ? undefined : answer
}

export function modernClient(
  scene: Scene,
  memberId: string,
  instanceId: string | undefined,
  topics: readonly string[],
): Client {
  let wants = topics
  let epoch = 0
  let owned: Assignment = []
  let told: Assignment = []
  let said: Assignment | undefined

  function giveUp(): void {
    epoch = 0
    owned = []
    told = []
    said = undefined
  }

  return {
    step(way) {
      const all = { rebalanceTimeoutMs: 30_000, subscribedTopics: wants, owned }
      // What it was about to begin with it leaves when it does not know any more what the group knows of it.
      if (said === undefined) told = owned
      const request = said === undefined ? all : said === owned ? {} : { owned }
      const answer = through(way, () => scene.beat(memberId, epoch, { instanceId, ...request }, way.viewsBehind))
      said = answer === undefined ? undefined : owned
      if (answer === undefined) return
      if (answer.kind === 'beat') {
        epoch = answer.memberEpoch
        if (answer.assignment !== undefined) told = answer.assignment
      } else giveUp()
    },
    obey() {
      owned = told
    },
    subscribe(names) {
      wants = names
      said = undefined
    },
    leave(isForAWhile) {
      if (isForAWhile && instanceId === undefined) return false
      giveUp()
      scene.beat(memberId, isForAWhile ? -2 : -1, { instanceId })
      return true
    },
    get reads() {
      const member = memberIn(scene, memberId)
      const isCurrent = member !== undefined && 'memberEpoch' in member && member.classic === undefined
      return isCurrent && (member.memberEpoch === epoch || member.previousEpoch === epoch) ? placesOf(owned) : []
    },
    get wants() {
      return wants
    },
  }
}

const memberIn = (scene: Scene, memberId: string) => scene.group?.members.find((one) => one.memberId === memberId)

type Named = Record<string, readonly number[]>

export function classicClient(
  scene: Scene,
  isEager: boolean,
  instanceId: string | undefined,
  topics: readonly string[],
  newToken: () => string,
): Client {
  let wants = topics
  let memberId = ''
  let generation = -1
  let owned: Named = {}
  let phase: 'joining' | 'syncing' | 'stable' = 'joining'
  let token = newToken()
  let joined: Joined | undefined
  /** As it found them when it joined: the leader of a classic group has to notice for itself what became of them. */
  let topicsSeen: unknown
  const protocol = isEager ? 'range' : 'cooperative-sticky'

  function joinAgain(isFenced: boolean): void {
    phase = 'joining'
    token = newToken()
    if (isFenced || isEager) owned = {}
    if (isFenced) generation = -1
  }

  function refused(kind: string): void {
    if (kind !== 'illegalGeneration' && kind !== 'rebalanceInProgress') memberId = ''
    joinAgain(kind !== 'rebalanceInProgress')
  }

  function join(way: Way): void {
    topicsSeen = scene.topics()
    const request = {
      memberId,
      instanceId,
      token,
      protocols: [{ name: protocol, metadata: metadataOf(wants, owned) }],
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      memberIdRequired: true,
    }
    const answer = through(way, () => scene.join(request, way.viewsBehind))
    if (answer === undefined || answer.kind === 'wait') return
    if (answer.kind === 'memberIdRequired') {
      memberId = answer.memberId ?? ''
      token = newToken()
    } else if (answer.kind === 'joined') {
      memberId = answer.memberId
      generation = answer.generation
      joined = answer
      phase = 'syncing'
      // A leader that started anew does not know what topics there were when it assigned.
      if (answer.skipAssignment) topicsSeen = undefined
    } else refused(answer.kind)
  }

  function sync(way: Way): void {
    const assignments = joined === undefined ? [] : assign(scene, joined)
    const answer = through(way, () =>
      scene.sync(memberId, generation, { instanceId, protocol, assignments }, way.viewsBehind),
    )
    if (answer === undefined || answer.kind === 'wait') return
    if (answer.kind === 'synced') take(answer.assignment)
    else refused(answer.kind)
  }

  /** Reads from what it is assigned from now on; a cooperative one that stops with something says so by joining again. */
  function take(assignment: string): void {
    const content = Buffer.from(assignment, 'base64')
    const partitions = content.length === 0 ? [] : decodeAssignment(content)!.assignedPartitions
    const given: Named = Object.fromEntries(partitions.map((one) => [one.topic, one.partitions]))
    const kept = placesIn(scene, given)
    const stops = placesIn(scene, owned).some((place) => !kept.includes(place))
    owned = given
    phase = 'stable'
    if (stops && !isEager) joinAgain(false)
  }

  return {
    step(way) {
      if (phase === 'joining') join(way)
      else if (phase === 'syncing') sync(way)
      else if (topicsSeen !== scene.topics()) joinAgain(false)
      else {
        const answer = through(way, () => scene.classicBeat(memberId, generation, { instanceId }, way.viewsBehind))
        if (answer !== undefined && answer.kind !== 'alive') refused(answer.kind)
      }
    },
    obey() {},
    subscribe(names) {
      wants = names
      joinAgain(false)
    },
    leave(isForAWhile) {
      if (isForAWhile || memberId === '') return false
      owned = {}
      scene.leave({ memberId, ...(instanceId === undefined ? {} : { instanceId }) })
      return true
    },
    get reads() {
      const member = memberIn(scene, memberId)
      if (member === undefined || scene.group === undefined) return []
      const current = scene.group.kind === 'classic' ? scene.group.generation : scene.member(memberId).memberEpoch
      return current === generation ? placesIn(scene, owned) : []
    },
    get wants() {
      return wants
    },
  }
}

/** Topics that are gone have no places: nobody reads from them. */
function placesIn(scene: Scene, named: Named): string[] {
  const known = Object.entries(named).filter(([name]) => scene.topics().has(name))
  return placesOf(scene.assignment(Object.fromEntries(known)))
}

/** What the leader of a classic group assigns: everybody in turn, but nothing that another member says it owns. */
function assign(scene: Scene, { members }: Joined): { memberId: string; assignment: string }[] {
  const said = members.map(({ memberId, metadata }) => {
    const { topics, ownedPartitions } = decodeSubscription(Buffer.from(metadata, 'base64'))!
    return { memberId, topics, owned: ownedPartitions, given: new Map<string, number[]>() }
  })
  for (const { name, partitions } of scene.topics().values()) {
    const wanting = said.filter(({ topics }) => topics.includes(name))
    for (let partition = 0; partition < partitions && wanting.length > 0; partition++) {
      const owner = said.find(({ owned }) => owned.some((o) => o.topic === name && o.partitions.includes(partition)))
      const next = wanting[partition % wanting.length]!
      if (owner !== undefined && owner !== next) continue
      next.given.set(name, [...(next.given.get(name) ?? []), partition])
    }
  }
  return said.map(({ memberId, given }) => {
    const assignedPartitions = [...given].map(([topic, partitions]) => ({ topic, partitions }))
    const assignment = Buffer.from(encodeAssignment(1, { assignedPartitions, userData: null })).toString('base64')
    return { memberId, assignment }
  })
}

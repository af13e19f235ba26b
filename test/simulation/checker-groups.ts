// Judges what clients of groups were told, and what the journal did with their offsets. Members of a run only move on, so an
// offset that goes back was committed by somebody who had nothing to say any more; and each commit is known by its metadata,
// so it is known whose it was. Nothing is held against a group that somebody may have removed in between. Time is never an
// argument: who was removed for its silence is told so, and what it says later counts for nothing.
import type { Anomaly } from './checker.ts'
import type {
  Claim,
  GroupCommit,
  GroupEffect,
  GroupFetch,
  GroupHistoryOp,
  GroupOwns,
  GroupRemoval,
  GroupTold,
} from './group-history.ts'
import type { Op, PartitionName } from './history.ts'

type Report = (name: Anomaly['name'], detail: string) => void

/** All that happened to one group. */
interface GroupView {
  readonly name: string
  readonly commits: GroupCommit[]
  readonly fetches: GroupFetch[]
  readonly told: GroupTold[]
  readonly owns: GroupOwns[]
  readonly removals: GroupRemoval[]
  readonly effects: GroupEffect[]
  /** All its members speak the classic protocol: a generation is then everybody's. */
  isClassic: boolean
  /** By partition and metadata: all tries of one commit. */
  readonly byMetadata: Map<string, GroupCommit[]>
}

interface Interval {
  readonly invoked: number
  readonly completed?: number | undefined
}

export function checkGroups(ops: readonly Op[], report: Report): void {
  for (const view of groupViews(ops).values()) {
    checkReads(view, report)
    checkEffects(view, report)
    checkZombies(view, report)
    checkGenerations(view, report)
    checkShares(view, report)
    checkOwners(view, report)
  }
}

const isGroupOp = (op: Op): op is GroupHistoryOp => op.kind.startsWith('group')

function groupViews(ops: readonly Op[]): Map<string, GroupView> {
  const views = new Map<string, GroupView>()
  for (const op of ops) {
    if (!isGroupOp(op)) continue
    let view = views.get(op.group)
    if (view === undefined) {
      const lists = { commits: [], fetches: [], told: [], owns: [], removals: [], effects: [] }
      view = { name: op.group, ...lists, isClassic: true, byMetadata: new Map() }
      views.set(op.group, view)
    }
    if ('protocol' in op && op.protocol === 'consumer') view.isClassic = false
    if (op.kind === 'groupFetch') view.fetches.push(op)
    else if (op.kind === 'groupTold') view.told.push(op)
    else if (op.kind === 'groupOwns') view.owns.push(op)
    else if (op.kind === 'groupRemoval') view.removals.push(op)
    else if (op.kind === 'groupEffect') view.effects.push(op)
    else {
      view.commits.push(op)
      for (const { partition, metadata } of op.offsets) {
        const key = keyOf(partition, metadata)
        view.byMetadata.set(key, [...(view.byMetadata.get(key) ?? []), op])
      }
    }
  }
  return views
}

const keyOf = (partition: PartitionName, metadata: string): string => `${partition} ${metadata}`

/** Whether a removal of these may have happened after the one began and before the other was over. */
function mayBeRemoved(
  { removals }: GroupView,
  of: readonly GroupRemoval['what'][],
  from: Interval,
  to: Interval,
): boolean {
  return removals.some(
    (removal) =>
      removal.outcome !== 'fail' &&
      of.includes(removal.what) &&
      (to.completed === undefined || removal.invoked < to.completed) &&
      (removal.completed === undefined || removal.completed > from.invoked),
  )
}

/** After one of these offsets are gone; after one of those generations begin anew. */
const OFFSETS: readonly GroupRemoval['what'][] = ['offsets', 'group']
const STATE: readonly GroupRemoval['what'][] = ['group', 'state']

const isBefore = (first: Interval, second: Interval): boolean =>
  first.completed !== undefined && first.completed < second.invoked

/** Whether nobody can say which of the two came first. */
const isBeside = (first: Interval, second: Interval): boolean => !isBefore(first, second) && !isBefore(second, first)

/** What a reader sees is what somebody committed, and not older than what was acknowledged or seen before it asked. */
function checkReads(view: GroupView, report: Report): void {
  for (const read of view.fetches) {
    for (const { partition, offset, metadata } of read.offsets) {
      const at = `${view.name} ${partition} through ${read.process}, ${read.client}`
      const tries = metadata === '' ? undefined : view.byMetadata.get(keyOf(partition, metadata))
      const said = tries?.[0]?.offsets.find((one) => one.partition === partition)
      if (offset >= 0 && said?.offset !== offset) {
        report('phantom-commit', `${at}: ${offset} (${metadata}), which nobody committed`)
        continue
      }
      if (tries?.every(({ outcome }) => outcome === 'fail'))
        report('zombie', `${at}: ${metadata} was refused and is there`)
      for (const commit of view.commits) {
        if (commit.outcome !== 'ok' || !isBefore(commit, read)) continue
        const committed = commit.offsets.find((one) => one.partition === partition)
        if (committed === undefined || committed.offset <= offset || mayBeRemoved(view, OFFSETS, commit, read)) continue
        // A commit whose answer its client did not wait for may be the later one of the two.
        if (tries?.some((other) => isBeside(other, commit))) continue
        report('lost-commit', `${at}: ${offset} (${metadata}) after ${committed.metadata} was acknowledged`)
      }
      for (const before of view.fetches) {
        if (!isBefore(before, read)) continue
        const shown = before.offsets.find((one) => one.partition === partition)
        if (shown === undefined || shown.offset <= offset || mayBeRemoved(view, OFFSETS, before, read)) continue
        report('regress', `${at}: ${offset} (${metadata}) after ${shown.offset} (${shown.metadata}) was shown`)
      }
    }
  }
}

/** In the journal's own order: offsets only go on, and so do the generations of a classic group. */
function checkEffects(view: GroupView, report: Report): void {
  const last = new Map<PartitionName, { readonly offset: number; readonly generation: number; readonly by: string }>()
  for (const { what, offsets } of view.effects) {
    if (what === 'removed' && offsets.length === 0) last.clear()
    for (const { partition, offset, metadata } of offsets) {
      if (what === 'removed') {
        last.delete(partition)
        continue
      }
      const commit = view.byMetadata.get(keyOf(partition, metadata))?.[0]
      const before = last.get(partition)
      const generation = view.isClassic ? (commit?.generation ?? 0) : 0
      if (before !== undefined && offset < before.offset) {
        report('regress', `${view.name} ${partition}: ${metadata} was stored after ${before.by}`)
      } else if (before !== undefined && generation < before.generation) {
        report('zombie', `${view.name} ${partition}: ${metadata} was stored after ${before.by}`)
      }
      last.set(partition, { offset, generation, by: metadata })
    }
  }
}

/**
 * When a member was first told of the generation that it has here. It may be told of it again when its group is gone already:
 * a heartbeat is answered from a view of the last second, and who asks for offsets is told of none.
 */
const sinceWhen = ({ told }: GroupView, here: Claim & Interval): Interval =>
  told.find(({ memberId, generation }) => memberId === here.memberId && generation === here.generation) ?? here

/** Once a partition's next owner has been told where to go on, nobody of an older generation commits it any more. */
function checkZombies(view: GroupView, report: Report): void {
  for (const commit of view.commits) {
    for (const told of view.told) {
      if (commit.outcome !== 'ok' || !isBefore(told, commit) || !succeeds(view, told, commit)) continue
      if (mayBeRemoved(view, STATE, sinceWhen(view, told), commit)) continue
      report('zombie', `${view.name}: ${commit.offsets[0]?.metadata} was acknowledged after ${nameOf(told)} was told`)
    }
  }
  for (const first of view.fetches) {
    if (first.memberId === '') continue
    for (const later of view.fetches) {
      if (!isBefore(first, later)) continue
      for (const { partition, metadata } of later.offsets) {
        const [commit] = view.byMetadata.get(keyOf(partition, metadata)) ?? []
        const shown = first.offsets.find((one) => one.partition === partition)
        if (commit === undefined || shown === undefined || shown.metadata === metadata) continue
        if (
          !isOlder(view, commit, first, partition) ||
          mayBeRemoved(view, [...OFFSETS, ...STATE], sinceWhen(view, first), later)
        )
          continue
        report('zombie', `${view.name} ${partition}: ${metadata} came after ${first.client} had seen ${shown.metadata}`)
      }
    }
  }
}

/** Whether the one who asked was given the partition after the one who committed had it. */
function isOlder(view: GroupView, commit: GroupCommit, asked: GroupFetch, partition: PartitionName): boolean {
  const { isClassic } = view
  if (isClassic && commit.generation === asked.generation) return isReplaced(view, commit.memberId, asked.memberId)
  if (commit.generation >= asked.generation) return false
  return isClassic || (commit.memberId !== asked.memberId && asked.owned.includes(partition))
}

/** Whether one static member came in the place of the other, which keeps the generation. */
function isReplaced({ told }: GroupView, old: string, next: string): boolean {
  const [before, after] = [old, next].map((id) => told.find(({ memberId }) => memberId === id))
  if (old === next || before === undefined || after === undefined || before.instanceId === undefined) return false
  return before.instanceId === after.instanceId && isBefore(before, after)
}

/** Whether what was told ends the right of this commit. */
function succeeds({ isClassic }: GroupView, told: GroupTold, commit: GroupCommit): boolean {
  if (told.generation <= commit.generation) return false
  if (isClassic) return true
  return (
    told.memberId !== commit.memberId &&
    commit.offsets.some(({ partition }) => told.assignment?.includes(partition) ?? false)
  )
}

const nameOf = ({ client, generation, what }: GroupTold): string => `${client} ${what} ${generation}`

/** Generations of a group, and epochs of a member, never go back, whoever is told. */
function checkGenerations(view: GroupView, report: Report): void {
  for (const first of view.told) {
    for (const later of view.told) {
      if (!isBefore(first, later) || later.generation >= first.generation) continue
      if (!view.isClassic && first.memberId !== later.memberId) continue
      if (mayBeRemoved(view, STATE, sinceWhen(view, first), later)) continue
      report('generation-back', `${view.name}: ${nameOf(later)} after ${nameOf(first)}`)
    }
  }
}

/** All members of a classic generation were told the same of it, and share out partitions without sharing one. */
function checkShares(view: GroupView, report: Report): void {
  const classic = view.isClassic ? view.told : []
  const identity = ({ instanceId, memberId }: GroupTold): string => instanceId ?? memberId
  const hasStatic = classic.some(({ instanceId }) => instanceId !== undefined)
  for (const one of classic) {
    const ids = one.members.map(({ memberId }) => memberId)
    const joinNames = one.members.map(({ joinName }) => joinName)
    if (new Set(ids).size < ids.length) report('two-members', `${view.name}: ${nameOf(one)} leads ${ids}`)
    // A join that is looked at again is no second one.
    if (new Set(joinNames).size < joinNames.length) {
      report('two-members', `${view.name}: ${nameOf(one)} leads ${joinNames}`)
    }
  }
  for (const [i, one] of classic.entries()) {
    for (const other of classic.slice(i + 1)) {
      if (one.generation !== other.generation) continue
      const [first, last] = one.invoked < other.invoked ? [one, other] : [other, one]
      if (mayBeRemoved(view, STATE, first, last)) continue
      if (one.chosen !== other.chosen) report('two-protocols', `${view.name}: ${nameOf(one)} and ${nameOf(other)}`)
      if (one.leader !== other.leader && one.leader !== '' && other.leader !== '' && !hasStatic) {
        report('two-leaders', `${view.name} ${one.generation}: ${one.leader} and ${other.leader}`)
      }
      if (identity(one) === identity(other)) continue
      const both = one.assignment?.find((partition) => other.assignment?.includes(partition))
      if (both !== undefined) report('two-owners', `${view.name} ${both}: ${nameOf(one)} and ${nameOf(other)}`)
    }
  }
}

/**
 * KIP-848: who was told that it has a partition, and is told so again without having given it up or joined anew, had it all
 * the time. Nobody else can have been told in between that it has it.
 */
function checkOwners(view: GroupView, report: Report): void {
  const told = view.told.filter(({ protocol, assignment }) => protocol === 'consumer' && assignment !== undefined)
  const byMember = Map.groupBy(told, ({ memberId }) => memberId)
  for (const [memberId, answers] of byMember) {
    const owns = view.owns.filter((one) => one.memberId === memberId)
    for (const [i, last] of answers.entries()) {
      const first = answers[i - 1]
      if (first === undefined) continue
      for (const partition of last.assignment!.filter((one) => first.assignment!.includes(one))) {
        const gaveUp = owns.some(
          ({ invoked, owned }) => invoked > first.completed && invoked < last.completed && !owned.includes(partition),
        )
        const other = told.find(
          (one) =>
            one.memberId !== memberId &&
            one.assignment!.includes(partition) &&
            isBefore(first, one) &&
            isBefore(one, last),
        )
        if (gaveUp || other === undefined || mayBeRemoved(view, STATE, first, last)) continue
        report('two-owners', `${view.name} ${partition}: ${nameOf(first)}, ${nameOf(other)}, ${nameOf(last)}`)
      }
    }
  }
}

// The end of the join phase: who has not come back is removed, the members that remain are a new generation, and they have a
// leader and a protocol. Generation and fence rise together here and nowhere else in this protocol but for the fence of a
// replaced static member. ⚠ A group whose members have all come back never stays in the join phase: every event that may be
// the last missing one ends with `completeIfEnded`.
import { assert } from '../../base/assert.ts'
import { GROUP_REBALANCE_MS_MIN } from '../../base/limits.ts'
import type { ClassicGroup, ClassicMember } from '../group.ts'
import { commonProtocols, rebalanceTimeoutMs, withoutMembers } from './members.ts'

/** How long a phase of the rebalance lasts at most. */
export const phaseMs = (group: ClassicGroup): number =>
  Math.max(GROUP_REBALANCE_MS_MIN, rebalanceTimeoutMs(group.members))

/** The first rebalance of a group without members: it waits for more of them, however many there are. */
export const isInitial = ({ rebalance }: ClassicGroup): boolean =>
  rebalance !== undefined && rebalance.notBeforeMs > rebalance.sinceMs

/** Ends the join phase if there is one and it is over; else the group as it is. */
export function completeIfEnded(group: ClassicGroup, nowMs: number): ClassicGroup {
  if (group.phase !== 'preparingRebalance') return group
  return hasEnded(group, nowMs) ? completeRebalance(group, nowMs) : group
}

function hasEnded(group: ClassicGroup, nowMs: number): boolean {
  const { rebalance, members, pending } = group
  assert(rebalance !== undefined, 'a group in its join phase knows when that began')
  if (members.length === 0) return true
  if (isInitial(group)) return nowMs >= rebalance.notBeforeMs
  if (nowMs >= rebalance.deadlineMs) return true
  return pending.length === 0 && members.every((member) => member.joining !== undefined)
}

/**
 * Ends the join phase. Static members may be missing: they stay until their session ends, but none of them leads. As long as
 * nobody has come back and only such members are left, there is nobody to lead, and the join phase goes on.
 */
export function completeRebalance(group: ClassicGroup, nowMs: number): ClassicGroup {
  const missing = group.members.filter((member) => member.joining === undefined && member.instanceId === undefined)
  const rest = missing.length === 0 ? group : withoutMembers(group, new Set(missing.map((member) => member.number)))
  if (rest.members.length === 0) return emptied(rest, nowMs)
  const leader = leaderOf(rest)
  if (leader === undefined) {
    const { sinceMs } = rest.rebalance!
    return { ...rest, rebalance: { sinceMs, deadlineMs: nowMs + phaseMs(rest), notBeforeMs: sinceMs } }
  }
  const { rebalance: _, ...kept } = rest
  return {
    ...kept,
    phase: 'completingRebalance',
    generation: group.generation + 1,
    fence: group.fence + 1,
    protocol: chooseProtocol(rest.members),
    leader: leader.memberId,
    members: rest.members.map(answered),
    syncDeadlineMs: nowMs + phaseMs(rest),
  }
}

/** The protocol that most members prefer among those that all of them support; of equals the one that was named first. */
export function chooseProtocol(members: readonly ClassicMember[]): string {
  const common = commonProtocols(members)
  const votes = new Map<string, number>()
  for (const { protocols } of members) {
    const vote = protocols.find(({ name }) => common.has(name))
    assert(vote !== undefined, 'the members of a group have a protocol in common')
    votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1)
  }
  const [chosen] = [...votes].reduce((best, next) => (next[1] > best[1] ? next : best))
  return chosen
}

/** The leader if it has come back, else the first that has. */
function leaderOf({ members, leader }: ClassicGroup): ClassicMember | undefined {
  const back = members.filter((member) => member.joining !== undefined)
  return back.find((member) => member.memberId === leader) ?? back[0]
}

/** The member at the start of a generation: nothing assigned, and a repeat of its join will be answered as it is now. */
function answered(member: ClassicMember): ClassicMember {
  const { joining, joined: _, ...rest } = member
  return { ...rest, assignment: '', synced: false, ...(joining === undefined ? {} : { joined: joining }) }
}

/** A generation without members. The type stays, for those who list groups. */
function emptied(group: ClassicGroup, nowMs: number): ClassicGroup {
  const { rebalance: _, protocol: _protocol, leader: _leader, ...rest } = group
  return {
    ...rest,
    phase: 'empty',
    generation: group.generation + 1,
    fence: group.fence + 1,
    emptySinceMs: nowMs,
  }
}

// Who may commit offsets for a consumer group, as of a group that was ticked, and under which fence. ⚠ The fence is that of the
// state which was looked at: once a partition has passed from one member to another the journal knows a higher one and refuses
// what was allowed here.
import type { ConsumerGroup } from '../group.ts'
import type { CommitCheck, Committer } from '../requests.ts'
import type { Step } from '../step.ts'
import { memberOf } from './members.ts'

/** Decides whether somebody may commit, or read offsets as a member. */
export function checkCommit(group: ConsumerGroup, committer: Committer): Step<CommitCheck> {
  const { memberId, generationOrEpoch, knowsEpochs } = committer
  const allowed: CommitCheck = { kind: 'allowed', fence: group.fence }
  // An administrator, or a client that shares out partitions by itself: as long as there are no members in its way.
  if (generationOrEpoch < 0 && group.members.length === 0) return { group, answer: allowed }
  const member = memberOf(group, memberId)
  if (member === undefined) {
    return { group, answer: { kind: 'unknownMember', message: `${memberId} is no member of ${group.id}.` } }
  }
  // A member that left for a while is at epoch -2, and says no such thing.
  if (generationOrEpoch === member.memberEpoch && generationOrEpoch >= 0) return { group, answer: allowed }
  const message = `${memberId} is at epoch ${member.memberEpoch}, not ${generationOrEpoch}.`
  const isModern = member.classic === undefined && knowsEpochs
  return { group, answer: { kind: isModern ? 'staleMemberEpoch' : 'illegalGeneration', message } }
}

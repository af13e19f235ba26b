// Who may commit offsets for a classic group, as of a group that was ticked, and under which fence. ⚠ The fence is that of the
// state which was looked at: once the generation is over, or a static member was replaced, the journal knows a higher one and
// refuses what was allowed here. While the group prepares, members of the generation that ends may still commit what they did.
import type { ClassicGroup } from '../group.ts'
import type { CommitCheck, Committer } from '../requests.ts'
import type { StepContext } from '../step.ts'
import { identify } from './members.ts'
import type { ClassicStep } from './step.ts'

/** Decides whether somebody may commit. */
export function checkCommit(
  group: ClassicGroup | undefined,
  committer: Committer,
  context: StepContext,
): ClassicStep<CommitCheck> {
  const { memberId, instanceId, generationOrEpoch, knowsEpochs } = committer
  if (group === undefined) {
    if (generationOrEpoch < 0) return { group, answer: { kind: 'allowed', fence: context.foldedFence } }
    return { group, answer: { kind: knowsEpochs ? 'groupNotFound' : 'illegalGeneration' } }
  }
  const allowed: CommitCheck = { kind: 'allowed', fence: group.fence }
  // An administrator, or a client that shares out partitions by itself: as long as there are no members in its way.
  if (generationOrEpoch < 0 && group.phase === 'empty') return { group, answer: allowed }
  if (generationOrEpoch < 0 && memberId === '' && instanceId === undefined) {
    return { group, answer: { kind: 'unknownMember' } }
  }
  const member = identify(group, committer)
  if ('kind' in member) return { group, answer: member }
  if (generationOrEpoch !== group.generation) return { group, answer: { kind: 'illegalGeneration' } }
  const seen = member.number
  // It has been told of the generation but not yet what it is to do in it, so this is what it did in the one before.
  if (group.phase === 'completingRebalance') return { group, answer: { kind: 'rebalanceInProgress' }, seen }
  return { group, answer: allowed, seen }
}

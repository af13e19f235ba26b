// The leader epoch is the version of the membership document, the same for all partitions. A client that names an older one
// has missed a change of leaders and is sent back to Metadata; one that names a newer one was told so by another gateway,
// so this one reads the document before it says that it does not know it.
import { ErrorCode } from '../../wire/errors.ts'
import type { Members } from '../broker.ts'

/** The error for a request that rests on `currentLeaderEpoch` (-1: it does not say); undefined if all is well. */
export async function leaderEpochProblem(members: Members, currentLeaderEpoch: number): Promise<number | undefined> {
  if (currentLeaderEpoch < 0) return undefined
  if (currentLeaderEpoch > members.epoch()) {
    await members.refresh()
    if (currentLeaderEpoch > members.epoch()) return ErrorCode.UNKNOWN_LEADER_EPOCH
  }
  return currentLeaderEpoch < members.epoch() ? ErrorCode.FENCED_LEADER_EPOCH : undefined
}

// Committing offsets. ⚠ A commit reads the other way round than a group changes: the position and the group with its fence as
// they are after the request arrived, then whether the committer is still a member; its entry carries that fence, and the
// fold rejects an older one. A rejected commit is checked again only while its request lives. ⚠ What was committed since the
// request came, as far as this process knew the journal then, overtakes it: its client may have lost the connection and gone
// on through another process. A request that may come after its client went on says itself how far the client was told to be.
// Commits of one group in this process go one after the other; those that wait meanwhile and say nothing of that kind together.
import type { Clock } from '../base/clock.ts'
import { COMMIT_LIFE_MS_MAX, COMMIT_TRIES_MAX } from '../base/limits.ts'
import { comparePositions, type Position } from '../journal/position.ts'
import type { Unserved } from '../log/log.ts'
import type { OpenedLog } from '../log/open-log.ts'
import { checkCommitter } from './decide.ts'
import type { CommitOutcome, CommittedOffset, OffsetToCommit } from './groups.ts'
import type { GroupOffsets } from './offsets.ts'
import type { CommitCheck, Committer } from './requests.ts'
import type { GroupEvent, GroupSettings } from './step.ts'

interface Waiting {
  readonly committer: Committer
  readonly offsets: readonly OffsetToCommit[]
  /** What was committed from here on may be its client's own next commit. */
  readonly since: Position
  /** It says by itself how old it may be, which may be older than all others here. */
  readonly isAlone: boolean
  readonly arrivedAt: number
  readonly settle: (outcome: CommitOutcome) => void
  readonly fail: (error: unknown) => void
}

export interface Commits {
  commit(committer: Committer, offsets: readonly OffsetToCommit[], told: Position | undefined): Promise<CommitOutcome>
}

export function createCommits(args: {
  readonly log: OpenedLog
  readonly offsets: GroupOffsets
  readonly clock: Clock
  readonly settings: GroupSettings
  ask(groupId: string, event: GroupEvent<CommitCheck>): Promise<CommitCheck | Unserved>
}): Commits {
  const { log, offsets, clock, ask } = args
  const queues = new Map<string, Waiting[]>()
  /** A commit of the same offsets is written all the same when the stored one would soon look expired. */
  const renewAfterMs = Math.min(60 * 60 * 1000, args.settings.offsetsRetentionMs / 4)

  async function commitTogether(groupId: string, batch: readonly Waiting[]): Promise<void> {
    const origin = log.journal.origin()
    const refreshed = await log.refresh()
    if (refreshed.kind !== 'fresh') return settleAll(batch, refreshed)
    const position = offsets.position()
    let open = batch
    for (let tries = 0; open.length > 0; tries++) {
      const now = clock.monotonic()
      const alive = open.filter(({ arrivedAt }) => now - arrivedAt < COMMIT_LIFE_MS_MAX)
      settleAll(
        open.filter((waiting) => !alive.includes(waiting)),
        { kind: 'unavailable' },
      )
      if (tries >= COMMIT_TRIES_MAX) return settleAll(alive, { kind: 'unavailable' })
      open = await tryOnce(groupId, alive, origin, position)
    }
  }

  /** Answers those that reached an end; returns those whose fence was overtaken. */
  async function tryOnce(
    groupId: string,
    batch: readonly Waiting[],
    origin: number,
    position: Position,
  ): Promise<readonly Waiting[]> {
    const checks = await Promise.all(batch.map(({ committer }) => ask(groupId, checkCommitter(committer))))
    const allowed: Waiting[] = []
    let fence = Number.POSITIVE_INFINITY
    checks.forEach((check, i) => {
      const waiting = batch[i]!
      if (check.kind !== 'allowed') {
        waiting.settle(check)
        return
      }
      allowed.push(waiting)
      // Checked one after the other, perhaps on both sides of a change: the oldest fence that one of them may use.
      fence = Math.min(fence, check.fence)
    })
    const wanted = together(allowed)
    if (wanted.length === 0) {
      settleAll(allowed, { kind: 'committed' })
      return []
    }
    const nowMs = clock.now()
    const looked = await changesOf(groupId, wanted, nowMs)
    if (looked.kind !== 'found' || looked.changes.length === 0) {
      settleAll(allowed, looked.kind === 'found' ? { kind: 'committed' } : looked)
      return []
    }
    const { changes } = looked
    const since = allowed.reduce((first, waiting) => earlier(first, waiting.since), position)
    const outcome = await offsets.commit({ groupId, fence, position: since, origin, nowMs, offsets: changes })
    if (outcome.kind === 'fencedOut') return allowed
    // What overtook it may be its client's own next commit, or one that its client has given up, or the same once more: unless
    // all is there, whoever still waits asks again.
    if (outcome.kind !== 'overtaken') settleAll(allowed, outcome)
    else {
      const now = await changesOf(groupId, changes, nowMs)
      settleAll(allowed, { kind: now.kind === 'found' && now.changes.length === 0 ? 'committed' : 'unavailable' })
    }
    return []
  }

  /** Those of the wanted that are not stored, or from so long ago that they would soon look expired. */
  async function changesOf(
    groupId: string,
    wanted: readonly OffsetToCommit[],
    nowMs: number,
  ): Promise<{ readonly kind: 'found'; readonly changes: readonly OffsetToCommit[] } | Unserved> {
    const stored = await offsets.committed(groupId)
    if (stored.kind !== 'found') return stored
    const known = new Map(stored.offsets.map((offset) => [placeOf(offset), offset]))
    const changes = wanted.filter((offset) => !isStored(offset, known.get(placeOf(offset)), nowMs - renewAfterMs))
    return { kind: 'found', changes }
  }

  async function run(groupId: string, queue: Waiting[]): Promise<void> {
    while (queue.length > 0) {
      const alone = queue.findIndex(({ isAlone }) => isAlone)
      const batch = queue.splice(0, alone < 0 ? queue.length : Math.max(1, alone))
      try {
        await commitTogether(groupId, batch)
      } catch (error) {
        for (const { fail } of batch) fail(error)
      }
    }
    queues.delete(groupId)
  }

  return {
    commit: (committer, batch, told) =>
      new Promise((settle, fail) => {
        const { groupId } = committer
        const since = told ?? offsets.position()
        const isAlone = told !== undefined
        const waiting = { committer, offsets: batch, since, isAlone, arrivedAt: clock.monotonic(), settle, fail }
        const queue = queues.get(groupId)
        if (queue !== undefined) return void queue.push(waiting)
        const fresh = [waiting]
        queues.set(groupId, fresh)
        void run(groupId, fresh)
      }),
  }
}

function settleAll(batch: readonly Waiting[], outcome: CommitOutcome): void {
  for (const { settle } of batch) settle(outcome)
}

/** What several commits come to, one after the other: the last one of each partition. */
function together(batch: readonly Waiting[]): readonly OffsetToCommit[] {
  const last = new Map<string, OffsetToCommit>()
  for (const { offsets } of batch) {
    for (const offset of offsets) last.set(placeOf(offset), offset)
  }
  return [...last.values()]
}

const earlier = (a: Position, b: Position): Position => (comparePositions(a, b) < 0 ? a : b)

const placeOf = ({ topicId, partition }: { readonly topicId: string; readonly partition: number }): string =>
  `${topicId}/${partition}`

/** Whether committing this would change nothing: it is there, and not from before this time. */
function isStored(wanted: OffsetToCommit, stored: CommittedOffset | undefined, sinceMs: number): boolean {
  if (stored === undefined || stored.committedMs < sinceMs) return false
  const { offset, leaderEpoch, metadata } = stored
  return offset === wanted.offset && leaderEpoch === wanted.leaderEpoch && metadata === wanted.metadata
}

// The beginning of the join phase. All members have to join again; the generation stays as it is until they have, so that they
// can still commit what they did. A group that had no members gives others some time to come too (KIP-134), in windows: who
// comes in one of them makes another one follow, up to the longest rebalance timeout.
import type { ClassicGroup } from '../group.ts'
import type { StepContext } from '../step.ts'
import { completeIfEnded, completeRebalance, isInitial, phaseMs } from './complete-rebalance.ts'

/** Begins a rebalance, and ends its join phase if nobody is missing. */
export function beginRebalance(group: ClassicGroup, context: StepContext): ClassicGroup {
  const { syncDeadlineMs: _, ...rest } = group
  const { nowMs, settings } = context
  const durationMs = phaseMs(group)
  if (group.phase === 'empty') {
    const delayMs = Math.max(0, settings.initialRebalanceDelayMs)
    const rebalance = {
      sinceMs: nowMs,
      deadlineMs: nowMs + Math.max(delayMs, durationMs),
      notBeforeMs: nowMs + delayMs,
    }
    const prepared: ClassicGroup = { ...rest, phase: 'preparingRebalance', rebalance }
    return delayMs === 0 ? completeRebalance(prepared, nowMs) : prepared
  }
  const rebalance = { sinceMs: nowMs, deadlineMs: nowMs + durationMs, notBeforeMs: nowMs }
  return completeIfEnded({ ...rest, phase: 'preparingRebalance', rebalance }, nowMs)
}

/** What follows when members came, left or changed: a rebalance, or perhaps the end of the join phase that is under way. */
export const rebalance = (group: ClassicGroup, context: StepContext): ClassicGroup =>
  group.phase === 'preparingRebalance' ? completeIfEnded(group, context.nowMs) : beginRebalance(group, context)

/** Gives a group in its first rebalance the window after the current one, because a new member came. */
export function extendInitialRebalance(group: ClassicGroup, context: StepContext): ClassicGroup {
  if (group.rebalance === undefined || !isInitial(group)) return group
  const { sinceMs, deadlineMs, notBeforeMs } = group.rebalance
  const windowMs = Math.max(1, context.settings.initialRebalanceDelayMs)
  const window = Math.max(0, Math.floor((context.nowMs - sinceMs) / windowMs))
  const untilMs = Math.min(deadlineMs, sinceMs + (window + 2) * windowMs)
  return untilMs > notBeforeMs ? { ...group, rebalance: { sinceMs, deadlineMs, notBeforeMs: untilMs } } : group
}

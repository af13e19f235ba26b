// What the clients of groups were told in a run, as numbers: the proof that members did take over from each other, that commits
// were acknowledged, refused and left in doubt, and not only that nothing was wrong with what never happened.
import type { Op, PartitionName } from './history.ts'
import type { Incidents } from './incidents.ts'

/** Counts what the clients of groups were told, for those who want to know whether anything happened at all. */
export function countGroups(ops: readonly Op[], incidents: Incidents): void {
  const generations = new Set<string>()
  const owners = new Map<PartitionName, string>()
  const outcomes = { ok: 'commit acknowledged', fail: 'commit refused', info: 'commit in doubt' } as const
  for (const op of ops) {
    if (op.kind === 'groupCommit') incidents.count(outcomes[op.outcome])
    if (op.kind !== 'groupTold') continue
    const generation = `${op.group} ${op.generation}`
    if (op.protocol === 'classic' && !generations.has(generation)) incidents.count('generation of a classic group')
    generations.add(generation)
    for (const partition of op.assignment ?? []) {
      const place = `${op.group} ${partition}`
      if ((owners.get(place) ?? op.client) !== op.client) incidents.count('partition of a group taken over')
      owners.set(place, op.client)
    }
  }
}

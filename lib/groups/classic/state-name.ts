// The states of a classic group by the names that Kafka lists and describes them with. A group without a document has none of
// them: `Dead`, or `Empty` while offsets are stored for it, is for whoever knows that.
import type { ClassicGroup, ClassicPhase } from '../group.ts'

const NAMES: Readonly<Record<ClassicPhase, string>> = {
  empty: 'Empty',
  preparingRebalance: 'PreparingRebalance',
  completingRebalance: 'CompletingRebalance',
  stable: 'Stable',
}

/** As Kafka spells it. */
export const stateName = ({ phase }: ClassicGroup): string => NAMES[phase]

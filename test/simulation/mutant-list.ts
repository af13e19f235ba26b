// The mutants: one deliberate break of the code for each sentence of the design that marks a hole, with the sentence it
// breaks. Each must be found by plain seeds of the simulation. `beside` is an edit that is harmless by itself and makes the
// sentence matter where the rest of the code is too careful to lean on it; it applies to the unmutated run as well.
import { groupMutants } from './mutant-list-groups.ts'
import { httpsMutants } from './mutant-list-https.ts'
import { journalMutants } from './mutant-list-journal.ts'
import { foldMutants, logMutants } from './mutant-list-log.ts'

export interface Edit {
  readonly file: string
  /** Must occur exactly once. */
  readonly search: string
  readonly replace: string
}
export interface Mutant {
  readonly name: string
  /** What the design says, and this breaks. */
  readonly sentence: string
  readonly edits: readonly Edit[]
  readonly beside?: readonly Edit[]
  /** It is found within this many seeds. */
  readonly seeds: number
}

export const MUTANTS: readonly Mutant[] = [
  ...journalMutants,
  ...foldMutants,
  ...logMutants,
  ...httpsMutants,
  ...groupMutants,
]

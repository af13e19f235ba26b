// What a decision about a classic group gives back: a step whose group is a classic one, or none where there was none. The
// functions of this folder are handed the group as of now (`tick.ts`), decide one event, and never remove the group itself.
import type { ClassicGroup } from '../group.ts'
import type { Step } from '../step.ts'

export interface ClassicStep<Answer> extends Step<Answer> {
  readonly group: ClassicGroup | undefined
}

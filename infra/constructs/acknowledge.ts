// Rules of cdk-nag that a construct does not follow, each with its reason beside the code it is about. Whoever checks an
// app with cdk-nag sees them as acknowledged; CloudFormation never sees them.
import { Validations } from 'aws-cdk-lib'
import type { IConstruct } from 'constructs'

/** Says of a construct and all below it why these rules are not followed. */
export function acknowledge(construct: IConstruct, reasons: Readonly<Record<string, string>>): void {
  for (const [id, reason] of Object.entries(reasons)) Validations.of(construct).acknowledge({ id, reason })
}

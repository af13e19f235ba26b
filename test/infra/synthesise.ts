// The deployment as templates, for tests: the real stacks with the code of their functions left out, and the few ways in
// which templates are looked at.
import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import { addStacks, type Deployment } from '../../infra/deployment.ts'
import { settingsOf } from '../../infra/settings.ts'

export const noCode = (): lambda.Code => lambda.Code.fromInline('exports.handler = async () => {}')

export interface Resource {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
  readonly DeletionPolicy?: string
  readonly UpdateReplacePolicy?: string
}
export interface Document {
  readonly Resources: Readonly<Record<string, Resource>>
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown }>>
}
export type Templates = Readonly<Record<keyof Deployment, Document>>

/** An app without CDK's own validation, which takes seconds and is part of `npm run lint:templates`. */
export function quickApp(context: Record<string, unknown> = {}): App {
  return new App({ context, analyticsReporting: false, builtinCloudFormationValidation: false })
}

/** An app with the stacks that a context describes. */
export function deployment(context: Record<string, unknown> = {}): { readonly app: App; readonly stacks: Deployment } {
  const app = quickApp(context)
  return { app, stacks: addStacks(app, { ...settingsOf(app.node), code: noCode }) }
}

/** The templates of all stacks. */
export function templates(context: Record<string, unknown> = {}, change?: (stacks: Deployment) => void): Templates {
  const { stacks } = deployment(context)
  change?.(stacks)
  const template = (name: keyof Deployment): Document => Template.fromStack(stacks[name]).toJSON() as Document
  return {
    storage: template('storage'),
    api: template('api'),
    topics: template('topics'),
    coordination: template('coordination'),
    maintenance: template('maintenance'),
  }
}

/** The resources of a type, by logical id. */
export function resourcesOf(document: Document, type: string): [id: string, resource: Resource][] {
  return Object.entries(document.Resources).filter(([, resource]) => resource.Type === type)
}

/** The only resource of a type. */
export function resourceOf(document: Document, type: string): Resource {
  const found = resourcesOf(document, type)
  if (found.length !== 1) throw new Error(`there are ${found.length} resources of type ${type}`)
  return found[0]![1]
}

/** How many resources of each type there are. */
export function typesOf(document: Document): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { Type } of Object.values(document.Resources)) counts[Type] = (counts[Type] ?? 0) + 1
  return counts
}

const NAMES: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/StorageTable[0-9A-F]{8}.*StreamArn/, '<stream>'],
  [/StorageTable[0-9A-F]{8}.*Arn/, '<table>'],
  [/StorageTable[0-9A-F]{8}/, '<table name>'],
  [/StorageBucket[0-9A-F]{8}.*Arn/, '<bucket>'],
  [/StorageBucket[0-9A-F]{8}/, '<bucket name>'],
  [/Key[0-9A-F]{8}.*Arn/, '<key>'],
  [/(Produce|Fetch|Coordinate|Admin)Function[0-9A-F]{8}.*Arn/, '<$1 function>'],
  [/MaintenanceFunction[0-9A-F]{8}.*Arn/, '<Maintenance function>'],
  [/TopicsFunction[0-9A-F]{8}.*Arn/, '<Topic function>'],
  [/Logs[0-9A-F]{8}.*Arn/, '<logs>'],
  [/Role[0-9A-F]{8}.*Arn/, '<role>'],
]

/** A value of a template as a text in which what it refers to has a readable name. */
export function readable(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return String(value)
  const [kind, inner] = Object.entries(value)[0] ?? ['', undefined]
  if (kind === 'Fn::Join') return (inner as [string, unknown[]])[1].map(readable).join((inner as [string])[0])
  if (kind === 'Ref' && typeof inner === 'string' && inner.startsWith('AWS::')) return `<${inner}>`
  const reference = kind === 'Fn::GetAtt' ? (inner as string[]).join('.') : String(inner)
  for (const [pattern, name] of NAMES) {
    const match = pattern.exec(reference)
    if (match !== null) return name.replace('$1', match[1] ?? '')
  }
  return `<${reference}>`
}

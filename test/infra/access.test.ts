// Least privilege, held to the letter: every right of every role in every stack is listed here. A right that is added
// without being listed fails, and so does one that is missing.
import { describe, expect, it } from 'vitest'
import { type Document, type Resource, readable, resourcesOf, type Templates, templates } from './synthesise.ts'

interface Statement {
  readonly Effect: string
  readonly Action: string | readonly string[]
  readonly Resource: unknown
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}
interface PolicyDocument {
  readonly Statement: readonly Statement[]
}

const listed = <T>(one: T | readonly T[]): readonly T[] => (Array.isArray(one) ? (one as readonly T[]) : [one as T])

/** ` at ‹partition keys›` for a statement about items; the whole condition as JSON for any other. */
function conditionText(condition: Statement['Condition']): string {
  if (condition === undefined) return ''
  const keys = condition['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'] as string | string[] | undefined
  const asksForKey = JSON.stringify(condition['Null']) === '{"dynamodb:LeadingKeys":"false"}'
  if (keys !== undefined && asksForKey && Object.keys(condition).length === 2) return ` at ${listed(keys).join(', ')}`
  return ` if ${JSON.stringify(condition, (_, value: unknown) => (typeof value === 'object' && value !== null && 'Fn::Join' in value ? readable(value) : value))}`
}

/** A policy as one line per action and resource. */
function rights(document: PolicyDocument): string[] {
  return document.Statement.flatMap((statement) =>
    listed(statement.Action).flatMap((action) =>
      listed(statement.Resource).map(
        (resource) =>
          `${statement.Effect === 'Allow' ? '' : `${statement.Effect} `}${action} ${readable(resource)}${conditionText(statement.Condition)}`,
      ),
    ),
  )
}

function inlineRights(role: Resource): string[] {
  const policies = (role.Properties['Policies'] ?? []) as { PolicyDocument: PolicyDocument }[]
  return policies.flatMap((policy) => rights(policy.PolicyDocument)).sort()
}

/** The roles of all stacks by the path of their construct, shortened. */
function roles(all: Templates): Record<string, string[]> {
  const found = Object.values<Document>(all).flatMap((document) => resourcesOf(document, 'AWS::IAM::Role'))
  return Object.fromEntries(found.map(([id, role]) => [id.replace(/[0-9A-F]{8}$/, ''), inlineRights(role)]))
}

const LOGS = ['logs:CreateLogStream <logs>', 'logs:PutLogEvents <logs>']
const READS = [
  ...LOGS,
  's3:ListBucket <bucket>',
  's3:GetObject <bucket>/segment/*',
  's3:GetObject <bucket>/body/*',
  's3:GetObject <bucket>/root/*',
  's3:GetObject <bucket>/page/*',
  's3:GetObject <bucket>/block/*',
  'dynamodb:GetItem <table> at JOURNAL#1, CLUSTER, TINY#*, DOC#gateways',
]
const APPEND = 'dynamodb:UpdateItem <table> at JOURNAL#1'
const CHANGE = [
  's3:PutObject <bucket>/body/*',
  APPEND,
  'dynamodb:Query <table> at JOURNAL#1#CHUNKS',
  'dynamodb:PutItem <table> at JOURNAL#1, JOURNAL#1#CHUNKS, CLUSTER, DOC#answers',
]

const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  ApiProduceRole: [
    ...READS,
    's3:PutObject <bucket>/segment/*',
    APPEND,
    'dynamodb:Query <table> at JOURNAL#1#CHUNKS',
    'dynamodb:PutItem <table> at JOURNAL#1, JOURNAL#1#CHUNKS, CLUSTER, TINY#*',
  ],
  ApiFetchRole: [...READS, 'dynamodb:Query <table> at JOURNAL#1#CHUNKS'],
  ApiCoordinateRole: [
    ...READS.slice(0, -1),
    's3:PutObject <bucket>/body/*',
    APPEND,
    'dynamodb:GetItem <table> at JOURNAL#1, CLUSTER, TINY#*, DOC#gateways, DOC#groups, DOC#group-seen',
    'dynamodb:Query <table> at JOURNAL#1#CHUNKS, DOC#groups, DOC#group-seen',
    'dynamodb:PutItem <table> at JOURNAL#1, JOURNAL#1#CHUNKS, CLUSTER, DOC#answers, DOC#groups, DOC#group-seen',
    'dynamodb:DeleteItem <table> at DOC#groups, DOC#group-seen',
  ],
  ApiAdminRole: [...READS, ...CHANGE],
  TopicsFunctionRole: [
    ...READS,
    's3:PutObject <bucket>/body/*',
    APPEND,
    'dynamodb:Query <table> at JOURNAL#1#CHUNKS',
    'dynamodb:PutItem <table> at JOURNAL#1, JOURNAL#1#CHUNKS, CLUSTER',
    'cloudformation:DescribeStacks <AWS::StackId>',
  ],
  MaintenanceFunctionRole: [
    ...READS.slice(0, -1),
    'dynamodb:GetItem <table> at JOURNAL#1, CLUSTER, TINY#*, DOC#gateways, DOC#maintenance',
    's3:PutObject <bucket>/root/*',
    's3:PutObject <bucket>/page/*',
    's3:PutObject <bucket>/block/*',
    's3:DeleteObject <bucket>/segment/*',
    's3:DeleteObject <bucket>/body/*',
    's3:DeleteObject <bucket>/root/*',
    's3:DeleteObject <bucket>/page/*',
    's3:DeleteObject <bucket>/block/*',
    APPEND,
    'dynamodb:Query <table> at JOURNAL#1#CHUNKS, TINY#*, DOC#answers',
    'dynamodb:DeleteItem <table> at DOC#answers',
    'dynamodb:PutItem <table> at JOURNAL#1, JOURNAL#1#CHUNKS, CLUSTER, DOC#maintenance',
    'dynamodb:BatchWriteItem <table> at JOURNAL#1#CHUNKS, TINY#*',
    'dynamodb:DescribeStream <stream>',
    'dynamodb:GetRecords <stream>',
    'dynamodb:GetShardIterator <stream>',
    'dynamodb:ListStreams *',
  ],
  MaintenanceRareRole: ['lambda:InvokeFunction <Maintenance function>'],
  CoordinationSweeperRole: ['lambda:InvokeFunction <Coordinate function>'],
}

const sorted = (all: Readonly<Record<string, readonly string[]>>): Record<string, readonly string[]> =>
  Object.fromEntries(Object.entries(all).map(([name, lines]) => [name, [...lines].sort()]))

describe('roles', () => {
  const all = templates()

  it('have exactly these rights', () => {
    expect(roles(all)).toEqual(sorted(EXPECTED))
  })

  it('have no policies outside the role', () => {
    for (const document of Object.values<Document>(all)) {
      expect(resourcesOf(document, 'AWS::IAM::Policy')).toEqual([])
      expect(resourcesOf(document, 'AWS::IAM::ManagedPolicy')).toEqual([])
      for (const [, role] of resourcesOf(document, 'AWS::IAM::Role')) {
        expect(role.Properties['ManagedPolicyArns']).toBeUndefined()
      }
    }
  })

  it('are assumed by Lambda, or by schedules of the same account', () => {
    const trusts = Object.values<Document>(all).flatMap((document) =>
      resourcesOf(document, 'AWS::IAM::Role').map(([id, role]) => {
        const [statement] = (role.Properties['AssumeRolePolicyDocument'] as { Statement: unknown[] }).Statement
        return [id, statement] as const
      }),
    )
    const allow = (Service: string) => ({ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service } })
    for (const [id, statement] of trusts) {
      const byClock = /Rare|Sweeper/.test(id)
      const Condition = { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } }
      expect(statement).toEqual(
        byClock ? { ...allow('scheduler.amazonaws.com'), Condition } : allow('lambda.amazonaws.com'),
      )
    }
    expect(trusts.length).toBe(8)
  })

  it('use one key through S3 and DynamoDB only, and read with it unless they write', () => {
    const withKey = roles(templates({ encryptionKey: 'create' }))
    const via =
      ' if {"StringEquals":{"kms:ViaService":["s3.<AWS::Region>.<AWS::URLSuffix>","dynamodb.<AWS::Region>.<AWS::URLSuffix>"]}}'
    const added = Object.fromEntries(
      Object.entries(withKey).map(([name, lines]) => [name, lines.filter((line) => !EXPECTED[name]!.includes(line))]),
    )
    const reads = [`kms:Decrypt <key>${via}`]
    const writes = [...reads, `kms:Encrypt <key>${via}`, `kms:GenerateDataKey <key>${via}`]
    expect(added).toEqual({
      ApiProduceRole: writes,
      ApiFetchRole: reads,
      ApiCoordinateRole: writes,
      ApiAdminRole: writes,
      TopicsFunctionRole: writes,
      MaintenanceFunctionRole: writes,
      MaintenanceRareRole: [],
      CoordinationSweeperRole: [],
    })
  })
})

// What the settings change, and what is said when they are wrong: encryption, monitoring, function URLs, architectures,
// topics; and the one construct for apps of others, with its grants.
import { Duration, RemovalPolicy, Size, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import * as iam from 'aws-cdk-lib/aws-iam'
import * as kms from 'aws-cdk-lib/aws-kms'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { EventLog, type EventLogProps } from '../../infra/constructs/event-log.ts'
import { CleanupPolicy, Compression, topicConfigs } from '../../infra/constructs/topic-configs.ts'
import { settingsOf } from '../../infra/settings.ts'
import { type Document, noCode, quickApp, readable, resourceOf, resourcesOf, templates, typesOf } from './synthesise.ts'

const settings = (context: Record<string, unknown>) => settingsOf(quickApp(context).node)

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

/** A log in a stack of its own. */
function eventLog(props: EventLogProps = {}): { stack: Stack; log: EventLog; document: () => Document } {
  const stack = new Stack(quickApp(), 'Shop')
  const log = new EventLog(stack, 'Log', { code: noCode, ...props })
  return { stack, log, document: () => Template.fromStack(stack).toJSON() as Document }
}

describe('encryptionKey', () => {
  const encrypted = templates({ encryptionKey: 'create', monitoring: true })

  it('encrypts bucket, table and every log group with a key that rotates and stays', () => {
    const all = encrypted
    const key = resourceOf(all.storage, 'AWS::KMS::Key')
    expect(key).toMatchObject({ Properties: { EnableKeyRotation: true }, DeletionPolicy: 'Retain' })
    const { BucketEncryption } = resourceOf(all.storage, 'AWS::S3::Bucket').Properties as {
      BucketEncryption: { ServerSideEncryptionConfiguration: Record<string, unknown>[] }
    }
    const [rule] = BucketEncryption.ServerSideEncryptionConfiguration
    expect(rule).toMatchObject({
      BucketKeyEnabled: true,
      ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' },
    })
    expect(resourceOf(all.storage, 'AWS::DynamoDB::Table').Properties['SSESpecification']).toMatchObject({
      SSEEnabled: true,
      SSEType: 'KMS',
    })
    const groups = Object.values<Document>(all).flatMap((document) => resourcesOf(document, 'AWS::Logs::LogGroup'))
    expect(groups.length).toBe(7)
    for (const [, group] of groups) expect(readable(group.Properties['KmsKeyId'])).toBe('<key>')
  })

  it('lets CloudWatch Logs use the key for log groups of this account', () => {
    const { Statement } = resourceOf(encrypted.storage, 'AWS::KMS::Key').Properties['KeyPolicy'] as {
      Statement: { Sid?: string; Principal: { Service: unknown }; Condition: Record<string, Record<string, unknown>> }[]
    }
    const logs = Statement.find(({ Sid }) => Sid === 'LogGroups')!
    expect(readable(logs.Principal.Service)).toBe('logs.<AWS::Region>.<AWS::URLSuffix>')
    expect(readable(logs.Condition['ArnLike']!['kms:EncryptionContext:aws:logs:arn'])).toBe(
      'arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:*',
    )
  })

  it('takes a key that is there', () => {
    const arn = 'arn:aws:kms:eu-west-1:111111111111:key/6a5b3c2d-0000-0000-0000-000000000000'
    const { storage } = templates({ encryptionKey: arn })
    expect(typesOf(storage)['AWS::KMS::Key']).toBeUndefined()
    expect(JSON.stringify(resourceOf(storage, 'AWS::DynamoDB::Table').Properties['SSESpecification'])).toContain(arn)
  })
})

describe('monitoring', () => {
  const all = templates({ monitoring: true })

  it('watches errors, throttles and slowness of each function, and how far maintenance is behind', () => {
    const alarms = resourcesOf(all.maintenance, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties)
    const of = (name: string) => [
      `The ${name} function failed.`,
      `The ${name} function was throttled.`,
      `The ${name} function is slow.`,
    ]
    const names = ['produce', 'fetch', 'coordinate', 'admin', 'topic', 'maintenance']
    expect(alarms.map(({ AlarmDescription }) => AlarmDescription).sort()).toEqual(
      [...names.flatMap(of), 'Maintenance is behind the journal.'].sort(),
    )
    const slow = alarms.find(({ AlarmDescription }) => AlarmDescription === 'The produce function is slow.')
    expect(slow).toMatchObject({ Threshold: 29_000 * 0.8, TreatMissingData: 'notBreaching', MetricName: 'Duration' })
    expect(slow!['ExtendedStatistic']).toBe('p99')
    const behind = alarms.find(({ MetricName }) => MetricName === 'IteratorAge')
    expect(behind).toMatchObject({ Threshold: 600_000, Statistic: 'Maximum' })
    expect(typesOf(all.maintenance)['AWS::CloudWatch::Dashboard']).toBe(1)
  })

  it('turns traces, metrics and access logs on', () => {
    for (const [, { Properties }] of resourcesOf(all.api, 'AWS::Lambda::Function')) {
      expect(Properties['TracingConfig']).toEqual({ Mode: 'Active' })
      expect(Properties['Environment']).toMatchObject({
        Variables: { POWERTOOLS_METRICS_DISABLED: 'false', POWERTOOLS_TRACE_ENABLED: 'true' },
      })
    }
    const { AccessLogSettings, DefaultRouteSettings } = resourceOf(all.api, 'AWS::ApiGatewayV2::Stage').Properties
    expect(AccessLogSettings).toMatchObject({ DestinationArn: expect.anything() })
    expect(DefaultRouteSettings).toEqual({ DetailedMetricsEnabled: true })
  })
})

describe('other settings', () => {
  it('give functions URLs with IAM', () => {
    const { api } = templates({ functionUrls: true })
    const urls = resourcesOf(api, 'AWS::Lambda::Url')
    expect(urls.length).toBe(4)
    for (const [, { Properties }] of urls) expect(Properties['AuthType']).toBe('AWS_IAM')
    expect(Object.keys(api.Outputs ?? {})).toEqual(
      expect.arrayContaining(['FunctionUrlproduce', 'FunctionUrlfetch', 'FunctionUrlcoordinate', 'FunctionUrladmin']),
    )
  })

  it('choose processor, memory, names and the sweeper', () => {
    const { api, coordination } = templates({ architecture: 'x86_64', memorySize: '512', sweepEvery: '15m' })
    for (const [, { Properties }] of resourcesOf(api, 'AWS::Lambda::Function')) {
      expect(Properties).toMatchObject({ Architectures: ['x86_64'], MemorySize: 512 })
    }
    const { State, ScheduleExpression } = resourceOf(coordination, 'AWS::Scheduler::Schedule').Properties
    expect([State, ScheduleExpression]).toEqual(['ENABLED', 'rate(15 minutes)'])
    expect(settings({ architecture: 'host' }).architecture.name).toBe(process.arch === 'arm64' ? 'arm64' : 'x86_64')
    expect(settings({ name: 'Shop' }).name).toBe('Shop')
  })

  it.each([
    [{ name: '1st' }, 'The context value "name" must be a letter and up to 99 letters, digits and dashes, not "1st".'],
    [
      { architecture: 'mips' },
      'The context value "architecture" must be "arm64", "x86_64" or "host" (for emulators), not "mips".',
    ],
    [{ memorySize: 64 }, 'The context value "memorySize" must be a whole number of MB from 128 to 10240, not 64.'],
    [{ monitoring: 'maybe' }, 'The context value "monitoring" must be true or false, not "maybe".'],
    [
      { encryptionKey: 'mine' },
      'The context value "encryptionKey" must be "create" or the ARN of a KMS key, not "mine".',
    ],
    [
      { sweepEvery: '90s' },
      'The context value "sweepEvery" must be a duration of whole minutes, such as "15m", not "90s".',
    ],
  ])('are refused in a sentence: %j', (context, sentence) => {
    expect(() => settings(context)).toThrow(sentence)
  })

  it('end the app with the sentence alone', async () => {
    vi.stubEnv('CDK_CONTEXT_JSON', '{"topics":{"a/b":{}}}')
    const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never)
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    await import('../../infra/app.ts')
    expect(write.mock.calls).toEqual([
      [
        "Topic name is invalid: 'a/b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'.\n",
      ],
    ])
    expect(exit.mock.calls).toEqual([[1]])
  })
})

describe('topics', () => {
  it('of the context mean what the same properties mean in code', () => {
    const declared = {
      partitions: 12,
      retention: '30d',
      retentionBytes: '10GiB',
      cleanupPolicy: 'compact,delete',
      compression: 'zstd',
      maxMessageBytes: '2MiB',
      removalPolicy: 'destroy',
      configs: { 'min.compaction.lag.ms': 60000, 'message.timestamp.type': 'LogAppendTime' },
    }
    const { orders } = settings({ topics: JSON.stringify({ orders: declared }) }).topics
    const same = {
      partitions: 12,
      retention: Duration.days(30),
      retentionBytes: Size.gibibytes(10),
      cleanupPolicy: CleanupPolicy.COMPACT_AND_DELETE,
      compression: Compression.ZSTD,
      maxMessageBytes: Size.mebibytes(2),
      configs: { 'min.compaction.lag.ms': '60000', 'message.timestamp.type': 'LogAppendTime' },
    }
    expect(topicConfigs('orders', orders!)).toEqual(topicConfigs('orders', same))
    expect(topicConfigs('orders', same)).toEqual({
      'retention.ms': '2592000000',
      'retention.bytes': '10737418240',
      'cleanup.policy': 'compact,delete',
      'compression.type': 'zstd',
      'max.message.bytes': '2097152',
      'min.compaction.lag.ms': '60000',
      'message.timestamp.type': 'LogAppendTime',
    })
    expect(orders).toMatchObject({ partitions: 12, removalPolicy: RemovalPolicy.DESTROY })
    expect(topicConfigs('all', { retention: 'forever' })).toEqual({ 'retention.ms': '-1' })
  })

  it('are deleted with their resource only on request', () => {
    const { topics } = templates({ topics: { orders: { removalPolicy: 'destroy' } } })
    const topic = resourceOf(topics, 'Custom::TidelogTopic')
    expect(topic).toMatchObject({ DeletionPolicy: 'Delete', Properties: { RemovalPolicy: 'DESTROY' } })
  })

  it.each([
    ['orders', 'The context value "topics" is not JSON.'],
    [[], 'The context value "topics" must be an object of topics by name.'],
    [{ orders: 12 }, 'Topic orders: its properties must be an object, such as {}.'],
    [
      { orders: { partition: 12 } },
      'Topic orders: there is no property partition; there are partitions, retention, retentionBytes, cleanupPolicy, compression, maxMessageBytes, configs, removalPolicy.',
    ],
    [{ orders: { constructor: 1 } }, 'Topic orders: there is no property constructor;'],
    [{ orders: { partitions: '12' } }, 'Topic orders: partitions must be a whole number, not "12".'],
    [
      { orders: { retention: 7 } },
      'Topic orders: retention must be a duration such as "7d" or "12h", or "forever", not 7.',
    ],
    [
      { orders: { retentionBytes: '10GB' } },
      'Topic orders: retentionBytes must be a size such as "10GiB", not "10GB".',
    ],
    [
      { orders: { cleanupPolicy: 'keep' } },
      'Topic orders: cleanupPolicy must be one of "delete", "compact", "compact,delete", not "keep".',
    ],
    [
      { orders: { configs: { 'retention.ms': null } } },
      'Topic orders: configs must be an object of Kafka configurations and their values, not {"retention.ms":null}.',
    ],
    [
      { orders: { removalPolicy: 'snapshot' } },
      'Topic orders: removalPolicy must be "retain" or "destroy", not "snapshot".',
    ],
  ])('of the context are refused in a sentence: %j', (topics, sentence) => {
    expect(() => settings({ topics })).toThrow(sentence)
  })

  it.each([
    [{ partitions: 0 }, 'Topic orders: partitions must be a whole number from 1 to 100000, not 0.'],
    [
      { configs: { 'retention.msec': '1' } },
      'Topic orders: Unknown topic config name: retention.msec. Did you mean retention.ms?',
    ],
    [{ configs: { 'segment.ms': '0' } }, 'Topic orders: Invalid value 0 for configuration segment.ms'],
    [
      { retention: Duration.days(1), configs: { 'retention.ms': '1' } },
      'Topic orders: retention.ms is given twice, by its property and in configs.',
    ],
  ])('that the log would refuse are refused before the deployment: %j', (options, sentence) => {
    const { log } = eventLog()
    expect(() => log.addTopic('orders', options)).toThrow(sentence)
  })

  it('have one declaration each', () => {
    const { log } = eventLog({ topics: { orders: {} } })
    expect(() => log.addTopic('orders')).toThrow('Topic orders is declared twice.')
  })
})

describe('EventLog', () => {
  it('is the five stacks in one construct', () => {
    const { log, document } = eventLog()
    log.addTopic('orders', { partitions: 12, retention: Duration.days(7), cleanupPolicy: CleanupPolicy.DELETE })
    const split = templates({ topics: { orders: {} } })
    const together: Record<string, number> = {}
    for (const counts of Object.values<Document>(split).map(typesOf)) {
      for (const [type, count] of Object.entries(counts)) together[type] = (together[type] ?? 0) + count
    }
    expect(typesOf(document())).toEqual(together)
  })

  it('knows its topics by the ids that they will have', () => {
    const { stack, log } = eventLog()
    expect(stack.resolve(log.addTopic('orders').topicId)).toEqual({
      'Fn::GetAtt': [expect.stringMatching(/^LogTopicsTopicorders/), 'TopicId'],
    })
  })

  it('takes a key of the same app', () => {
    const stack = new Stack(quickApp(), 'Shop')
    new EventLog(stack, 'Log', { code: noCode, encryptionKey: new kms.Key(stack, 'Key') })
    const { Statement } = resourceOf(Template.fromStack(stack).toJSON() as Document, 'AWS::KMS::Key').Properties[
      'KeyPolicy'
    ] as { Statement: { Sid?: string }[] }
    expect(Statement.map(({ Sid }) => Sid)).toContain('LogGroups')
  })

  it.each([
    ['grantProduce', (log: EventLog, who: iam.IGrantable) => log.grantProduce(who), ['produce', 'coordinate', 'admin']],
    ['grantFetch', (log: EventLog, who: iam.IGrantable) => log.grantFetch(who), ['fetch', 'coordinate', 'admin']],
    ['grantInvoke', (log: EventLog, who: iam.IGrantable) => log.grantInvoke(who, 'admin'), ['admin']],
    [
      'grantInvoke of everything',
      (log: EventLog, who: iam.IGrantable) => log.grantInvoke(who),
      ['produce', 'fetch', 'coordinate', 'admin'],
    ],
  ] as const)('gives out routes by %s', (_, grant, routes) => {
    const { stack, log, document } = eventLog()
    const user = new iam.User(stack, 'Somebody')
    expect(grant(log, user).success).toBe(true)
    const { Statement } = resourceOf(document(), 'AWS::IAM::Policy').Properties['PolicyDocument'] as {
      Statement: { Action: string; Effect: string; Resource: unknown }[]
    }
    const granted = Statement.flatMap(({ Action, Resource }) =>
      (Array.isArray(Resource) ? Resource : [Resource]).map(
        (one) => `${Action} ${readable(one).replace(/^.*execute-api:.*>/, '…')}`,
      ),
    )
    expect(granted).toEqual(routes.map((route) => `execute-api:Invoke …/*/POST/kafka/${route}`))
  })

  it('gives out function URLs along with routes', () => {
    const { stack, log, document } = eventLog({ functionUrls: true })
    log.grantInvoke(new iam.User(stack, 'Somebody'), 'fetch')
    const policy = JSON.stringify(resourceOf(document(), 'AWS::IAM::Policy').Properties['PolicyDocument'])
    expect(policy).toContain('lambda:InvokeFunctionUrl')
    expect(policy).not.toContain('ProduceFunction')
  })
})

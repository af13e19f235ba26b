// What `npx cdk deploy --all` makes without any setting, stack by stack: every resource type is listed, so nothing that is
// paid by the month can come in unnoticed, and each promise of docs/deploy.md is looked up in the templates.
import { beforeAll, describe, expect, it } from 'vitest'
import { type Document, readable, resourceOf, resourcesOf, type Templates, templates, typesOf } from './synthesise.ts'

let all: Templates

beforeAll(() => {
  all = templates({ topics: { orders: { partitions: 12, retention: '7d' } } }, ({ topics }) => {
    topics.addTopic('prices', { partitions: 3 })
  })
})

const outputs = (document: Document): Record<string, string> =>
  Object.fromEntries(
    Object.entries(document.Outputs ?? {})
      .filter(([name]) => !name.startsWith('Exports'))
      .map(([name, { Value }]) => [name, readable(Value)]),
  )

describe('resources', () => {
  it('are these and no others', () => {
    expect(Object.fromEntries(Object.entries(all).map(([name, document]) => [name, typesOf(document)]))).toEqual({
      storage: { 'AWS::S3::Bucket': 1, 'AWS::S3::BucketPolicy': 1, 'AWS::DynamoDB::Table': 1 },
      api: {
        'AWS::ApiGatewayV2::Api': 1,
        'AWS::ApiGatewayV2::Stage': 1,
        'AWS::ApiGatewayV2::Route': 4,
        'AWS::ApiGatewayV2::Integration': 4,
        'AWS::Lambda::Permission': 4,
        'AWS::Lambda::Function': 4,
        'AWS::IAM::Role': 4,
        'AWS::Logs::LogGroup': 4,
      },
      topics: {
        'AWS::Lambda::Function': 1,
        'AWS::IAM::Role': 1,
        'AWS::Logs::LogGroup': 1,
        'Custom::TidelogTopic': 2,
      },
      coordination: { 'AWS::Scheduler::Schedule': 1, 'AWS::IAM::Role': 1 },
      maintenance: {
        'AWS::Lambda::Function': 1,
        'AWS::IAM::Role': 2,
        'AWS::Logs::LogGroup': 1,
        'AWS::Lambda::EventSourceMapping': 1,
        'AWS::Scheduler::Schedule': 1,
      },
    })
  })
})

describe('StorageStack', () => {
  it('keeps bucket, its policy and table when it is deleted', () => {
    for (const resource of Object.values(all.storage.Resources)) {
      expect(resource).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' })
    }
  })

  it('has a private bucket with S3 keys and the second net of lifecycle rules', () => {
    expect(resourceOf(all.storage, 'AWS::S3::Bucket').Properties).toEqual({
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      LifecycleConfiguration: {
        Rules: [
          {
            Id: 'incomplete-uploads',
            Status: 'Enabled',
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
          },
          {
            Id: 'dead-objects',
            Status: 'Enabled',
            ExpirationInDays: 1,
            TagFilters: [{ Key: 'tidelog:state', Value: 'dead' }],
          },
        ],
      },
    })
  })

  it('refuses plain HTTP and old TLS to everybody', () => {
    const policy = resourceOf(all.storage, 'AWS::S3::BucketPolicy').Properties['PolicyDocument']
    const { Statement } = policy as { Statement: Record<string, unknown>[] }
    expect(
      Statement.map(({ Effect, Principal, Action, Resource, Condition }) => ({
        Effect,
        Principal,
        Action,
        Resource: (Resource as unknown[]).map(readable),
        Condition,
      })),
    ).toEqual(
      [{ Bool: { 'aws:SecureTransport': 'false' } }, { NumericLessThan: { 's3:TlsVersion': 1.2 } }].map(
        (Condition) => ({
          Effect: 'Deny',
          Principal: { AWS: '*' },
          Action: 's3:*',
          Resource: ['<bucket>', '<bucket>/*'],
          Condition,
        }),
      ),
    )
  })

  it('has the table that `tidelog init` makes', () => {
    expect(resourceOf(all.storage, 'AWS::DynamoDB::Table').Properties).toEqual({
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      BillingMode: 'PAY_PER_REQUEST',
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      DeletionProtectionEnabled: true,
      // AWS-owned key.
      SSESpecification: { SSEEnabled: false },
    })
  })

  it('tells bucket and table', () => {
    expect(outputs(all.storage)).toEqual({ Bucket: '<bucket name>', Table: '<table name>' })
  })
})

describe('functions', () => {
  const functions = (): [string, Record<string, unknown>][] =>
    Object.values<Document>(all).flatMap((document) =>
      resourcesOf(document, 'AWS::Lambda::Function').map(([id, { Properties }]): [string, Record<string, unknown>] => [
        id.replace(/Function[0-9A-F]{8}$/, ''),
        Properties,
      ]),
    )

  it('run Node 24 on arm64 with 1,024 MB and end before whoever waits for them gives up', () => {
    const timeouts = { ApiProduce: 29, ApiFetch: 29, ApiCoordinate: 29, ApiAdmin: 29, Topics: 60, Maintenance: 900 }
    expect(Object.fromEntries(functions().map(([id, { Timeout }]) => [id, Timeout]))).toEqual(timeouts)
    for (const [, properties] of functions()) {
      expect(properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        MemorySize: 1024,
        Handler: 'index.handler',
      })
      expect(properties['TracingConfig']).toBeUndefined()
    }
  })

  it('know their bucket and table, and measure nothing that costs', () => {
    for (const [, { Environment }] of functions()) {
      const { Variables } = Environment as { Variables: Record<string, unknown> }
      expect(Object.fromEntries(Object.entries(Variables).map(([name, value]) => [name, readable(value)]))).toEqual({
        TIDELOG_BUCKET: '<bucket name>',
        TIDELOG_TABLE: '<table name>',
        POWERTOOLS_SERVICE_NAME: 'tidelog',
        POWERTOOLS_METRICS_NAMESPACE: 'Tidelog',
        POWERTOOLS_METRICS_DISABLED: 'true',
        POWERTOOLS_TRACE_ENABLED: 'false',
      })
    }
  })

  it('log to groups of their own that forget after two weeks', () => {
    const groups = Object.values<Document>(all).flatMap((document) => resourcesOf(document, 'AWS::Logs::LogGroup'))
    for (const [, group] of groups) {
      expect(group.Properties).toEqual({ RetentionInDays: 14 })
      expect(group.DeletionPolicy).toBe('Delete')
    }
    const used = functions().map(
      ([, { LoggingConfig }]) => (LoggingConfig as { LogGroup: { Ref: string } }).LogGroup.Ref,
    )
    expect(used.sort()).toEqual(groups.map(([id]) => id).sort())
  })
})

describe('ApiStack', () => {
  it('has one route per function, each with IAM, and no other', () => {
    const integrations = new Map(
      resourcesOf(all.api, 'AWS::ApiGatewayV2::Integration').map(([id, { Properties }]) => [id, Properties]),
    )
    const routes = resourcesOf(all.api, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => {
      const [, target] = (Properties['Target'] as { 'Fn::Join': [string, [string, { Ref: string }]] })['Fn::Join'][1]
      const { PayloadFormatVersion, IntegrationUri } = integrations.get(target.Ref)!
      return [Properties['RouteKey'], Properties['AuthorizationType'], PayloadFormatVersion, readable(IntegrationUri)]
    })
    expect(routes).toEqual([
      ['POST /kafka/produce', 'AWS_IAM', '2.0', '<Produce function>'],
      ['POST /kafka/fetch', 'AWS_IAM', '2.0', '<Fetch function>'],
      ['POST /kafka/coordinate', 'AWS_IAM', '2.0', '<Coordinate function>'],
      ['POST /kafka/admin', 'AWS_IAM', '2.0', '<Admin function>'],
    ])
  })

  it('lets the API invoke each function through its own route only', () => {
    const permissions = resourcesOf(all.api, 'AWS::Lambda::Permission').map(([, { Properties }]) => [
      readable(Properties['FunctionName']),
      Properties['Principal'],
      readable(Properties['SourceArn']).replace(/^.*>\/\*/, ''),
    ])
    expect(permissions).toEqual([
      ['<Produce function>', 'apigateway.amazonaws.com', '/*/kafka/produce'],
      ['<Fetch function>', 'apigateway.amazonaws.com', '/*/kafka/fetch'],
      ['<Coordinate function>', 'apigateway.amazonaws.com', '/*/kafka/coordinate'],
      ['<Admin function>', 'apigateway.amazonaws.com', '/*/kafka/admin'],
    ])
  })

  it('tells where the log is and what to type next', () => {
    const { Url, Next, ...others } = outputs(all.api)
    expect(Url).toMatch(/^<ApiHttpApi[0-9A-F]{8}\.ApiEndpoint>$/)
    expect(Next).toBe(`npx tidelog connect --url ${Url} --kafka 127.0.0.1:9092`)
    expect(others).toEqual({})
  })
})

describe('TopicsStack', () => {
  it('declares topics of the context and of code, kept when they are taken out', () => {
    const topics = resourcesOf(all.topics, 'Custom::TidelogTopic').map(([, topic]) => topic)
    for (const topic of topics) expect(topic).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' })
    expect(
      topics.map(({ Properties: { ServiceToken, ...properties } }) => [readable(ServiceToken), properties]),
    ).toEqual([
      [
        '<Topic function>',
        {
          TopicName: 'orders',
          Partitions: 12,
          Configs: { 'retention.ms': '604800000' },
          RemovalPolicy: 'RETAIN',
          ServiceTimeout: '300',
        },
      ],
      [
        '<Topic function>',
        { TopicName: 'prices', Partitions: 3, Configs: {}, RemovalPolicy: 'RETAIN', ServiceTimeout: '300' },
      ],
    ])
  })
})

describe('MaintenanceStack', () => {
  it('is woken by new chunks, in batches, with bounded retries', () => {
    const { FilterCriteria, FunctionName, EventSourceArn, ...mapping } = resourceOf(
      all.maintenance,
      'AWS::Lambda::EventSourceMapping',
    ).Properties
    expect(mapping).toEqual({
      BatchSize: 64,
      MaximumBatchingWindowInSeconds: 60,
      MaximumRetryAttempts: 2,
      MaximumRecordAgeInSeconds: 3600,
      StartingPosition: 'LATEST',
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    })
    expect(readable(EventSourceArn)).toBe('<stream>')
    expect(FunctionName).toEqual({ Ref: resourcesOf(all.maintenance, 'AWS::Lambda::Function')[0]![0] })
    const { Filters } = FilterCriteria as { Filters: { Pattern: string }[] }
    expect(Filters.map(({ Pattern }) => JSON.parse(Pattern))).toEqual([
      { eventName: ['INSERT'], dynamodb: { Keys: { pk: { S: ['JOURNAL#1#CHUNKS'] } } } },
    ])
  })

  it('looks around every six hours', () => {
    const { ScheduleExpression, State, Target } = resourceOf(all.maintenance, 'AWS::Scheduler::Schedule').Properties
    expect([ScheduleExpression, State]).toEqual(['rate(6 hours)', 'ENABLED'])
    const target = Target as Record<string, unknown>
    expect(readable(target['Arn'])).toBe('<Maintenance function>')
    expect(target['RetryPolicy']).toEqual({ MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 2 })
  })
})

describe('CoordinationStack', () => {
  it('has a sweeper that runs seldom', () => {
    const { State, Target, ScheduleExpression } = resourceOf(all.coordination, 'AWS::Scheduler::Schedule').Properties
    expect(State).toBe('ENABLED')
    expect(ScheduleExpression).toBe('rate(1 hour)')
    expect(readable((Target as Record<string, unknown>)['Arn'])).toBe('<Coordinate function>')
  })
})

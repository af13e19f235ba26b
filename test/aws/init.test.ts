// `initAws` makes everything once and changes nothing when it runs again, also when two run at once; `checkAws` says in
// one sentence what is missing, and what to do about it.
import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DynamoDBClient,
} from '@aws-sdk/client-dynamodb'
import { DeleteBucketCommand, GetPublicAccessBlockCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, inject, test } from 'vitest'
import { checkAws } from '../../lib/storage/aws/check.ts'
import { initAws } from '../../lib/storage/aws/init.ts'
import { openAwsStores } from '../../lib/storage/aws/stores.ts'
import { freshPlace } from './deployment.ts'

const clients = () => {
  const settings = { endpoint: inject('endpointUrl'), region: 'us-east-1' }
  return { s3: new S3Client({ ...settings, forcePathStyle: true }), dynamodb: new DynamoDBClient(settings) }
}

describe('init', () => {
  test('makes bucket, table, journal and cluster id, and the second time nothing', async () => {
    const place = freshPlace()
    const first = await initAws(place)
    expect(first).toMatchObject({
      kind: 'ready',
      made: { bucket: true, table: true, journal: true },
      region: 'us-east-1',
    })
    if (first.kind !== 'ready') return
    expect(first.clusterId).toMatch(/^[A-Za-z0-9_-]{22}$/)

    const stores = openAwsStores(place)
    const head = await stores.journal.readHead()
    expect(head).toMatchObject({ kind: 'found', head: { generation: 1, incarnation: 1, tail: [], sealed: [] } })
    const appended = await stores.journal.append({ generation: 1, incarnation: 1, entries: [Buffer.from('kept')] })
    expect(appended.kind).toBe('applied')

    const second = await initAws(place)
    expect(second).toMatchObject({
      kind: 'ready',
      clusterId: first.clusterId,
      made: { bucket: false, table: false, journal: false },
    })
    expect(await stores.journal.readHead()).toMatchObject({ head: { tail: [expect.anything()] } })
    expect(await checkAws(place)).toEqual({ kind: 'ready', clusterId: first.clusterId, region: 'us-east-1' })
    await stores.close()
  })

  test('two at once agree on the cluster id, and one of them made the journal', async () => {
    const place = freshPlace()
    const both = await Promise.all([initAws(place), initAws(place)])
    const ready = both.flatMap((outcome) => (outcome.kind === 'ready' ? [outcome] : []))
    expect(ready.length).toBe(2)
    expect(ready[0]?.clusterId).toBe(ready[1]?.clusterId)
    expect(ready.filter((outcome) => outcome.made.journal).length).toBe(1)
  })

  test('the bucket is private; the table is paid per request, has a stream and can be recovered', async () => {
    const place = freshPlace()
    expect(await initAws(place)).toMatchObject({ kind: 'ready', warnings: [] })
    const { s3, dynamodb } = clients()
    const access = await s3.send(new GetPublicAccessBlockCommand({ Bucket: place.bucket }))
    expect(access.PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    })
    const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: place.table }))
    expect(Table).toMatchObject({
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
    })
    const backups = await dynamodb.send(new DescribeContinuousBackupsCommand({ TableName: place.table }))
    expect(backups.ContinuousBackupsDescription?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus).toBe(
      'ENABLED',
    )
  })

  test('leaves a table alone that belongs to something else', async () => {
    const place = freshPlace()
    const { dynamodb } = clients()
    await dynamodb.send(
      new CreateTableCommand({
        TableName: place.table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'N' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      }),
    )
    const sentence = `The table ${place.table} belongs to something else: its keys are not those of Tidelog. Choose another name.`
    expect(await initAws(place)).toEqual({ kind: 'problem', sentence })
    expect(await checkAws(place)).toEqual({ kind: 'problem', sentence })
  })
})

describe('check', () => {
  const again = (place: ReturnType<typeof freshPlace>) =>
    `Run: tidelog init --bucket ${place.bucket} --table ${place.table} --region us-east-1 --endpoint-url ${place.endpointUrl}`

  test('a missing table', async () => {
    const place = freshPlace()
    expect(await checkAws(place)).toEqual({
      kind: 'problem',
      sentence: `The table ${place.table} does not exist in region us-east-1 at ${place.endpointUrl}. ${again(place)}`,
    })
  })

  test('a missing bucket', async () => {
    const place = freshPlace()
    await initAws(place)
    await clients().s3.send(new DeleteBucketCommand({ Bucket: place.bucket }))
    expect(await checkAws(place)).toEqual({
      kind: 'problem',
      sentence: `The bucket ${place.bucket} does not exist in region us-east-1 at ${place.endpointUrl}. ${again(place)}`,
    })
  })

  test('a table without a journal', async () => {
    const place = freshPlace()
    await initAws(place)
    const { dynamodb } = clients()
    const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: place.table }))
    await dynamodb.send(new DeleteTableCommand({ TableName: place.table }))
    await dynamodb.send(
      new CreateTableCommand({
        TableName: place.table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: Table?.AttributeDefinitions,
        KeySchema: Table?.KeySchema,
      }),
    )
    expect(await checkAws(place)).toEqual({
      kind: 'problem',
      sentence: `The table ${place.table} in region us-east-1 at ${place.endpointUrl} holds no journal yet. ${again(place)}`,
    })
    expect(await openAwsStores(place).journal.readHead()).toEqual({ kind: 'missing' })
    // The table was made by hand: `init` adds the stream that it lacks.
    expect(await initAws(place)).toMatchObject({ kind: 'ready', made: { table: false, journal: true }, warnings: [] })
    const after = await dynamodb.send(new DescribeTableCommand({ TableName: place.table }))
    expect(after.Table?.StreamSpecification?.StreamEnabled).toBe(true)
  })

  test('nobody listens at the endpoint', async () => {
    const place = { ...freshPlace(), endpointUrl: 'http://127.0.0.1:1' }
    expect(await checkAws(place)).toEqual({
      kind: 'problem',
      sentence: expect.stringMatching(
        /^AWS cannot be reached in region us-east-1 at http:\/\/127\.0\.0\.1:1 \(.*ECONNREFUSED/,
      ),
    })
  })
})

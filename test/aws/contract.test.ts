// The AWS adapters keep the contract of all three ports, with several handles on one deployment: the very suites that the
// memory and the embedded adapters run.
import { DeleteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { HEAD_KEY } from '../../lib/storage/aws/head-item.ts'
import { initAws } from '../../lib/storage/aws/init.ts'
import { openAwsStores } from '../../lib/storage/aws/stores.ts'
import type { Stores } from '../../lib/storage/ports.ts'
import { describeDocumentStore } from '../contract/documents.ts'
import { describeJournalStore } from '../contract/journal.ts'
import { describeObjectStore } from '../contract/objects.ts'
import { must, type Place } from '../contract/place.ts'
import { freshPlace } from './deployment.ts'

async function awsPlace(): Promise<Place> {
  const place = freshPlace()
  must(await initAws(place), 'ready')
  // The suites make the head themselves.
  const dynamodb = new DynamoDBClient({ endpoint: place.endpointUrl, region: 'us-east-1' })
  await dynamodb.send(new DeleteItemCommand({ TableName: place.table, Key: { ...HEAD_KEY } }))
  dynamodb.destroy()
  const handles: Stores[] = []
  return {
    open: async () => {
      const stores = openAwsStores(place)
      handles.push(stores)
      return stores
    },
    // The emulator forgets the bucket and the table when it ends.
    close: async () => {
      await Promise.all(handles.map((stores) => stores.close()))
    },
  }
}

describeObjectStore('AWS', awsPlace)
describeJournalStore('AWS', awsPlace)
describeDocumentStore('AWS', awsPlace)

// The stores of a deployment on AWS: S3 for objects, one DynamoDB table for the journal, documents and tiny segments.
// Opening makes no request; `check.ts` says whether bucket and table are fit for use.
import type { Stores } from '../ports.ts'
import { type AwsClients, type AwsOptions, openClients } from './clients.ts'
import { openDocuments } from './documents.ts'
import { openJournal } from './journal.ts'
import { openObjects } from './objects.ts'

export type { AwsOptions, AwsPlace } from './clients.ts'

export function openAwsStores(options: AwsOptions, clients: AwsClients = openClients(options)): Stores {
  return {
    objects: openObjects(clients, options),
    journal: openJournal(clients, options.table),
    documents: openDocuments(clients, options.table),
    close: () => clients.close(),
  }
}

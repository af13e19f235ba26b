// The embedded adapter keeps the contract of all three ports, with several handles on one directory.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedStores } from '../../lib/storage/embedded/embedded.ts'
import type { Stores } from '../../lib/storage/ports.ts'
import { describeDocumentStore } from './documents.ts'
import { describeJournalStore } from './journal.ts'
import { describeObjectStore } from './objects.ts'
import { must, type Place } from './place.ts'

async function embeddedPlace(): Promise<Place> {
  const dir = await mkdtemp(join(tmpdir(), 'tidelog-contract-'))
  const handles: Stores[] = []
  return {
    open: async () => {
      const { stores } = must(await openEmbeddedStores({ dir }), 'opened')
      handles.push(stores)
      return stores
    },
    close: async () => {
      await Promise.all(handles.map((stores) => stores.close()))
      await rm(dir, { recursive: true })
    },
  }
}

describeObjectStore('embedded', embeddedPlace)
describeJournalStore('embedded', embeddedPlace)
describeDocumentStore('embedded', embeddedPlace)

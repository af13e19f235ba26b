// The memory adapter keeps the contract of all three ports.
import { createMemoryBackend } from '../../lib/storage/memory/memory.ts'
import { describeDocumentStore } from './documents.ts'
import { describeJournalStore } from './journal.ts'
import { describeObjectStore } from './objects.ts'
import type { Place } from './place.ts'

async function memoryPlace(): Promise<Place> {
  const backend = createMemoryBackend()
  return { open: async () => backend.open(), close: async () => undefined }
}

describeObjectStore('memory', memoryPlace)
describeJournalStore('memory', memoryPlace)
describeDocumentStore('memory', memoryPlace)

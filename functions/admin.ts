// Metadata, topics, configurations: the function behind `POST /kafka/admin`, for every API that no other function answers. It
// never opens a batch.
import { frameHandler, noCompression } from './handler.ts'

export const handler = frameHandler('admin', { compression: noCompression })

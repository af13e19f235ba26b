// Reads records and offsets: the function behind `POST /kafka/fetch`. It changes nothing. It has the codecs, because an offset
// by time is looked up inside a batch.
import { threadedCompression } from '../lib/wire/native-compression.ts'
import { frameHandler } from './handler.ts'

export const handler = frameHandler('fetch', { compression: threadedCompression })

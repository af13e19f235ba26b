// Appends records: the function behind `POST /kafka/produce`, and the only one that puts ingest segments. It has the codecs, because
// a topic may ask for another compression than its producers use.
import { threadedCompression } from '../lib/wire/native-compression.ts'
import { frameHandler } from './handler.ts'

export const handler = frameHandler('produce', { compression: threadedCompression })

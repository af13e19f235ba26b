// Producer ids, groups, offsets of groups, transactions: the function behind `POST /kafka/coordinate`. It never opens a batch.
import { frameHandler, noCompression } from './handler.ts'

export const handler = frameHandler('coordinate', { compression: noCompression })

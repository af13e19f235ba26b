// Moving a log start: what DeleteRecords and retention ask for. The page of the partition has the last word, in journal order,
// so two that move it at once end at the later of both starts. Here it is only found out, from a head read that began after
// the request, whether there is anything to move: an offset at or before the log start costs no entry.
import { encodeTrimmed } from '../journal/entries/trimmed.ts'
import type { Journal } from '../journal/journal.ts'
import type { Log, TrimOutcome } from './log.ts'
import { offsetsOf, type Partitions } from './partitions.ts'

/** Instead of an offset: the high watermark. */
const HIGH_WATERMARK = -1

export function createTrim(journal: Journal, partitions: Partitions): Pick<Log, 'trim'> {
  const { replica } = journal
  return {
    async trim(topic, partition, offset): Promise<TrimOutcome> {
      const refreshed = await replica.refresh()
      if (refreshed.kind !== 'fresh') return refreshed
      const origin = journal.origin()
      const found = await partitions.find(topic, partition)
      if (found.kind !== 'found') return found
      const { logStartOffset, highWatermark } = offsetsOf(found.state)
      if (offset < HIGH_WATERMARK || offset > highWatermark) return { kind: 'outOfRange' }
      const start = offset === HIGH_WATERMARK ? highWatermark : offset
      if (start <= logStartOffset) return { kind: 'trimmed', logStartOffset }
      const payload = encodeTrimmed({ topicNumber: topic.number, partition, offset: start })
      const outcome = await journal.write('trimmed', origin, payload)
      if (outcome.kind !== 'folded') return outcome
      // What the horizon rejected changed nothing and can be asked for again.
      if (outcome.verdict.kind !== 'trimmed') return { kind: 'unavailable' }
      const [verdict] = await outcome.verdict.verdicts
      return verdict ?? { kind: 'unknown' }
    },
  }
}

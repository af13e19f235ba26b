// `trimmed`: a log start never moves back and never passes the end of the log; what lies wholly before it leaves the page,
// and everything behind it, offsets and duplicates among them, goes on as if nothing had happened.
import { describe, expect, it } from 'vitest'
import { encodeFlush } from '../../../lib/journal/entries/flush.ts'
import { encodeTrimmed } from '../../../lib/journal/entries/trimmed.ts'
import { asPartitionPage, decodePageObject, encodePage, encodePageObject } from '../../../lib/journal/state/page.ts'
import { readPartition } from '../../../lib/journal/state/partition-page.ts'
import { createFold, type Fold } from '../support/fold.ts'

/** A batch of three records. */
function flush(fold: Fold, sequence: number) {
  const producer = { producerId: 5, producerEpoch: 0, baseSequence: sequence }
  const batch = { topicNumber: 1, partition: 0, start: 0, length: 100, recordCount: 3, maxTimestamp: 9, ...producer }
  return fold.apply('flush', encodeFlush([batch])).verdicts[0]
}

const trim = (fold: Fold, offset: number, partition = 0, topicNumber = 1) =>
  fold.apply('trimmed', encodeTrimmed({ topicNumber, partition, offset })).verdicts

const extentsOf = (fold: Fold): readonly number[] =>
  readPartition(asPartitionPage(fold.page('1/0')), 0)!.extents.open.baseOffset

describe('trimmed', () => {
  it('moves the log start forward only, at most to the end of the log', () => {
    const fold = createFold()
    fold.createTopic('t', 2)
    for (let i = 0; i < 4; i++) flush(fold, i * 3)
    expect(trim(fold, 4)).toEqual([{ kind: 'trimmed', logStartOffset: 4 }])
    // The batch that holds it stays.
    expect(extentsOf(fold)).toEqual([3, 6, 9])
    expect(trim(fold, 2)).toEqual([{ kind: 'trimmed', logStartOffset: 4 }])
    expect(trim(fold, 6)).toEqual([{ kind: 'trimmed', logStartOffset: 6 }])
    expect(extentsOf(fold)).toEqual([6, 9])
    expect(flush(fold, 12)).toEqual({ kind: 'appended', baseOffset: 12, logStartOffset: 6 })
    expect(trim(fold, 1000)).toEqual([{ kind: 'trimmed', logStartOffset: 15 }])
    expect(extentsOf(fold)).toEqual([])
    // Offsets and producers go on.
    expect(flush(fold, 12)).toEqual({ kind: 'duplicate', baseOffset: 12, logStartOffset: 15 })
    expect(flush(fold, 15)).toEqual({ kind: 'appended', baseOffset: 15, logStartOffset: 15 })
    const page = fold.page('1/0')
    const again = asPartitionPage(decodePageObject('1/0', encodePageObject(encodePage(page), new Map())))
    expect(readPartition(again, 0)).toMatchObject({ logStartOffset: 15, nextOffset: 18 })
    expect(encodePage(again)).toEqual(encodePage(page))
  })

  it('finds nothing to trim where nothing was written, and no partition that is not there', () => {
    const fold = createFold()
    fold.createTopic('t', 2)
    expect(trim(fold, 7, 1)).toEqual([{ kind: 'trimmed', logStartOffset: 0 }])
    expect(readPartition(asPartitionPage(fold.page('1/0')), 1)).toBeUndefined()
    expect(trim(fold, 7, 2)).toEqual([{ kind: 'unknownTopic' }])
    expect(trim(fold, 7, 0, 9)).toEqual([{ kind: 'unknownTopic' }])
  })
})

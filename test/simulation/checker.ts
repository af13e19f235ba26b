// Judges a history: each function looks for one family of things that must never happen and names what it finds after
// Jepsen's `kafka` workload where that has a name for it. It knows what was asked and answered, nothing of how; a write
// whose outcome nobody knows may be there or not, once for each try, and is otherwise never held against the log.

import { checkGroups } from './checker-groups.ts'
import { checkProcesses } from './checker-order.ts'
import type { Admin, Ask, Effect, History, Once, Op, PartitionName, Poll, Send } from './history.ts'

export interface Anomaly {
  readonly name: string
  readonly detail: string
}

/** What became known of one partition. */
interface PartitionView {
  readonly name: PartitionName
  readonly sends: Send[]
  readonly polls: Poll[]
  readonly asks: Ask[]
  /** Everything that polls returned. */
  readonly seen: Map<string, Set<number>>
  readonly byOffset: Map<number, { readonly value: string; readonly timestamp: number }>
  readonly final: Poll[]
}

/** All anomalies of a history, at most `limit` of each kind. */
export function check(history: Pick<History, 'ops'> & Partial<Pick<History, 'times'>>, limit = 5): Anomaly[] {
  const found: Anomaly[] = []
  const counts = new Map<string, number>()
  const report = (name: string, detail: string): void => {
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    if (count <= limit) found.push({ name, detail })
  }
  for (const op of history.ops) if (op.kind === 'sight') report(op.anomaly, op.detail)
  const admins = history.ops.filter((op): op is Admin => op.kind === 'admin')
  for (const view of partitionViews(history.ops, report).values()) {
    checkDuplicates(view, report)
    checkLost(view, report)
    checkAborted(view, report)
    checkPolls(view, report)
    checkSendOrder(view, report)
    checkHoles(view, report)
    checkTimes(view, report)
    checkUnknownTopic(view, admins, report)
  }
  checkOnce(history.ops, report)
  checkGroups(history.ops, report)
  checkProcesses(history.ops, history.times ?? [], report)
  return found
}

export type Report = (name: string, detail: string) => void

/** Sorts the operations by partition and finds offsets that hold two values. */
function partitionViews(ops: readonly Op[], report: Report): Map<PartitionName, PartitionView> {
  const views = new Map<PartitionName, PartitionView>()
  const viewOf = (name: PartitionName): PartitionView => {
    let view = views.get(name)
    if (view === undefined) {
      view = { name, sends: [], polls: [], asks: [], seen: new Map(), byOffset: new Map(), final: [] }
      views.set(name, view)
    }
    return view
  }
  const place = (view: PartitionView, offset: number, value: string, timestamp: number): void => {
    const there = view.byOffset.get(offset)
    if (there === undefined) view.byOffset.set(offset, { value, timestamp })
    else if (there.value !== value) {
      report('inconsistent-offsets', `${view.name} offset ${offset} holds ${there.value} and ${value}`)
    }
  }
  for (const op of ops) {
    if (op.kind === 'poll') {
      const view = viewOf(op.partition)
      view.polls.push(op)
      if (op.final) view.final.push(op)
      for (const { offset, value, timestamp } of op.records) {
        place(view, offset, value, timestamp)
        const offsets = view.seen.get(value)
        if (offsets === undefined) view.seen.set(value, new Set([offset]))
        else offsets.add(offset)
      }
      if (op.outcome === 'corrupt') report('torn', `${op.partition} at ${op.position}: bytes that fail their checks`)
    } else if (op.kind === 'send') viewOf(op.partition).sends.push(op)
    else if (op.kind === 'ask') viewOf(op.partition).asks.push(op)
  }
  for (const view of views.values()) {
    for (const send of view.sends) {
      if (send.outcome !== 'ok') continue
      send.values.forEach((value, i) => {
        const offset = send.offset! + i
        const there = view.byOffset.get(offset)
        if (there !== undefined && there.value !== value) {
          report('inconsistent-offsets', `${view.name} offset ${offset} holds ${there.value}; ${value} was told it`)
        }
      })
    }
  }
  return views
}

/** A batch is there at most once; one of a plain producer at most once for each try. */
function checkDuplicates(view: PartitionView, report: Report): void {
  const known = new Map(view.sends.flatMap((send) => send.values.map((value) => [value, send] as const)))
  for (const [value, offsets] of view.seen) {
    const send = known.get(value)
    if (send === undefined) report('phantom', `${view.name} holds ${value}, which nobody sent there`)
    else if (offsets.size > (send.idempotent ? 1 : Math.max(1, send.tries.length))) {
      report('duplicate', `${view.name} holds ${value} at ${[...offsets].join(', ')} after ${send.tries.length} tries`)
    }
  }
}

/**
 * Everything acknowledged, and every batch of which a part was seen, must be in the final reads, or be read by somebody
 * since these began: what nobody had heard of may land while they go on, behind those who have read their last.
 */
function checkLost(view: PartitionView, report: Report): void {
  if (view.final.length === 0) return
  const since = view.final.reduce((first, { invoked }) => Math.min(first, invoked), Number.POSITIVE_INFINITY)
  const last = view.polls.filter(({ invoked }) => invoked >= since)
  const inFinal = new Set(last.flatMap((poll) => poll.records.map((record) => record.value)))
  for (const send of view.sends) {
    const seen = send.values.some((value) => view.seen.has(value))
    if (send.outcome !== 'ok' && !(send.outcome === 'info' && seen)) continue
    for (const value of send.values) {
      if (inFinal.has(value)) continue
      if (send.outcome === 'ok') report('unseen', `${view.name} ${value} was acknowledged at ${send.offset}`)
      else report('lost-write', `${view.name} ${value} was seen in part and is gone`)
    }
  }
}

function checkAborted(view: PartitionView, report: Report): void {
  for (const send of view.sends) {
    if (send.outcome !== 'fail') continue
    for (const value of send.values) {
      if (view.seen.has(value)) {
        report('G1a', `${view.name} holds ${value}: ${send.tries.map((t) => t.outcome).join(', ')}`)
      }
    }
  }
}

/** A poll begins at its position and goes on without a gap (nothing is compacted or trimmed yet). */
function checkPolls(view: PartitionView, report: Report): void {
  for (const poll of view.polls) {
    let next = poll.position
    for (const { offset, value } of poll.records) {
      if (offset > next) report('poll-skip', `${view.name} ${poll.consumer}: ${value} at ${offset} instead of ${next}`)
      if (offset < next)
        report('nonmonotonic-poll', `${view.name} ${poll.consumer}: ${value} at ${offset} after ${next}`)
      next = offset + 1
    }
    if (next > poll.highWatermark && poll.records.length > 0) {
      report(
        'beyond-end',
        `${view.name} ${poll.consumer}: a record at ${next - 1}, high watermark ${poll.highWatermark}`,
      )
    }
  }
  const byConsumer = new Map<string, Poll>()
  for (const poll of [...view.polls].sort((a, b) => a.invoked - b.invoked)) {
    if (poll.outcome !== 'records') continue
    const key = `${poll.consumer} ${poll.assignment}`
    const before = byConsumer.get(key)
    const expected = before && (before.records.at(-1)?.offset ?? before.position - 1) + 1
    if (expected !== undefined && expected !== poll.position) {
      report(expected < poll.position ? 'poll-skip' : 'nonmonotonic-poll', `${view.name} ${poll.consumer} went astray`)
    }
    byConsumer.set(key, poll)
  }
}

/** Batches of one connection never overtake each other; those of an idempotent producer never do at all. */
function checkSendOrder(view: PartitionView, report: Report): void {
  const last = new Map<string, Send>()
  for (const send of view.sends) {
    if (send.outcome !== 'ok' || !send.idempotent) continue
    const before = last.get(send.producer)
    if (before !== undefined && before.offset! >= send.offset!) {
      report('nonmonotonic-send', `${view.name} ${send.values[0]} at ${send.offset} after ${before.offset}`)
    }
    last.set(send.producer, send)
  }
  checkEpochs(view, report)
  const offsetOf = (send: Send): number | undefined => {
    if (send.outcome === 'ok') return send.offset
    const [offset] = view.seen.get(send.values[0]!) ?? []
    return offset
  }
  const byConnection = new Map<
    string,
    { send: Send; started: number; answered: number | undefined; refused: boolean }[]
  >()
  for (const send of view.sends) {
    const [only] = send.tries
    if (send.tries.length !== 1 || only?.started === undefined) continue
    if (only.alone && send.outcome !== 'ok') continue
    const list = byConnection.get(only.connection) ?? []
    const refused = only.outcome === 'unavailable'
    list.push({ send, started: only.started, answered: only.answered, refused })
    byConnection.set(only.connection, list)
  }
  for (const list of byConnection.values()) {
    list.sort((a, b) => a.started - b.started)
    for (let i = 0; i < list.length; i++) {
      const first = list[i]!
      const offset = offsetOf(first.send)
      for (const later of list.slice(i + 1, i + 12)) {
        const laterOffset = offsetOf(later.send)
        if (laterOffset === undefined) continue
        if (offset !== undefined && laterOffset < offset) {
          report('int-send-skip', `${view.name} ${later.send.values[0]} overtook ${first.send.values[0]}`)
        }
        // Refused while the later one was waiting behind it: then that must be refused, too.
        if (first.refused && first.answered !== undefined && later.started < first.answered) {
          report('overtaken', `${view.name} ${later.send.values[0]} landed after ${first.send.values[0]} was refused`)
        }
      }
    }
  }
}

/** Once a batch of a newer epoch of a producer is there, nothing of an older one lands any more. */
function checkEpochs(view: PartitionView, report: Report): void {
  const epochs = new Map(view.sends.flatMap((send) => send.values.map((value) => [value, send] as const)))
  const newest = new Map<string, number>()
  for (const [offset, { value }] of [...view.byOffset].sort(([a], [b]) => a - b)) {
    const send = epochs.get(value)
    if (send === undefined || !send.idempotent) continue
    const [producer, epoch] = send.producer.split('/') as [string, string]
    const before = newest.get(producer) ?? 0
    if (Number(epoch) < before)
      report('zombie', `${view.name} ${value} of epoch ${epoch} landed at ${offset} after ${before}`)
    newest.set(producer, Math.max(before, Number(epoch)))
  }
}

/** Each process shows every offset from the start to the last that it shows: an append that comes late may follow. */
function checkHoles(view: PartitionView, report: Report): void {
  const byReader = new Map<string, Set<number>>()
  for (const poll of view.final) {
    const offsets = byReader.get(poll.process) ?? new Set()
    for (const record of poll.records) offsets.add(record.offset)
    byReader.set(poll.process, offsets)
  }
  const start = Math.min(...view.final.map((poll) => poll.logStartOffset))
  for (const [reader, offsets] of byReader) {
    const end = Math.max(0, ...offsets)
    for (let offset = start; offset < end; offset++) {
      if (!offsets.has(offset)) report('hole', `${view.name} offset ${offset} of ${end}, through ${reader}`)
    }
  }
}

/** Look-ups by time, against what the log turned out to hold. */
function checkTimes(view: PartitionView, report: Report): void {
  if (view.final.length === 0) return
  const records = [...view.byOffset].sort(([a], [b]) => a - b)
  for (const { answer, invoked } of view.asks) {
    if (answer.kind === 'at') {
      const first = records.find(([, record]) => record.timestamp >= answer.timestamp)
      const acknowledged = view.sends.some(
        (s) => s.outcome === 'ok' && s.completed! < invoked && first !== undefined && s.offset! >= first[0],
      )
      if (answer.offset === undefined ? acknowledged : first?.[0] !== answer.offset) {
        report('wrong-time', `${view.name}: time ${answer.timestamp} at ${answer.offset} instead of ${first?.[0]}`)
      } else if (answer.offset !== undefined && first![1].timestamp !== answer.found) {
        report('wrong-time', `${view.name}: offset ${answer.offset} has time ${first![1].timestamp}`)
      }
    } else if (answer.kind === 'newest' && answer.offset !== undefined) {
      const there = view.byOffset.get(answer.offset)
      const earlier = records.some(([offset, r]) => offset < answer.offset! && r.timestamp >= answer.found)
      if (there?.timestamp !== answer.found || earlier) {
        report('wrong-time', `${view.name}: the newest record is not at ${answer.offset}`)
      }
    }
  }
}

/** "Unknown topic" is only true of a topic that somebody deleted. */
function checkUnknownTopic(view: PartitionView, admins: readonly Admin[], report: Report): void {
  const id = view.name.slice(0, view.name.indexOf('/'))
  const deletions = admins.filter((op) => op.action === 'delete' && op.topic?.id === id && op.outcome !== 'fail')
  const deletedBy = (order: number): boolean => deletions.some((op) => op.invoked < order)
  for (const send of view.sends) {
    // An answer may come long after the producer gave up, when the topic is gone for good reason.
    const wrong = send.tries.find((t) => t.outcome === 'unknownTopic' && !deletedBy(t.answered!))
    if (wrong !== undefined)
      report('unknown-topic', `${view.name}: ${send.values[0]} was refused by ${wrong.connection}`)
  }
  for (const op of [...view.polls, ...view.asks]) {
    const unknown = op.kind === 'poll' ? op.outcome === 'unknownTopic' : op.answer.kind === 'unknownTopic'
    if (unknown && !deletedBy(op.completed)) report('unknown-topic', `${view.name} through ${op.process}`)
  }
}

/** A request with an id has one effect at most, and one at least when its client was told so. */
function checkOnce(ops: readonly Op[], report: Report): void {
  const requests = ops.filter((op): op is Once => op.kind === 'once')
  const effects = ops.filter((op): op is Effect => op.kind === 'effect')
  const keyOf = ({ name, action }: Once | Effect): string => `${action} of ${name}`
  for (const key of new Set(requests.map(keyOf))) {
    const asked = requests.filter((op) => keyOf(op) === key)
    const seen = effects.filter((op) => keyOf(op) === key).length
    const told = asked.filter((op) => op.outcome === 'ok').length
    const most = asked.filter((op) => op.outcome !== 'fail').length
    if (seen > most) report('second-effect', `${key} happened ${seen} times for ${most} requests`)
    if (seen < told) report('no-effect', `${key} happened ${seen} times; clients were told of ${told}`)
  }
}

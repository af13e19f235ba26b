// The part of the checker that looks at real time: what one answer showed, every later answer about now must not take back,
// through whichever process; and nothing goes back within one process. One sweep over all invocations and completions in
// the order in which they happened; at each invocation it notes what was known by then.
import type { Report } from './checker.ts'
import type { Admin, Ask, Op, PartitionName, Poll, Send } from './history.ts'

interface Moment {
  readonly order: number
  readonly begins: boolean
  readonly op: Send | Poll | Ask | Admin
}

interface Shown {
  highWatermark: number
  logStartOffset: number
}

interface TopicFact {
  readonly number: number
  readonly version: number
}

/** Freshness and monotony. */
export function checkProcesses(ops: readonly Op[], times: readonly number[], report: Report): void {
  /** What was shown of a partition, everywhere, and since when. */
  const marks = new Map<PartitionName, { readonly atMs: number; readonly highWatermark: number }[]>()
  const shown = new Map<string, Shown>()
  const before = new Map<Op, { everywhere: Shown; here: Shown; topic: TopicFact | undefined }>()
  const names = new Map<string, TopicFact>()
  const admins = ops.filter((op): op is Admin => op.kind === 'admin')

  const read = (key: string): Shown => shown.get(key) ?? { highWatermark: 0, logStartOffset: 0 }
  const raise = (key: string, by: Shown): void => {
    const old = read(key)
    shown.set(key, {
      highWatermark: Math.max(old.highWatermark, by.highWatermark),
      logStartOffset: Math.max(old.logStartOffset, by.logStartOffset),
    })
  }
  const mark = (partition: PartitionName, completed: number): void => {
    const list = marks.get(partition) ?? []
    marks.set(partition, list)
    list.push({ atMs: times[completed] ?? 0, highWatermark: read(partition).highWatermark })
  }
  const keysOf = (partition: PartitionName, process: string): string[] => [partition, `${partition} ${process}`]

  for (const { begins, op } of moments(ops)) {
    if (begins) {
      const [everywhere, here] =
        op.kind === 'poll' || op.kind === 'ask' ? keysOf(op.partition, op.process).map(read) : [undefined, undefined]
      const none = { highWatermark: 0, logStartOffset: 0 }
      const topic = op.kind === 'admin' ? names.get(op.name) : undefined
      before.set(op, { everywhere: everywhere ?? none, here: here ?? none, topic })
      continue
    }
    const known = before.get(op)!
    if (op.kind === 'send') {
      if (op.outcome === 'ok') {
        raise(op.partition, { highWatermark: op.offset! + op.values.length, logStartOffset: 0 })
        mark(op.partition, op.completed!)
      }
    } else if (op.kind === 'poll' || op.kind === 'ask') {
      const now = figures(op)
      if (now === undefined) continue
      judge(op, now, known.everywhere, known.here, report)
      if (op.kind === 'poll') judgeAge(op, times, marks.get(op.partition) ?? [], report)
      for (const key of keysOf(op.partition, op.process)) raise(key, now)
      mark(op.partition, op.completed)
    } else judgeTopic(op, known.topic, admins, names, report)
  }
}

function moments(ops: readonly Op[]): Moment[] {
  const list: Moment[] = []
  for (const op of ops) {
    if (op.kind !== 'send' && op.kind !== 'poll' && op.kind !== 'ask' && op.kind !== 'admin') continue
    if (op.completed === undefined) continue
    list.push({ order: op.invoked, begins: true, op }, { order: op.completed, begins: false, op })
  }
  return list.sort((a, b) => a.order - b.order)
}

/** The offsets that an operation showed, if it did. */
function figures(op: Poll | Ask): Shown | undefined {
  if (op.kind === 'poll') return op.outcome === 'records' || op.outcome === 'outOfRange' ? op : undefined
  return op.answer.kind === 'offsets' ? op.answer : undefined
}

function judge(op: Poll | Ask, now: Shown, everywhere: Shown, here: Shown, report: Report): void {
  if (now.highWatermark < here.highWatermark || now.logStartOffset < here.logStartOffset) {
    report('regress', `${op.partition} at ${op.process}: ${JSON.stringify(now)} after ${JSON.stringify(here)}`)
  }
  if (
    op.kind === 'poll' &&
    op.outcome === 'records' &&
    op.position < now.highWatermark &&
    op.final &&
    op.records.length === 0
  ) {
    report('stuck', `${op.partition} at ${op.process}: nothing at ${op.position} below ${now.highWatermark}`)
  }
  // A fetch below the end may be answered from a view up to a second old; everything else is a fact about now.
  const aboutNow = op.kind === 'ask' || op.outcome === 'outOfRange' || op.position >= now.highWatermark
  if (!aboutNow) return
  if (now.highWatermark < everywhere.highWatermark || now.logStartOffset < everywhere.logStartOffset) {
    const what = op.kind === 'poll' ? `an empty poll at ${op.position} (${op.outcome})` : 'an answer'
    report(
      'stale',
      `${op.partition} at ${op.process}: ${what} with ${now.highWatermark}, known ${everywhere.highWatermark}`,
    )
  }
}

/** A poll that may be answered from a view of some age shows what was known to anybody by then. */
function judgeAge(
  op: Poll,
  times: readonly number[],
  marks: readonly { readonly atMs: number; readonly highWatermark: number }[],
  report: Report,
): void {
  if (op.viewAgeMsMax === undefined) return
  const sinceMs = (times[op.invoked] ?? 0) - op.viewAgeMsMax
  const due = marks.findLast(({ atMs }) => atMs < sinceMs)
  if (due === undefined || op.highWatermark >= due.highWatermark) return
  report('old-view', `${op.partition} at ${op.process}: ${op.highWatermark}, known ${due.highWatermark} long before`)
}

/** Topics of a name have rising numbers, a topic has rising versions, and a deleted one stays away. */
function judgeTopic(
  op: Admin,
  known: TopicFact | undefined,
  admins: readonly Admin[],
  names: Map<string, TopicFact>,
  report: Report,
): void {
  const { topic } = op
  if (op.outcome === 'none') {
    const deletion = admins.some(
      (a) => a.action === 'delete' && a.name === op.name && a.outcome !== 'fail' && a.invoked < op.completed!,
    )
    if (known !== undefined && !deletion) report('lost-topic', `${op.name} was there and nobody deleted it`)
    return
  }
  if (op.outcome !== 'ok' || topic === undefined) return
  if (op.action === 'delete') return
  const older = known !== undefined && compareTopics(topic, known) < 0
  if (older)
    report('stale-topic', `${op.name} at ${op.process}: ${JSON.stringify(topic)} after ${JSON.stringify(known)}`)
  const deletedBefore = admins.some(
    (a) => a.action === 'delete' && a.outcome === 'ok' && a.topic?.id === topic.id && a.completed! < op.invoked,
  )
  if (deletedBefore) report('undead-topic', `${op.name} at ${op.process}: ${topic.id} was deleted before`)
  if (op.action === 'create') {
    const made = admins.filter((a) => a.action === 'create' && a.outcome === 'ok' && a.name === op.name).length
    const deleted = admins.filter((a) => a.action === 'delete' && a.outcome !== 'fail' && a.name === op.name).length
    if (made > deleted + 1) report('two-topics', `${op.name} was made ${made} times and deleted ${deleted} times`)
  }
  const created = admins.filter((a) => a.action === 'create' && a.outcome === 'ok' && a.topic?.id === topic.id)
  if (created.length > 1) report('two-creators', `${op.name}: ${topic.id} was made twice`)
  const last = names.get(op.name)
  if (last === undefined || compareTopics(topic, last) > 0) names.set(op.name, topic)
}

function compareTopics(a: TopicFact, b: TopicFact): number {
  return a.number - b.number || a.version - b.version
}

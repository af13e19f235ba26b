// What `group describe` shows, as data: a heading, a table and remarks. The same view is printed once, painted on a terminal
// again and again, or written line by line into a pipe. What is not known is a dash, so that every line has every column.
import { formatAddress } from '../../base/address.ts'
import { table } from '../table.ts'
import { counted, printable } from '../words.ts'
import type { GroupLag, LagRow } from './lag.ts'

export interface View {
  readonly heading: string
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly remarks: readonly string[]
}

/** A line per partition, and the sum of their lags. */
export function lagView(lag: GroupLag): View {
  const { rows } = lag
  const cells = rows.map(({ topic, partition, committed, end, lag: behind, member }) => [
    ...[topic, String(partition), ...[committed, end, behind].map(orDash)],
    ...[member?.memberId, member?.clientId, member?.clientHost].map(orDash),
  ])
  const known = rows.flatMap(({ lag: behind }) => behind ?? [])
  const total = known.length === 0 ? undefined : known.reduce((sum, behind) => sum + behind, 0)
  const last = rows.length === 0 ? [] : [['total', '-', '-', '-', orDash(total), '-', '-', '-']]
  return {
    heading: heading(lag),
    header: ['topic', 'partition', 'committed', 'log end', 'lag', 'member', 'client id', 'host'],
    rows: [...cells, ...last],
    remarks: remarks(lag, rows),
  }
}

/** A line per member. */
export function membersView(lag: GroupLag): View {
  const { members } = lag.group
  return {
    heading: heading(lag),
    header: ['member', 'instance id', 'client id', 'host', 'epoch', 'partitions', 'assignment'],
    rows: members.map(({ memberId, instanceId, clientId, clientHost, epoch, assigned }) => {
      const count = assigned?.reduce((sum, { partitions }) => sum + partitions.length, 0)
      const text = assigned?.map(({ topic, partitions }) => `${topic}:${ranges(partitions)}`).join(' ')
      return [memberId, instanceId, clientId, clientHost, epoch, count, text].map(orDash)
    }),
    remarks: members.length === 0 ? ['Nobody is in the group at the moment.'] : [],
  }
}

/** Everything of a view, as lines for people. */
export function viewText({ heading, header, rows, remarks }: View): string {
  const below = remarks.map((remark) => `${remark}\n`).join('')
  return [`${heading}\n`, rows.length === 0 ? '' : table(header, rows), below].filter((part) => part !== '').join('\n')
}

/** Ascending partitions, runs of them shortened: `0-3,7`. */
export function ranges(partitions: readonly number[]): string {
  const runs: { readonly from: number; to: number }[] = []
  for (const partition of partitions) {
    const run = runs.at(-1)
    if (run !== undefined && run.to === partition - 1) run.to = partition
    else runs.push({ from: partition, to: partition })
  }
  return runs.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(',')
}

function heading({ group, coordinator }: GroupLag): string {
  const protocol = `${group.type.toLowerCase()} protocol`
  const assignor = group.assignor === '' ? [] : [`assignor ${printable(group.assignor)}`]
  const where = `coordinator ${coordinator.nodeId} at ${formatAddress(coordinator.address)}`
  const first = [printable(group.id), group.state, counted(group.members.length, 'member')].join('  ')
  return `${first}\n${[protocol, ...assignor, where].join(', ')}`
}

function remarks({ group }: GroupLag, rows: readonly LagRow[]): string[] {
  const found: string[] = []
  if (rows.length === 0) found.push('Nothing is committed, and no partition is assigned to anybody.')
  const gone = [...new Set(rows.filter(({ end }) => end === undefined).map(({ topic }) => topic))]
  if (gone.length > 0) found.push(`Without a log end: ${gone.join(', ')}. The topic or its partition does not exist.`)
  const uncommitted = rows.filter(({ committed }) => committed === undefined).length
  if (uncommitted > 0) {
    const what = uncommitted === 1 ? 'partition has' : 'partitions have'
    found.push(`${uncommitted} ${what} no committed offset: where reading begins there is the client's setting.`)
  }
  const idle = rows.filter(({ member }) => member === undefined).length
  if (idle > 0 && group.members.length > 0) {
    found.push(`${counted(idle, 'partition')} with committed offsets ${idle === 1 ? 'is' : 'are'} assigned to nobody.`)
  }
  return found
}

function orDash(value: string | number | null | undefined): string {
  return value === undefined || value === null || value === '' ? '-' : printable(String(value))
}

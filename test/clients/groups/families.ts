// The client families that take part, each one way for members of a group to be: a client, a protocol, an assignor and a
// style of committing. Also how their drivers are started. What a family cannot do is said here and nowhere else.
import { join } from 'node:path'
import { CACHE, JARS } from '../servers.ts'
import type { MemberSpec } from './events.ts'

export interface Family {
  readonly name: string
  readonly driver: keyof typeof GROUP_DRIVERS
  readonly member: Pick<MemberSpec, 'protocol' | 'assignor' | 'style' | 'commit'>
  /** See `Expected.lateRecords`. */
  readonly lateRecords?: boolean
}

const here = join(import.meta.dirname, 'drivers')
const java = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto', '-Xmx192m']
const logging = `-Dlog4j2.configurationFile=${join(import.meta.dirname, '..', 'java', 'log4j2.properties')}`

export const GROUP_DRIVERS = {
  kafkajs: [process.execPath, join(here, 'kafkajs.ts')],
  platformatic: [process.execPath, join(here, 'platformatic.ts')],
  confluent: [join(CACHE, 'venv-confluent/bin/python'), join(here, 'confluent.py')],
  'confluent-debian': ['/usr/bin/python3', join(here, 'confluent.py')],
  'kafka-python': [join(CACHE, 'venv-kafka-python/bin/python'), join(here, 'kafka_python.py')],
  'kafka-python-2.0.2': [join(CACHE, 'venv-kafka-python-old/bin/python'), join(here, 'kafka_python.py')],
  java: ['java', ...java, logging, '-cp', `${CACHE}/classes.jar:${JARS}`, 'GroupMembers'],
} as const satisfies Record<string, readonly [string, ...string[]]>

const classic = (assignor?: string, commit: 'sync' | 'async' = 'sync'): Family['member'] =>
  assignor === undefined ? { protocol: 'classic', commit } : { protocol: 'classic', assignor, commit }
const consumer = (assignor?: string, commit: 'sync' | 'async' = 'sync'): Family['member'] =>
  assignor === undefined ? { protocol: 'consumer', commit } : { protocol: 'consumer', assignor, commit }

export const FAMILIES: readonly Family[] = [
  { name: 'java consumer', driver: 'java', member: consumer() },
  { name: 'confluent consumer', driver: 'confluent', member: consumer('range', 'async') },
  { name: 'platformatic consumer', driver: 'platformatic', member: consumer(), lateRecords: true },
  { name: 'java range', driver: 'java', member: classic('range') },
  { name: 'java cooperative-sticky', driver: 'java', member: classic('cooperative-sticky', 'async') },
  { name: 'confluent range', driver: 'confluent', member: classic('range') },
  { name: 'confluent roundrobin', driver: 'confluent', member: classic('roundrobin', 'async') },
  { name: 'confluent cooperative-sticky', driver: 'confluent', member: classic('cooperative-sticky') },
  { name: 'confluent of Debian', driver: 'confluent-debian', member: classic('range') },
  { name: 'kafka-python', driver: 'kafka-python', member: classic('roundrobin', 'async') },
  { name: 'kafka-python cooperative-sticky', driver: 'kafka-python', member: classic('cooperative-sticky') },
  { name: 'kafka-python 2.0.2', driver: 'kafka-python-2.0.2', member: classic('range') },
  { name: 'kafkajs eachMessage', driver: 'kafkajs', member: classic() },
  { name: 'kafkajs eachBatch', driver: 'kafkajs', member: { ...classic(), style: 'eachBatch' } },
  { name: 'platformatic', driver: 'platformatic', member: classic(), lateRecords: true },
]

// How each foreign client is started: a driver process that holds one and speaks the protocol of `protocol.ts`. `setup.sh`
// installs what they need.
import { join } from 'node:path'
import { CACHE, CLASSES, JARS } from './servers.ts'

const drivers = join(import.meta.dirname, 'drivers')
const java = ['-XX:TieredStopAtLevel=1', '-Xmx256m', '-Dlog4j2.level=error']
const logging = `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'java', 'log4j2.properties')}`
export const DRIVERS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  java: ['java', ...java, logging, '-cp', `${CLASSES}:${JARS}`, 'Driver'],
  kcat: [process.execPath, join(drivers, 'kcat.ts')],
  kafkajs: [process.execPath, join(drivers, 'kafkajs.ts')],
  platformatic: [process.execPath, join(drivers, 'platformatic.ts')],
  confluent: [join(CACHE, 'venv-confluent/bin/python'), join(drivers, 'confluent.py')],
  'confluent-debian': ['/usr/bin/python3', join(drivers, 'confluent.py')],
  'kafka-python-2.0.2': [join(CACHE, 'venv-kafka-python-old/bin/python'), join(drivers, 'kafka_python.py')],
  'kafka-python': [join(CACHE, 'venv-kafka-python/bin/python'), join(drivers, 'kafka_python.py')],
}

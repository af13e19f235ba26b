// A Kafka file of settings as the command line reads it: its syntax, what acts, what is told to have no effect, and the
// sentence for each thing that cannot be; and a process started with one.
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parseAddress } from '../../../lib/base/address.ts'
import { BROKER_CONFIGS } from '../../../lib/broker/broker-settings.ts'
import { type FileConfig, fileConfig, type GivenFlags, readConfigFile } from '../../../lib/cli/config-file.ts'
import { isKafkaSetting, KAFKA_SETTINGS } from '../../../lib/cli/kafka-settings.ts'
import { decodeProperties, parseProperties } from '../../../lib/cli/properties.ts'
import { openConnection } from '../../../lib/client/connection.ts'
import { TOPIC_CONFIGS } from '../../../lib/log/topic-settings-table.ts'
import { metadata } from '../../../lib/wire/messages/metadata.ts'
import { endAll, folder, run } from './processes.ts'

const NOTHING_GIVEN: GivenFlags = { kafka: false, advertise: false, data: false, embedded: true }
const read = (text: string, given: Partial<GivenFlags> = {}): FileConfig =>
  fileConfig('server.properties', text, { ...NOTHING_GIVEN, ...given })

describe('properties', () => {
  /** What `java.util.Properties.load` makes of each was seen with Java itself. */
  test.each<[string, Record<string, string>]>([
    ['a=1\nb:2\nc 3\nd\t=\t4\ne = : 5', { a: '1', b: '2', c: '3', d: '4', e: ': 5' }],
    ['# a=1\n  ! b=2\n\n \t\f\nc=3 # not a comment', { c: '3 # not a comment' }],
    ['a=1\\\n   2\\\r\n\t3\rb=4', { a: '123', b: '4' }],
    ['a=1\\\n# 2\nb=3', { a: '1# 2', b: '3' }],
    ['\\\n# a=1\nb=2', { b: '2' }],
    ['a=1\\\\\nb=2\\\\\\\n3', { a: '1\\', b: '2\\3' }],
    ['a=1\\', { a: '1' }],
    ['a\\ b\\=c\\:d=\\ e\\tf\\n\\q', { 'a b=c:d': ' e\tf\nq' }],
    ['gr\\u00f6\\u00DFe=\\u0031', { größe: '1' }],
    ['a=1\nb=2\na=3', { a: '3', b: '2' }],
    ['a= 1 \t', { a: '1 \t' }],
    ['a\n=b\nc=', { a: '', '': 'b', c: '' }],
    ['', {}],
  ])('%j', (text, expected) => {
    const outcome = parseProperties(text)
    if (outcome.kind !== 'ok') throw new Error(outcome.reason)
    expect(Object.fromEntries([...outcome.properties].map(([name, { value }]) => [name, value]))).toEqual(expected)
  })

  test('the line of a setting is the one where it begins, and of a repeated one the last', () => {
    const outcome = parseProperties('a=1\n\n# x\nb=\\\n2\nc=3\na=4')
    if (outcome.kind !== 'ok') throw new Error(outcome.reason)
    expect([...outcome.properties.values()].map(({ name, line }) => [name, line])).toEqual([
      ['a', 7],
      ['b', 4],
      ['c', 6],
    ])
  })

  test.each(['a=\\u12', 'a\\uzzzz=1', 'a=\\u'])('%j is malformed, as in Java', (text) => {
    expect(parseProperties(`x=1\n${text}`)).toMatchObject({ kind: 'malformed', line: 2 })
  })

  test('UTF-8, and Latin-1 where it is none', () => {
    expect(decodeProperties(Buffer.from('log.dirs=/größe'))).toBe('log.dirs=/größe')
    expect(decodeProperties(Buffer.from('log.dirs=/größe', 'latin1'))).toBe('log.dirs=/größe')
  })
})

describe('the list of Kafka settings', () => {
  test('has every broker setting of ours, those of old releases, and those with a name of the user’s own', () => {
    expect(BROKER_CONFIGS.filter(({ name }) => !isKafkaSetting(name))).toEqual([])
    for (const name of ['zookeeper.connect', 'log.cleaner.threads', 'broker.rack', 'inter.broker.protocol.version']) {
      expect(KAFKA_SETTINGS.has(name)).toBe(true)
    }
    expect(isKafkaSetting('listener.name.internal.ssl.keystore.location')).toBe(true)
    expect(isKafkaSetting('listener.name.')).toBe(false)
    expect(isKafkaSetting('listeners.name')).toBe(false)
  })
})

describe('what a file says', () => {
  const KRAFT = `
# As a combined broker and controller of Kafka 4 has it.
process.roles=broker,controller
node.id=3
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://log.example.org:19092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
num.io.threads=8
log.dirs=/var/lib/kafka
num.partitions=6
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
min.insync.replicas=2
offsets.retention.minutes=60
zookeeper.connect=localhost:2181
`

  test('a KRaft file: addresses, directory, number and settings; the rest is named once', () => {
    expect(read(KRAFT)).toEqual({
      kafka: { host: '0.0.0.0', port: 9092 },
      advertise: { host: 'log.example.org', port: 19_092 },
      data: '/var/lib/kafka',
      nodeId: 3,
      controllers: ['CONTROLLER://:9093'],
      settings: {
        'auto.create.topics.enable': 'false',
        'group.initial.rebalance.delay.ms': '0',
        'min.insync.replicas': '2',
        'num.partitions': '6',
        'offsets.retention.minutes': '60',
      },
      withoutEffect: [
        'controller.quorum.bootstrap.servers',
        'inter.broker.listener.name',
        'num.io.threads',
        'process.roles',
        'zookeeper.connect',
      ],
    })
  })

  test('the command line beats it, and what it beats is not judged', () => {
    const secure = 'listeners=SASL_SSL://:9094,SSL://:9093\nadvertised.listeners=SSL://x:1\nlog.dirs=/a,/b'
    const said = read(secure, { kafka: true, advertise: true, data: true })
    expect(said).toEqual({ settings: {}, withoutEffect: [], controllers: [] })
  })

  test('without an address on the command line, that of another listener is told to clients', () => {
    const told = read('advertised.listeners=EXTERNAL://x:1\nlistener.security.protocol.map=EXTERNAL:PLAINTEXT', {
      kafka: true,
    })
    expect(told.advertise).toEqual({ host: 'x', port: 1 })
  })

  test('an empty file says nothing', () => {
    expect(read('# nothing')).toEqual({ settings: {}, withoutEffect: [], controllers: [] })
  })

  test('listeners of any name, if their protocol is PLAINTEXT', () => {
    const named = read(
      'listeners = internal://[::1]:9092 , ctl://:1\n' +
        'listener.security.protocol.map=INTERNAL:PLAINTEXT,CTL:SSL\ncontroller.listener.names=CTL',
    )
    expect(named).toMatchObject({ kafka: { host: '::1', port: 9092 }, controllers: ['ctl://:1'] })
    expect(named).not.toHaveProperty('advertise')
  })

  test('log.dirs comes before log.dir; without a directory of ours both have no effect', () => {
    expect(read('log.dir=/a\nlog.dirs=/b').data).toBe('/b')
    expect(read('log.dir=/a').data).toBe('/a')
    const elsewhere = read('log.dir=/a\nlog.dirs=/b,/c', { embedded: false })
    expect(elsewhere).toEqual({ settings: {}, withoutEffect: ['log.dir', 'log.dirs'], controllers: [] })
  })

  test('broker.id is node.id, and -1 leaves the choice to the cluster', () => {
    expect(read('broker.id=0').nodeId).toBe(0)
    expect(read('broker.id=-1')).not.toHaveProperty('nodeId')
    expect(read('broker.id=-1\nnode.id=4').nodeId).toBe(4)
    expect(read('broker.id=4\nnode.id=4').nodeId).toBe(4)
  })

  test('defaults for topics that are only shown have no effect, but are kept for those who ask', () => {
    const said = read('log.preallocate=true\nlog.index.interval.bytes=1\ncompression.type=zstd')
    expect(said.withoutEffect).toEqual(['log.index.interval.bytes', 'log.preallocate'])
    expect(Object.keys(said.settings)).toEqual(['log.preallocate', 'log.index.interval.bytes', 'compression.type'])
  })
})

describe('what is wrong is said', () => {
  test.each([
    ['a=1', 'server.properties:1: "a" is not a broker setting of Kafka.'],
    ['\nnum.partition=1', 'server.properties:2: "num.partition" is not a broker setting of Kafka. Did you mean num.pa'],
    ['zookeper.conect=x', 'Did you mean zookeeper.connect?'],
    ['auto.create.topics=false', 'Did you mean auto.create.topics.enable?'],
    ['log.retention.day=1', /Did you mean log\.retention\.\w+\?/],
    ['NODE_ID=1', 'Did you mean node.id?'],
    ['num.partitions=0', 'server.properties:1: Invalid value 0 for configuration num.partitions: Value must be at l'],
    ['x\\u=1', 'server.properties:1: \\u must be followed by four hexadecimal digits.'],
    ['group.consumer.session.timeout.ms=6000', 'server.properties: group.consumer.session.timeout.ms must be greater'],
    ['listeners=localhost:9092', 'server.properties: "localhost:9092" in listeners is no listener. One looks like'],
    ['listeners=PLAINTEXT://h:70000', 'is no listener'],
    [
      'listeners=',
      'listeners has no listener for clients. Keep one PLAINTEXT listener, or give the address with --kafka.',
    ],
    ['listeners=CONTROLLER://:9093', 'listeners has no listener for clients.'],
    ['listeners=A://:1,a://:2', 'listeners names the listener A twice.'],
    [
      'listeners=SSL://:9093',
      'has SSL://:9093, whose protocol is SSL: clients connect without TLS and SASL here. Keep',
    ],
    ['listeners=SASL_PLAINTEXT://:9093', 'whose protocol is SASL_PLAINTEXT'],
    ['listeners=E://:1\nlistener.security.protocol.map=E:SASL_SSL', 'has E://:1, whose protocol is SASL_SSL'],
    ['listeners=PLAINTEXT://:1,SSL://:2', 'listeners has several listeners for clients (PLAINTEXT and SSL), and a'],
    ['listeners=E://:1', 'listener.security.protocol.map does not say the protocol of the listener E.'],
    ['listener.security.protocol.map=E:TLS', '"E:TLS" in listener.security.protocol.map is not'],
    ['advertised.listeners=PLAINTEXT://0.0.0.0:1', 'which clients cannot dial'],
    ['advertised.listeners=PLAINTEXT://:1', 'which clients cannot dial'],
    [
      'listeners=PLAINTEXT://:1\nadvertised.listeners=E://h:1\nlistener.security.protocol.map=E:PLAINTEXT',
      'advertised.listeners has E://h:1, but listeners has no E.',
    ],
    ['advertised.listeners=SSL://h:1', 'or give the address with --advertise.'],
    ['log.dirs=/a,/b', 'log.dirs names several directories, and a log lies in one. Keep one, or give it with --data.'],
    ['log.dirs=', 'log.dirs names no directory.'],
    ['node.id=-1', 'Invalid value -1 for configuration node.id: Value must be at least 0.'],
    ['broker.id=one', 'Invalid value one for configuration broker.id: Not a number of type INT.'],
    ['broker.id=1\nnode.id=2', 'node.id is 2 and broker.id is 1: they are two names of one number.'],
  ])('%j', (text, sentence) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({
        name: 'Problem',
        message: expect.stringMatching(
          typeof sentence === 'string' ? new RegExp(sentence.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')) : sentence,
        ),
      }),
    )
  })

  test('files that cannot be read', async () => {
    const dir = await folder()
    const path = join(dir, 'server.properties')
    await expect(readConfigFile(path, NOTHING_GIVEN)).rejects.toThrow(`There is no file ${path} (--config).`)
    await expect(readConfigFile(dir, NOTHING_GIVEN)).rejects.toThrow(`${dir} is a directory`)
    await writeFile(path, 'log.dirs=/größe\n')
    expect((await readConfigFile(path, NOTHING_GIVEN)).data).toBe('/größe')
  })
})

test('docs/configuration.md has each setting that acts, with its default', () => {
  const rows = readFileSync(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
  const shownOnly = TOPIC_CONFIGS.filter(({ effect }) => effect === 'no meaning here').flatMap(({ synonyms }) =>
    synonyms.map(({ name }) => name),
  )
  for (const { name, default: byDefault } of BROKER_CONFIGS) {
    const row = rows.find((line) => line.split(' | ')[0]!.includes(`\`${name}\``))
    if (shownOnly.includes(name) && name !== 'min.insync.replicas') expect([name, row]).toEqual([name, undefined])
    else expect([name, row?.includes(`| \`${byDefault ?? '168'}\` `)]).toEqual([name, true])
  }
})

describe('tidelog start --config', () => {
  afterAll(endAll)

  test('a gateway with the file’s address, number, directory and settings; a second of that number is refused', async () => {
    const dir = await folder()
    const [file, data] = [join(dir, 'server.properties'), join(dir, 'data')]
    const text = `listeners=PLAINTEXT://127.0.0.1:0\nnode.id=7\nlog.dirs=${data}\nnum.partitions=4\nzookeeper.connect=z:2181\n`
    await writeFile(file, text)
    const args = ['start', '--config', file, '--http', '127.0.0.1:0']
    const server = run(args)
    const [, kafka = ''] = await server.output(/Kafka\s+(\S+)/)
    const [, where = ''] = await server.output(/Data\s+(\S+)/)
    expect(where).toBe(data)
    const connection = await openConnection(parseAddress(kafka)!)
    const seen = await connection.request(metadata, { topics: [{ name: 'made' }], allowAutoTopicCreation: true })
    expect(seen.brokers).toMatchObject([{ nodeId: 7, port: parseAddress(kafka)!.port }])
    expect(seen.topics).toMatchObject([{ errorCode: 0, name: 'made' }])
    expect(seen.topics[0]!.partitions).toHaveLength(4)
    await connection.close()

    const second = await run(args).ended
    expect(second).toMatchObject({ code: 1, stdout: '' })
    const sentences = second.stderr.trim().split('\n').slice(1)
    expect(sentences).toEqual([`Node id 7 (node.id) is taken by the gateway at ${kafka}: each needs its own.`])

    server.child.kill('SIGTERM')
    const { code, stderr } = await server.ended
    expect(code).toBe(0)
    expect(stderr.split('zookeeper.connect')).toHaveLength(2)
  })

  test('a mistake in the file is one sentence', async () => {
    const file = join(await folder(), 'server.properties')
    await writeFile(file, 'num.partition=4\n')
    expect(await run(['start', '--config', file]).ended).toEqual({
      code: 1,
      stdout: '',
      stderr: `${file}:1: "num.partition" is not a broker setting of Kafka. Did you mean num.partitions?\n`,
    })
  })
})

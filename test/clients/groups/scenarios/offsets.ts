// Offsets without membership: what one client commits for a group, each other client reads, metadata and all; too long
// metadata is refused; and while a group has members nobody else can commit for it.
import assert from 'node:assert/strict'
import type { GROUP_DRIVERS } from '../families.ts'
import { FAMILIES } from '../families.ts'
import { createFleet } from '../fleet.ts'
import { type Setting, stage } from '../scene.ts'
import { createTopic, kafkaFor } from '../traffic.ts'

const OFFSET_METADATA_TOO_LARGE = 12
const UNKNOWN_MEMBER_ID = 25
const METADATA_BYTES_MAX = 4096

type DriverName = keyof typeof GROUP_DRIVERS
const COMMITTERS: readonly DriverName[] = ['java', 'confluent', 'kafka-python', 'kafka-python-2.0.2', 'kafkajs']
/** KafkaJS has no way to give metadata. */
const withMetadata = (driver: DriverName): boolean => driver !== 'kafkajs'
/** confluent-kafka sends the NUL at the end of C's strings with it. */
const tail = (driver: DriverName): string => (driver === 'confluent' ? '\0' : '')

export async function offsets(setting: Setting): Promise<string> {
  const kafka = kafkaFor(setting.bootstrap)
  const topic = 'offsets'
  await createTopic(kafka, topic, 3)
  const producer = kafka.producer()
  await producer.connect()
  const messages = Array.from({ length: 20 }, (_, at) => ({ value: `value ${at}`, partition: 1 }))
  await producer.send({ topic, messages })
  await producer.disconnect()
  const fleet = createFleet(setting.bootstrap)
  try {
    const drivers = new Map(COMMITTERS.map((driver) => [driver, fleet.open(driver)]))
    const readers: readonly DriverName[] = [...COMMITTERS, 'platformatic']
    drivers.set('platformatic', fleet.open('platformatic'))
    let reads = 0
    for (const [index, driver] of COMMITTERS.entries()) {
      const home = drivers.get(driver) ?? fleet.open(driver)
      const group = `offsets-of-${driver}`
      const offset = 7 + index
      const metadata = withMetadata(driver) ? `${driver}: ü ☃ "quoted"` : ''
      const committed = await fleet.ask(home, { op: 'commitAlone', group, offset: [topic, 1, offset], metadata })
      assert.ok(committed.ok, `${driver} commits: ${JSON.stringify(committed)}`)
      for (const reader of readers) {
        const found = await fleet.ask(drivers.get(reader) ?? home, { op: 'fetchCommitted', group, place: [topic, 1] })
        assert.equal(found['offset'], offset, `${reader} reads what ${driver} committed: ${JSON.stringify(found)}`)
        if ('metadata' in found) {
          const read = String(found['metadata'])
          assert.ok(read === metadata || read === metadata + tail(driver), `${reader} reads ${driver}'s: ${read}`)
        }
        const none = await fleet.ask(drivers.get(reader) ?? home, { op: 'fetchCommitted', group, place: [topic, 2] })
        assert.equal(none['offset'], -1, `${reader}: nothing was committed there: ${JSON.stringify(none)}`)
        reads += 1
      }
      if (!withMetadata(driver)) continue
      const commit = (bytes: number) =>
        fleet.ask(home, {
          op: 'commitAlone',
          group,
          offset: [topic, 0, 1],
          metadata: 'm'.repeat(bytes - tail(driver).length),
        })
      assert.ok((await commit(METADATA_BYTES_MAX)).ok, `${driver}: ${METADATA_BYTES_MAX} bytes of metadata`)
      const refused = await commit(METADATA_BYTES_MAX + 1)
      assert.deepEqual([refused.ok, refused['code']], [false, OFFSET_METADATA_TOO_LARGE], JSON.stringify(refused))
    }
    return `${COMMITTERS.length} clients committed, ${reads} reads`
  } finally {
    await fleet.close()
  }
}

/** Of a group with members only they can commit. */
export function intruder(setting: Setting, protocol: 'classic' | 'consumer'): Promise<string> {
  return stage(setting, `intruder ${protocol}`, { partitions: 2 }, async (scene) => {
    const { fleet, topic, group } = scene
    const family = FAMILIES.find(({ driver, member }) => driver === 'java' && member.protocol === protocol)
    if (family === undefined) throw new Error('no such family')
    scene.join(family, 'a')
    await scene.shared(2, 1)
    const other = fleet.open('confluent')
    const answer = await fleet.ask(other, { op: 'commitAlone', group, offset: [topic, 0, 0], metadata: '' })
    assert.deepEqual([answer.ok, answer['code']], [false, UNKNOWN_MEMBER_ID], JSON.stringify(answer))
    return scene.finish(family)
  })
}

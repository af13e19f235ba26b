// The gateway of slow-store.ts: all of Tidelog on the embedded store of a directory, but each PUT of an object takes as long
// as the third argument says. Arguments: directory, port, milliseconds.
import { sleep, systemClock } from '../../lib/base/clock.ts'
import { systemRandom } from '../../lib/base/random.ts'
import { defaultBrokerSettings } from '../../lib/broker/broker-settings.ts'
import { createBroker } from '../../lib/broker/router.ts'
import { openListener } from '../../lib/gateway/listener.ts'
import { joinMembers } from '../../lib/gateway/membership.ts'
import { openStores } from '../../lib/gateway/open-stores.ts'
import { createGroups } from '../../lib/groups/coordinator.ts'
import { openLog } from '../../lib/log/open-log.ts'
import type { Stores } from '../../lib/storage/ports.ts'
import { threadedCompression } from '../../lib/wire/native-compression.ts'

const [directory = '', port = '0', putMs = '5000'] = process.argv.slice(2)
const logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (fields: object, message: string) => console.error(message, fields),
  error: (fields: object, message: string) => console.error(message, fields),
}

const opened = await openStores({ kind: 'embedded', dir: directory })
if (opened.kind === 'problem') throw new Error(opened.sentence)
const fast = opened.stores
const stores: Stores = {
  ...fast,
  objects: {
    ...fast.objects,
    put: async (key, body, options) => {
      await sleep(systemClock, Number(putMs))
      return fast.objects.put(key, body, options)
    },
  },
}
const clock = systemClock
const random = systemRandom
const compression = threadedCompression
const listener = await openListener({ host: '127.0.0.1', port: Number(port), log: logger })
const address = { host: '127.0.0.1', port: listener.port }
const members = await joinMembers({ documents: stores.documents, clock, random }, address)
const log = await openLog({ stores, clock, random, compression, logger })
if (log.kind !== 'opened') throw new Error(log.kind)
const settings = defaultBrokerSettings
const groups = createGroups({
  log: log.log,
  documents: stores.documents,
  clock,
  random,
  settings: settings.group,
})
listener.serve(createBroker({ log: log.log, groups, members, settings, compression, clock, random, logger }))

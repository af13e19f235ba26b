// What `listeners` and `advertised.listeners` of a Kafka file say to a gateway, which has one door for clients and no TLS or
// SASL at it. A file that asks for more is refused with a sentence instead of being half obeyed: clients would find out too
// late, and a listener that was meant to be secure must never be opened without. Controllers' listeners, which every KRaft
// file has, are left out and named, since there are no controllers here.
import { type Address, parseAddress } from '../base/address.ts'
import { listElements } from '../log/settings.ts'
import { Problem } from './problem.ts'

/** The settings that name listeners, as the file has them. */
export interface ListenerSettings {
  readonly listeners: string | undefined
  readonly advertisedListeners: string | undefined
  /** listener.security.protocol.map */
  readonly protocolMap: string | undefined
  /** controller.listener.names */
  readonly controllerNames: string | undefined
}
/** Which of them the command line says better. */
export interface ListenersGiven {
  readonly kafka: boolean
  readonly advertise: boolean
}
export interface ClientListener {
  /** Where to listen. */
  readonly kafka?: Address
  /** What clients are told. */
  readonly advertise?: Address
  /** Listeners of controllers, left out. */
  readonly controllers: readonly string[]
}

interface Named {
  readonly name: string
  readonly text: string
  readonly address: Address
}

const PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']
const ANY_HOST = '0.0.0.0'

/** The one listener for clients. Throws `Problem` with a sentence that says what would have been right. */
export function clientListener(settings: ListenerSettings, given: ListenersGiven): ClientListener {
  const controllerNames = new Set(listElements(settings.controllerNames ?? 'CONTROLLER').map(upper))
  const own = named('listeners', given.kafka ? undefined : settings.listeners)
  const told = named('advertised.listeners', given.advertise ? undefined : settings.advertisedListeners)
  const isController = ({ name }: Named): boolean => controllerNames.has(name)
  const isForClients = (listener: Named): boolean => !isController(listener)

  const protocolOf = protocols(settings.protocolMap)
  const listener = onlyPlain('listeners', own?.filter(isForClients), protocolOf, '--kafka')
  const advertised = onlyPlain('advertised.listeners', told?.filter(isForClients), protocolOf, '--advertise')
  const name = listener?.name ?? (given.kafka ? advertised?.name : 'PLAINTEXT')
  if (advertised !== undefined && advertised.name !== name) {
    throw new Problem(`advertised.listeners has ${advertised.text}, but listeners has no ${advertised.name}.`)
  }
  if (advertised !== undefined && isWildcard(advertised.address.host)) {
    throw new Problem(`advertised.listeners has ${advertised.text}, which clients cannot dial: name a host there.`)
  }
  return {
    ...(listener === undefined ? {} : { kafka: listener.address }),
    ...(advertised === undefined ? {} : { advertise: advertised.address }),
    controllers: (own ?? []).filter(isController).map(({ text }) => text),
  }
}

function isWildcard(host: string): boolean {
  return host === ANY_HOST || host === '::'
}

function upper(text: string): string {
  return text.toUpperCase()
}

/** `NAME://host:port,…`; undefined where nothing is set. Without a host it is every address, as in Kafka. */
function named(setting: string, value: string | undefined): Named[] | undefined {
  if (value === undefined) return undefined
  const found = listElements(value).map((text): Named => {
    const [, name, rest = ''] = /^([\w.-]+):\/\/(.*)$/.exec(text) ?? []
    const address = parseAddress(rest.startsWith(':') ? `${ANY_HOST}${rest}` : rest)
    if (name === undefined || address === undefined) {
      throw new Problem(`"${text}" in ${setting} is no listener. One looks like PLAINTEXT://127.0.0.1:9092.`)
    }
    return { name: upper(name), text, address }
  })
  const twice = found.find(({ name }, at) => found.findIndex((other) => other.name === name) < at)
  if (twice !== undefined) throw new Problem(`${setting} names the listener ${twice.name} twice.`)
  return found
}

/** `NAME:PROTOCOL,…`. The protocols' own names need no entry. */
function protocols(map: string | undefined): (name: string) => string | undefined {
  const byName = new Map(PROTOCOLS.map((protocol) => [protocol, protocol]))
  for (const entry of listElements(map ?? '')) {
    const [, name = '', protocol = ''] = /^(.+):(.+)$/.exec(entry.toUpperCase()) ?? []
    if (!PROTOCOLS.includes(protocol.trim())) {
      throw new Problem(
        `"${entry}" in listener.security.protocol.map is not a listener's name, ":" and one of ${PROTOCOLS.join(', ')}.`,
      )
    }
    byName.set(name.trim(), protocol.trim())
  }
  return (name) => byName.get(name)
}

function onlyPlain(
  setting: string,
  forClients: readonly Named[] | undefined,
  protocolOf: (name: string) => string | undefined,
  flag: string,
): Named | undefined {
  if (forClients === undefined) return undefined
  const [listener] = forClients
  const way = `Keep one PLAINTEXT listener, or give the address with ${flag}.`
  if (listener === undefined) throw new Problem(`${setting} has no listener for clients. ${way}`)
  if (forClients.length > 1) {
    const names = forClients.map(({ name }) => name).join(' and ')
    throw new Problem(`${setting} has several listeners for clients (${names}), and a gateway has one. ${way}`)
  }
  const protocol = protocolOf(listener.name)
  if (protocol === undefined) {
    throw new Problem(`listener.security.protocol.map does not say the protocol of the listener ${listener.name}.`)
  }
  if (protocol !== 'PLAINTEXT') {
    throw new Problem(
      `${setting} has ${listener.text}, whose protocol is ${protocol}: clients connect without TLS and SASL here. ${way}`,
    )
  }
  return listener
}

// KafkaJS producers that talk to one gateway and no other, whoever leads a partition, and remember what was acknowledged
// at which offset. The idempotent one repeats a send until it is acknowledged; the plain one never repeats, so that what
// it did not get an acknowledgement for may be there or not, but never twice.
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import type { Address } from '../../../lib/base/address.ts'
import { formatAddress } from '../../../lib/base/address.ts'

// A CommonJS module whose names Node cannot see.
const { Kafka, logLevel } = kafkajs

export interface Acknowledged {
  readonly partition: number
  readonly offset: number
  readonly value: string
}

export interface Writing {
  readonly acknowledged: readonly Acknowledged[]
  /** Sent without an acknowledgement, and never again. */
  readonly unknown: ReadonlySet<string>
  /** Writes until there are as many acknowledgements. */
  until(count: number): Promise<void>
  close(): Promise<void>
}

export interface WriterOptions {
  readonly name: string
  readonly address: Address
  readonly topic: string
  readonly partitions: number
  readonly idempotent: boolean
}

export async function startWriter(options: WriterOptions): Promise<Writing> {
  const { name, address, topic, partitions, idempotent } = options
  const kafka = new Kafka({
    clientId: name,
    brokers: [formatAddress(address)],
    logLevel: logLevel.NOTHING,
    // Whatever address Metadata tells, this is where the connection goes.
    socketFactory: ({ onConnect }) => connect({ host: address.host, port: address.port, noDelay: true }, onConnect),
    retry: { initialRetryTime: 50, maxRetryTime: 250, retries: idempotent ? 100 : 0 },
  })
  const producer = kafka.producer({ idempotent, allowAutoTopicCreation: false, maxInFlightRequests: 1 })
  await producer.connect()
  const acknowledged: Acknowledged[] = []
  const unknown = new Set<string>()
  let next = 0
  const send = async (): Promise<void> => {
    const value = `${name} ${next}`
    const partition = next++ % partitions
    try {
      const [sent] = await producer.send({ topic, acks: -1, messages: [{ partition, value, key: name }] })
      acknowledged.push({ partition, offset: Number(sent?.baseOffset), value })
    } catch (error) {
      if (idempotent) throw error
      unknown.add(value)
      await sleep(100)
    }
  }
  return {
    acknowledged,
    unknown,
    until: async (count) => {
      while (acknowledged.length < count) await send()
    },
    close: () => producer.disconnect(),
  }
}

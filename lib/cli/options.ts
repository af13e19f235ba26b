// What several commands read from their command line, checked once, with sentences that say what would have been right.
import { InvalidArgumentError, Option } from 'commander'
import { type Address, parseAddress } from '../base/address.ts'

export const KAFKA_DEFAULT = '127.0.0.1:9092'

export function readAddress(text: string): Address {
  const address = parseAddress(text)
  if (address === undefined) throw new InvalidArgumentError('Give it as HOST:PORT, for instance 127.0.0.1:9092.')
  return address
}

/** A reader of whole numbers from `min` on. */
export function readInteger(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^-?\d+$/.test(text) && value >= min && value <= max) return value
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `between ${min} and ${max}`
    throw new InvalidArgumentError(`Give a whole number ${range}.`)
  }
}

/** `--config name=value`, as often as wanted. */
export function readConfig(text: string, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Give it as NAME=VALUE, for instance retention.ms=86400000.')
  return new Map([...before, [text.slice(0, at).trim(), text.slice(at + 1).trim()]])
}

/** The server that a command talks to. */
export function kafkaOption(): Option {
  return new Option('--kafka <host:port>', 'a server of the log')
    .argParser(readAddress)
    .default(readAddress(KAFKA_DEFAULT), KAFKA_DEFAULT)
}

// A topic's explicit configs as stored, in entries and in the root: sorted by name, so that the same configs are the same
// bytes.
import type { ByteReader, ByteWriter } from '../../base/bytes.ts'

export function writeConfigs(writer: ByteWriter, configs: ReadonlyMap<string, string>): void {
  const sorted = [...configs].sort(([a], [b]) => (a < b ? -1 : 1))
  writer.varint(sorted.length)
  for (const [name, value] of sorted) writer.string(name).string(value)
}

export function readConfigs(reader: ByteReader): Map<string, string> {
  const configs = new Map<string, string>()
  const count = reader.count(2)
  for (let i = 0; i < count; i++) configs.set(reader.string(), reader.string())
  return configs
}

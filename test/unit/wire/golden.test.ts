// Golden bytes: what Kafka's own generated message classes write, for every API and version that we serve (the file and its
// generator are in test/golden). They are the one thing here that does not come from our descriptors.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { APIS, apiByKey } from '../../../lib/wire/apis.ts'
import {
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequestFrame,
  encodeResponseHeader,
} from '../../../lib/wire/frame.ts'
import { decodeRequest, decodeResponse } from '../../../lib/wire/reader.ts'
import { type Api, defaultOf, type Field, type Fields, fieldsOf } from '../../../lib/wire/schema.ts'
import { encodeRequest, encodeResponse } from '../../../lib/wire/writer.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }
type JsonObject = { readonly [name: string]: Json }
interface Golden {
  readonly key: number
  readonly type: 'request' | 'response'
  readonly version: number
  readonly variant: string
  readonly header: string
  readonly body: string
  readonly value: JsonObject
}
interface Defaults {
  readonly key: number
  readonly type: 'request' | 'response'
  readonly defaults: { readonly [path: string]: string }
}

const lines = readFileSync(new URL('../../golden/messages.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Golden | Defaults)
const goldens = lines.filter((line) => 'body' in line)
const defaults = lines.filter((line) => 'defaults' in line)

function unhex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

/** What decoding must give for Kafka's JSON form of a struct: fields that are not in it at their default. */
function expectedStruct(fields: Fields, version: number, json: JsonObject): unknown {
  const { plain } = fieldsOf(fields, version)
  const missing = plain.map(([name]) => name).filter((name) => !(name in json))
  expect(missing, 'fields that Kafka does not have in this version').toEqual([])
  const unknown = Object.keys(json).filter((name) => !(name in fields))
  expect(unknown, 'fields that we do not have').toEqual([])
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const value = json[name]
      return [name, value === undefined ? defaultOf(field) : expected(field, version, value)]
    }),
  )
}

function expected(field: Field, version: number, json: Json): unknown {
  if (json === null) return null
  switch (field.kind) {
    case 'uuid':
      return Buffer.from(json as string, 'base64url').toString('hex')
    case 'bytes':
    case 'records':
      return new Uint8Array(Buffer.from(json as string, 'base64'))
    case 'array':
      return (json as readonly Json[]).map((element) => expected(field.element!, version, element))
    case 'struct':
      return expectedStruct(field.fields!, version, json as JsonObject)
    default:
      return json
  }
}

function apiOf(key: number): Api {
  const api = apiByKey(key)
  expect(api, `API ${key}`).toBeDefined()
  return api!
}

test('the golden file covers every served version of every API, both ways', () => {
  const covered = new Set(goldens.map(({ key, type, version }) => `${key} ${type} ${version}`))
  const served = APIS.flatMap((api) =>
    Array.from({ length: api.max - api.serveMin + 1 }, (_, i) => api.serveMin + i).flatMap((version) => [
      `${api.key} request ${version}`,
      `${api.key} response ${version}`,
    ]),
  )
  expect([...covered].sort()).toEqual(served.sort())
})

describe.each(APIS.map((api) => [api.name, api] as const))('%s', (_, api) => {
  const own = goldens.filter(({ key }) => key === api.key)

  test.each(own.map((golden) => [golden.type, golden.version, golden.variant, golden] as const))(
    '%s version %i, %s',
    (type, version, _variant, golden) => {
      const body = unhex(golden.body)
      if (type === 'request') {
        const value = decodeRequest(api, version, body)
        expect(value).toEqual(expectedStruct(api.request, version, golden.value))
        expect(Buffer.concat(encodeRequest(api, version, value)).toString('hex')).toBe(golden.body)
      } else {
        const value = decodeResponse(api, version, body)
        expect(value).toEqual(expectedStruct(api.response, version, golden.value))
        expect(Buffer.concat(encodeResponse(api, version, value)).toString('hex')).toBe(golden.body)
      }
    },
  )

  test('headers', () => {
    for (const golden of own) {
      const frame = unhex(golden.header + golden.body)
      const bodyOffset = golden.header.length / 2
      const correlationId = 1000 + golden.version
      if (golden.type === 'request') {
        const clientId = { nulls: null, edges: '', filled: `client-${golden.version}` }[golden.variant]!
        const header = { apiKey: api.key, apiVersion: golden.version, correlationId, clientId }
        expect(decodeRequestHeader(frame)).toEqual({ kind: 'ok', ...header, bodyOffset })
        const value = decodeRequest(api, golden.version, frame.subarray(bodyOffset))
        expect(Buffer.concat(encodeRequestFrame(api, golden.version, header, value))).toEqual(Buffer.from(frame))
      } else {
        expect(decodeResponseHeader(api, golden.version, frame)).toEqual({ correlationId, bodyOffset })
        const header = encodeResponseHeader(api, golden.version, correlationId)
        expect(Buffer.from(header).toString('hex')).toBe(golden.header)
      }
    }
  })
})

/** Where our encoders fill in something else than Kafka's zero value: all untagged, so no byte hangs on it, only convenience. */
const OWN_DEFAULTS = new Map<string, unknown>([
  ['ListOffsets request replicaId', -1],
  ['CreateTopics response topics.errorMessage', null],
  ['CreatePartitions request topics.assignments', null],
  ['DescribeConfigs response results.configs.documentation', null],
])

test('defaults are those of Kafka', () => {
  const zero = (field: Field): unknown => {
    const { default: _, ...rest } = field
    return defaultOf({ ...rest, default: undefined })
  }
  const parse = (field: Field, text: string): unknown => {
    if (text === 'null') return null
    if (field.kind === 'bool') return text === 'true'
    return field.kind === 'string' ? text : Number(text)
  }
  for (const { key, type, defaults: kafka } of defaults) {
    const api = apiOf(key)
    const visit = (fields: Fields, prefix: string): void => {
      for (const [name, field] of Object.entries(fields)) {
        const path = prefix + name
        const text = kafka[path]
        const place = `${api.name} ${type} ${path}`
        const omissible = field.default !== undefined
        const kafkas = text === undefined ? zero(field) : parse(field, text)
        expect(defaultOf(field), place).toEqual(omissible && OWN_DEFAULTS.has(place) ? OWN_DEFAULTS.get(place) : kafkas)
        visit(field.fields ?? field.element?.fields ?? {}, `${path}.`)
      }
    }
    visit(api[type], '')
  }
})

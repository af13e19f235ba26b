// Kafka's messages as data. A message is a record of field descriptors in wire order (the order of the object's keys), each
// with the versions in which it exists; the TypeScript types are inferred from the same descriptors, so the bytes, the types,
// the array bounds and the property tests cannot disagree. Names, versions and defaults are those of Kafka's own message
// definitions. A descriptor's `default` is what a version without the field decodes to, and says that encoders may leave the
// field out; for most fields it is Kafka's explicit default, for the rest (a topic's name beside its id, say) the zero value.
import { assert } from '../base/assert.ts'
import { type TopicId, ZERO_TOPIC_ID } from '../base/ids.ts'

/** Versions in which something exists, as Kafka writes them: `3+`, `0-12`. */
export type Versions = `${number}+` | `${number}-${number}`

export type Kind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  /** A number: exact within ±2^53, rounded beyond (nothing acts upon such values; clients send them only as "no limit"). */
  | 'int64'
  | 'uuid'
  | 'string'
  /** A view into the frame, never a copy. */
  | 'bytes'
  /** Like bytes; encoders may also give a list of buffers, which go out uncopied. */
  | 'records'
  | 'array'
  | 'struct'

/** One field. `Out` is what decoding gives, `In` what encoding takes. */
export interface Field<Out = unknown, In = unknown, Omissible extends boolean = boolean> {
  readonly kind: Kind
  readonly versions: Versions
  readonly nullable: Versions | undefined
  readonly tag: number | undefined
  /** Undefined: encoders must give the field. */
  readonly default: unknown
  /** Arrays. */
  readonly element: Field | undefined
  /** Structs. */
  readonly fields: Fields | undefined
  /** Only for the type checker; never set. */
  readonly types?: { readonly out: Out; readonly in: In; readonly omissible: Omissible }
}

/** Fields in wire order; tagged ones may stand anywhere. */
export interface Fields {
  readonly [name: string]: Field
}

type Types<F extends Field> = NonNullable<F['types']>
type OmissibleKeys<F extends Fields> = {
  [K in keyof F]: Types<F[K]>['omissible'] extends true ? K : never
}[keyof F]

/** What decoding a struct gives: every field, those that the version lacks with their default. */
export type Decoded<F extends Fields> = { readonly [K in keyof F]: Types<F[K]>['out'] }
/** What encoding a struct takes: fields with a default may be left out. */
export type Input<F extends Fields> = {
  readonly [K in Exclude<keyof F, OmissibleKeys<F>>]: Types<F[K]>['in']
} & { readonly [K in OmissibleKeys<F>]?: Types<F[K]>['in'] | undefined }

interface Options<T> {
  readonly nullable?: Versions
  /** Makes it a tagged field (flexible versions only). */
  readonly tag?: number
  readonly default?: T | null
}
type NoOptions = Record<never, never>
type OrNull<T, O> = O extends { readonly nullable: Versions } ? T | null : T
type IsOmissible<O> = O extends { readonly default: unknown } | { readonly tag: number } ? true : false
type Made<Out, In, O> = Field<OrNull<Out, O>, OrNull<In, O>, IsOmissible<O>>

function make<Out, In, O>(kind: Kind, versions: Versions, options: Options<unknown> | undefined): Made<Out, In, O> {
  return {
    kind,
    versions,
    nullable: options?.nullable,
    tag: options?.tag,
    default: options?.default,
    element: undefined,
    fields: undefined,
  }
}

type Scalar<Out, In = Out> = <const O extends Options<Out> = NoOptions>(
  versions: Versions,
  options?: O,
) => Made<Out, In, O>

export const bool: Scalar<boolean> = (versions, options) => make('bool', versions, options)
export const int8: Scalar<number> = (versions, options) => make('int8', versions, options)
export const int16: Scalar<number> = (versions, options) => make('int16', versions, options)
export const uint16: Scalar<number> = (versions, options) => make('uint16', versions, options)
export const int32: Scalar<number> = (versions, options) => make('int32', versions, options)
export const int64: Scalar<number> = (versions, options) => make('int64', versions, options)
export const uuid: Scalar<TopicId> = (versions, options) => make('uuid', versions, options)
export const string: Scalar<string> = (versions, options) => make('string', versions, options)
export const bytes: Scalar<Uint8Array> = (versions, options) => make('bytes', versions, options)
export const records: Scalar<Uint8Array, Uint8Array | readonly Uint8Array[]> = (versions, options) =>
  make('records', versions, options)

type ElementOut<E> = E extends Field ? Types<E>['out'] : E extends Fields ? Decoded<E> : never
type ElementIn<E> = E extends Field ? Types<E>['in'] : E extends Fields ? Input<E> : never

/** An array of structs (given as their fields) or of plain values (given as a field whose versions are ignored). */
export function array<E extends Field | Fields, const O extends Options<readonly never[]> = NoOptions>(
  versions: Versions,
  element: E,
  options?: O,
): Made<readonly ElementOut<E>[], readonly ElementIn<E>[], O> {
  const made = isField(element) ? element : struct('0+', element)
  return { ...make<readonly ElementOut<E>[], readonly ElementIn<E>[], O>('array', versions, options), element: made }
}

/** A struct that is not in an array. */
export function struct<F extends Fields, const O extends Options<never> = NoOptions>(
  versions: Versions,
  fields: F,
  options?: O,
): Made<Decoded<F>, Input<F>, O> {
  return { ...make<Decoded<F>, Input<F>, O>('struct', versions, options), fields }
}

function isField(element: Field | Fields): element is Field {
  return typeof element.kind === 'string'
}

/** One Kafka API: its messages and the versions that we advertise and serve. */
export interface Api<Req extends Fields = Fields, Res extends Fields = Fields> {
  readonly key: number
  readonly name: string
  /** Advertised in ApiVersions. */
  readonly min: number
  readonly max: number
  /** The oldest version that is really served. Higher than `min` only for Produce. */
  readonly serveMin: number
  /** From this version on lengths are varints and structs end in tagged fields. Undefined: never. */
  readonly flexibleFrom: number | undefined
  readonly request: Req
  readonly response: Res
}

export type RequestOf<A extends Api> = Decoded<A['request']>
export type ResponseOf<A extends Api> = Decoded<A['response']>
export type RequestInput<A extends Api> = Input<A['request']>
export type ResponseInput<A extends Api> = Input<A['response']>

/** Defines an API. Without `flexibleFrom` no version is flexible; without `serveMin` all that is advertised is served. */
export function defineApi<Req extends Fields, Res extends Fields>(definition: {
  readonly key: number
  readonly name: string
  readonly min: number
  readonly max: number
  readonly serveMin?: number
  readonly flexibleFrom?: number
  readonly request: Req
  readonly response: Res
}): Api<Req, Res> {
  const { serveMin = definition.min, flexibleFrom } = definition
  assert(definition.min <= serveMin && serveMin <= definition.max, `${definition.name} serves what it advertises`)
  return { ...definition, serveMin, flexibleFrom }
}

export function isFlexible(api: Api, version: number): boolean {
  return api.flexibleFrom !== undefined && version >= api.flexibleFrom
}

/** Whether we can decode and encode this version (ApiVersions may advertise more, see `serveMin`). */
export function isServed(api: Api, version: number): boolean {
  return version >= api.serveMin && version <= api.max
}

/** Whether `version` is among `versions`. Slow: for building plans, not for each message. */
export function includes(versions: Versions | undefined, version: number): boolean {
  const match = versions === undefined ? null : /^(\d+)(?:\+|-(\d+))$/.exec(versions)
  assert(versions === undefined || match !== null, `"${versions}" is a range of versions`)
  return match !== null && version >= Number(match[1]) && (match[2] === undefined || version <= Number(match[2]))
}

const ZERO = {
  bool: false,
  int8: 0,
  int16: 0,
  uint16: 0,
  int32: 0,
  int64: 0,
  uuid: ZERO_TOPIC_ID,
  string: '',
  bytes: new Uint8Array(0),
  records: null,
  array: Object.freeze([]),
} as const

/** The value of a field that a message does not carry. Shared between messages: never changed. */
export function defaultOf(field: Field): unknown {
  if (field.default !== undefined) return field.default
  return field.kind === 'struct' ? defaultsOf(field.fields ?? {}) : ZERO[field.kind]
}

/** A struct with every field at its default. */
export function defaultsOf(fields: Fields): Readonly<Record<string, unknown>> {
  return Object.freeze(Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, defaultOf(field)])))
}

/** The fields of one version: untagged ones in wire order, tagged ones by ascending tag. */
export function fieldsOf(
  fields: Fields,
  version: number,
): { readonly plain: [string, Field][]; readonly tagged: [string, Field][] } {
  const present = Object.entries(fields).filter(([, field]) => includes(field.versions, version))
  return {
    plain: present.filter(([, field]) => field.tag === undefined),
    tagged: present.filter(([, field]) => field.tag !== undefined).sort(([, a], [, b]) => (a.tag ?? 0) - (b.tag ?? 0)),
  }
}

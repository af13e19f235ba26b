// How one API is served: its messages, its handler, and how the answer is encoded. A row decodes the body, starts the handler
// and says what to send; it is the one place where the types of a message meet those of its handler.
import { decodeRequest } from '../wire/reader.ts'
import type { Api, RequestOf, ResponseInput } from '../wire/schema.ts'
import { encodeResponse } from '../wire/writer.ts'
import type { BrokerContext, Call } from './context.ts'

/** The answer to one request, before it has a header. */
export type Answer =
  | { readonly kind: 'respond'; readonly body: readonly Uint8Array[]; readonly errorCode: number }
  | { readonly kind: 'none' }
  | { readonly kind: 'later' }
  | { readonly kind: 'conflict'; readonly reason: string }
  | { readonly kind: 'close'; readonly reason: string }

export interface Started {
  /** Undefined: with the answer. */
  readonly admitted?: Promise<void>
  readonly answer: Promise<Answer>
  /** Undefined: with the answer. */
  readonly released?: Promise<void>
  /** The answer when the handler broke down; undefined where the response has no room for an error as a whole. */
  readonly broken: ((errorCode: number) => Answer) | undefined
}

export interface Row {
  readonly api: Api
  /** Throws `WireError` when the body makes no sense. */
  start(context: BrokerContext, body: Uint8Array, call: Call): Started
}

/** Answers one decoded request. */
export type Handle<A extends Api> = (
  context: BrokerContext,
  request: RequestOf<A>,
  call: Call,
) => Promise<ResponseInput<A> | 'later' | undefined>
/** The answer when the handler broke down. */
export type Broken<A extends Api> = (
  request: RequestOf<A>,
  errorCode: number,
  call: Call,
) => ResponseInput<A> | undefined

/**
 * A row for an API whose next request waits for its answer. A handler that gives no response closes the connection, and one
 * that may not wait says `later`.
 */
export function row<A extends Api>(api: A, handle: Handle<A>, broken?: Broken<A>): Row {
  return {
    api,
    start: (context, body, call) => {
      const request = decodeRequest(api, call.apiVersion, body)
      const encode = (response: ResponseInput<A> | 'later' | undefined): Answer => {
        if (response === 'later') return { kind: 'later' }
        if (response === undefined) return { kind: 'close', reason: `${api.name} cannot be answered now` }
        return respond(api, call.apiVersion, response)
      }
      return {
        answer: handle(context, request, call).then(encode),
        broken: broken && ((errorCode) => encode(broken(request, errorCode, call))),
      }
    },
  }
}

/** The answer that consists of this response. */
export function respond<A extends Api>(api: A, version: number, response: ResponseInput<A>): Answer {
  return { kind: 'respond', body: encodeResponse(api, version, response), errorCode: firstErrorCode(response) }
}

/** The first error that a response tells, at any depth: what metrics count. 0 if there is none. */
export function firstErrorCode(value: unknown): number {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return 0
  if (Array.isArray(value)) {
    for (const element of value) {
      // Arrays of numbers or buffers hold no errors.
      if (typeof element !== 'object') return 0
      const code = firstErrorCode(element)
      if (code !== 0) return code
    }
    return 0
  }
  if ('errorCode' in value && typeof value.errorCode === 'number' && value.errorCode !== 0) return value.errorCode
  for (const field of Object.values(value)) {
    const code = firstErrorCode(field)
    if (code !== 0) return code
  }
  return 0
}

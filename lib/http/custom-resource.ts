// The envelope of a CloudFormation custom resource: whatever happens to a request, one answer is put to the URL that it came
// with, in time. CloudFormation waits an hour for an answer that never comes, with the stack locked; so exceptions are
// answered too, and a request that takes too long is told so before the function's own time is over.
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type Clock, sleep } from '../base/clock.ts'
import {
  CUSTOM_RESOURCE_ANSWER_BYTES_MAX,
  CUSTOM_RESOURCE_ANSWER_MS,
  CUSTOM_RESOURCE_PUT_MS_MAX,
} from '../base/limits.ts'
import type { Logger } from '../base/logger.ts'

/** Which request is answered. */
export interface CustomResourceCall {
  readonly responseUrl: string
  readonly stackId: string
  readonly requestId: string
  readonly logicalResourceId: string
}

/** What comes of it. `data` is what `Fn::GetAtt` finds. */
export type CustomResourceResult =
  | { readonly kind: 'done'; readonly physicalId: string; readonly data?: Readonly<Record<string, string | number>> }
  | { readonly kind: 'failed'; readonly physicalId: string; readonly reason: string }

export interface CustomResourcePorts {
  readonly clock: Clock
  readonly logger: Logger
  /** Puts a body to a URL once: the status, or why there is none. */
  put(url: string, body: Uint8Array): Promise<number | { readonly cause: string }>
}

const PUT_TRIES_MAX = 4
const PUT_PAUSE_MS = 200

/**
 * Does the work and answers the call. `work` is given a signal that says when its time is over; it should begin nothing
 * after that. `remainingMs` is what the function has left. False when no answer could be put.
 */
export async function answerCustomResource(
  ports: CustomResourcePorts,
  call: CustomResourceCall,
  remainingMs: number,
  physicalIdOfFailure: string,
  work: (signal: AbortSignal) => Promise<CustomResourceResult>,
): Promise<boolean> {
  const { clock, logger } = ports
  const over = new AbortController()
  const done = new AbortController()
  const failed = (reason: string): CustomResourceResult => ({ kind: 'failed', physicalId: physicalIdOfFailure, reason })
  const working = work(over.signal).catch((error: unknown): CustomResourceResult => {
    logger.error({ err: error, requestId: call.requestId }, 'a custom resource broke down')
    return failed('A defect of Tidelog ended this request; the function has logged it.')
  })
  const late = sleep(clock, Math.max(0, remainingMs - CUSTOM_RESOURCE_ANSWER_MS), done.signal).then(() => {
    over.abort()
    return failed('The function had no time left to finish this request; try again.')
  })
  const result = await Promise.race([working, late])
  done.abort()
  return putAnswer(ports, call, result)
}

async function putAnswer(
  { clock, logger, put }: CustomResourcePorts,
  call: CustomResourceCall,
  result: CustomResourceResult,
): Promise<boolean> {
  const body = encodeAnswer(call, result)
  for (let tries = 0; tries < PUT_TRIES_MAX; tries++) {
    if (tries > 0) await sleep(clock, PUT_PAUSE_MS * 2 ** tries)
    const outcome = await put(call.responseUrl, body)
    if (typeof outcome === 'number' && outcome < 300) return true
    logger.warn({ outcome, tries, requestId: call.requestId }, 'CloudFormation did not take the answer')
    // The signature is over or wrong, or nobody asked: no repeat changes that.
    if (typeof outcome === 'number' && outcome < 500 && outcome !== 408 && outcome !== 429) return false
  }
  return false
}

/** CloudFormation takes 4 KiB: a reason that does not fit is cut. */
function encodeAnswer(call: CustomResourceCall, result: CustomResourceResult): Uint8Array {
  const common = {
    PhysicalResourceId: result.physicalId,
    StackId: call.stackId,
    RequestId: call.requestId,
    LogicalResourceId: call.logicalResourceId,
  }
  if (result.kind === 'done') {
    return Buffer.from(JSON.stringify({ Status: 'SUCCESS', ...common, Data: result.data ?? {} }))
  }
  const encode = (reason: string): Buffer =>
    Buffer.from(JSON.stringify({ Status: 'FAILED', Reason: reason, ...common }))
  let { reason } = result
  while (encode(reason).length > CUSTOM_RESOURCE_ANSWER_BYTES_MAX && reason.length > 16) {
    reason = `${reason.slice(0, reason.length / 2)}…`
  }
  return encode(reason)
}

/** The put over HTTP or HTTPS. The URL is signed for an empty content type. */
export function putOverHttp(url: string, body: Uint8Array): Promise<number | { readonly cause: string }> {
  return new Promise((resolve) => {
    try {
      const send = new URL(url).protocol === 'http:' ? httpRequest : httpsRequest
      const headers = { 'content-type': '', 'content-length': String(body.length) }
      const signal = AbortSignal.timeout(CUSTOM_RESOURCE_PUT_MS_MAX)
      const sent = send(url, { method: 'PUT', headers, signal, agent: false }, (answer) => {
        answer.on('error', (error) => resolve({ cause: error.message }))
        answer.on('end', () => resolve(answer.statusCode ?? 0))
        answer.resume()
      })
      sent.on('error', (error) => resolve({ cause: error.message }))
      sent.end(body)
    } catch (error) {
      resolve({ cause: error instanceof Error ? error.message : String(error) })
    }
  })
}

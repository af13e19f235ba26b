// What an answer over HTTPS means to the side that asked, as one table: a frame, ask again, give up. What a person has to
// put right becomes one sentence that says what it is; the texts of API Gateway, of Lambda and of IAM are told apart here.
import type { Answered, Sent } from './sender.ts'

export type Verdict =
  /** A response frame without its length prefix. */
  | { readonly kind: 'frame'; readonly frame: Uint8Array; readonly release: () => void }
  /** Nothing to answer yet. */
  | { readonly kind: 'later' }
  /** acks=0: it was written. */
  | { readonly kind: 'none' }
  /** The request may be sent again as it is; it had an effect, or not. */
  | { readonly kind: 'again'; readonly reason: string }
  /** The frame is too long for the way. */
  | { readonly kind: 'tooLong' }
  | { readonly kind: 'refused'; readonly sentence: string }

const LENGTH_BYTES = 4
/** A frame begins with its correlation id. */
const FRAME_BYTES_MIN = 4
const REPEATABLE = new Set([429, 500, 502, 503, 504])

/** What came of a request; `where` is the URL it went to, for people. */
export function judge(sent: Sent, where: string): Verdict {
  if (sent.kind === 'unsigned') return { kind: 'refused', sentence: sent.sentence }
  if (sent.kind === 'lost') return { kind: 'again', reason: sent.reason }
  if (sent.status === 200) return frameIn(sent, where)
  sent.release()
  if (sent.status === 202 || sent.status === 204) {
    // These two come from us only.
    if (sent.generation === undefined) return notTidelog(sent, where)
    return { kind: sent.status === 202 ? 'later' : 'none' }
  }
  if (REPEATABLE.has(sent.status)) return { kind: 'again', reason: told(sent) }
  if (sent.status === 413) return { kind: 'tooLong' }
  return { kind: 'refused', sentence: refusal(sent, where) }
}

function frameIn(sent: Answered, where: string): Verdict {
  const { body, release, generation } = sent
  const isFrame =
    body.length >= LENGTH_BYTES + FRAME_BYTES_MIN &&
    new DataView(body.buffer, body.byteOffset).getInt32(0) === body.length - LENGTH_BYTES
  if (isFrame && generation !== undefined) return { kind: 'frame', frame: body.subarray(LENGTH_BYTES), release }
  release()
  return notTidelog(sent, where)
}

function notTidelog({ status, contentType }: Answered, where: string): Verdict {
  const what = contentType === '' ? `${status}` : `${status} and ${contentType}`
  return { kind: 'refused', sentence: `${where} answers, but it is no Tidelog: it said ${what}.` }
}

function refusal(sent: Answered, where: string): string {
  if (sent.status === 403 || sent.status === 401) return forbidden(sent, where)
  if (sent.status === 404 && sent.generation === undefined) {
    const hint = 'The URL is that of the API, with its stage if it has one'
    return `There is no such function at ${where} (${told(sent)}). ${hint}.`
  }
  return sent.generation === undefined
    ? `${where} answers, but it is no Tidelog: it said ${told(sent)}.`
    : `${where} refused a request: ${told(sent)}.`
}

function forbidden(sent: Answered, where: string): string {
  const said = told(sent)
  if (sent.signedAs === undefined) {
    return `${where} wants signed requests (${said}): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`
  }
  if (/signature expired|not yet current|request time too skewed/i.test(said)) {
    return `${where} refused the signature for its date (${said}): the clock of this machine is wrong.`
  }
  if (/token.*expired|expired.*token/i.test(said)) {
    return `The AWS credentials ${sent.signedAs} have expired (${said}): renew them.`
  }
  if (/security token.*invalid|signature we calculated/i.test(said)) {
    return `${where} does not accept the AWS credentials ${sent.signedAs} (${said}).`
  }
  if (/missing authentication token/i.test(said)) {
    return `There is no such function at ${where} (${said}). The URL is that of the API, with its stage if it has one.`
  }
  const right = where.includes('.lambda-url.') ? 'lambda:InvokeFunctionUrl' : 'execute-api:Invoke'
  return `The AWS credentials ${sent.signedAs} may not use ${where} (${said}): they need ${right}.`
}

/** Status, and title and detail of a problem (RFC 9457) or the message that API Gateway and Lambda give. */
function told({ status, body }: Answered): string {
  const value = parsed(Buffer.from(body.buffer, body.byteOffset, body.length).toString())
  const parts = ['title', 'detail', 'message', 'Message'].flatMap((name) => {
    const text = value[name]
    return typeof text === 'string' && text !== '' ? [text.replace(/[.\s]+$/, '')] : []
  })
  return parts.length === 0 ? String(status) : `${status} ${parts.join(': ')}`
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

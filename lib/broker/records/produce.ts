// Produce: judges each partition's batch, hands the good ones to the log, and answers from the log's verdicts. The order of
// a connection's requests is kept by `admitted`, which resolves only when the log has given this request's batches their
// place: whatever must be awaited before that (a head read for an unknown topic, recompression) is awaited first. Bad input
// fails its own partition only. The batches stay views into the request's frame.
import { PRODUCE_TIMEOUT_MS_MIN } from '../../base/limits.ts'
import type { AppendBatchOutcome, BatchToAppend } from '../../log/log.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type { ProduceRequest, ProduceResponse } from '../../wire/messages/produce.ts'
import type { BrokerContext, Call } from '../context.ts'
import { appendFailure, type Failure, unknownTopic, unserved } from '../outcomes.ts'
import { type TopicLookup, topicLookup } from '../topics/topic-lookup.ts'
import { type ProducedBatch, prepareBatch } from './produced-batch.ts'

export type ProduceAnswer =
  | { readonly kind: 'respond'; readonly response: ProduceResponse }
  /** acks=0. */
  | { readonly kind: 'none' }
  /** acks=0 and something failed: the only way to tell the producer. */
  | { readonly kind: 'close'; readonly reason: string }
  /** The request's name belongs to another request. */
  | { readonly kind: 'conflict'; readonly reason: string }

export interface ProduceHandled {
  readonly admitted: Promise<void>
  readonly answer: Promise<ProduceAnswer>
  /** The log holds none of the batches any more: their outcomes are known, in time or not. */
  readonly released: Promise<void>
}

type RequestPartition = ProduceRequest['topicData'][number]['partitionData'][number]
type PartitionResponse = ProduceResponse['responses'][number]['partitionResponses'][number]

const TIMED_OUT: Failure = {
  errorCode: ErrorCode.REQUEST_TIMED_OUT,
  errorMessage: 'The outcome was not known within the time that the request allows.',
}

export function handleProduce(context: BrokerContext, request: ProduceRequest, call: Call): ProduceHandled {
  const { acks } = request
  if (acks !== 0 && acks !== 1 && acks !== -1) {
    const failure = {
      errorCode: ErrorCode.INVALID_REQUIRED_ACKS,
      errorMessage: `Acks must be -1, 0 or 1, not ${acks}.`,
    }
    const response = buildResponse(request, () => failedPartition(failure))
    return {
      admitted: Promise.resolve(),
      answer: Promise.resolve({ kind: 'respond', response }),
      released: Promise.resolve(),
    }
  }
  const appended = prepareAll(context, request, call).then((prepared) => {
    const batches = prepared.flatMap((p): BatchToAppend[] => (p.kind === 'ready' ? [p.batch] : []))
    const append = batches.length === 0 ? undefined : startAppend(context, call, batches)
    return { prepared, append }
  })
  const responses = appended.then(async ({ prepared, append }): Promise<Outcome[] | Conflict> => {
    const outcomes = (await append?.outcomes) ?? []
    if ('kind' in outcomes) return outcomes
    let next = 0
    return prepared.map((p) =>
      p.kind === 'ready' ? appendedPartition(outcomes[next++]!, p.logAppendTimeMs) : failedPartition(p.failure, p),
    )
  })
  return {
    admitted: appended.then(({ append }) => append?.admitted),
    answer: acks === 0 ? answerNothing(responses) : answerInTime(context, request, responses),
    released: responses.then(
      () => {},
      () => {},
    ),
  }
}

/** What the partition gets apart from its number. */
type Outcome = Omit<PartitionResponse, 'index'>
type Conflict = Extract<ProduceAnswer, { kind: 'conflict' }>

/** Hands the batches to the log: in the connection's order, or under the request's own name, so that it can be repeated. */
function startAppend(
  { log }: BrokerContext,
  { connection }: Call,
  batches: readonly BatchToAppend[],
): { readonly admitted: Promise<void>; readonly outcomes: Promise<readonly AppendBatchOutcome[] | Conflict> } {
  const name = connection.exchange?.name
  if (name === undefined) return log.append(connection.id, batches)
  const outcomes = log.appendOnce(name, batches).then((outcome) => {
    if (outcome.kind === 'answered') return outcome.outcomes
    const reason =
      outcome.kind === 'reused'
        ? `The request id ${name.generation}-${name.id} was used for another frame.`
        : `No journal of this deployment has reached generation ${name.generation}: use the one that the last answer told.`
    return { kind: 'conflict' as const, reason }
  })
  return { admitted: Promise.resolve(), outcomes }
}

async function prepareAll(context: BrokerContext, request: ProduceRequest, call: Call): Promise<ProducedBatch[]> {
  const lookup = topicLookup(context.log)
  const repeated = repeatedPartitions(request)
  return Promise.all(
    request.topicData.flatMap(({ name, partitionData }) =>
      partitionData.map((partition) => {
        if (repeated.has(`${partition.index} ${name}`)) {
          const errorMessage = 'The partition is named more than once in this request.'
          return { kind: 'refused', failure: { errorCode: ErrorCode.INVALID_REQUEST, errorMessage } } as const
        }
        return preparePartition(context, lookup, call, name, partition)
      }),
    ),
  )
}

function repeatedPartitions(request: ProduceRequest): Set<string> {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const { name, partitionData } of request.topicData) {
    for (const { index } of partitionData) {
      const key = `${index} ${name}`
      if (seen.has(key)) repeated.add(key)
      seen.add(key)
    }
  }
  return repeated
}

async function preparePartition(
  context: BrokerContext,
  lookup: TopicLookup,
  call: Call,
  name: string,
  { index, records }: RequestPartition,
): Promise<ProducedBatch> {
  const found = await lookup.byName(name, index)
  if (found.kind === 'absent') return { kind: 'refused', failure: unknownTopic() }
  if (found.kind !== 'found') {
    // A request with a name may have been carried out by an earlier try, whatever this one can see.
    const isRepeatable = call.connection.exchange?.name !== undefined
    return { kind: 'refused', failure: unserved(isRepeatable ? { kind: 'unknown' } : found, 'produce') }
  }
  return prepareBatch(context, found.topic, index, records ?? new Uint8Array(0), call.apiVersion)
}

/** Held until the outcome is known all the same, so that a producer cannot outrun the store. */
async function answerNothing(responses: Promise<Outcome[] | Conflict>): Promise<ProduceAnswer> {
  const outcomes = await responses
  if ('kind' in outcomes) return outcomes
  const failed = outcomes.find((response) => response.errorCode !== ErrorCode.NONE)
  if (failed === undefined) return { kind: 'none' }
  return { kind: 'close', reason: `a produce request with acks=0 failed with error ${failed.errorCode}` }
}

/**
 * Waits as long as the client allows. What is answered with REQUEST_TIMED_OUT may still be appended: an idempotent producer
 * repeats it and is told of the duplicate.
 */
function answerInTime(
  context: BrokerContext,
  request: ProduceRequest,
  responses: Promise<Outcome[] | Conflict>,
): Promise<ProduceAnswer> {
  return new Promise((resolve, reject) => {
    const timeoutMs = Math.max(request.timeoutMs, PRODUCE_TIMEOUT_MS_MIN)
    const cancel = context.clock.timer(timeoutMs, () => {
      resolve({ kind: 'respond', response: buildResponse(request, () => failedPartition(TIMED_OUT)) })
    })
    const settle = (outcomes: Outcome[] | Conflict): void => {
      cancel()
      let next = 0
      resolve(
        'kind' in outcomes ? outcomes : { kind: 'respond', response: buildResponse(request, () => outcomes[next++]!) },
      )
    }
    responses.then(settle, (error: unknown) => {
      cancel()
      reject(error)
    })
  })
}

/** The response: every partition of the request, in its order. */
function buildResponse(request: ProduceRequest, outcomeOf: () => Outcome): ProduceResponse {
  return {
    responses: request.topicData.map(({ name, partitionData }) => ({
      name,
      partitionResponses: partitionData.map(({ index }) => ({ index, ...outcomeOf() })),
    })),
    throttleTimeMs: 0,
  }
}

/** Every partition of the request with the same error. */
export function produceError(request: ProduceRequest, errorCode: number): ProduceResponse {
  const errorMessage = 'The server experienced an unexpected error when processing the request.'
  return buildResponse(request, () => failedPartition({ errorCode, errorMessage }))
}

function appendedPartition(outcome: AppendBatchOutcome, logAppendTimeMs: number): Outcome {
  if (outcome.kind !== 'appended' && outcome.kind !== 'found' && outcome.kind !== 'duplicate') {
    return failedPartition(appendFailure(outcome))
  }
  const wasGivenTime = outcome.kind === 'found' && logAppendTimeMs >= 0
  return {
    errorCode: ErrorCode.NONE,
    baseOffset: outcome.baseOffset,
    logAppendTimeMs: wasGivenTime ? outcome.maxTimestamp : logAppendTimeMs,
    logStartOffset: outcome.logStartOffset,
    recordErrors: [],
    errorMessage: null,
  }
}

function failedPartition(
  failure: Failure | undefined,
  details: { readonly recordErrors?: Outcome['recordErrors'] } = {},
): Outcome {
  return {
    errorCode: failure?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: details.recordErrors ?? [],
    errorMessage: failure?.errorMessage ?? null,
  }
}

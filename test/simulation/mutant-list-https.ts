// The mutants of what functions and requests over HTTPS rest on, in the form of `mutant-list.ts`.
import type { Mutant } from './mutant-list.ts'

const APPEND_ONCE = 'lib/log/append-once.ts'
const ANSWERS = 'lib/http/remembered-answers.ts'

export const httpsMutants: readonly Mutant[] = [
  {
    name: 'append-after-exists',
    sentence: 'a store takes an object name once, and only the try whose put was applied appends',
    edits: [
      {
        file: APPEND_ONCE,
        search: "if (outcome.kind === 'exists') return false",
        replace: "if (outcome.kind === 'exists') return true",
      },
    ],
    seeds: 20,
  },
  {
    name: 'append-after-doubt',
    sentence: "a put in doubt counts as another's",
    edits: [
      {
        file: APPEND_ONCE,
        search: "if (outcome.kind === 'exists') return false",
        replace: "if (outcome.kind === 'exists') return false\n      if (outcome.kind === 'unknown') return true",
      },
    ],
    seeds: 50,
  },
  {
    name: 'success-without-looking',
    sentence: 'every other try looks for the segment among the extents and answers with its offsets, or unknown',
    edits: [
      {
        file: APPEND_ONCE,
        search: "if (baseOffset === undefined) return { kind: 'unknown' }",
        replace:
          "if (baseOffset === undefined) return { kind: 'found', baseOffset: logStartOffset, logStartOffset, maxTimestamp }",
      },
    ],
    seeds: 50,
  },
  {
    name: 'repeat-under-a-new-origin',
    sentence: "a request's segment and entry are named after its id: also after the generation in it",
    edits: [
      {
        file: APPEND_ONCE,
        search: 'const key = objectKey(kind, name.generation, name.id)',
        replace:
          'name = { ...name, generation: replica.root.position.generation }\n    const key = objectKey(kind, name.generation, name.id)',
      },
    ],
    seeds: 20,
  },
  {
    name: 'generation-from-the-future',
    sentence: 'a generation that no process can have known yet is refused',
    edits: [
      {
        file: APPEND_ONCE,
        search: "if (name.generation > replica.root.position.generation) return { kind: 'fromTheFuture' }",
        replace: '',
      },
    ],
    seeds: 20,
  },
  {
    name: 'records-of-another-frame',
    sentence: 'a repeat with another frame is refused: records',
    edits: [
      {
        file: APPEND_ONCE,
        search: "if (Buffer.compare(found.value.frameHash ?? NO_HASH, frameHash) !== 0) return { kind: 'reused' }",
        replace: '',
      },
    ],
    seeds: 50,
  },
  {
    name: 'answer-of-another-frame',
    sentence: 'a repeat with another frame is refused: remembered answers',
    edits: [{ file: ANSWERS, search: "if (begun.frame !== frame) return { kind: 'conflict' }", replace: '' }],
    seeds: 50,
  },
  {
    name: 'answers-without-a-document',
    sentence: 'requests that change topics leave a document before they are carried out',
    edits: [
      {
        file: ANSWERS,
        search: 'if (apiKey !== PRODUCE && !REMEMBERED_KEYS.has(apiKey)) {',
        replace: 'if (apiKey !== PRODUCE) {',
      },
    ],
    seeds: 20,
  },
  {
    name: 'carried-out-beside-an-earlier-try',
    sentence: 'a repeat hears that the outcome is unknown while there is no answer',
    edits: [
      {
        file: ANSWERS,
        search:
          "return { kind: 'unknown', detail: 'An earlier try of this request is under way, or ended without an answer.' }",
        replace: '',
      },
    ],
    seeds: 100,
  },
  {
    name: 'forgotten-too-early',
    sentence: "an answer stays until the horizon has passed the request's generation",
    edits: [
      {
        file: ANSWERS,
        search: 'if (answeredAt(body) >= before || (generation !== undefined && generation >= horizon)) continue',
        replace: 'if (answeredAt(body) >= before || (generation !== undefined && generation >= 1e9)) continue',
      },
    ],
    seeds: 300,
  },
  {
    name: 'carried-out-when-forgotten',
    sentence: 'who carries a request out has seen, after its own put, that the horizon has not passed it',
    edits: [
      {
        file: ANSWERS,
        search: "if ((await log.refresh()).kind === 'fresh') return generation >= log.journal.replica.root.horizon",
        replace: "if ((await log.refresh()).kind === 'fresh') return generation >= 0",
      },
    ],
    seeds: 1000,
  },
  {
    name: 'clock-that-stood-still',
    sentence: 'each request begins by adding what passed on the wall clock while the environment was frozen',
    edits: [{ file: 'lib/http/function-clock.ts', search: 'if (missingMs > 0) addedMs += missingMs', replace: '' }],
    seeds: 20,
  },
  {
    name: 'view-of-any-age',
    sentence: 'a fetch below the end needs a head read of the last second',
    edits: [
      {
        file: 'lib/log/fetch.ts',
        search: 'if (replica.asOf < arrivedAt - FETCH_VIEW_AGE_MS) return false',
        replace: '',
      },
    ],
    seeds: 20,
  },
  {
    name: 'return-without-settling-the-log',
    sentence:
      'nothing is under way in a function when it returns: appends, seals and the reads beside them are finished',
    edits: [{ file: 'lib/http/function-runtime.ts', search: '    await log.settle()\n', replace: '' }],
    seeds: 20,
  },
  {
    name: 'return-without-settling-the-door',
    sentence: 'nothing is under way in a function when it returns: nor are requests whose invocation ran out of time',
    edits: [{ file: 'lib/http/frame-door.ts', search: '      await Promise.allSettled(answering)\n', replace: '' }],
    seeds: 100,
  },
  {
    name: 'return-beside-a-page',
    sentence: 'nothing is under way in a function when it returns: nor is a page read for a verdict that was given up',
    edits: [{ file: 'lib/journal/replica.ts', search: '    await Promise.allSettled(loads)\n', replace: '' }],
    seeds: 300,
  },
]

// Answers are forgotten by the horizon of the journal, not by clocks alone: whoever comes to carry a request out after its
// document went hears that the outcome is unknown.
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../lib/base/clock.ts'
import type { Ulid } from '../../../lib/base/ids.ts'
import { systemRandom } from '../../../lib/base/random.ts'
import { ANSWERS, ANSWERS_KEPT_MS, createAnswerMemory, forgetAnswers } from '../../../lib/http/remembered-answers.ts'
import { createMemoryBackend } from '../../../lib/storage/memory/memory.ts'
import { formatRequestId } from '../../../lib/wire/https.ts'

const CREATE_TOPICS = 19
const ID = '01ARZ3NDEKTSV4RRFFQ69G5FAV' as Ulid

function scene() {
  const { documents } = createMemoryBackend().open()
  const root = { horizon: 5 }
  let reads = 0
  let outcome = 'fresh'
  const log = {
    refresh: async () => {
      reads++
      return { kind: outcome }
    },
    journal: { replica: { root } },
  }
  let runs = 0
  /** In an environment that knows nothing of earlier requests. */
  const ask = (generation: number) => {
    const answers = createAnswerMemory({ log, documents, clock: systemClock, random: systemRandom })
    return answers.once({ generation, id: ID, frameHash: new Uint8Array(32), long: false }, CREATE_TOPICS, async () => {
      runs++
      return { kind: 'send', buffers: [Buffer.from('answer')] }
    })
  }
  const later = { ...systemClock, now: () => Date.now() + ANSWERS_KEPT_MS + 1 }
  return {
    documents,
    log,
    root,
    ask,
    runs: () => runs,
    reads: () => reads,
    fail: () => {
      outcome = 'unavailable'
    },
    forget: () => forgetAnswers(log, documents, later),
  }
}

describe('remembered answers', () => {
  it('are forgotten once they are old and the horizon has passed the generation of their request', async () => {
    const { ask, forget, root, documents } = scene()
    await ask(7)
    expect(await forget()).toBe(0)
    root.horizon = 7
    expect(await forget()).toBe(0)
    root.horizon = 8
    expect(await forget()).toBe(1)
    const key = `${ANSWERS}/${formatRequestId({ generation: 7, id: ID, long: false })}`
    expect((await documents.get(key)).kind).toBe('missing')
  })

  it('a try that comes when its answer is forgotten does nothing', async () => {
    const { ask, forget, root, runs } = scene()
    expect((await ask(7)).kind).toBe('new')
    expect((await ask(7)).kind).toBe('new')
    expect(runs()).toBe(1)
    root.horizon = 8
    await forget()
    expect((await ask(7)).kind).toBe('unknown')
    expect(runs()).toBe(1)
  })

  it('nothing is carried out while the horizon cannot be read', async () => {
    const { ask, fail, runs, reads } = scene()
    fail()
    expect((await ask(7)).kind).toBe('unknown')
    expect(runs()).toBe(0)
    expect(reads()).toBeGreaterThan(1)
  })
})

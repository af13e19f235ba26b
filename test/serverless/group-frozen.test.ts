// A `coordinate` function that is frozen in the middle of a commit, a join or a sync, at each step of it, while its client
// repeats the request elsewhere and the group goes on; thawed later, it finishes what it was at. Whatever it was, nothing lands
// twice and nothing lands under an old generation; and a commit that comes when its client has gone on long since is not taken.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../lib/base/clock.ts'
import { newUlid } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import { comparePositions } from '../../lib/journal/position.ts'
import { initAws } from '../../lib/storage/aws/init.ts'
import { formatPosition, parsePosition, type ToldPosition } from '../../lib/wire/https.ts'
import { type Injector, startInjector } from '../aws/inject.ts'
import { type Ministack, startMinistack } from '../aws/ministack.ts'
import { createTopicFrame, readCreated } from '../clients/raw.ts'
import { apiEvent, type Environment, frameIn, startEnvironment } from './environment.ts'
import { beat, commit, committed, describeGroup, join, type Membership, type Question, sync } from './group-frames.ts'

const NONE = 0
const LOAD_IN_PROGRESS = 14
const ILLEGAL_GENERATION = 22
const REBALANCE_IN_PROGRESS = 27
const MEMBER_ID_REQUIRED = 79
const TOPIC = 'frozen-groups'
const TRIES_MAX = 40
const POLL_MS = 500

/** So long that nobody is overdue however slow the machine is, and that no member is written down as heard of meanwhile. */
const SESSION_MS = 1_800_000

/** Where a request is when its environment freezes: at its call about this item, which is applied already or not. */
interface Place {
  readonly step: string
  readonly operation: string
  readonly item: string
  readonly kind: 'applyWhen' | 'answerWhen'
}

const GROUP = '"DOC#groups"'
const HEAD = '"HEAD"'

const COMMIT_PLACES: readonly (Place & { readonly lands: boolean })[] = [
  { step: 'the head is being read', operation: 'dynamodb GetItem', item: HEAD, kind: 'applyWhen', lands: false },
  { step: 'the head was read', operation: 'dynamodb GetItem', item: HEAD, kind: 'answerWhen', lands: false },
  { step: 'the group is being read', operation: 'dynamodb GetItem', item: GROUP, kind: 'applyWhen', lands: false },
  { step: 'the group was read', operation: 'dynamodb GetItem', item: GROUP, kind: 'answerWhen', lands: false },
  { step: 'the append is on its way', operation: 'dynamodb UpdateItem', item: HEAD, kind: 'applyWhen', lands: false },
  { step: 'the append is applied', operation: 'dynamodb UpdateItem', item: HEAD, kind: 'answerWhen', lands: true },
]

const PUT = 'dynamodb PutItem'
const CHANGES: readonly Place[] = [
  { step: 'the group is being read', operation: 'dynamodb GetItem', item: GROUP, kind: 'answerWhen' },
  { step: 'the group is on its way', operation: PUT, item: GROUP, kind: 'applyWhen' },
  { step: 'the group is written', operation: PUT, item: GROUP, kind: 'answerWhen' },
]

const COMPLETIONS: readonly Place[] = [
  ...CHANGES,
  { step: 'the fence is on its way', operation: 'dynamodb UpdateItem', item: HEAD, kind: 'applyWhen' },
  { step: 'the fence is written', operation: 'dynamodb UpdateItem', item: HEAD, kind: 'answerWhen' },
]

const named = (what: string, places: readonly Place[]): string[] => places.map(({ step }) => `${what} ${step}`)
const GROUPS = [
  ...['passed', 'gone on'].flatMap((what) => named(what, COMMIT_PLACES)),
  ...['id', 'joins', 'sync'].flatMap((what) => named(what, CHANGES)),
  ...named('completes', COMPLETIONS),
  'told',
]

let ministack: Ministack
let injector: Injector
/** Every one of its calls goes through the injector. */
let frozen: Environment
let other: Environment
const environments: Environment[] = []
const place = { bucket: 'frozen-groups', table: 'frozen-groups', region: 'us-east-1' }

beforeAll(async () => {
  ministack = await startMinistack()
  const made = await initAws({ ...place, endpointUrl: ministack.endpointUrl })
  if (made.kind !== 'ready') throw new Error(made.sentence)
  const created = await start('admin').invoke(apiEvent('admin', createTopicFrame(TOPIC, 1)))
  expect(readCreated(frameIn(created))).toBe(NONE)
  injector = await startInjector(ministack.endpointUrl)
  frozen = start('coordinate', injector.endpointUrl)
  other = start('coordinate')
  // All at once, since the first rebalance of each takes its 3 s.
  await Promise.all(GROUPS.map(async (groupId) => prepared.set(groupId, await groupOfOne(groupId))))
})

afterAll(async () => {
  await Promise.all(environments.map((environment) => environment.stop()))
  await injector?.close()
  await ministack?.stop()
})

function start(name: 'admin' | 'coordinate', endpointUrl = ministack.endpointUrl): Environment {
  const environment = startEnvironment(name, { ...place, endpointUrl })
  environments.push(environment)
  return environment
}

/** A request of a client: sent as often as a test wants, always under its one name and with what the client had been told. */
interface Request<Answer> {
  /** One try; undefined where the answer is "not yet" or in doubt. */
  try(environment: Environment): Promise<Answer | undefined>
  /** Tries until there is an answer. */
  answer(environment: Environment): Promise<Answer>
}

const turns = new WeakMap<Environment, Promise<unknown>>()

/** An environment runs one invocation at a time. */
function inTurn<T>(environment: Environment, work: () => Promise<T>): Promise<T> {
  const turn = (turns.get(environment) ?? Promise.resolve()).then(work, work)
  turns.set(environment, turn)
  return turn
}

/** A client, which knows how far in the journal it has been told to be, as `tidelog connect` does. */
class Client {
  #generation = 1
  #position: ToldPosition | undefined

  request<Answer>({ frame, read }: Question<Answer>, withPosition = true): Request<Answer> {
    const headers = {
      'tidelog-request-id': `${this.#generation}-${newUlid(systemClock, systemRandom)}`,
      ...(withPosition && this.#position !== undefined ? { 'tidelog-position': formatPosition(this.#position) } : {}),
    }
    const attempt = async (environment: Environment): Promise<Answer | undefined> => {
      const event = apiEvent('coordinate', frame, headers)
      const { statusCode, headers: told, body } = await inTurn(environment, () => environment.invoke(event))
      expect([200, 202, 503, 504], body).toContain(statusCode)
      if (statusCode !== 200) return undefined
      this.#generation = Number(told['tidelog-generation'])
      // The furthest, whoever told it: an answer may come from a process that has not looked for a while.
      const position = parsePosition(told['tidelog-position'] ?? '')!
      if (this.#position === undefined || comparePositions(this.#position, position) < 0) this.#position = position
      return read(Buffer.from(body, 'base64'))
    }
    const answer = async (environment: Environment): Promise<Answer> => {
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        const answered = await attempt(environment)
        if (answered !== undefined) return answered
        await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      }
      throw new Error(`no answer in ${TRIES_MAX} tries`)
    }
    return { try: attempt, answer }
  }

  ask<Answer>(environment: Environment, question: Question<Answer>): Promise<Answer> {
    return this.request(question).answer(environment)
  }
}

/** A group with one member, stable, which the environment that will be frozen has served. */
async function groupOfOne(groupId: string) {
  const client = new Client()
  const { memberId, errorCode } = await client.ask(frozen, join(groupId, '', TOPIC, SESSION_MS))
  expect(errorCode).toBe(MEMBER_ID_REQUIRED)
  const joined = await client.ask(frozen, join(groupId, memberId, TOPIC, SESSION_MS))
  expect(joined).toMatchObject({ errorCode: NONE, leader: memberId, generationId: 1 })
  const member: Membership = { groupId, memberId, generationId: 1 }
  expect((await client.ask(frozen, sync(member, TOPIC, new Map([[memberId, [0]]])))).errorCode).toBe(NONE)
  expect(errorOf(await client.ask(frozen, commit(member, TOPIC, 5)))).toBe(NONE)
  return { client, member }
}

/** One for each test. */
const prepared = new Map<string, Awaited<ReturnType<typeof groupOfOne>>>()

type CommitAnswer = ReturnType<ReturnType<typeof commit>['read']>
const errorOf = (answer: CommitAnswer): number | undefined => answer.topics[0]?.partitions[0]?.errorCode

/** What anybody is told now. */
async function committedOf(groupId: string, environment: Environment): Promise<number | undefined> {
  const { groups } = await new Client().ask(environment, committed(groupId, TOPIC))
  return groups[0]?.topics[0]?.partitions[0]?.committedOffset
}

/** Sends a request and freezes the environment there; what it waits for goes on with `release`. */
async function freezeAt(
  { operation, item, kind }: Omit<Place, 'step'>,
  send: (environment: Environment) => Promise<unknown>,
) {
  const before = injector.hits
  let release = (): void => {}
  const when = new Promise<void>((resolve) => {
    release = resolve
  })
  injector.spoil(operation, { kind, when }, 1, item)
  const answering = send(frozen)
  answering.catch(() => undefined)
  await expect.poll(() => injector.hits, { timeout: 15_000, interval: 2 }).toBe(before + 1)
  frozen.freeze()
  return {
    /** What was under way arrives while the process still sleeps; then it wakes up and finishes. */
    async thaw() {
      release()
      await injector.settled()
      frozen.thaw()
      return answering
    },
  }
}

/** Another member joins, the first one joins again: generation 2, in which the newcomer leads nothing and owns nothing. */
async function nextGeneration(environment: Environment, client: Client, old: Membership) {
  const { groupId } = old
  const newcomer = new Client()
  const { memberId } = await newcomer.ask(environment, join(groupId, '', TOPIC, SESSION_MS))
  const joining = newcomer.request(join(groupId, memberId, TOPIC, SESSION_MS))
  expect(await joining.try(environment)).toBeUndefined()
  const again = await client.ask(environment, join(groupId, old.memberId, TOPIC, SESSION_MS))
  expect(again).toMatchObject({ errorCode: NONE, generationId: 2 })
  expect(await joining.answer(environment)).toMatchObject({ errorCode: NONE, generationId: 2 })
  const [first, second] = [old.memberId, memberId].map((id) => ({ groupId, memberId: id, generationId: 2 }))
  const shares = new Map([[memberId, [0]]])
  expect((await client.ask(environment, sync(first!, TOPIC, shares))).errorCode).toBe(NONE)
  expect((await newcomer.ask(environment, sync(second!, TOPIC))).errorCode).toBe(NONE)
  return { first: first!, second: second!, newcomer }
}

describe('a function frozen in the middle of a commit', () => {
  it.for(COMMIT_PLACES)('while $step: the generation passes, and nothing lands under it', async (at) => {
    const groupId = `passed ${at.step}`
    const { client, member } = prepared.get(groupId)!
    const late = client.request(commit(member, TOPIC, 10))
    const sleeping = await freezeAt(at, (environment) => late.try(environment))
    expect(await committedOf(groupId, other)).toBe(at.lands ? 10 : 5)
    const { second, newcomer } = await nextGeneration(other, client, member)
    expect(errorOf(await newcomer.ask(other, commit(second, TOPIC, 20)))).toBe(NONE)
    const answer = (await sleeping.thaw()) as CommitAnswer | undefined
    // In doubt counts as no answer; who is answered hears what is true.
    if (answer !== undefined) expect(errorOf(answer)).toBe(at.lands ? NONE : ILLEGAL_GENERATION)
    expect(await committedOf(groupId, other)).toBe(20)
    expect(errorOf(await late.answer(frozen))).toBe(ILLEGAL_GENERATION)
    expect(await committedOf(groupId, frozen)).toBe(20)
  })

  it.for(COMMIT_PLACES)('while $step: its client repeats it and goes on, and it is not taken late', async (at) => {
    const groupId = `gone on ${at.step}`
    const { client, member } = prepared.get(groupId)!
    const late = client.request(commit(member, TOPIC, 10))
    const sleeping = await freezeAt(at, (environment) => late.try(environment))
    expect(errorOf(await late.answer(other))).toBe(NONE)
    expect(await committedOf(groupId, other)).toBe(10)
    // Back to where it was before, which only a commit that says so may do.
    expect(errorOf(await client.ask(other, commit(member, TOPIC, 7)))).toBe(NONE)
    const answer = (await sleeping.thaw()) as CommitAnswer | undefined
    // It was committed, by the repeat; or its client, if it were still there, should ask again.
    if (answer !== undefined) expect([NONE, LOAD_IN_PROGRESS]).toContain(errorOf(answer))
    expect(await committedOf(groupId, other)).toBe(7)
    // Not by another repeat either, wherever it comes from.
    for (const environment of [frozen, other]) await late.try(environment)
    expect(await committedOf(groupId, other)).toBe(7)
    expect(errorOf(await client.ask(frozen, commit(member, TOPIC, 8)))).toBe(NONE)
    expect(await committedOf(groupId, other)).toBe(8)
  })

  it('knows a late commit by what its client had been told, and by nothing else', async () => {
    const { client, member } = prepared.get('told')!
    const [late, nameless] = [true, false].map((withPosition) =>
      client.request(commit(member, TOPIC, 10), withPosition),
    )
    expect(errorOf(await client.ask(other, commit(member, TOPIC, 20)))).toBe(NONE)
    expect(errorOf((await late!.try(other))!)).toBe(LOAD_IN_PROGRESS)
    expect(await committedOf('told', other)).toBe(20)
    // Somebody who says nothing of the kind is taken at their word, as with a connection of their own.
    expect(errorOf(await nameless!.answer(other))).toBe(NONE)
    expect(await committedOf('told', other)).toBe(10)
  })
})

describe('a function frozen in the middle of a join', () => {
  it.for(CHANGES)('without an id, while $step: its client is given one id', async (at) => {
    const groupId = `id ${at.step}`
    const { client, member } = prepared.get(groupId)!
    const newcomer = new Client()
    const joining = newcomer.request(join(groupId, '', TOPIC, SESSION_MS))
    const sleeping = await freezeAt(at, (environment) => joining.try(environment))
    const { memberId, errorCode } = await joining.answer(other)
    expect(errorCode).toBe(MEMBER_ID_REQUIRED)
    const late = (await sleeping.thaw()) as { readonly memberId: string } | undefined
    if (late !== undefined) expect(late.memberId).toBe(memberId)
    const rejoining = newcomer.request(join(groupId, memberId, TOPIC, SESSION_MS))
    await rejoining.try(other)
    const again = await client.ask(other, join(groupId, member.memberId, TOPIC, SESSION_MS))
    expect(again.members.map((one) => one.memberId).sort()).toEqual([member.memberId, memberId].sort())
    expect(await rejoining.answer(other)).toMatchObject({ errorCode: NONE, generationId: 2, memberId })
  })

  it.for(CHANGES)('while $step: it joins once', async (at) => {
    const groupId = `joins ${at.step}`
    const { client, member } = prepared.get(groupId)!
    const newcomer = new Client()
    const { memberId } = await newcomer.ask(other, join(groupId, '', TOPIC, SESSION_MS))
    const joining = newcomer.request(join(groupId, memberId, TOPIC, SESSION_MS))
    const sleeping = await freezeAt(at, (environment) => joining.try(environment))
    await joining.try(other)
    expect(await client.ask(other, join(groupId, member.memberId, TOPIC, SESSION_MS))).toMatchObject({
      generationId: 2,
    })
    const joined = await joining.answer(other)
    expect(joined).toMatchObject({ errorCode: NONE, generationId: 2, memberId })
    const late = await sleeping.thaw()
    if (late !== undefined) expect(late).toEqual(joined)
    // Nor has the group begun another round because of it.
    for (const environment of [frozen, other]) {
      expect(await joining.answer(environment)).toEqual(joined)
      const { groups } = await new Client().ask(environment, describeGroup(groupId))
      expect(groups[0]).toMatchObject({ errorCode: NONE, groupState: 'CompletingRebalance' })
      expect(groups[0]!.members.map((one) => one.memberId).sort()).toEqual([member.memberId, memberId].sort())
    }
  })

  it.for(COMPLETIONS)('that completes the generation, while $step: it is one generation for all', async (at) => {
    const groupId = `completes ${at.step}`
    const { client, member } = prepared.get(groupId)!
    const newcomer = new Client()
    const { memberId } = await newcomer.ask(other, join(groupId, '', TOPIC, SESSION_MS))
    const joining = newcomer.request(join(groupId, memberId, TOPIC, SESSION_MS))
    expect(await joining.try(other)).toBeUndefined()
    const completing = client.request(join(groupId, member.memberId, TOPIC, SESSION_MS))
    const sleeping = await freezeAt(at, (environment) => completing.try(environment))
    const again = await completing.answer(other)
    expect(again).toMatchObject({ errorCode: NONE, generationId: 2, leader: member.memberId })
    expect(await joining.answer(other)).toMatchObject({ errorCode: NONE, generationId: 2 })
    // Whoever was told of generation 2 finds that nobody commits under the one before.
    expect(errorOf(await client.ask(other, commit(member, TOPIC, 6)))).not.toBe(NONE)
    const second = { groupId, memberId, generationId: 2 }
    expect(
      (await client.ask(other, sync({ ...member, generationId: 2 }, TOPIC, new Map([[memberId, [0]]])))).errorCode,
    ).toBe(NONE)
    expect((await newcomer.ask(other, sync(second, TOPIC))).errorCode).toBe(NONE)
    expect(errorOf(await newcomer.ask(other, commit(second, TOPIC, 20)))).toBe(NONE)
    const late = await sleeping.thaw()
    if (late !== undefined) expect(late).toMatchObject({ errorCode: NONE, generationId: 2 })
    expect((await newcomer.ask(frozen, beat(second))).errorCode).toBe(NONE)
    expect(errorOf(await newcomer.ask(frozen, commit(second, TOPIC, 21)))).toBe(NONE)
    expect(await committedOf(groupId, other)).toBe(21)
  })

  it.for(CHANGES)(
    'and of a sync, while $step: an assignment of a generation that has passed is nobody’s',
    async (at) => {
      const groupId = `sync ${at.step}`
      const { client, member } = prepared.get(groupId)!
      // Generation 2 with the same member, whose assignment is then late.
      const { generationId } = await client.ask(other, join(groupId, member.memberId, TOPIC, SESSION_MS))
      expect(generationId).toBe(2)
      const shares = new Map([[member.memberId, [0]]])
      const syncing = client.request(sync({ ...member, generationId }, TOPIC, shares))
      const sleeping = await freezeAt(at, (environment) => syncing.try(environment))
      const newcomer = new Client()
      const { memberId } = await newcomer.ask(other, join(groupId, '', TOPIC, SESSION_MS))
      const joining = newcomer.request(join(groupId, memberId, TOPIC, SESSION_MS))
      await joining.try(other)
      expect(await client.ask(other, join(groupId, member.memberId, TOPIC, SESSION_MS))).toMatchObject({
        generationId: 3,
      })
      expect(await joining.answer(other)).toMatchObject({ errorCode: NONE, generationId: 3 })
      const late = (await sleeping.thaw()) as { errorCode: number } | undefined
      const written = at.step === 'the group is written'
      if (late !== undefined)
        expect(written ? [NONE] : [ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS]).toContain(late.errorCode)
      const { groups } = await new Client().ask(other, describeGroup(groupId))
      expect(groups[0]).toMatchObject({ groupState: 'CompletingRebalance' })
      expect(groups[0]!.members.map(({ memberAssignment }) => memberAssignment.length)).toEqual([0, 0])
    },
  )
})

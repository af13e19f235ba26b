// Patterns: RE2's syntax, whole names, linear time; looked up again when topics came or went, and after ten minutes.
import { describe, expect, it } from 'vitest'
import { checkPattern, matchingNames } from '../../../../lib/groups/consumer/pattern.ts'
import { namesOf } from '../../../../lib/groups/consumer/topics.ts'
import { createScene } from './support/scene.ts'

describe('a pattern', () => {
  it.each([
    ['orders-.*', ['orders-', 'orders-1']],
    ['orders', ['orders']],
    ['(?i)ORDERS', ['orders']],
    ['orders|x', ['orders', 'x']],
    ['[[:alpha:]]+', ['orders', 'x']],
    ['\\pL', ['x']],
    ['', []],
    ['.*', ['my-orders', 'orders', 'orders-', 'orders-1', 'x']],
  ])('%s matches whole names', (pattern, names) => {
    expect(matchingNames(pattern, ['x', 'orders', 'orders-', 'my-orders', 'orders-1'])).toEqual(names)
  })

  it.each(['(', '[a', '*', 'a{2,1}', '(?=a)', '(a)\\1', 'a{1001}', '((a{100}){100}){100}', '('.repeat(5000)])(
    '%s is none',
    (pattern) => {
      expect(checkPattern(pattern)).toMatchObject({ kind: 'invalid' })
      expect(matchingNames(pattern, ['a'])).toEqual([])
    },
  )

  it.each(['(a+)+$', '(a|aa)*$', '(.*a){20}', '(x?){200}x{200}'])('%s is matched in no time', (pattern) => {
    expect(checkPattern(pattern)).toEqual({ kind: 'valid' })
    const names = Array.from({ length: 20 }, (_, i) => `${'a'.repeat(240 - i)}!`)
    const before = process.cpuUsage()
    expect(matchingNames(pattern, names)).toEqual([])
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(1000)
  })
})

describe('a member with a pattern', () => {
  it('has the topics that match, together with those that it names', () => {
    const scene = createScene()
    scene.topic('orders', 1)
    scene.topic('invoices-1', 2)
    scene.topic('invoices-2', 1)
    expect(scene.enter('a', { subscribedPattern: 'invoices-.*' })).toMatchObject({
      memberEpoch: 1,
      assignment: scene.assignment({ orders: [0], 'invoices-1': [0, 1], 'invoices-2': [0] }),
    })
    expect(scene.consumer.patterns).toMatchObject([{ pattern: 'invoices-.*', names: ['invoices-1', 'invoices-2'] }])
    expect(namesOf(scene.member('a'), scene.consumer.patterns)).toEqual(['orders', 'invoices-1', 'invoices-2'])
  })

  it('gets topics that are created, with one new epoch, and gives up those that are deleted', () => {
    const scene = createScene()
    scene.enter('a', { subscribedTopics: [], subscribedPattern: 'i.*' })
    scene.topic('invoices', 1)
    expect(scene.beat('a', 1)).toMatchObject({ memberEpoch: 2, assignment: scene.assignment({ invoices: [0] }) })
    scene.deleteTopic('invoices')
    expect(scene.beat('a', 2, { owned: [] })).toMatchObject({ memberEpoch: 3, assignment: [] })
  })

  it('does not begin anything anew when other topics came; but they need not be looked through again', () => {
    const scene = createScene()
    scene.topic('orders', 1)
    scene.enter('a', { subscribedTopics: [], subscribedPattern: 'orders' })
    scene.topic('other', 1)
    expect(scene.beat('a', 1)).toMatchObject({ memberEpoch: 1 })
    const noted = scene.consumer
    expect(noted.patterns[0]?.version).toBe(scene.context().topics.namesVersion())
    scene.beat('a', 1)
    expect(scene.consumer).toStrictEqual(noted)
  })

  it('has it looked up again after ten minutes', () => {
    const scene = createScene()
    scene.topic('orders', 1)
    scene.enter('a', { subscribedTopics: [], subscribedPattern: 'orders' })
    const firstMs = scene.nowMs
    for (let i = 0; i < 24; i++) {
      scene.pass(25_000)
      scene.beat('a', 1)
    }
    expect(scene.nowMs - firstMs).toBe(600_000)
    expect(scene.consumer.patterns[0]?.atMs).toBe(scene.nowMs)
    expect(scene.consumer.epoch).toBe(1)
  })

  it('shares what was looked up with others of the same pattern, until the last of them wants something else', () => {
    const scene = createScene()
    scene.topic('orders', 2)
    scene.enter('a', { subscribedTopics: [], subscribedPattern: 'orders' })
    scene.enter('b', { subscribedTopics: [], subscribedPattern: 'orders' })
    expect(scene.consumer.patterns).toHaveLength(1)
    scene.beat('a', 1, { subscribedPattern: '' })
    expect(scene.member('a').subscribedPattern).toBeUndefined()
    expect(scene.consumer.patterns).toHaveLength(1)
    scene.beat('b', 2, { subscribedPattern: '.*' })
    expect(scene.consumer.patterns).toMatchObject([{ pattern: '.*' }])
  })
})

// Gateway processes on one emulated bucket and table (test/gateways/support/scenario.ts says what is claimed and how it is
// checked), and what `tidelog init` and `tidelog start` say about a backend that is not as it should be.
import { afterAll, afterEach, expect, test } from 'vitest'
import {
  membersComeAndGo,
  type StartGateway,
  threeAgree,
  topicsAcross,
  writeThroughBoth,
} from '../gateways/support/scenario.ts'
import { endAll, run, startServer } from '../unit/cli/processes.ts'
import { freshPlace } from './deployment.ts'

afterEach(endAll)
afterAll(endAll)

const ONE_SENTENCE = /^[^\n]+\n$/

function placeArgs(): string[] {
  const { bucket, table, endpointUrl } = freshPlace()
  return ['--bucket', bucket, '--table', table, '--endpoint-url', endpointUrl]
}

/** Bucket and table of its own, made by the command line, and how to start gateways on them. */
async function deployment(): Promise<StartGateway> {
  const place = placeArgs()
  expect(await run(['init', ...place]).ended).toMatchObject({ code: 0, stderr: '' })
  return (kafka) =>
    startServer('unused', ['--store', 'aws', ...place, ...(kafka === undefined ? [] : ['--kafka', kafka])])
}

test('what is written through both at once is dense, complete and the same through either, over a kill -9', async () => {
  await writeThroughBoth(await deployment(), 45)
})

test('topics made, deleted and made again at one are seen at the other', async () => {
  await topicsAcross(await deployment())
})

test('both are listed; one that leaves is gone, and the leader epoch rises', async () => {
  await membersComeAndGo(await deployment())
})

test('three name the same leaders and coordinators; a killed one is noticed within seconds, under a higher epoch', async () => {
  // 3 to 6 s by the clock of the leases; the rest is for an emulator on a machine that is busy.
  await threeAgree(await deployment(), 10_000)
})

test('init twice: the second time everything was there already, and says so', async () => {
  const place = placeArgs()
  const first = await run(['init', ...place]).ended
  expect(first).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^Bucket \S+ was made, table \S+/) })
  const second = await run(['init', ...place]).ended
  expect(second).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringMatching(/^Bucket \S+ was there already, /),
  })
  expect(second.stdout).not.toContain('was made')
})

test('start without init is one sentence that names the command', async () => {
  const place = placeArgs()
  const ports = ['--kafka', '127.0.0.1:0', '--http', '127.0.0.1:0']
  const ended = await run(['start', '--store', 'aws', ...ports, ...place]).ended
  expect(ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(ONE_SENTENCE) })
  expect(ended.stderr).toContain(`Run: tidelog init ${place.slice(0, 4).join(' ')}`)
})

test('start with half a place, or with none, is one sentence', async () => {
  for (const half of [[], placeArgs().slice(0, 2)]) {
    const ended = await run(['start', '--store', 'aws', '--kafka', '127.0.0.1:0', '--http', '127.0.0.1:0', ...half])
      .ended
    expect(ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(ONE_SENTENCE) })
    expect(ended.stderr).toContain('--bucket and --table')
  }
})

test.each(['start', 'init'])('%s without credentials is one sentence that says how to give them', async (command) => {
  const without = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined }
  const nowhere = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' }
  const args = command === 'init' ? [] : ['--store', 'aws', '--kafka', '127.0.0.1:0', '--http', '127.0.0.1:0']
  const ended = await run([command, ...args, ...placeArgs()], '', undefined, { ...without, ...nowhere }).ended
  expect(ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(ONE_SENTENCE) })
  expect(ended.stderr).toMatch(/^No AWS credentials were found\. Set AWS_ACCESS_KEY_ID/)
})

test('without a region it is one sentence, too', async () => {
  const env = { AWS_REGION: undefined, AWS_DEFAULT_REGION: undefined, AWS_CONFIG_FILE: '/dev/null' }
  const ended = await run(['init', ...placeArgs()], '', undefined, env).ended
  expect(ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(ONE_SENTENCE) })
  expect(ended.stderr).toMatch(/region/)
})

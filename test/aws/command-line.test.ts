// `tidelog init` and `tidelog start --store aws` as processes: what is missing is told, two gateways on one bucket and table
// are one log, and SIGTERM ends them with 0.
import { afterAll, expect, test } from 'vitest'
import { endAll, run, startServer } from '../unit/cli/processes.ts'
import { freshPlace } from './deployment.ts'

afterAll(endAll)

test('init, two gateways, a record from one to the other', async () => {
  const { bucket, table, region = '', endpointUrl } = freshPlace()
  const place = ['--bucket', bucket, '--table', table, '--region', region, '--endpoint-url', endpointUrl]
  const aws = ['--store', 'aws', ...place]
  const missing = await run(['start', ...aws, '--kafka', '127.0.0.1:0', '--http', '127.0.0.1:0']).ended
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringMatching(/^[^\n]*Run: tidelog init [^\n]*\n$/) })

  const made = await run(['init', ...place]).ended
  expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining(`Bucket ${bucket} was made`) })
  expect((await run(['init', ...place]).ended).stdout).toContain(`Bucket ${bucket} was there already`)

  const [one, two] = await Promise.all([startServer('unused', aws), startServer('unused', aws)])
  expect(await run(['produce', 'x', '--kafka', one.kafka], 'over two gateways\n').ended).toMatchObject({ code: 0 })
  const read = await run(['consume', 'x', '--from-beginning', '--kafka', two.kafka]).ended
  expect(read).toMatchObject({ code: 0, stdout: 'over two gateways\n' })
  const health = async (http: string) => (await fetch(`${http}/health`)).json()
  await expect.poll(() => health(one.http), { timeout: 10_000 }).toMatchObject({ gateways: 2, status: 'ok' })
  for (const server of [one, two]) {
    server.child.kill('SIGTERM')
    expect(await server.ended).toMatchObject({ code: 0 })
  }
})

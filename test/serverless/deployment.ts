// The real stacks on emulated AWS: a guarded MiniStack (TLS, signatures, policies, roles), `cdk bootstrap` and
// `cdk deploy --all` by the stock CLI, and what came of it: where the API is, which bucket and table, a caller who may call
// the routes and one who may only read. A test may deploy again with other topics. Everything ends by process id.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { EMULATOR_ENVIRONMENT, type Ministack, startMinistack } from '../aws/ministack.ts'
import { type Keys, makeUser, REGION, stackOutputs } from './aws-query.ts'
import { CERTIFICATE, ensureCertificate, TRUST, trustHere } from './certificate.ts'

export const ROOT_DIRECTORY = join(import.meta.dirname, '../..')
const CACHE = join(ROOT_DIRECTORY, '.cache')
export const ACCOUNT = '000000000000'
const CDK_MS_MAX = 180_000

/** Plain data, so that it can be handed to other processes. */
export interface Deployed {
  /** The emulator's. */
  readonly endpointUrl: string
  /** The API's base URL on the emulator. */
  readonly apiUrl: string
  readonly apiId: string
  readonly bucket: string
  readonly table: string
  /** May call every route. */
  readonly caller: Keys
  /** May call every route but `produce`. */
  readonly reader: Keys
}

/** Topics as `cdk.json` declares them. */
export type ContextTopics = Readonly<Record<string, Readonly<Record<string, unknown>>>>

export interface CdkRun {
  readonly exitCode: number
  /** Standard output and error together. */
  readonly output: string
}

/** Environment of a process that talks to the emulator as its administrator. */
export function administratorEnvironment(endpointUrl: string): Readonly<Record<string, string>> {
  return { ...EMULATOR_ENVIRONMENT, ...TRUST, AWS_ENDPOINT_URL: endpointUrl }
}

/** Runs the stock CDK CLI on this repository's app. */
export function cdk(endpointUrl: string, args: readonly string[], topics: ContextTopics = {}): Promise<CdkRun> {
  const synthesized = mkdtempSync(join(CACHE, 'cdk-'))
  const command = [
    join(ROOT_DIRECTORY, 'node_modules/aws-cdk/bin/cdk'),
    ...args,
    ...['--output', synthesized, '--no-notices', '--ci'],
    ...['--context', 'architecture=host', '--context', `topics=${JSON.stringify(topics)}`],
  ]
  return new Promise<CdkRun>((resolve, reject) => {
    const child = spawn(process.execPath, command, {
      cwd: ROOT_DIRECTORY,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...administratorEnvironment(endpointUrl),
        CDK_DISABLE_CLI_TELEMETRY: 'true',
        // `node` in cdk.json is this one.
        PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}`,
      },
    })
    const output: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
    const timer = setTimeout(() => child.kill('SIGKILL'), CDK_MS_MAX)
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(timer)
      resolve({ exitCode: code ?? -1, output: Buffer.concat(output).toString() })
    })
  }).finally(() => rmSync(synthesized, { recursive: true, force: true }))
}

/** Deploys all stacks with these topics. */
export function deployTopics(endpointUrl: string, topics: ContextTopics): Promise<CdkRun> {
  return cdk(endpointUrl, ['deploy', '--all', '--require-approval', 'never'], topics)
}

/** `cdk bootstrap` and the first deployment, on an emulator that runs. */
export async function deployAll(endpointUrl: string, topics: ContextTopics): Promise<Deployed> {
  const bootstrapped = await cdk(endpointUrl, ['bootstrap', `aws://${ACCOUNT}/${REGION}`])
  if (bootstrapped.exitCode !== 0) throw new Error(`cdk bootstrap failed:\n${bootstrapped.output}`)
  const deployed = await deployTopics(endpointUrl, topics)
  if (deployed.exitCode !== 0) throw new Error(`cdk deploy failed:\n${deployed.output}`)
  const { Url: url = '' } = await stackOutputs(endpointUrl, 'TidelogApi')
  const { Bucket: bucket = '', Table: table = '' } = await stackOutputs(endpointUrl, 'TidelogStorage')
  const apiId = new URL(url).hostname.split('.', 1)[0]!
  const route = (name: string) => `arn:aws:execute-api:${REGION}:${ACCOUNT}:${apiId}/*/POST/kafka/${name}`
  const action = 'execute-api:Invoke'
  const caller = await makeUser(endpointUrl, 'caller', { action, resources: [route('*')] })
  const readRoutes = ['fetch', 'coordinate', 'admin'].map(route)
  const reader = await makeUser(endpointUrl, 'reader', { action, resources: readRoutes })
  // The same API without a host name of its own, which few systems resolve.
  const apiUrl = `${endpointUrl}/_aws/execute-api/${apiId}`
  return { endpointUrl, apiUrl, apiId, bucket, table, caller, reader }
}

export interface ServerlessDeployment extends Deployed {
  stop(): Promise<void>
}

/** Emulator and deployment, of their own. */
export async function startDeployment(topics: ContextTopics = {}): Promise<ServerlessDeployment> {
  mkdirSync(CACHE, { recursive: true })
  await ensureCertificate()
  trustHere()
  const program = join(import.meta.dirname, 'guarded_ministack.py')
  const ministack: Ministack = await startMinistack({ ...CERTIFICATE, program })
  try {
    return { ...(await deployAll(ministack.endpointUrl, topics)), stop: () => ministack.stop() }
  } catch (error) {
    await ministack.stop()
    throw error
  }
}

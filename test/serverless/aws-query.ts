// Calls of the emulator's services that Tidelog itself never makes, signed as the SDK would sign them: IAM and STS, to have
// callers whose rights are judged, and CloudFormation, to see what a deployment left behind. All speak the old query protocol.
import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { EMULATOR_ENVIRONMENT } from '../aws/ministack.ts'

export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** The emulator's administrator, whose rights are not judged. */
export const ROOT: Keys = {
  accessKeyId: EMULATOR_ENVIRONMENT.AWS_ACCESS_KEY_ID,
  secretAccessKey: EMULATOR_ENVIRONMENT.AWS_SECRET_ACCESS_KEY,
}
export const REGION = EMULATOR_ENVIRONMENT.AWS_REGION

const VERSIONS = { iam: '2010-05-08', sts: '2011-06-15', cloudformation: '2010-05-15' } as const

/** A call; resolves with the XML of its answer. */
export async function query(
  endpointUrl: string,
  service: keyof typeof VERSIONS,
  parameters: Readonly<Record<string, string>>,
  { keys, region }: { readonly keys: Keys; readonly region: string } = { keys: ROOT, region: REGION },
): Promise<string> {
  const body = new URLSearchParams({ Version: VERSIONS[service], ...parameters }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return send({ service, region, keys }, new URL(endpointUrl), headers, body)
}

async function send(
  { service, region, keys }: { readonly service: string; readonly region: string; readonly keys: Keys },
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<string> {
  const { protocol, hostname, host, pathname: path } = url
  const signer = new SignatureV4({ service, region, credentials: keys, sha256: Sha256 })
  const signed = await signer.sign({ method: 'POST', protocol, hostname, path, headers: { host, ...headers }, body })
  const answer = await fetch(url, { method: 'POST', headers: signed.headers, body })
  const text = await answer.text()
  const failed = answer.headers.get('x-amz-function-error')
  if (!answer.ok || failed !== null) throw new Error(`${service} ${url.pathname}: ${answer.status} ${text} to ${body}`)
  return text
}

/** The text of the first element of this name. */
export function element(xml: string, name: string): string {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]
  if (text === undefined) throw new Error(`no ${name} in ${xml}`)
  return text
}

/** A user who may do this and nothing else; resolves with a key of theirs. */
export async function makeUser(
  endpointUrl: string,
  user: string,
  allowed: { readonly action: string; readonly resources: readonly string[] },
): Promise<Keys> {
  const statement = { Effect: 'Allow', Action: allowed.action, Resource: allowed.resources }
  const policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  await query(endpointUrl, 'iam', { Action: 'CreateUser', UserName: user })
  const put = { Action: 'PutUserPolicy', UserName: user, PolicyName: 'allowed', PolicyDocument: policy }
  await query(endpointUrl, 'iam', put)
  const xml = await query(endpointUrl, 'iam', { Action: 'CreateAccessKey', UserName: user })
  return { accessKeyId: element(xml, 'AccessKeyId'), secretAccessKey: element(xml, 'SecretAccessKey') }
}

/** Outputs of a stack by name. */
export async function stackOutputs(
  endpointUrl: string,
  stack: string,
  caller?: { readonly keys: Keys; readonly region: string },
): Promise<Readonly<Record<string, string>>> {
  const xml = await query(endpointUrl, 'cloudformation', { Action: 'DescribeStacks', StackName: stack }, caller)
  const members = xml.match(/<OutputKey>[\s\S]*?<\/OutputValue>/g) ?? []
  return Object.fromEntries(members.map((text) => [element(text, 'OutputKey'), element(text, 'OutputValue')]))
}

export async function stackStatus(endpointUrl: string, stack: string): Promise<string> {
  const xml = await query(endpointUrl, 'cloudformation', { Action: 'DescribeStacks', StackName: stack })
  return element(xml, 'StackStatus')
}

/** The physical id of the resource of this type in this stack whose logical id begins so. */
export async function resourceIn(
  endpointUrl: string,
  stack: string,
  type: 'AWS::IAM::Role' | 'AWS::Lambda::Function',
  logicalId: string,
): Promise<string> {
  const xml = await query(endpointUrl, 'cloudformation', { Action: 'DescribeStackResources', StackName: stack })
  const members = xml.match(/<member>[\s\S]*?<\/member>/g) ?? []
  const found = members.filter((text) => element(text, 'LogicalResourceId').startsWith(logicalId))
  const resource = found.find((text) => element(text, 'ResourceType') === type)
  if (resource === undefined) throw new Error(`no ${type} ${logicalId} in ${stack}`)
  return element(resource, 'PhysicalResourceId')
}

/** Invokes a function with an event, as its triggers do; resolves with what it returned. */
export async function invokeFunction(endpointUrl: string, name: string, event: unknown): Promise<unknown> {
  const url = new URL(`${endpointUrl}/2015-03-31/functions/${name}/invocations`)
  const text = await send({ service: 'lambda', region: REGION, keys: ROOT }, url, {}, JSON.stringify(event))
  return text === '' ? undefined : JSON.parse(text)
}

/** How many lines functions logged, and those among them that are errors. */
export async function loggedErrors(
  endpointUrl: string,
): Promise<{ readonly lines: number; readonly errors: string[] }> {
  const logs = async (target: string, request: unknown): Promise<Record<string, unknown>> => {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `Logs_20140328.${target}` }
    const place = { service: 'logs', region: REGION, keys: ROOT }
    return JSON.parse(await send(place, new URL(endpointUrl), headers, JSON.stringify(request)))
  }
  const { logGroups } = (await logs('DescribeLogGroups', {})) as { logGroups: { logGroupName: string }[] }
  const found: string[] = []
  let lines = 0
  for (const { logGroupName } of logGroups) {
    let nextToken: string | undefined
    do {
      const page = await logs('FilterLogEvents', { logGroupName, ...(nextToken === undefined ? {} : { nextToken }) })
      const { events = [] } = page as { events?: { message: string }[] }
      lines += events.filter(({ message }) => message.includes('"level":"')).length
      const errors = events.filter(({ message }) => /"level":"(ERROR|CRITICAL)"|errorType|Task timed out/.test(message))
      found.push(...errors.map(({ message }) => `${logGroupName}: ${message.trim()}`))
      nextToken = page['nextToken'] as string | undefined
    } while (nextToken !== undefined)
  }
  return { lines, errors: found }
}

/** Keys with the rights of a role and no others. */
export async function assumeRole(endpointUrl: string, account: string, role: string): Promise<Required<Keys>> {
  const RoleArn = `arn:aws:iam::${account}:role/${role}`
  const xml = await query(endpointUrl, 'sts', { Action: 'AssumeRole', RoleArn, RoleSessionName: 'test' })
  return {
    accessKeyId: element(xml, 'AccessKeyId'),
    secretAccessKey: element(xml, 'SecretAccessKey'),
    sessionToken: element(xml, 'SessionToken'),
  }
}

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
  const { protocol, hostname, host } = new URL(endpointUrl)
  const body = new URLSearchParams({ Version: VERSIONS[service], ...parameters }).toString()
  const headers = { host, 'content-type': 'application/x-www-form-urlencoded' }
  const signer = new SignatureV4({ service, region, credentials: keys, sha256: Sha256 })
  const signed = await signer.sign({ method: 'POST', protocol, hostname, path: '/', headers, body })
  const answer = await fetch(endpointUrl, { method: 'POST', headers: signed.headers, body })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${parameters['Action']}: ${answer.status} ${text}`)
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

/** The role of a function: the one in this stack whose logical id begins so. */
export async function roleIn(endpointUrl: string, stack: string, logicalId: string): Promise<string> {
  const xml = await query(endpointUrl, 'cloudformation', { Action: 'DescribeStackResources', StackName: stack })
  const members = xml.match(/<member>[\s\S]*?<\/member>/g) ?? []
  const found = members.filter((text) => element(text, 'LogicalResourceId').startsWith(logicalId))
  const role = found.find((text) => element(text, 'ResourceType') === 'AWS::IAM::Role')
  if (role === undefined) throw new Error(`no role ${logicalId} in ${stack}`)
  return element(role, 'PhysicalResourceId')
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

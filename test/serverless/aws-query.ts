// Calls of the emulator's services that Tidelog itself never makes, signed as the SDK would sign them: IAM, to have callers
// whose rights are judged, and CloudFormation, to see what a deployment left behind. Both speak the old query protocol.
import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { EMULATOR_ENVIRONMENT } from '../aws/ministack.ts'

export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** The emulator's administrator, whose rights are not judged. */
export const ROOT: Keys = {
  accessKeyId: EMULATOR_ENVIRONMENT.AWS_ACCESS_KEY_ID,
  secretAccessKey: EMULATOR_ENVIRONMENT.AWS_SECRET_ACCESS_KEY,
}
export const REGION = EMULATOR_ENVIRONMENT.AWS_REGION

/** A call; resolves with the XML of its answer. */
export async function query(
  endpointUrl: string,
  service: 'iam' | 'cloudformation',
  parameters: Readonly<Record<string, string>>,
): Promise<string> {
  const { protocol, hostname, host } = new URL(endpointUrl)
  const version = service === 'iam' ? '2010-05-08' : '2010-05-15'
  const body = new URLSearchParams({ Version: version, ...parameters }).toString()
  const headers = { host, 'content-type': 'application/x-www-form-urlencoded' }
  const signer = new SignatureV4({ service, region: REGION, credentials: ROOT, sha256: Sha256 })
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
export async function stackOutputs(endpointUrl: string, stack: string): Promise<Readonly<Record<string, string>>> {
  const xml = await query(endpointUrl, 'cloudformation', { Action: 'DescribeStacks', StackName: stack })
  const members = xml.match(/<OutputKey>[\s\S]*?<\/OutputValue>/g) ?? []
  return Object.fromEntries(members.map((text) => [element(text, 'OutputKey'), element(text, 'OutputValue')]))
}

export async function stackStatus(endpointUrl: string, stack: string): Promise<string> {
  const xml = await query(endpointUrl, 'cloudformation', { Action: 'DescribeStacks', StackName: stack })
  return element(xml, 'StackStatus')
}

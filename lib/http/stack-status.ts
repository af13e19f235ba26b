// Whether CloudFormation is rolling a stack back, asked of CloudFormation itself in one signed request: the SDK's client for
// it would be as large as everything else in the function. What cannot be found out counts as no rollback, because to refuse
// a change is the answer that a person can act upon.
import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { STACK_STATUS_MS_MAX } from '../base/limits.ts'
import type { Logger } from '../base/logger.ts'

export interface StackStatusPlace {
  readonly region: string
  /** CloudFormation's address; the region's own where it is left out. */
  readonly endpointUrl?: string | undefined
  readonly credentials: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken?: string
  }
}

/** Needs the permission `cloudformation:DescribeStacks` on the stack. */
export async function isRollingBack(place: StackStatusPlace, stackId: string, logger: Logger): Promise<boolean> {
  try {
    const status = await readStackStatus(place, stackId)
    return status.endsWith('ROLLBACK_IN_PROGRESS')
  } catch (error) {
    logger.warn({ err: error, stackId }, 'the status of the stack could not be read')
    return false
  }
}

async function readStackStatus({ region, endpointUrl, credentials }: StackStatusPlace, stackId: string) {
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  const url = new URL(endpointUrl ?? `https://cloudformation.${region}.${domain}`)
  const body = new URLSearchParams({ Action: 'DescribeStacks', Version: '2010-05-15', StackName: stackId }).toString()
  const signer = new SignatureV4({ service: 'cloudformation', region, credentials, sha256: Sha256 })
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    path: '/',
    headers: { host: url.host, 'content-type': 'application/x-www-form-urlencoded' },
    body,
  })
  const answer = await fetch(new URL('/', url), {
    method: 'POST',
    headers,
    body,
    signal: AbortSignal.timeout(STACK_STATUS_MS_MAX),
  })
  const text = await answer.text()
  const status = /<StackStatus>\s*([A-Z_]+)\s*<\/StackStatus>/.exec(text)?.[1]
  if (status === undefined) throw new Error(`CloudFormation answered ${answer.status}: ${text.slice(0, 300)}`)
  return status
}

// A certificate for servers on this machine's loopback address, made once into `.cache/`. The bucket of a deployment refuses
// plain HTTP and every route wants a signature, so that the emulator, the harness in front of it and all of their clients
// speak TLS as they would with AWS. Who runs in this process trusts it by `trustHere`, child processes by `TRUST`.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { promisify } from 'node:util'

const HOME = join(import.meta.dirname, '../../.cache/serverless-tls')

export const CERTIFICATE = { certificatePath: join(HOME, 'server.crt'), keyPath: join(HOME, 'server.key') } as const

/** Environment variables by which a process of Node, Python or the AWS SDK trusts the certificate. */
export const TRUST = {
  NODE_EXTRA_CA_CERTS: CERTIFICATE.certificatePath,
  AWS_CA_BUNDLE: CERTIFICATE.certificatePath,
} as const

const ALTERNATIVE_NAMES = 'subjectAltName=DNS:localhost,DNS:*.execute-api.localhost,IP:127.0.0.1'
const DAYS = '3650'

/** Makes the certificate if it is not there. Two runs at once are safe: the last to finish is not used. */
export async function ensureCertificate(): Promise<void> {
  if (existsSync(HOME)) return
  const draft = `${HOME}-draft-${process.pid}`
  mkdirSync(draft, { recursive: true })
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    join(draft, 'server.key'),
  ]
  const extensions = ['-addext', 'basicConstraints=critical,CA:FALSE', '-addext', ALTERNATIVE_NAMES]
  const subject = ['-subj', '/CN=tidelog-emulator', '-days', DAYS, '-out', join(draft, 'server.crt')]
  try {
    await promisify(execFile)('openssl', ['req', '-x509', ...key, ...extensions, ...subject])
    if (!existsSync(HOME)) renameSync(draft, HOME)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/** Has this process trust the certificate, from the next connection on. */
export function trustHere(): void {
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(CERTIFICATE.certificatePath, 'utf8')])
}

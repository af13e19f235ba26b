// cfn-lint over the templates of the real app, in every form that the settings give it: it knows CloudFormation's schemas,
// which neither TypeScript nor CDK check. `npm run lint:templates`; needs python3 with venv, and PyPI for the first run.
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, globSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const VERSION = '1.58.0'
const ROOT = join(import.meta.dirname, '../..')
const CACHE = join(ROOT, '.cache')
/** The regions differ in what they have; these are an old and a young one. */
const REGIONS = ['us-east-1', 'eu-south-2']

/** W3005: CDK has functions depend on their role twice, by reference and by name. */
const IGNORED = ['W3005']

const TOPICS = {
  orders: { partitions: 12, retention: '7d', cleanupPolicy: 'delete', removalPolicy: 'destroy' },
  prices: { cleanupPolicy: 'compact', compression: 'zstd', configs: { 'min.compaction.lag.ms': 60_000 } },
}
const FORMS: Readonly<Record<string, object>> = {
  defaults: {},
  topics: { topics: TOPICS, architecture: 'host' },
  everything: { topics: TOPICS, monitoring: true, encryptionKey: 'create', functionUrls: true, sweepEvery: '15m' },
}

/** Installs cfn-lint unless it is there, in a folder that only a finished installation has. */
async function installed(): Promise<string> {
  const folder = join(CACHE, `cfn-lint-${VERSION}`)
  if (existsSync(folder)) return folder
  const draft = `${folder}.${process.pid}`
  await run('python3', ['-m', 'venv', draft])
  await run(join(draft, 'bin/python'), ['-m', 'pip', 'install', '--quiet', `cfn-lint==${VERSION}`])
  renameSync(draft, folder)
  return folder
}

/** The templates of one form of the app. */
async function synthesised(name: string, context: object): Promise<string[]> {
  const folder = join(CACHE, 'templates', name)
  rmSync(folder, { recursive: true, force: true })
  const env = { ...process.env, CDK_OUTDIR: folder, CDK_CONTEXT_JSON: JSON.stringify(context) }
  await run(process.execPath, [join(ROOT, 'infra/app.ts')], { env })
  return globSync(join(folder, '*.template.json'))
}

const folder = await installed()
const templates: string[] = []
for (const [name, context] of Object.entries(FORMS)) templates.push(...(await synthesised(name, context)))
// The pip-made script names the folder that it was installed in, which was another one.
const { status } = spawnSync(
  join(folder, 'bin/python'),
  [
    '-c',
    'from cfnlint.runner import main; main()',
    '--regions',
    ...REGIONS,
    '--ignore-checks',
    ...IGNORED,
    '--template',
    ...templates,
  ],
  { stdio: 'inherit' },
)
process.stdout.write(
  `cfn-lint ${VERSION}: ${templates.length} templates, ${status === 0 ? 'nothing found' : 'see above'}\n`,
)
process.exitCode = templates.length === Object.keys(FORMS).length * 5 && status === 0 ? 0 : 1

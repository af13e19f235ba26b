// From the choice of a store to the three stores of a deployment, ready to be served from. Whatever a person has to put
// right (a foreign directory, a missing bucket) comes back as one sentence. The adapters are loaded only when they are
// chosen: the AWS SDK alone takes longer to load than everything else together.
import type { AwsOptions } from '../storage/aws/clients.ts'
import type { Stores } from '../storage/ports.ts'

export type StoreChoice =
  /** Nothing survives the process. */
  | { readonly kind: 'memory' }
  /** A directory on this machine. */
  | { readonly kind: 'embedded'; readonly dir: string }
  | ({ readonly kind: 'aws' } & AwsOptions)
  /** Stores that the caller has opened; they are closed with the gateway. */
  | { readonly kind: 'given'; readonly stores: Stores }

export type OpenStoresOutcome =
  | {
      readonly kind: 'opened'
      readonly stores: Stores
      readonly clusterId?: string
      /** Where the data is, for people. */
      readonly where: string
      /** The same as one name, for DescribeLogDirs; undefined: `where`. */
      readonly logDir?: string
    }
  | { readonly kind: 'problem'; readonly sentence: string }

export async function openStores(choice: StoreChoice): Promise<OpenStoresOutcome> {
  switch (choice.kind) {
    case 'memory': {
      const { createMemoryStores } = await import('../storage/memory/memory.ts')
      return initialised(createMemoryStores(), 'memory')
    }
    case 'given':
      return initialised(choice.stores, 'stores of the caller')
    case 'embedded':
      return openEmbedded(choice.dir)
    case 'aws':
      return openAws(choice)
  }
}

async function openEmbedded(dir: string): Promise<OpenStoresOutcome> {
  const { openEmbeddedStores } = await import('../storage/embedded/embedded.ts')
  const opened = await openEmbeddedStores({ dir })
  if (opened.kind === 'refused') return { kind: 'problem', sentence: opened.message }
  const ready = await initialised(opened.stores, opened.dir)
  return ready.kind === 'problem' ? ready : { ...ready, clusterId: opened.clusterId }
}

async function openAws(options: AwsOptions): Promise<OpenStoresOutcome> {
  const [{ checkAws }, { openAwsStores }, { logDirOf }] = await Promise.all([
    import('../storage/aws/check.ts'),
    import('../storage/aws/stores.ts'),
    import('../storage/aws/deployment.ts'),
  ])
  const checked = await checkAws(options)
  if (checked.kind === 'problem') return checked
  const { clusterId, region } = checked
  const where = `bucket ${options.bucket} and table ${options.table} (${options.endpointUrl ?? region})`
  const logDir = logDirOf(options.bucket)
  return { kind: 'opened', stores: openAwsStores({ ...options, region }), clusterId, where, logDir }
}

/** Makes the journal's head where there is none yet. Somebody else may do so at the same time. */
async function initialised(stores: Stores, where: string): Promise<OpenStoresOutcome> {
  const made = await stores.journal.init()
  if (made.kind === 'applied' || made.kind === 'rejected') return { kind: 'opened', stores, where }
  await stores.close()
  return { kind: 'problem', sentence: `The journal in ${where} cannot be opened (${made.cause}).` }
}

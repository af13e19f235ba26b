// A deployment of its own for one test: fresh names, bucket, table and journal on the emulator of this run, optionally
// seen through a proxy that counts and spoils requests.
import { inject } from 'vitest'
import { systemRandom } from '../../lib/base/random.ts'
import { initAws } from '../../lib/storage/aws/init.ts'
import { type AwsOptions, openAwsStores } from '../../lib/storage/aws/stores.ts'
import type { Stores } from '../../lib/storage/ports.ts'
import { type Injector, startInjector } from './inject.ts'

/** Options that name a bucket and a table which do not exist yet. */
export function freshPlace(): AwsOptions & { readonly endpointUrl: string } {
  const name = `tidelog-${Buffer.from(systemRandom.bytes(8)).toString('hex')}`
  return { bucket: name, table: name, region: 'us-east-1', endpointUrl: inject('endpointUrl') }
}

/** Stores on a deployment that was just made. */
export async function freshStores(): Promise<Stores> {
  const place = freshPlace()
  const made = await initAws(place)
  if (made.kind !== 'ready') throw new Error(made.sentence)
  return openAwsStores(place)
}

/** The same deployment twice: straight, and through an injector. */
export async function spoiledStores(
  options: Pick<AwsOptions, 'timeouts' | 'connectionsMax'> = {},
): Promise<{ straight: Stores; stores: Stores; injector: Injector; close(): Promise<void> }> {
  const place = freshPlace()
  const made = await initAws(place)
  if (made.kind !== 'ready') throw new Error(made.sentence)
  const injector = await startInjector(place.endpointUrl)
  const straight = openAwsStores(place)
  const stores = openAwsStores({ ...place, endpointUrl: injector.endpointUrl, ...options })
  return {
    straight,
    stores,
    injector,
    async close() {
      await stores.close()
      await straight.close()
      await injector.close()
    },
  }
}

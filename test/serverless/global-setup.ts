// One deployment for all files of the run, with the harness in front of its API. When all have run, nothing may have
// happened there that a client which keeps the rules can provoke, and no function may have logged an error.
import type { TestProject } from 'vitest/node'
import { loggedErrors } from './aws-query.ts'
import { type Deployed, startDeployment } from './deployment.ts'
import { startEdge } from './edge.ts'
import { post } from './frames.ts'
import { FIRST_TOPICS } from './topics.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    deployed: Deployed
    /** The API behind the harness. */
    url: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const startedAt = performance.now()
  const { stop, ...deployed } = await startDeployment(FIRST_TOPICS)
  try {
    const edge = await startEdge(deployed.apiUrl)
    console.log(`deployed in ${Math.round((performance.now() - startedAt) / 1000)} s; ${edge.url}`)
    project.provide('deployed', deployed)
    project.provide('url', edge.url)
    return async () => {
      // Refused, and said so in the log: whoever finds no line at all has not found the logs.
      await post({ url: edge.url, keys: deployed.caller }, 'admin', new Uint8Array())
      await edge.close()
      const { lines, errors } = await loggedErrors(deployed.endpointUrl)
      await stop()
      const counts = [...edge.statuses].map(([status, count]) => `${count} × ${status}`)
      console.log(`answers through API Gateway: ${counts.join(', ')}; ${lines} lines logged by functions`)
      if (lines === 0) throw new Error('functions logged nothing: their logs were not found')
      if (edge.violations.length > 0) throw new Error(`beyond the limits:\n${edge.violations.join('\n')}`)
      if (errors.length > 0) throw new Error(`functions logged errors:\n${errors.slice(0, 20).join('\n')}`)
    }
  } catch (error) {
    await stop()
    throw error
  }
}

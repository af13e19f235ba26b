// The last scenario: one of two gateways leaves. What the tools then show names the other one only, of every partition, also
// of those whose replicas were chosen by hand; nothing is under-replicated, and nothing is lost.
import assert from 'node:assert/strict'
import type { RunningServer } from '../servers.ts'
import type { Scenario } from '../suite.ts'
import { endOffsets, eventually, makeTopic, recordsOf, type Toolbox } from './toolbox.ts'
import { describeTopic } from './topics.ts'

export function goneScenario(tools: Toolbox, last: RunningServer): Scenario {
  return {
    name: 'a gateway leaves: replicas, leaders and the quorum are the other one',
    run: async () => {
      const [first = 1, second = 2] = tools.nodes
      const made = ['--partitions', '2', '--replication-factor', '2']
      await makeTopic(tools, 'left-behind', ...made)
      const partitions = [
        { topic: 'left-behind', partition: 0, replicas: [second, first] },
        { topic: 'left-behind', partition: 1, replicas: [second] },
      ]
      const file = await tools.file('left-behind.json', { version: 1, partitions })
      await tools.ok('kafka-reassign-partitions', '--execute', '--reassignment-json-file', file)
      await tools.produce('left-behind', recordsOf(20))
      const ends = await endOffsets(tools, 'left-behind')
      assert.deepEqual(
        (await describeTopic(tools, 'left-behind')).partitions.map(({ leader }) => leader),
        [second, second],
      )
      assert.equal(await last.stop(), '0')
      await eventually(async () => {
        const described = await describeTopic(tools, 'left-behind')
        assert.deepEqual(
          described.partitions.map(({ replicas }) => replicas),
          [[first], [first]],
        )
      })
      for (const what of ['under-replicated', 'unavailable']) {
        assert.equal(await tools.ok('kafka-topics', '--describe', `--${what}-partitions`), '')
      }
      assert.deepEqual(await endOffsets(tools, 'left-behind'), ends)
      assert.match(
        await tools.ok('kafka-metadata-quorum', 'describe', '--status'),
        new RegExp(`^LeaderId: +${first}$`, 'm'),
      )
      return undefined
    },
  }
}

// kafka-configs: of topics and of brokers; what was set, what holds, what can be changed while brokers run and what cannot.
import assert from 'node:assert/strict'
import { makeTopic, type Scenarios } from './toolbox.ts'

/** Names and values of a description. */
function configsIn(described: string): Map<string, string> {
  const form = /^ {2}([^=]+)=(.*) sensitive=(?:true|false) synonyms=\{.*\}$/gm
  return new Map([...described.matchAll(form)].map(([, name = '', value = '']) => [name, value]))
}

export const configScenarios: Scenarios = (tools) => {
  const run = (...args: readonly string[]): Promise<string> => tools.ok('kafka-configs', ...args)
  const topic = ['--entity-type', 'topics', '--entity-name', 'configured']
  const [node = 1] = tools.nodes
  const broker = ['--entity-type', 'brokers', '--entity-name', String(node)]
  return [
    {
      name: 'kafka-configs of a topic: --describe, --alter --add-config, --delete-config',
      run: async () => {
        await makeTopic(tools, 'configured')
        assert.equal(await run(...topic, '--describe'), 'Dynamic configs for topic configured are:')
        const list = 'segment.ms=60000,max.message.bytes=2000000,cleanup.policy=[compact,delete]'
        const done = 'Completed updating config for topic configured.'
        assert.equal(await run(...topic, '--alter', '--add-config', list), done)
        assert.equal(await run(...topic, '--alter', '--delete-config', 'max.message.bytes'), done)
        const set = configsIn(await run(...topic, '--describe'))
        assert.deepEqual([...set].sort(), [
          ['cleanup.policy', 'compact,delete'],
          ['segment.ms', '60000'],
        ])
        const file = await tools.file('configs.properties', 'retention.ms=7200000\nsegment.ms=70000\n')
        assert.equal(await run(...topic, '--alter', '--add-config-file', file), done)
        const all = configsIn(await run(...topic, '--describe', '--all'))
        assert.equal(all.get('retention.ms'), '7200000')
        assert.equal(all.get('segment.ms'), '70000')
        assert.equal(all.get('compression.type'), 'producer')
        assert.ok(all.size > 25, `${all.size} configs`)
        return `${all.size} configs`
      },
    },
    {
      name: 'kafka-configs of a topic: the refusals',
      run: async () => {
        const alter = [...topic, '--alter']
        await tools.fails(/Unknown topic config name: no\.such/, 'kafka-configs', ...alter, '--add-config', 'no.such=1')
        await tools.fails(/retention\.ms/, 'kafka-configs', ...alter, '--add-config', 'retention.ms=soon')
        await tools.fails(/Invalid config\(s\): flush\.ms/, 'kafka-configs', ...alter, '--delete-config', 'flush.ms')
        const nowhere = ['--entity-type', 'topics', '--entity-name', 'nowhere']
        await tools.fails(/topic|Topic/, 'kafka-configs', ...nowhere, '--alter', '--add-config', 'flush.ms=1')
        assert.equal(configsIn(await run(...topic, '--describe')).get('retention.ms'), '7200000')
        return undefined
      },
    },
    {
      name: 'kafka-configs of brokers: --describe of one, of all, of the default',
      run: async () => {
        assert.equal(await run(...broker, '--describe'), `Dynamic configs for broker ${node} are:`)
        const all = configsIn(await run(...broker, '--describe', '--all'))
        assert.equal(all.get('node.id'), String(node))
        assert.equal(all.get('num.partitions'), '1')
        assert.match(all.get('advertised.listeners') ?? '', /PLAINTEXT:\/\/127\.0\.0\.1:\d+/)
        const each = await run('--entity-type', 'brokers', '--describe')
        for (const id of tools.nodes) assert.match(each, new RegExp(`^Dynamic configs for broker ${id} are:$`, 'm'))
        assert.match(each, /^Default configs for brokers in the cluster are:$/m)
        const nobody = await run('--entity-type', 'brokers', '--entity-name', '99', '--describe')
        assert.match(nobody, /The broker '99' doesn't exist and doesn't have dynamic config\./)
        return `${all.size} configs`
      },
    },
    {
      name: 'kafka-configs of brokers: --alter',
      run: async () => {
        const alter = [...broker, '--alter']
        await tools.fails(
          /Invalid config\(s\): log\.cleaner\.threads/,
          'kafka-configs',
          ...alter,
          '--delete-config',
          'log.cleaner.threads',
        )
        await tools.fails(
          /Cannot update these configs dynamically/,
          'kafka-configs',
          ...alter,
          '--add-config',
          'node.id=7',
        )
        if (tools.kind === 'kafka') return 'other configs are left alone'
        const refused = /num\.partitions\. A gateway's settings are given when it starts\./
        await tools.fails(refused, 'kafka-configs', ...alter, '--add-config', 'num.partitions=7')
        const byDefault = ['--entity-type', 'brokers', '--entity-default', '--alter']
        await tools.fails(refused, 'kafka-configs', ...byDefault, '--add-config', 'num.partitions=7')
        return undefined
      },
    },
    {
      name: 'kafka-configs of loggers: --describe',
      run: async () => {
        const described = await run('--entity-type', 'broker-loggers', '--entity-name', String(node), '--describe')
        assert.match(described, /^ {2}root=(INFO|WARN)/m)
        return undefined
      },
    },
  ]
}

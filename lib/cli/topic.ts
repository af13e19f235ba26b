// `tidelog topic …`: makes, lists, shows, changes and deletes topics through the Kafka protocol, so it works with any server.
import { Command } from 'commander'
import type { Address } from '../base/address.ts'
import * as admin from '../client/admin.ts'
import { partitionOffsets } from '../client/consumer.ts'
import { kafkaOption, readConfig, readInteger } from './options.ts'
import { Problem } from './problem.ts'
import { table } from './table.ts'
import { withCluster } from './with-cluster.ts'
import { counted } from './words.ts'

interface KafkaFlag {
  readonly kafka: Address
}

export function topicCommand(): Command {
  const topic = new Command('topic').description('Makes, lists, shows, changes and deletes topics.')
  topic
    .command('create <name>')
    .description('Makes a topic.')
    .option('--partitions <n>', "how many (default: the server's num.partitions)", readInteger(1))
    .option('--config <name=value>', 'a setting, as often as wanted', readConfig, new Map<string, string>())
    .addOption(kafkaOption())
    .addHelpText('after', '\nExample:\n  $ tidelog topic create orders --partitions 12 --config retention.ms=86400000')
    .action(create)
  topic.command('list').description('Lists all topics.').addOption(kafkaOption()).action(list)
  topic
    .command('describe <name>')
    .description('Shows partitions, offsets and settings of a topic.')
    .option('--all', 'show settings that have their default, too')
    .addOption(kafkaOption())
    .action(describe)
  topic
    .command('alter <name>')
    .description('Changes settings of a topic, or raises its number of partitions.')
    .option('--partitions <n>', 'the new number, higher than now', readInteger(1))
    .option('--config <name=value>', 'a setting, as often as wanted', readConfig, new Map<string, string>())
    .option('--reset <name>', 'give a setting its default back, as often as wanted', collect, [])
    .addOption(kafkaOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ tidelog topic alter orders --config cleanup.policy=compact\n' +
        '  $ tidelog topic alter orders --reset retention.ms --partitions 24',
    )
    .action(alter)
  topic
    .command('delete <name...>')
    .description('Deletes topics and all their records.')
    .addOption(kafkaOption())
    .action(remove)
  return topic
}

function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text]
}

interface ChangeFlags extends KafkaFlag {
  readonly partitions?: number
  readonly config: ReadonlyMap<string, string>
}

async function create(name: string, { kafka, partitions, config }: ChangeFlags): Promise<void> {
  await withCluster(kafka, async (cluster) => {
    await admin.createTopic(cluster, name, partitions, config)
    const made = await cluster.existingTopic(name)
    process.stdout.write(`Topic ${name} was made with ${counted(made.partitions.length, 'partition')}.\n`)
  })
}

async function list({ kafka }: KafkaFlag): Promise<void> {
  await withCluster(kafka, async (cluster) => {
    const topics = await cluster.topics()
    topics.sort((a, b) => (a.name < b.name ? -1 : 1))
    if (topics.length === 0 && process.stdout.isTTY) {
      process.stderr.write('There are no topics yet. Make one with: npx tidelog topic create NAME\n')
    }
    for (const topic of topics) process.stdout.write(`${topic.name}\n`)
  })
}

async function describe(name: string, { kafka, all }: KafkaFlag & { readonly all?: true }): Promise<void> {
  await withCluster(kafka, async (cluster) => {
    const topic = await cluster.existingTopic(name)
    const offsets = await partitionOffsets(cluster, topic)
    const configs = await admin.describeTopicConfigs(cluster, name)
    const shown = configs.filter((config) => all === true || config.explicit)
    const rows = topic.partitions.map(({ partition, leader }) => {
      const { first, end } = offsets.get(partition) ?? { first: 0, end: 0 }
      return [partition, first, end, leader].map(String)
    })
    process.stdout.write(`${name}  id ${topic.id}  ${counted(topic.partitions.length, 'partition')}\n\n`)
    process.stdout.write(table(['partition', 'first offset', 'end offset', 'leader'], rows))
    if (shown.length > 0) {
      process.stdout.write(
        `\n${table(
          ['setting', 'value'],
          shown.map(({ name, value }) => [name, value ?? '']),
        )}`,
      )
    }
  })
}

async function alter(name: string, flags: ChangeFlags & { readonly reset: readonly string[] }): Promise<void> {
  const { kafka, partitions, config, reset } = flags
  if (partitions === undefined && config.size === 0 && reset.length === 0) {
    throw new Problem('Nothing to change: give --config, --reset or --partitions.')
  }
  await withCluster(kafka, async (cluster) => {
    await cluster.existingTopic(name)
    if (config.size > 0 || reset.length > 0) await admin.alterTopicConfigs(cluster, name, config, reset)
    if (partitions !== undefined) await admin.addPartitions(cluster, name, partitions)
    process.stdout.write(`Topic ${name} was changed.\n`)
  })
}

async function remove(names: readonly string[], { kafka }: KafkaFlag): Promise<void> {
  await withCluster(kafka, async (cluster) => {
    for (const name of names) {
      await admin.deleteTopic(cluster, name)
      process.stdout.write(`Topic ${name} was deleted.\n`)
    }
  })
}

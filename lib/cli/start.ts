// `tidelog start`: runs a gateway in the foreground until it is told to stop, and tells a newcomer where it is and what to
// type next.
import { Command, Option } from 'commander'
import { type Address, formatAddress } from '../base/address.ts'
import type { Logger } from '../base/logger.ts'
import type { StoreChoice } from '../gateway/open-stores.ts'
import { RELEASE } from '../gateway/release.ts'
import { type Gateway, startGateway } from '../gateway/start.ts'
import { type FileConfig, readConfigFile } from './config-file.ts'
import { createLogger } from './logger.ts'
import { KAFKA_DEFAULT, readAddress } from './options.ts'
import { Problem } from './problem.ts'
import { endAfter, stopRequested } from './stop.ts'

const HTTP_DEFAULT = '127.0.0.1:8080'
const DATA_DEFAULT = './tidelog-data'

interface StartFlags {
  readonly config?: string
  readonly kafka: Address
  readonly http: Address
  readonly store: 'embedded' | 'memory' | 'aws'
  readonly data: string
  readonly advertise?: Address
  readonly bucket?: string
  readonly table?: string
  readonly region?: string
  readonly endpointUrl?: string
}

export function startCommand(): Command {
  return new Command('start')
    .summary('run the log in this terminal')
    .description('Runs the log in this terminal until Ctrl-C. Any Kafka client can connect to it.')
    .option('--config <file>', "settings as in Kafka's server.properties; the other options beat it")
    .addOption(
      new Option('--kafka <host:port>', 'where Kafka clients connect')
        .argParser(readAddress)
        .default(readAddress(KAFKA_DEFAULT), KAFKA_DEFAULT),
    )
    .addOption(
      new Option('--http <host:port>', 'where /health and /metrics are')
        .argParser(readAddress)
        .default(readAddress(HTTP_DEFAULT), HTTP_DEFAULT),
    )
    .addOption(
      new Option('--store <kind>', 'where the data is').choices(['embedded', 'memory', 'aws']).default('embedded'),
    )
    .option('--data <dir>', 'the directory of the embedded store', DATA_DEFAULT)
    .option('--advertise <host:port>', 'the address that clients are told, if it differs from --kafka', readAddress)
    .option('--bucket <name>', 'aws: the S3 bucket')
    .option('--table <name>', 'aws: the DynamoDB table')
    .option('--region <name>', 'aws: the region (default: as the AWS SDK finds it)')
    .option('--endpoint-url <url>', 'aws: an emulator or a compatible store')
    .addHelpText(
      'after',
      `
Examples:
  $ tidelog start                                        # data in ${DATA_DEFAULT}
  $ tidelog start --store memory --kafka 127.0.0.1:9093  # a second one, forgotten at its end
  $ tidelog start --kafka 0.0.0.0:9092 --advertise log.example.org:9092
  $ tidelog start --config server.properties --kafka 127.0.0.1:9092
  $ tidelog init  --bucket my-log --table my-log         # once, then:
  $ tidelog start --store aws --bucket my-log --table my-log

Several may run on one data directory, or one bucket and table: they are one log.`,
    )
    .action(runStart)
}

async function runStart(typed: StartFlags, command: Command): Promise<void> {
  const logger = createLogger()
  const stop = stopRequested()
  const { file, flags } = await withFile(typed, command)
  const { kafka, http, advertise } = flags
  if (file !== undefined) tellWhatIsLeftOut(file, flags, logger)
  const outcome = await startGateway({
    store: storeChoice(flags),
    kafka,
    http,
    logger,
    ...(advertise === undefined ? {} : { advertise }),
    ...(file?.nodeId === undefined ? {} : { nodeId: file.nodeId }),
    ...(file === undefined ? {} : { settings: file.settings }),
  })
  if (outcome.kind === 'problem') throw new Problem(outcome.sentence)
  const { gateway } = outcome
  process.stdout.write(banner(gateway, flags.store))
  const signal = await stop
  logger.info({ signal }, 'Stopping: requests under way are finished first')
  await endAfter(() => gateway.close(), logger)
}

/** What was typed, with what the file says where nothing was typed. */
async function withFile(
  typed: StartFlags,
  command: Command,
): Promise<{ readonly file: FileConfig | undefined; readonly flags: StartFlags }> {
  if (typed.config === undefined) return { file: undefined, flags: typed }
  const isTyped = (flag: keyof StartFlags): boolean => command.getOptionValueSource(flag) === 'cli'
  const file = await readConfigFile(typed.config, {
    kafka: isTyped('kafka'),
    advertise: isTyped('advertise'),
    data: isTyped('data'),
    embedded: typed.store === 'embedded',
  })
  const { kafka = typed.kafka, data = typed.data, advertise = typed.advertise } = file
  return { file, flags: { ...typed, kafka, data, ...(advertise === undefined ? {} : { advertise }) } }
}

function tellWhatIsLeftOut({ withoutEffect, controllers }: FileConfig, { config }: StartFlags, logger: Logger): void {
  for (const listener of controllers) {
    logger.info({ file: config, listener }, 'A listener for controllers is not opened: there are no controllers here')
  }
  if (withoutEffect.length === 0) return
  logger.warn({ file: config, settings: withoutEffect.join(', ') }, 'These settings of Kafka have no effect here')
}

function storeChoice(flags: StartFlags): StoreChoice {
  if (flags.store === 'memory') return { kind: 'memory' }
  if (flags.store === 'embedded') return { kind: 'embedded', dir: flags.data }
  const { bucket, table, region, endpointUrl } = flags
  if (bucket === undefined || table === undefined) {
    throw new Problem('With --store aws, --bucket and --table say where the data is. Make them with: tidelog init')
  }
  return {
    kind: 'aws',
    bucket,
    table,
    ...(region === undefined ? {} : { region }),
    ...(endpointUrl === undefined ? {} : { endpointUrl }),
  }
}

function banner(gateway: Gateway, store: StartFlags['store']): string {
  const bold = (text: string): string => (process.stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text)
  const address = formatAddress(gateway.advertised)
  const flag = address === KAFKA_DEFAULT ? '' : ` --kafka ${address}`
  const lasting = store === 'memory' ? 'the records go with it' : 'every acknowledged record stays'
  const http =
    gateway.http === undefined ? '' : `    HTTP   http://${formatAddress(gateway.http)}/health and /metrics\n`
  return `
  ${bold(`Tidelog ${RELEASE} is running`)}

    Kafka  ${bold(address)}
${http}    Data   ${gateway.where}

  Type next, in another terminal:

    echo 'hello, tide' | npx tidelog produce greetings${flag}
    npx tidelog consume greetings --from-beginning${flag}

  Ctrl-C stops it; ${lasting}.

`
}

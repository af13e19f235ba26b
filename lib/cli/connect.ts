// `tidelog connect`: a local address for Kafka clients that leads to a log behind HTTPS, so that any client works on a
// deployment without servers. It signs with the credentials of whoever runs it and therefore listens on this machine alone,
// unless it is told otherwise. It keeps nothing: it may be stopped and started at any time.
import { Command, Option } from 'commander'
import { type Address, formatAddress } from '../base/address.ts'
import { CONNECT_ANSWER_BYTES_MAX, CONNECT_CONNECTIONS_MAX } from '../base/limits.ts'
import { checkUrl, createHttpsBroker } from '../client/https/listener.ts'
import { type AnswerMemory, openSender, readUrl } from '../client/https/sender.ts'
import { ByteBudget } from '../gateway/byte-budget.ts'
import { type Listener, openListener } from '../gateway/listener.ts'
import { RELEASE } from '../gateway/release.ts'
import { bindProblem } from '../gateway/start.ts'
import { createLogger } from './logger.ts'
import { KAFKA_DEFAULT, readAddress } from './options.ts'
import { Problem } from './problem.ts'
import { endAfter, stopRequested } from './stop.ts'

interface ConnectFlags {
  readonly url: string
  readonly kafka: Address
}

export function connectCommand(): Command {
  return new Command('connect')
    .summary('a local address for a log behind HTTPS')
    .description(
      'Lets Kafka clients on this machine use a deployment without servers: listens for them, signs their requests with ' +
        'your AWS credentials and sends them over HTTPS, until Ctrl-C.',
    )
    .requiredOption('--url <url>', 'the API of the deployment, with its stage if it has one')
    .addOption(
      new Option('--kafka <host:port>', 'where Kafka clients connect')
        .argParser(readAddress)
        .default(readAddress(KAFKA_DEFAULT), KAFKA_DEFAULT),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ tidelog connect --url https://abc123.execute-api.eu-west-1.amazonaws.com
  $ AWS_PROFILE=work tidelog connect --url https://abc123.execute-api.eu-west-1.amazonaws.com --kafka 127.0.0.1:9093
  $ tidelog connect --url http://127.0.0.1:8080    # a log started with "tidelog start", for trying it out

Whoever reaches the address uses the log with your credentials. Keep it on this machine.`,
    )
    .action(runConnect)
}

async function runConnect({ url: text, kafka }: ConnectFlags): Promise<void> {
  const logger = createLogger()
  const read = readUrl(text)
  if (read.kind === 'problem') throw new Problem(read.sentence)
  if (kafka.host === '0.0.0.0' || kafka.host === '::') {
    throw new Problem('Clients have to be told one address (--kafka): give it with a host that they can reach.')
  }
  const stop = stopRequested()
  const listener = await bind(kafka, logger)
  const advertise = formatAddress({ host: kafka.host, port: listener.port })
  const answers = new ByteBudget(CONNECT_ANSWER_BYTES_MAX)
  const sender = openSender({ url: read.url, memory: memoryOf(answers) })
  const checked = await checkUrl(sender, advertise)
  if (checked.kind === 'problem') {
    sender.close()
    await listener.close(0)
    throw new Problem(checked.sentence)
  }
  const onTrouble = (sentence: string): void => logger.warn({}, sentence)
  listener.serve(createHttpsBroker({ sender, advertise, onTrouble }), () => answers.waiting)
  process.stdout.write(banner(advertise, sender.url))
  if (!isLoopback(kafka.host)) {
    logger.warn({ kafka: advertise }, 'Other machines may reach this address and use the log with your credentials')
  }
  const signal = await stop
  logger.info({ signal }, 'Stopping: requests under way are finished first')
  await endAfter(() => listener.close(), logger)
}

async function bind(kafka: Address, logger: ReturnType<typeof createLogger>): Promise<Listener> {
  try {
    return await openListener({
      ...kafka,
      connectionsMax: CONNECT_CONNECTIONS_MAX,
      log: logger,
    })
  } catch (error) {
    throw new Problem(bindProblem(kafka, '--kafka', error))
  }
}

function memoryOf(budget: ByteBudget): AnswerMemory {
  return {
    acquire: (sizeBytes) =>
      budget.tryAcquire(sizeBytes)
        ? Promise.resolve()
        : new Promise((resolve) => budget.acquire(sizeBytes, () => resolve())),
    // An answer gives back what it took, with nothing more to come: the budget's word for that is for frames.
    release: (sizeBytes) => budget.abandon(sizeBytes),
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

function banner(address: string, url: string): string {
  const bold = (text: string): string => (process.stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text)
  const flag = address === KAFKA_DEFAULT ? '' : ` --kafka ${address}`
  return `
  ${bold(`Tidelog ${RELEASE} is connected`)}

    Kafka  ${bold(address)}
    Log    ${url}

  Type next, in another terminal:

    echo 'hello, tide' | npx tidelog produce greetings${flag}
    npx tidelog consume greetings --from-beginning${flag}

  Ctrl-C stops it; the log stays where it is.

`
}

// The command line as a whole: its commands, its help, and what its end means. Exit code 0 is success, 1 is a problem told
// in one sentence; only a bug shows a stack.
import { Command } from 'commander'
import { ClientError } from '../client/errors.ts'
import { RELEASE } from '../gateway/release.ts'
import { connectCommand } from './connect.ts'
import { consumeCommand } from './consume.ts'
import { groupCommand } from './group.ts'
import { initCommand } from './init.ts'
import { Problem } from './problem.ts'
import { produceCommand } from './produce.ts'
import { startCommand } from './start.ts'
import { topicCommand } from './topic.ts'

const program = new Command('tidelog')
  .description('An event log that speaks the Kafka protocol and needs no brokers.')
  .version(RELEASE)
  .addCommand(startCommand())
  .addCommand(connectCommand())
  .addCommand(initCommand())
  .addCommand(topicCommand())
  .addCommand(groupCommand())
  .addCommand(produceCommand())
  .addCommand(consumeCommand())
  .showSuggestionAfterError()
  .addHelpText(
    'after',
    `
A first log, in two terminals:
  $ tidelog start                                   # keeps its data in ./tidelog-data
  $ echo 'hello, tide' | tidelog produce greetings
  $ tidelog consume greetings --from-beginning

Any Kafka client works, too: its bootstrap server is 127.0.0.1:9092.
"tidelog help COMMAND" shows what a command can do, with examples.`,
  )

// Whoever reads our output may stop, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

try {
  await program.parseAsync()
} catch (error) {
  const told = error instanceof Problem || error instanceof ClientError
  process.stderr.write(`${told ? error.message : error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 1
}

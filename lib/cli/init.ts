// `tidelog init`: makes what a deployment on AWS needs. Running it again changes nothing.
import { Command } from 'commander'
import { Problem } from './problem.ts'

interface InitFlags {
  readonly bucket: string
  readonly table: string
  readonly region?: string
  readonly endpointUrl?: string
}

export function initCommand(): Command {
  return new Command('init')
    .summary('make the bucket and the table on AWS')
    .description('Makes an S3 bucket and a DynamoDB table for a log, where they are missing. Safe to run again.')
    .requiredOption('--bucket <name>', 'the S3 bucket')
    .requiredOption('--table <name>', 'the DynamoDB table')
    .option('--region <name>', 'the region (default: as the AWS SDK finds it)')
    .option('--endpoint-url <url>', 'an emulator or a compatible store')
    .addHelpText(
      'after',
      `
Examples:
  $ tidelog init --bucket my-log --table my-log --region eu-west-1
  $ tidelog init --bucket test --table test --endpoint-url http://127.0.0.1:4566`,
    )
    .action(runInit)
}

async function runInit(flags: InitFlags): Promise<void> {
  const { initAws } = await import('../storage/aws/init.ts')
  const outcome = await initAws(flags)
  if (outcome.kind === 'problem') throw new Problem(outcome.sentence)
  const { made, region, warnings } = outcome
  for (const warning of warnings) process.stderr.write(`${warning}\n`)
  const said = (name: string, isNew: boolean): string => `${name} ${isNew ? 'was made' : 'was there already'}`
  process.stdout.write(`${said(`Bucket ${flags.bucket}`, made.bucket)}, ${said(`table ${flags.table}`, made.table)}.\n`)
  const place = flags.endpointUrl === undefined ? ` --region ${region}` : ` --endpoint-url ${flags.endpointUrl}`
  process.stdout.write(`Next: npx tidelog start --store aws --bucket ${flags.bucket} --table ${flags.table}${place}\n`)
}

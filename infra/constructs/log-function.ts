// One function of the log with what belongs to it: a role with the rights of `log-access.ts`, a log group that forgets
// after two weeks, and the environment that every function reads. The code is bundled for the architecture it runs on.
import { type CfnElement, type Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as logs from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { bundleFunction } from '../bundle.ts'
import { acknowledge } from './acknowledge.ts'
import { type FunctionName, S3_KINDS, storeStatements } from './log-access.ts'
import type { LogStorage } from './log-storage.ts'

/** What can be chosen for all functions of a log. */
export interface LogFunctionOptions {
  /**
   * The processor on which functions run, and for which their native codecs are bundled.
   *
   * @default lambda.Architecture.ARM_64
   */
  readonly architecture?: lambda.Architecture | undefined
  /**
   * Megabytes of memory of each function; its share of a processor grows with it.
   *
   * @default 1024
   */
  readonly memorySize?: number | undefined
  /**
   * Adds a dashboard, alarms, traces, custom metrics and access logs. They cost a few dollars a month.
   *
   * @default false
   */
  readonly monitoring?: boolean | undefined
  /**
   * Where the code of a function comes from.
   *
   * @default - bundled from `functions/` of this repository
   */
  readonly code?: ((name: FunctionName, architecture: lambda.Architecture) => lambda.Code) | undefined
}

export interface LogFunctionProps extends LogFunctionOptions {
  readonly functionName: FunctionName
  readonly storage: LogStorage
  readonly description: string
  readonly timeout: Duration
  /** Rights beside those to the stores. */
  readonly statements?: readonly iam.PolicyStatement[]
}

/**
 * A function of the log.
 *
 * @example
 * const admin = new LogFunction(this, 'Admin', {
 *   functionName: 'admin',
 *   storage,
 *   description: 'Metadata, topics and configurations',
 *   timeout: Duration.seconds(29),
 * })
 */
export class LogFunction extends Construct {
  /** What it is called in URLs and traces; CloudFormation chooses the name in the account. */
  readonly name: FunctionName
  readonly function: lambda.Function
  readonly role: iam.Role

  constructor(scope: Construct, id: string, props: LogFunctionProps) {
    super(scope, id)
    const { functionName, storage, architecture = lambda.Architecture.ARM_64, monitoring = false } = props
    this.name = functionName
    const logGroup = new logs.LogGroup(this, 'Logs', {
      retention: logs.RetentionDays.TWO_WEEKS,
      removalPolicy: RemovalPolicy.DESTROY,
      ...(storage.encryptionKey === undefined ? {} : { encryptionKey: storage.encryptionKey }),
    })
    // Policies inside the role: when the function exists it has all its rights, and there is one place to read them.
    this.role = new iam.Role(this, 'Role', {
      description: `What the ${functionName} function of ${Stack.of(this).stackName} may do`,
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: {
        Tidelog: new iam.PolicyDocument({
          statements: [
            new iam.PolicyStatement({
              sid: 'WriteLogs',
              actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
              resources: [logGroup.logGroupArn],
            }),
            ...storeStatements(functionName, storage),
            ...(props.statements ?? []),
          ],
        }),
      },
    })
    acknowledgeWildcards(this, storage, monitoring)
    const code = props.code ?? bundledCode
    this.function = new lambda.Function(this, 'Function', {
      description: props.description,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture,
      handler: 'index.handler',
      code: code(functionName, architecture),
      memorySize: props.memorySize ?? 1024,
      timeout: props.timeout,
      role: this.role,
      logGroup,
      loggingFormat: lambda.LoggingFormat.JSON,
      applicationLogLevelV2: lambda.ApplicationLogLevel.INFO,
      // Lambda's own lines of each invocation would cost more than the requests of an idle consumer.
      systemLogLevelV2: lambda.SystemLogLevel.WARN,
      tracing: monitoring ? lambda.Tracing.ACTIVE : lambda.Tracing.DISABLED,
      environment: {
        TIDELOG_BUCKET: storage.bucket.bucketName,
        TIDELOG_TABLE: storage.table.tableName,
        POWERTOOLS_SERVICE_NAME: 'tidelog',
        POWERTOOLS_METRICS_NAMESPACE: 'Tidelog',
        // A custom metric costs 0.30 USD a month, so they come with `monitoring`.
        POWERTOOLS_METRICS_DISABLED: String(!monitoring),
        POWERTOOLS_TRACE_ENABLED: String(monitoring),
      },
    })
  }
}

function bundledCode(name: FunctionName, architecture: lambda.Architecture): lambda.Code {
  const directory = bundleFunction(name, architecture === lambda.Architecture.X86_64 ? 'x86_64' : 'arm64')
  return lambda.Code.fromAsset(directory)
}

/** cdk-nag names the wildcards of a policy one by one, with the bucket as CloudFormation refers to it from this stack. */
function acknowledgeWildcards(fn: LogFunction, { bucket }: LogStorage, monitoring: boolean): void {
  const its = Stack.of(bucket)
  const reference =
    its === Stack.of(fn)
      ? `<${its.getLogicalId(bucket.node.defaultChild as CfnElement)}.Arn>`
      : (its.resolve(its.exportValue(bucket.bucketArn)) as { readonly 'Fn::ImportValue': string })['Fn::ImportValue']
  for (const kind of S3_KINDS) {
    const reason = 'Objects are named by generation and ULID, so rights go by the kind that begins the key.'
    acknowledge(fn, { [`AwsSolutions-IAM5[Resource::${reference}/${kind}/*]`]: reason })
  }
  if (monitoring) acknowledge(fn, { 'AwsSolutions-IAM5[Resource::*]': 'X-Ray knows no resources.' })
}

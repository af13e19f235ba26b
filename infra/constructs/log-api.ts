// The door of the log: an HTTP API with one route and one function for each part of Kafka's protocol. Every route asks
// for a signature of IAM, so rights are given out per route. Functions end a second before the API gives up on them.
import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import * as apigateway from 'aws-cdk-lib/aws-apigatewayv2'
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers'
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import type * as iam from 'aws-cdk-lib/aws-iam'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as logs from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { FRAME_FUNCTIONS, type FrameFunction } from '../../lib/wire/https.ts'
import { acknowledge } from './acknowledge.ts'
import { LogFunction, type LogFunctionOptions } from './log-function.ts'
import type { LogStorage } from './log-storage.ts'

/** What of the door can be chosen. */
export interface LogApiOptions extends LogFunctionOptions {
  /**
   * Who is let in instead of IAM. The grant methods work with IAM only, and so do our clients.
   *
   * @default - AWS Signature Version 4 on every route
   */
  readonly authorizer?: apigateway.IHttpRouteAuthorizer | undefined
  /**
   * Also gives each function a URL of its own (with IAM), which saves the API's fee per request.
   *
   * @default false
   */
  readonly functionUrls?: boolean | undefined
}

export interface LogApiProps extends LogApiOptions {
  readonly storage: LogStorage
}

const DESCRIPTIONS: Readonly<Record<FrameFunction, string>> = {
  produce: 'Tidelog: appends records (Produce)',
  fetch: 'Tidelog: reads records and offsets (Fetch, ListOffsets, OffsetForLeaderEpoch)',
  coordinate: 'Tidelog: producer ids, groups and transactions',
  admin: 'Tidelog: metadata, topics and configurations',
}

/** API Gateway waits for 30 seconds. */
const TIMEOUT = Duration.seconds(29)

/** What a client needs beside its main route: every client asks `admin` for metadata. */
const PRODUCER_ROUTES: readonly FrameFunction[] = ['produce', 'coordinate', 'admin']
const CONSUMER_ROUTES: readonly FrameFunction[] = ['fetch', 'coordinate', 'admin']

/**
 * `POST /kafka/‹function›` for Kafka clients.
 *
 * @example
 * const api = new LogApi(this, 'Api', { storage })
 * api.grantFetch(reader)
 */
export class LogApi extends Construct {
  readonly httpApi: apigateway.HttpApi
  /** The functions behind the routes. */
  readonly functions: Readonly<Record<FrameFunction, LogFunction>>
  /** The functions' own URLs, if they were asked for. */
  readonly functionUrls: Readonly<Record<FrameFunction, lambda.FunctionUrl>> | undefined
  readonly #routes: Readonly<Record<FrameFunction, apigateway.HttpRoute>>

  constructor(scope: Construct, id: string, props: LogApiProps) {
    super(scope, id)
    const authorizer = props.authorizer ?? new HttpIamAuthorizer()
    this.httpApi = new apigateway.HttpApi(this, 'HttpApi', {
      apiName: 'tidelog',
      description: 'Kafka frames over HTTPS',
      createDefaultStage: false,
      defaultAuthorizer: authorizer,
    })
    makeStage(this, this.httpApi, props)
    this.functions = perFunction(
      (name) =>
        new LogFunction(this, capitalised(name), {
          ...props,
          functionName: name,
          description: DESCRIPTIONS[name],
          timeout: TIMEOUT,
        }),
    )
    this.#routes = perFunction((name) => this.#route(name))
    if (props.functionUrls === true) {
      this.functionUrls = perFunction((name) =>
        this.functions[name].function.addFunctionUrl({ authType: lambda.FunctionUrlAuthType.AWS_IAM }),
      )
    }
  }

  /** Where clients connect to: `https://…`, without a slash at the end. */
  get url(): string {
    return this.httpApi.apiEndpoint
  }

  /**
   * Lets somebody produce: to the routes `produce`, `coordinate` (producer ids, transactions) and `admin` (metadata).
   * Routes are what IAM can tell apart, so the right to metadata includes the right to change topics.
   */
  grantProduce(grantee: iam.IGrantable): iam.Grant {
    return this.grantInvoke(grantee, ...PRODUCER_ROUTES)
  }

  /**
   * Lets somebody consume: from the routes `fetch`, `coordinate` (groups and their offsets) and `admin` (metadata).
   * Routes are what IAM can tell apart, so the right to metadata includes the right to change topics.
   */
  grantFetch(grantee: iam.IGrantable): iam.Grant {
    return this.grantInvoke(grantee, ...CONSUMER_ROUTES)
  }

  /** Lets somebody call these routes, or all of them if none is named. */
  grantInvoke(grantee: iam.IGrantable, ...functions: FrameFunction[]): iam.Grant {
    const names = functions.length === 0 ? FRAME_FUNCTIONS : functions
    const grants = names.flatMap((name) => {
      const byUrl = this.functionUrls?.[name].grantInvokeUrl(grantee)
      return [this.#routes[name].grantInvoke(grantee), ...(byUrl === undefined ? [] : [byUrl])]
    })
    return grants.reduce((all, grant) => all.combine(grant))
  }

  #route(name: FrameFunction): apigateway.HttpRoute {
    const [route] = this.httpApi.addRoutes({
      path: `/kafka/${name}`,
      methods: [apigateway.HttpMethod.POST],
      integration: new HttpLambdaIntegration(capitalised(name), this.functions[name].function),
    })
    return route!
  }
}

function makeStage(scope: Construct, httpApi: apigateway.HttpApi, props: LogApiProps): void {
  const { storage, monitoring = false } = props
  if (!monitoring) {
    const stage = new apigateway.HttpStage(scope, 'Stage', { httpApi, autoDeploy: true })
    acknowledge(stage, {
      'AwsSolutions-APIG1':
        'Access logs are paid per request; `monitoring` adds them, and each function logs its problems.',
    })
    return
  }
  const logGroup = new logs.LogGroup(scope, 'AccessLogs', {
    retention: logs.RetentionDays.TWO_WEEKS,
    removalPolicy: RemovalPolicy.DESTROY,
    ...(storage.encryptionKey === undefined ? {} : { encryptionKey: storage.encryptionKey }),
  })
  new apigateway.HttpStage(scope, 'Stage', {
    httpApi,
    autoDeploy: true,
    detailedMetricsEnabled: true,
    accessLogSettings: { destination: new apigateway.LogGroupLogDestination(logGroup) },
  })
}

function perFunction<T>(make: (name: FrameFunction) => T): Readonly<Record<FrameFunction, T>> {
  return { produce: make('produce'), fetch: make('fetch'), coordinate: make('coordinate'), admin: make('admin') }
}

function capitalised(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1)
}

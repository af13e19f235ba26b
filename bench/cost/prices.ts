// What AWS asks for, in one table: us-east-1, US dollars, on demand, without the free tiers. Everything that is counted is a
// field of `Usage`, and `cost` is the only place where counts meet prices.

/** AWS's prices of this month. */
export const PRICES_OF = 'November 2026'

export interface Price {
  readonly name: string
  /** Dollars for one of them. */
  readonly usd: number
  readonly said: string
  readonly source: string
}

const price = (name: string, usd: number, said: string, source: string): Price => ({ name, usd, said, source })
const MILLION = 1_000_000

export const PRICES = {
  apiUnits: price(
    'API Gateway, HTTP API: a request (for each 512 KB of it and its answer)',
    1 / MILLION,
    '$1.00 per million',
    'https://aws.amazon.com/api-gateway/pricing/',
  ),
  invocations: price(
    'Lambda: an invocation',
    0.2 / MILLION,
    '$0.20 per million',
    'https://aws.amazon.com/lambda/pricing/',
  ),
  lambdaMs: price(
    'Lambda: a millisecond of 1 GB, arm64, start included',
    0.0000133334 / 1000,
    '$0.0000133334 per GB-s',
    'https://aws.amazon.com/lambda/pricing/',
  ),
  writeUnits: price(
    'DynamoDB: a write request unit',
    0.625 / MILLION,
    '$0.625 per million',
    'https://aws.amazon.com/dynamodb/pricing/on-demand/',
  ),
  readUnits: price(
    'DynamoDB: a read request unit',
    0.125 / MILLION,
    '$0.125 per million',
    'https://aws.amazon.com/dynamodb/pricing/on-demand/',
  ),
  s3Writes: price('S3: a PUT or a listing', 5 / MILLION, '$5.00 per million', 'https://aws.amazon.com/s3/pricing/'),
  s3Reads: price('S3: a GET', 0.4 / MILLION, '$0.40 per million', 'https://aws.amazon.com/s3/pricing/'),
  schedules: price(
    'EventBridge Scheduler: an invocation',
    1 / MILLION,
    '$1.00 per million',
    'https://aws.amazon.com/eventbridge/pricing/',
  ),
  logBytes: price(
    'CloudWatch Logs: a byte taken in',
    0.5 / 2 ** 30,
    '$0.50 per GB',
    'https://aws.amazon.com/cloudwatch/pricing/',
  ),
} as const satisfies Record<string, Price>

/** Per GB and month. */
export const STORAGE = {
  s3: price('S3: storage', 0.023, '$0.023 per GB-month', 'https://aws.amazon.com/s3/pricing/'),
  table: price('DynamoDB: storage', 0.25, '$0.25 per GB-month', 'https://aws.amazon.com/dynamodb/pricing/on-demand/'),
  backup: price(
    'DynamoDB: point-in-time recovery',
    0.2,
    '$0.20 per GB-month of the table',
    'https://aws.amazon.com/dynamodb/pricing/on-demand/',
  ),
} as const

/** A gateway's machine, per hour. */
export const MACHINE = {
  vcpu: price('Fargate, arm64: a vCPU', 0.03238, '$0.03238 per hour', 'https://aws.amazon.com/fargate/pricing/'),
  gb: price('Fargate, arm64: a GB of memory', 0.00356, '$0.00356 per hour', 'https://aws.amazon.com/fargate/pricing/'),
} as const

/** How many of each priced thing. */
export type Usage = Readonly<Record<keyof typeof PRICES, number>>

const NAMES = Object.keys(PRICES) as (keyof typeof PRICES)[]

const made = (value: (name: keyof typeof PRICES) => number): Usage =>
  Object.fromEntries(NAMES.map((name) => [name, value(name)])) as Record<keyof typeof PRICES, number>

export const NOTHING: Usage = made(() => 0)

export const usage = (part: Partial<Usage>): Usage => ({ ...NOTHING, ...part })

export function add(...usages: readonly Usage[]): Usage {
  return made((name) => usages.reduce((sum, one) => sum + one[name], 0))
}

export const times = (one: Usage, count: number): Usage => made((name) => one[name] * count)

/** Dollars. */
export function cost(used: Usage, names: readonly (keyof typeof PRICES)[] = NAMES): number {
  return names.reduce((sum, name) => sum + used[name] * PRICES[name].usd, 0)
}

// cdk-nag's AwsSolutions rules over every form of the deployment. What is not followed is acknowledged beside the construct
// it is about, with its reason; here nothing may be left, and every acknowledgement must be of use.
import { Stack, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import type { IConstruct } from 'constructs'
import { describe, expect, it } from 'vitest'
import { EventLog } from '../../infra/constructs/event-log.ts'
import { deployment, noCode, quickApp } from './synthesise.ts'

const EVERYTHING = {
  monitoring: true,
  encryptionKey: 'create',
  functionUrls: true,
  sweepEvery: '15m',
  topics: { orders: { partitions: 2 } },
}

function findings(app: IConstruct): string[] {
  const { violations } = new AwsSolutionsChecks().validateScope(app)
  return violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => `${ruleName} ${constructPath}`),
  )
}

function reasons(app: IConstruct): string[] {
  return app.node
    .findAll()
    .flatMap((construct) =>
      construct.node.metadata
        .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
        .flatMap(({ data }) => Object.values(data as Record<string, string>)),
    )
}

describe('cdk-nag', () => {
  it.each([
    ['the defaults', {}],
    ['everything that can be chosen', EVERYTHING],
  ])('has nothing to say about %s', (_, context) => {
    const { app } = deployment(context)
    app.synth()
    expect(findings(app)).toEqual([])
  })

  it('has nothing to say about a log in one stack', () => {
    const app = quickApp()
    new EventLog(new Stack(app, 'Shop'), 'Log', { code: noCode, topics: { orders: {} } })
    app.synth()
    expect(findings(app)).toEqual([])
  })

  it('would speak without our reasons', () => {
    const { app } = deployment()
    app.synth()
    const given = reasons(app)
    expect(given.length).toBeGreaterThan(0)
    for (const reason of given) expect(reason).toMatch(/^[A-Z`].{20,}\.$/)
    for (const construct of app.node.findAll()) {
      const kept = construct.node.metadata.filter(({ type }) => type !== Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      Object.defineProperty(construct.node, 'metadata', { value: kept })
    }
    const rules = new Set(findings(app).map((finding) => finding.replace(/[[ ].*/, '')))
    expect([...rules].sort()).toEqual(['AwsSolutions-APIG1', 'AwsSolutions-IAM5', 'AwsSolutions-S1'])
  })
})

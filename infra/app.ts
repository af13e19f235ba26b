// The CDK app of this repository: `npx cdk deploy --all` makes a whole log in the account and region of the caller.
// Settings come from the context (`cdk.json`, or `-c name=value`); topics come from there too, or from here:
//
//   const { topics } = addStacks(app, settingsOf(app.node))
//   topics.addTopic('orders', { partitions: 12, retention: Duration.days(7) })
import { App } from 'aws-cdk-lib'
import { TopicProblem } from './constructs/topic-configs.ts'
import { addStacks } from './deployment.ts'
import { SettingProblem, settingsOf } from './settings.ts'

try {
  const app = new App()
  addStacks(app, settingsOf(app.node))
} catch (error) {
  if (!(error instanceof SettingProblem || error instanceof TopicProblem)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}

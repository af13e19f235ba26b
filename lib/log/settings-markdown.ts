// Renders the table of topic settings for people: ARCHITECTURE.md holds this text, and a test holds the two together.
import type { ConfigDefinition, ConfigRange, Effect } from './settings.ts'
import { TOPIC_CONFIGS } from './topic-settings-table.ts'

const GROUPS: readonly { readonly effect: Effect; readonly title: string; readonly column: string }[] = [
  { effect: 'acts', title: 'Acts', column: 'What it does' },
  { effect: 'acts later', title: 'Acts later', column: 'What is missing' },
  { effect: 'no meaning here', title: 'Has no meaning here', column: 'Why' },
]

/** The section of ARCHITECTURE.md. */
export function settingsTableMarkdown(): string {
  const parts = [
    '## 9. Topic settings',
    '',
    'Every topic configuration of Apache Kafka 4.2 can be set, is validated, stored and described with its default and',
    'source. This is what each does. The text is rendered from `lib/log/topic-settings-table.ts`.',
  ]
  for (const { effect, title, column } of GROUPS) {
    parts.push('', `### ${title}`, '', `| Setting | Type | Default | Allowed | ${column} |`, '|---|---|---|---|---|')
    for (const config of TOPIC_CONFIGS.filter((each) => each.effect === effect)) {
      const cells = [`\`${config.name}\``, config.type, code(config.default), allowed(config), config.reason]
      parts.push(`| ${cells.join(' | ')} |`)
    }
  }
  return parts.join('\n') + '\n'
}

function code(text: string): string {
  return text === '' ? 'none' : `\`${text}\``
}

function allowed({ type, range }: ConfigDefinition): string {
  if (range === undefined) return type === 'BOOLEAN' ? '`true`, `false`' : 'any'
  return rangeText(range)
}

function rangeText(range: ConfigRange): string {
  switch (range.kind) {
    case 'oneOf':
      return range.values.map(code).join(', ')
    case 'replicas':
      return '`partition:broker,…` or `*`'
    case 'between': {
      const { min, max, or } = range
      const bounds = [
        min === undefined ? '' : `from ${min}`,
        max === undefined ? '' : `to ${max}`,
        or === undefined ? '' : `or ${or}`,
      ]
      return bounds.filter((bound) => bound !== '').join(' ')
    }
  }
}

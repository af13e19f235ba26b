// Settings for groups as tests have them: the broker's defaults, but that the first members are not waited for.
import { defaultBrokerSettings } from '../../../../lib/broker/broker-settings.ts'
import type { GroupSettings } from '../../../../lib/groups/step.ts'

export const SETTINGS: GroupSettings = { ...defaultBrokerSettings.group, initialRebalanceDelayMs: 0 }

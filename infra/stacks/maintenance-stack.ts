// The stack with background work and, if asked for, with what watches over all functions: it is deployed last, so it can
// name them all.
import { Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import type { LogFunction } from '../constructs/log-function.ts'
import { LogMaintenance, type LogMaintenanceProps } from '../constructs/log-maintenance.ts'
import { LogMonitoring } from '../constructs/log-monitoring.ts'

export interface MaintenanceStackProps extends StackProps, LogMaintenanceProps {
  /** The functions of the other stacks that `monitoring` watches. */
  readonly monitored: readonly LogFunction[]
}

export class MaintenanceStack extends Stack {
  readonly maintenance: LogMaintenance
  readonly monitoring: LogMonitoring | undefined

  constructor(scope: Construct, id: string, props: MaintenanceStackProps) {
    super(scope, id, props)
    this.maintenance = new LogMaintenance(this, 'Maintenance', props)
    if (props.monitoring === true) {
      this.monitoring = new LogMonitoring(this, 'Monitoring', {
        functions: props.monitored,
        maintenance: this.maintenance.function,
      })
    }
  }
}

"""What sla-monitor reads from its environment."""

from dataclasses import dataclass

from interlock.settings import FromEnvironment


@dataclass(frozen=True)
class SlaMonitorSettings(FromEnvironment):
    control_table: str
    scheduler_group_name: str
    scheduler_role_arn: str
    sla_monitor_arn: str  # its own: what its one-shots invoke

"""What stream-router reads from its environment."""

from dataclasses import dataclass

from interlock.settings import FromEnvironment


@dataclass(frozen=True)
class StreamRouterSettings(FromEnvironment):
    control_table: str
    joblog_table: str
    state_machine_arn: str
    event_bus_name: str
    rerun_table: str
    sla_monitor_arn: str

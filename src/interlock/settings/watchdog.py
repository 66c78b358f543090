"""What watchdog reads from its environment."""

from dataclasses import dataclass

from interlock.settings import FromEnvironment


@dataclass(frozen=True)
class WatchdogSettings(FromEnvironment):
    control_table: str
    events_table: str
    state_machine_arn: str
    event_bus_name: str
    orchestrator_arn: str
    config_sync_arn: str
    watchdog_arn: str  # its own: a tick has the sweep go on

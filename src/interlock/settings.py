"""One frozen settings class for each Lambda, read from its environment; all missing names in one error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Self


class SettingsMissing(RuntimeError):
    """The function's environment lacks names; the message lists all of them."""


class _FromEnvironment:
    """Field `control_table` is read from `CONTROL_TABLE`; a field with a default may be absent."""

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        values: dict[str, str] = {}
        missing: list[str] = []
        for setting in fields(cls):  # type: ignore[arg-type]
            name = setting.name.upper()
            if environment.get(name):
                values[setting.name] = environment[name]
            elif setting.default is MISSING:
                missing.append(name)
        if missing:
            raise SettingsMissing(f"{cls.__name__}: set {', '.join(missing)} in the function's environment")
        return cls(**values)


@dataclass(frozen=True)
class StreamRouterSettings(_FromEnvironment):
    control_table: str
    joblog_table: str
    state_machine_arn: str
    event_bus_name: str
    rerun_table: str
    sla_monitor_arn: str


@dataclass(frozen=True)
class OrchestratorSettings(_FromEnvironment):
    control_table: str
    joblog_table: str
    state_machine_arn: str
    allowed_private_cidrs: str = ""  # comma-separated; HTTP targets there are not refused
    allow_commands: str = ""  # "1" on the embedded stack alone: jobs of type `command` run there


@dataclass(frozen=True)
class SlaMonitorSettings(_FromEnvironment):
    control_table: str
    scheduler_group_name: str
    scheduler_role_arn: str
    sla_monitor_arn: str  # its own: what its one-shots invoke


@dataclass(frozen=True)
class WatchdogSettings(_FromEnvironment):
    control_table: str
    events_table: str
    state_machine_arn: str
    event_bus_name: str
    orchestrator_arn: str
    config_sync_arn: str
    watchdog_arn: str  # its own: a tick has the sweep go on


@dataclass(frozen=True)
class EventSinkSettings(_FromEnvironment):
    events_table: str
    events_ttl_days: str = "90"


@dataclass(frozen=True)
class AlertDispatcherSettings(_FromEnvironment):
    events_table: str
    alert_queue_url: str
    alert_channel: str  # `slack` or `webhook`
    alert_secret_arn: str  # Slack: the bot token; webhook: the address
    slack_channel_id: str = ""
    slack_api_url: str = "https://slack.com/api"
    events_ttl_days: str = "90"


@dataclass(frozen=True)
class ConfigSyncSettings(_FromEnvironment):
    control_table: str
    config_bucket: str
    config_prefix: str
    scheduler_group_name: str
    scheduler_role_arn: str
    stream_router_arn: str

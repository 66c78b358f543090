"""What config-sync reads from its environment."""

from dataclasses import dataclass

from interlock.settings import FromEnvironment


@dataclass(frozen=True)
class ConfigSyncSettings(FromEnvironment):
    control_table: str
    config_bucket: str
    config_prefix: str
    scheduler_group_name: str
    scheduler_role_arn: str
    stream_router_arn: str

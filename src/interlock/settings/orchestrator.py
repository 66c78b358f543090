"""What orchestrator reads from its environment."""

from dataclasses import dataclass

from interlock.settings import FromEnvironment


@dataclass(frozen=True)
class OrchestratorSettings(FromEnvironment):
    control_table: str
    joblog_table: str
    state_machine_arn: str
    allowed_private_cidrs: str = ""  # comma-separated; HTTP targets there are not refused
    allowed_commands: str = ""  # comma-separated; programs that jobs of type `command` may start; `*`: any

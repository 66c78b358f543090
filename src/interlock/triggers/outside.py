"""All that adapters reach the world through: one value, so that the simulator can hand in a world of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from interlock.triggers.allowed_commands import NO_COMMANDS, AllowedCommands
from interlock.triggers.background import InBackground
from interlock.triggers.http_calls import HttpCalls
from interlock.triggers.processes import Processes

# What answers only at its end has ten minutes: the function that waits for it may live for fifteen.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
ANSWER_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Outside:
    """Clients, connections, processes and threads."""

    # boto3's service name to a client with boto3's methods. It raises what boto3 raises, or `CallFailed`.
    clients: Callable[[str], Any]
    http: HttpCalls
    processes: Processes
    in_background: InBackground
    allowed_commands: AllowedCommands = NO_COMMANDS
    answer_seconds: float = ANSWER_SECONDS

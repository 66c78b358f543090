"""The world that deployed adapters meet: boto3's clients, the network, this machine's processes, threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config

from interlock.triggers.allowed_commands import AllowedCommands
from interlock.triggers.background import on_a_thread
from interlock.triggers.http_client import HttpClient
from interlock.triggers.keep_alive import KEEP_ALIVE
from interlock.triggers.outside import ANSWER_SECONDS, Outside
from interlock.triggers.processes import OsProcesses
from interlock.triggers.public_address import AddressRules
from interlock.triggers.table import TriggerTable

if TYPE_CHECKING:
    from boto3.session import Session

_CONNECT_SECONDS, _READ_SECONDS = 5.0, 20.0


def job_triggers(
    session: Session, *, allowed_private_cidrs: Iterable[str] = (), allowed_commands: str = ""
) -> TriggerTable:
    """The adapters of a deployed function. `allowed_commands`: as `AllowedCommands.listed` reads them."""
    outside = Outside(
        clients=job_clients(session),
        http=HttpClient(AddressRules(allowed_private_cidrs)),
        processes=OsProcesses(),
        in_background=on_a_thread,
        allowed_commands=AllowedCommands.listed(allowed_commands),
    )
    return TriggerTable(outside)


def job_clients(session: Session) -> Callable[[str], Any]:
    """`Outside.clients` on boto3: each made once, on first use."""
    return cache(lambda service: _client(session, service))


def _client(session: Session, service: str) -> Any:
    waits = service == "lambda"
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        # A little longer than a synchronous function is given, so that its own end is heard.
        read_timeout=ANSWER_SECONDS + 10 if waits else _READ_SECONDS,
        # The SDK repeats a call whose answer was lost, and StartJobRun or Invoke would start the job a second time.
        retries={"total_max_attempts": 1},
    )
    client = session.client(cast(Any, service), config=config)
    if waits:
        _probe_idle_connections(client)
    return client


def _probe_idle_connections(client: Any) -> None:
    # botocore has no setting for more than the first of these options. https://github.com/boto/botocore/issues/2916
    client._endpoint.http_session._socket_options.extend(KEEP_ALIVE)

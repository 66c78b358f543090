"""boto3 clients for our own calls: one session for each container, a client when it is first asked for."""

from __future__ import annotations

from typing import Any

from boto3.session import Session
from botocore.config import Config

# A connection within a region takes milliseconds, an answer rarely a second. Three tries with these limits and the
# SDK's pauses end within 25 s: inside every time-out of ours, and soon enough for the caller to try otherwise.
# Every call of ours may be repeated; those that start jobs may not, and have clients of their own (triggers).
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
_CONFIG = Config(
    connect_timeout=2,  # seconds, as is the next
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
)


class Clients:
    """From a service's boto3 name to its client. Endpoints follow `AWS_ENDPOINT_URL*`, as boto3 itself does."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._made: dict[str, Any] = {}

    @property
    def session(self) -> Session:
        """The one session: a second would read the SDK's data once more."""
        self._session = self._session or Session()
        return self._session

    def __call__(self, service: str) -> Any:
        if service not in self._made:
            self._made[service] = self.session.client(service, config=_CONFIG)  # type: ignore[call-overload]
        return self._made[service]


clients = Clients()  # the container's; no session, client or connection until one is asked for

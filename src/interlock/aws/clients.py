"""boto3 clients: one session for each container, a client when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boto3.session import Session
from botocore.config import Config

# A connection within a region takes milliseconds and an answer rarely a second. Three tries with these limits and
# the SDK's pauses end within 25 s: inside every time-out of ours, and soon enough for the caller to try otherwise.
_CONNECT_SECONDS = 2
_ANSWER_SECONDS = 5
_TRIES = 3


class Clients:
    """From a service's boto3 name to its client. Endpoints follow `AWS_ENDPOINT_URL*`, as boto3 itself does.

    `tries=1` for services where a repeated call starts a second job: after a time-out the SDK would simply call
    again. `answer_seconds` names services whose calls last longer.
    """

    def __init__(self, *, tries: int = _TRIES, answer_seconds: Mapping[str, float] | None = None) -> None:
        self._tries, self._answer_seconds = tries, answer_seconds or {}
        self._session: Session | None = None
        self._made: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        if service not in self._made:
            self._session = self._session or Session()
            self._made[service] = self._session.client(service, config=self._config(service))  # type: ignore[call-overload]
        return self._made[service]

    def _config(self, service: str) -> Config:
        return Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=self._answer_seconds.get(service, _ANSWER_SECONDS),
            # https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
            retries={"mode": "standard", "total_max_attempts": self._tries},
        )


clients = Clients()  # the container's; no client, session or connection until one is asked for

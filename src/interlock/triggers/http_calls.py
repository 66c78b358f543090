"""What adapters need of HTTP: one request, one answer, and the only two ways to have none."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote, urlsplit

BODY_BYTES = 64 * 1024  # of an answer that only explains itself


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer: one that came to its end, or to the most that was asked for, or one that is no success."""

    status: int
    body: str = ""
    whole: bool = True  # False: there is more of it


class NotSent(Exception):
    """The request certainly never reached the target. `permanent`: trying again cannot help."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class AnswerLost(Exception):
    """The request may have reached the target, and its answer did not come back, or not all of it."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status  # of a success that broke off after saying so


class HttpCalls(Protocol):
    """`http_client` asks the network, the simulator its stand-ins."""

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: str | None,
        within_seconds: float,
        *,
        most_body_bytes: int = BODY_BYTES,
    ) -> HttpAnswer:
        """Raises `NotSent` or `AnswerLost`, whose messages name the host but neither query nor credentials."""


def basic_credentials(url: str) -> str | None:
    """The `Authorization` that user and password of a readable URL become."""
    parts = urlsplit(url)
    if parts.username is None:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()

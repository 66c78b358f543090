"""What adapters need of HTTP: one request, one answer, and the only two ways to have none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer: a whole one, or one that is no success."""

    status: int
    body: str = ""  # at most 64 KB of it


class NotSent(Exception):
    """The request certainly never reached the target. `permanent`: trying again cannot help."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class AnswerLost(Exception):
    """The request may have reached the target, and its answer did not come back, or not all of it."""


class HttpCalls(Protocol):
    """`http_client` asks the network, the simulator its stand-ins."""

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: str | None, within_seconds: float
    ) -> HttpAnswer:
        """Raises `NotSent` or `AnswerLost`, whose messages name the host but neither query nor credentials."""

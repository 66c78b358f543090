"""A Slack that keeps what it is sent: the transport under the real `alerts.slack`, and what reached the channel."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from urllib3.exceptions import ReadTimeoutError

from interlock.alerts.slack import SlackChannel
from interlock.domain.message import Alert
from interlock.ports import CallFailed
from interlock.simulation.history import History, Kind, Posted
from interlock.simulation.our_calls import OurCalls, current_invocation

_CALL = "slack.chat.postMessage"
_RETRY_AFTER_SECONDS = "30"
_STATUS = re.compile(r"[45][0-9][0-9]")
_RATE_LIMITED = frozenset({"429", "ratelimited", "rate_limited", "ThrottlingException"})


class SimulatedSlack:
    """The real channel over a transport of ours. Implements `ports.AlertChannel`."""

    def __init__(self, calls: OurCalls, history: History) -> None:
        self._calls, self._history = calls, history

    def send(self, alert: Alert, thread: str | None) -> str:
        channel = SlackChannel(
            lambda _: "xoxb-simulated",
            "C0000000000",
            "https://slack.invalid/api",
            # One for each: while a function is frozen at its request, another posts.
            _Transport(self._calls, self._history, alert),  # type: ignore[arg-type]  # of urllib3's pool it needs only `request`
        )
        return channel.send(alert, thread)


class _Transport:
    """Answers `chat.postMessage`; https://docs.slack.dev/reference/methods/chat.postMessage"""

    def __init__(self, calls: OurCalls, history: History, alert: Alert) -> None:
        self._calls, self._history, self._alert = calls, history, alert

    def request(self, _method: str, url: str, *, body: bytes, **_: Any) -> _Answer:
        try:
            with self._calls.calling(_CALL, self._alert.pipeline_id):
                return _Answer(200, {"ok": True, "ts": self._post(json.loads(body), self._alert)})
        except CallFailed as failure:
            return _failed(failure, url)

    def _post(self, message: Mapping[str, Any], alert: Alert) -> str:
        posted = self._history.posted
        reference = f"{int(self._history.now().timestamp())}.{len(posted) + 1:06}"
        thread = message.get("thread_ts")
        text = "\n".join((alert.text, *_texts(message)))
        posted.append(
            Posted(
                at=self._history.now(),
                thread=thread or reference,
                type=alert.type,
                pipeline_id=alert.pipeline_id,
                text=text,
                event_id=alert.event_id,
                order=self._history.stamp(),
                by=current_invocation(),
            )
        )
        where = f"in thread {thread}" if thread else "as a new thread"
        self._history.add(Kind.MESSAGE, f"{alert.title} ({where}): {alert.message}", alert.pipeline_id)
        return reference


def _texts(message: Mapping[str, Any]) -> list[str]:
    return [str(message.get("text", "")), *(str(block["text"]["text"]) for block in message["blocks"])]


def _failed(failure: CallFailed, url: str) -> _Answer:
    """A fault of the scenario, as Slack would show it: a time-out, a status, or an error of its own."""
    if failure.unknown_outcome:
        raise ReadTimeoutError(None, url, str(failure)) from None  # type: ignore[arg-type]  # no pool here
    if failure.code in _RATE_LIMITED:
        return _Answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": _RETRY_AFTER_SECONDS})
    if _STATUS.fullmatch(failure.code):
        return _Answer(int(failure.code), {})
    return _Answer(200, {"ok": False, "error": failure.code})


class _Answer:
    """What `alerts.post` reads of urllib3's response."""

    def __init__(
        self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        self.status, self.headers = status, dict(headers or {})
        self._body = json.dumps(body).encode()

    def read(self, _most: int, **_: Any) -> bytes:
        return self._body

    def close(self) -> None:
        """Nothing is open."""

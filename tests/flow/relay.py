"""Stands between the orchestrator and the emulated Step Functions: passes everything on, and can withhold an answer."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from triggers.loopback import Exchange, loopback

_SECONDS = 60


@dataclass
class Relay:
    """`towards` is the emulator's address, known only once it runs."""

    towards: str = ""
    url: str = ""
    _cuts: list[Callable[[], object]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cut_next_start(self, meanwhile: Callable[[], object]) -> None:
        """The next execution is started, then `meanwhile` is called, and the caller gets no answer."""
        with self._lock:
            self._cuts.append(meanwhile)

    def respond(self, exchange: Exchange) -> None:
        status, body, headers = self._passed_on(exchange)
        operation = exchange.received.headers.get("x-amz-target", "").rpartition(".")[2]
        meanwhile = self._cut() if operation == "StartExecution" and status == 200 else None
        if meanwhile is None:
            exchange.answer(status, body, **headers)
            return
        meanwhile()
        exchange.drop()

    def _cut(self) -> Callable[[], object] | None:
        with self._lock:
            return self._cuts.pop(0) if self._cuts else None

    def _passed_on(self, exchange: Exchange) -> tuple[int, bytes, dict[str, str]]:
        asked = exchange.received
        connection = http.client.HTTPConnection(self.towards.removeprefix("http://"), timeout=_SECONDS)
        try:
            connection.request(asked.method, asked.path, asked.body, asked.headers)
            answer = connection.getresponse()
            kind = answer.getheader("x-amzn-errortype")
            return answer.status, answer.read(), {"x-amzn-errortype": kind} if kind else {}
        finally:
            connection.close()


@contextmanager
def relay() -> Iterator[Relay]:
    between = Relay()
    with loopback(between.respond) as served:
        between.url = served.url
        yield between

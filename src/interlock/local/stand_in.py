"""A job service on 127.0.0.1: an HTTP server that speaks as the service does, so that the real adapters talk to it.

How a service speaks is its `Dialect`, one file each; what its jobs do is `job_services`.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from interlock.local.job_services import JobRun, JobRuns, LocalJob

Publish = Callable[[str, str, Mapping[str, Any]], None]  # source, detail-type, detail
# Method, path, query, headers and body of a request: the words in which AWS refuses it to its caller; None when it may.
Refuses = Callable[[str, str, str, Mapping[str, str], str], str | None]
_MOST_BYTES = 1024 * 1024  # of a request


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    steps: tuple[str, ...]  # of its path
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the service says to it, as JSON."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    starts_job: bool = False  # with the request a job was started


class Event(NamedTuple):
    """What a service publishes on the default bus."""

    source: str
    detail_type: str
    detail: Mapping[str, Any]


class Dialect(Protocol):
    """How one service speaks."""

    service: str  # as its calls are counted: `glue` for `glue.StartJobRun`

    def operation(self, asked: Asked) -> str:
        """The service's own name for what is asked of it."""

    def answer(self, operation: str, asked: Asked, runs: JobRuns) -> Answer: ...
    def end_event(self, run: JobRun) -> Event | None:
        """What is published when a run has ended; None where nothing is."""


class StandIn:
    """Serves from `start` (or `with`) until `stop`, on a free port."""

    def __init__(
        self,
        dialect: Dialect,
        jobs: dict[str, LocalJob],
        publish: Publish,
        refuses: Refuses = lambda *_: None,
    ) -> None:
        self.jobs = jobs  # by the name that the service has for each; more may be added at any time
        self._dialect, self._publish, self.refuses = dialect, publish, refuses
        self._runs = JobRuns(self.jobs, self._tell)
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._cuts: list[Callable[[], object]] = []
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and every run that is alive."""
        self._runs.stop_all()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def runs(self, job: str | None = None) -> list[JobRun]:
        """Every run so far, oldest first."""
        return self._runs.of(job)

    def calls(self) -> Counter[str]:
        """Requests so far, by `<service>.<Operation>`."""
        with self._lock:
            return Counter(self._calls)

    def cut_next_start(self, meanwhile: Callable[[], object]) -> None:
        """The next job is started, then `meanwhile` is called, and the caller gets no answer: the connection is cut."""
        with self._lock:
            self._cuts.append(meanwhile)

    def answer(self, asked: Asked) -> Answer | None:
        """None when the connection is to be cut."""
        operation = self._dialect.operation(asked)
        with self._lock:
            self._calls[f"{self._dialect.service}.{operation}"] += 1
        answer = self._dialect.answer(operation, asked, self._runs)
        return None if answer.starts_job and self._cut() else answer

    def _cut(self) -> bool:
        with self._lock:
            meanwhile = self._cuts.pop(0) if self._cuts else None
        if meanwhile is not None:
            meanwhile()
        return meanwhile is not None

    def _tell(self, run: JobRun) -> None:
        event = self._dialect.end_event(run)
        if event is not None:
            with suppress(OSError):  # the stack is ending, and nobody is left to tell
                self._publish(*event)


def aws_operation(asked: Asked) -> str:
    """The operation of a request in AWS JSON."""
    return asked.headers.get("x-amz-target", "").rpartition(".")[2]


def aws_refusal(name: str, message: str, status: int = HTTPStatus.BAD_REQUEST) -> Answer:
    """An error, in AWS JSON (its body says which) and in REST-JSON (a header does)."""
    # https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization
    return Answer(status, {"__type": name, "message": message}, {"x-amzn-errortype": name})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that dies in the middle of a call is no error of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(service: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            length = min(int(self.headers.get("Content-Length") or 0), _MOST_BYTES)
            url, body = urlsplit(self.path), self.rfile.read(length).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            refused = service.refuses(self.command, unquote(url.path), url.query, headers, body)
            asked = Asked(
                self.command,
                tuple(unquote(step) for step in url.path.strip("/").split("/")),
                dict(parse_qsl(url.query)),
                headers,
                json.loads(body or "{}"),
            )
            answer = aws_refusal("AccessDeniedException", refused) if refused else service.answer(asked)
            if answer is None:
                self.close_connection = True
                return
            told = json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = do_PATCH = do_DELETE = _take

        def log_message(self, format: str, *args: Any) -> None:
            """The functions' own logs tell of these calls."""

    return Handler

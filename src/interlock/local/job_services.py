"""A stand-in for AWS Glue on 127.0.0.1: its jobs take time, really work, succeed, fail or hang, and say so on the default bus.

It answers Glue's own protocol (AWS JSON 1.1), so the real adapter talks to it through boto3.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Arguments = Mapping[str, str]
Work = Callable[[Arguments, "JobRun"], None]  # raises when the job fails
Publish = Callable[[str, str, Mapping[str, Any]], None]  # source, detail-type, detail


class JobFailed(Exception):
    """Raised by a job's work: the run ends FAILED with this message."""


@dataclass(frozen=True)
class LocalJob:
    """One Glue job: what it does, and how many of its runs may be alive at once."""

    work: Work
    most_at_once: int = 1000


@dataclass
class JobRun:
    """One run, as GetJobRun tells of it. `stop` is set when somebody stops it; a job that takes time looks at it."""

    id: str
    job: str
    arguments: Arguments
    started_at: float  # epoch seconds
    state: str = "RUNNING"
    error: str | None = None
    ended_at: float | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    def sleep(self, seconds: float) -> None:
        """Take time, unless the run is stopped meanwhile."""
        if self.stop.wait(seconds):
            raise JobFailed("stopped")


class GlueStandIn:
    """Serves from `start` (or `with`) until `stop`, on a free port."""

    def __init__(self, jobs: Mapping[str, LocalJob], publish: Publish) -> None:
        self.jobs = dict(jobs)
        self._publish = publish
        self._lock = threading.Lock()
        self._runs: dict[str, JobRun] = {}  # in the order of their start
        self._calls: Counter[str] = Counter()
        self._cuts: list[Callable[[], object]] = []
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """What `AWS_ENDPOINT_URL_GLUE` is set to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and every run that is alive."""
        for run in self.runs():
            run.stop.set()
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
        with self._lock:
            return [run for run in self._runs.values() if job in (None, run.job)]

    def calls(self) -> Counter[str]:
        """Requests so far, by `glue.<Operation>`."""
        with self._lock:
            return Counter(self._calls)

    def cut_next_start(self, meanwhile: Callable[[], object]) -> None:
        """The next job is started, then `meanwhile` is called, and the caller gets no answer: the connection is cut."""
        with self._lock:
            self._cuts.append(meanwhile)

    def cut(self) -> bool:
        """Whether the start that was just made goes unanswered."""
        with self._lock:
            meanwhile = self._cuts.pop(0) if self._cuts else None
        if meanwhile is not None:
            meanwhile()
        return meanwhile is not None

    def answer(self, operation: str, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body of one of Glue's operations."""
        with self._lock:
            self._calls[f"glue.{operation}"] += 1
        known = {
            "StartJobRun": self._start,
            "GetJobRuns": self._get_runs,
            "GetJobRun": self._get_run,
            "BatchStopJobRun": self._stop,
        }
        if operation not in known:
            return _error("InvalidInputException", f"this stand-in knows {', '.join(known)}, not {operation}")
        job = str(request.get("JobName"))
        if job not in self.jobs:
            return _error("EntityNotFoundException", f"Job {job} is not found")
        return known[operation](job, request)

    def _get_runs(self, job: str, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        newest_first = list(reversed(self.runs(job)))[: int(request.get("MaxResults", 200))]
        return 200, {"JobRuns": [_described(run) for run in newest_first]}

    def _get_run(self, _: str, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        run = self._runs.get(str(request.get("RunId")))
        if run is None:
            return _error("EntityNotFoundException", "the run is not found")
        return 200, {"JobRun": _described(run)}

    def _start(self, job: str, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        with self._lock:
            alive = [run for run in self._runs.values() if run.job == job and run.ended_at is None]
            if len(alive) >= self.jobs[job].most_at_once:
                return _error("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {job}")
            run = JobRun(
                f"jr_{len(self._runs) + 1:06d}", job, dict(request.get("Arguments") or {}), time.time()
            )
            self._runs[run.id] = run
        threading.Thread(target=self._work, args=(run,), daemon=True).start()
        return 200, {"JobRunId": run.id}

    def _work(self, run: JobRun) -> None:
        state, error = "SUCCEEDED", None
        try:
            self.jobs[run.job].work(run.arguments, run)
        except JobFailed as failure:
            state, error = "STOPPED" if run.stop.is_set() else "FAILED", str(failure)
        except Exception as failure:  # noqa: BLE001  whatever a job's own code raises is its failure
            state, error = "FAILED", f"{type(failure).__name__}: {failure}"
        run.error, run.ended_at, run.state = error, time.time(), state
        # https://docs.aws.amazon.com/glue/latest/dg/automating-awsglue-with-cloudwatch-events.html
        detail = {
            "jobName": run.job,
            "jobRunId": run.id,
            "state": state,
            "message": error or "Job run succeeded",
        }
        severity = {"SUCCEEDED": "INFO", "STOPPED": "INFO"}.get(state, "ERROR")
        with suppress(OSError):  # the stack is ending, and nobody is left to tell
            self._publish("aws.glue", "Glue Job State Change", detail | {"severity": severity})

    def _stop(self, job: str, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        successful, errors = [], []
        for run_id in request.get("JobRunIds") or []:
            run = self._runs.get(run_id)
            if run is None or run.ended_at is not None:
                detail = {
                    "ErrorCode": "JobRunNotInTerminalStateException",
                    "ErrorMessage": "the run has ended",
                }
                errors.append({"JobName": job, "JobRunId": run_id, "ErrorDetail": detail})
                continue
            run.stop.set()
            successful.append({"JobName": job, "JobRunId": run_id})
        return 200, {"SuccessfulSubmissions": successful, "Errors": errors}


def _described(run: JobRun) -> dict[str, Any]:
    described: dict[str, Any] = {
        "Id": run.id,
        "JobName": run.job,
        "JobRunState": run.state,
        "Arguments": dict(run.arguments),
        "StartedOn": run.started_at,
    }
    described |= {"ErrorMessage": run.error} if run.error else {}
    return described | ({"CompletedOn": run.ended_at} if run.ended_at else {})


def _error(name: str, message: str) -> tuple[int, dict[str, Any]]:
    return 400, {"__type": name, "Message": message}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that dies in the middle of a call is no error of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(service: GlueStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length") or 0), 1024 * 1024)
            operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            status, answer = service.answer(operation, json.loads(self.rfile.read(length) or b"{}"))
            if operation == "StartJobRun" and status == HTTPStatus.OK and service.cut():
                self.close_connection = True
                return
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """The functions' own logs tell of these calls."""

    return Handler

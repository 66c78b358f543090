"""Targets of jobs that are no AWS service: HTTP endpoints, and the machine that commands run on. Nothing is really run."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from interlock.domain.run import FailureCategory
from interlock.ports import CallFailed
from interlock.simulation.invocations import TIMER
from interlock.simulation.job_services import (
    Job,
    JobServices,
    Refused,
    no_one,
    pipeline_being_started,
    type_of_job_called_for,
)
from interlock.simulation.our_calls import OurCalls
from interlock.simulation.scenario import JobResult
from interlock.simulation.waiting import answer_at
from interlock.triggers.http_calls import BODY_BYTES, AnswerLost, HttpAnswer, HttpCalls, NotSent
from interlock.triggers.processes import Ended

_STATUS = re.compile(r"[1-5][0-9][0-9]")
# A scenario may name any service's errors for any type of job: what each would be in the words of HTTP.
_STATUS_OF_ERROR = (
    (re.compile("Thrott|TooMany|Limit|Exceeded|Concurrent"), 429),
    (re.compile("NotFound|DoesNotExist|NoSuch"), 404),
    (re.compile("Denied|Unauthorized|Forbidden"), 403),
    (re.compile("Internal|Unavailable|Server"), 503),
)


class HttpByJobType:
    """What each adapter reaches over HTTP: a target of its own. Implements `triggers.http_calls.HttpCalls`."""

    def __init__(self, targets: Mapping[str, HttpCalls]) -> None:
        self._targets = targets

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
        target = self._targets[type_of_job_called_for()]
        return target.request(method, url, headers, body, within_seconds, most_body_bytes=most_body_bytes)


class HttpTargets:
    """Any endpoint. Implements `triggers.http_calls.HttpCalls`."""

    def __init__(self, jobs: JobServices, calls: OurCalls, call_back: Callable[[Job], None]) -> None:
        self._jobs, self._calls, self._call_back = jobs, calls, call_back

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: str | None,
        within_seconds: float,
        *,
        most_body_bytes: int = BODY_BYTES,  # noqa: ARG002  what is answered here is short
    ) -> HttpAnswer:
        config = {"url": url, "method": method, "headers": dict(headers), "body": _parsed(body)}
        try:
            with self._calls.calling("http.request", pipeline_being_started()):
                return self._answer(config, within_seconds)
        except CallFailed as failure:
            return _failed(failure)

    def _answer(self, config: Mapping[str, Any], within_seconds: float) -> HttpAnswer:
        try:
            job = self._jobs.repeated("http") or self._jobs.begin("http", config, self._tell)
        except Refused as refused:
            return HttpAnswer(status_of_error(str(refused), 400), f"refused: {refused}")
        if job.request.config.get("callback"):
            return HttpAnswer(202)
        clock = self._jobs.clock
        gives_up_at = clock.now() + timedelta(seconds=within_seconds)
        answer_at(clock, gives_up_at if job.ends_at is None else min(job.ends_at, gives_up_at))
        if not job.has_ended(clock.now()):
            raise AnswerLost(f"no answer within {within_seconds:.0f} s")
        clock.give_way(TIMER)  # the job's own report was written before the target answered
        return _answer_of(job)

    def _tell(self, job: Job) -> None:
        if job.request.config.get("callback"):
            self._call_back(job)


def _answer_of(job: Job) -> HttpAnswer:
    play = job.play
    if play.answer is not None:
        status = play.answer.get("statusCode", 200)
        return HttpAnswer(status if isinstance(status, int) else 200, json.dumps(play.answer))
    if play.result is JobResult.SUCCEED:
        return HttpAnswer(200, "{}")
    lasting = play.category is FailureCategory.PERMANENT
    return HttpAnswer(400 if lasting else 500, play.error or "the job failed")


def _failed(failure: CallFailed) -> HttpAnswer:
    """A fault of the scenario, as a target would show it."""
    return HttpAnswer(status_of_fault(failure, {}), str(failure))


def status_of_fault(failure: CallFailed, known: Mapping[str, int]) -> int:
    """What a fault of the scenario is answered with, `known` being the service's own errors; raises where nobody answers."""
    if failure.unknown_outcome:
        raise AnswerLost(str(failure)) from None
    status = known.get(failure.code) or status_of_error(failure.code, 0)
    if not status:
        raise NotSent(str(failure), permanent=False) from None
    return status


def status_of_error(error: str, otherwise: int) -> int:
    """An HTTP status for an error by its name."""
    if _STATUS.fullmatch(error):
        return int(error)
    found = (status for pattern, status in _STATUS_OF_ERROR if pattern.search(error))
    return next(found, otherwise)


def _parsed(body: str | None) -> Any:
    try:
        return None if body is None else json.loads(body)
    except ValueError:
        return body


class Machine:
    """Implements `triggers.processes.Processes`."""

    def __init__(self, jobs: JobServices) -> None:
        self._jobs = jobs

    def start(self, argv: Sequence[str], environment: Mapping[str, str]) -> Process:
        config = {"command": list(argv), "environment": dict(environment)}
        try:
            job = self._jobs.repeated("command") or self._jobs.begin("command", config, no_one)
        except Refused as refused:
            passing = status_of_error(str(refused), 404) in (429, 503)
            raise OSError(errno.EAGAIN if passing else errno.ENOENT, str(refused)) from None
        return Process(self._jobs, job)

    def end(self, pid: int, started_at: str) -> None:
        for job in self._jobs.jobs:
            if job.service == "command" and (job.number, _instant(job)) == (pid, started_at):
                self._jobs.stop(job)


class Process:
    """Implements `triggers.processes.RunningProcess`."""

    def __init__(self, jobs: JobServices, job: Job) -> None:
        self._jobs, self._job = jobs, job
        self.pid, self.started_at = job.number, _instant(job)

    def wait(self, seconds: float) -> Ended:
        job, clock = self._job, self._jobs.clock
        gives_up_at = clock.now() + timedelta(seconds=seconds)
        answer_at(clock, gives_up_at if job.ends_at is None else min(job.ends_at, gives_up_at))
        if not job.has_ended(clock.now()):
            self._jobs.stop(job)
            return Ended(None)
        clock.give_way(TIMER)  # the job's own report was written before the process ended
        if job.stopped:
            return Ended(-15)
        if job.play.answer is not None and isinstance(job.play.answer.get("exitCode"), int):
            return Ended(job.play.answer["exitCode"], job.play.error or "")
        return Ended(0 if job.play.result is JobResult.SUCCEED else 1, job.play.error or "")


def _instant(job: Job) -> str:
    return job.record.started_at.isoformat()

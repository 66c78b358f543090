"""The job services of the outside world: each real start, how it goes on, and what is said of its end.

The adapters are the real ones; what they reach (`job_clients`, `job_targets`) starts, asks and stops jobs here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from interlock.domain.run import FailureCategory, JobEnd, Outcome
from interlock.ports import JobRequest, JobTrigger, StartedJob, Triggers
from interlock.simulation.clock import VirtualClock
from interlock.simulation.history import History, Kind, RemoteJob
from interlock.simulation.invocations import TIMER
from interlock.simulation.scenario import JobPlay, JobResult

_DEFAULT_PLAY = (JobPlay(),)


@dataclass(frozen=True, slots=True)
class _Calling:
    """An adapter at work."""

    job_type: str
    request: JobRequest | None = None  # what it is to start


_calling: ContextVar[_Calling | None] = ContextVar("calling", default=None)


class Refused(Exception):
    """The service refuses the start, with this error of its own."""


@dataclass(slots=True, eq=False)
class Job:
    """One job at its service."""

    service: str
    number: int
    name: str  # what the service calls it
    request: JobRequest
    play: JobPlay
    record: RemoteJob
    ends_at: datetime | None  # None: never
    stopped: bool = False

    def has_ended(self, now: datetime) -> bool:
        return self.stopped or (self.ends_at is not None and now >= self.ends_at)


# Tells whoever listens that a job has ended: the service's state-change event, a callback.
Tell = Callable[[Job], None]


@dataclass(slots=True)
class JobServices:
    """All services together: what a pipeline's next start does is counted across them."""

    clock: VirtualClock
    history: History
    plays: Mapping[str, tuple[JobPlay, ...]]
    report: Tell  # the job writes a `JOB#` record of its own
    started: Tell  # whoever writes down what really started
    jobs: list[Job] = field(default_factory=list)
    _used: dict[str, int] = field(default_factory=dict)

    def begin(
        self,
        service: str,
        config: Mapping[str, Any],
        tell: Tell,
        name: str | None = None,
    ) -> Job:
        """A start takes effect; raises `Refused`. `config` is what the service received."""
        request = _request()
        play = self._next_play(request.key.pipeline_id)
        pipeline = request.key.pipeline_id
        if play.refuse is not None:
            self.history.add(Kind.JOB, f"{service} refuses to start a job: {play.refuse}", pipeline)
            raise Refused(play.refuse)
        now = self.clock.now()
        record = RemoteJob(pipeline, now, {**request.config, **config})
        number = len(self.jobs) + 1
        job = Job(
            service,
            number,
            name or f"{service}-{number:04}",
            request,
            play,
            record,
            ends_at=None if play.result is JobResult.NEVER else now + play.after,
        )
        self.jobs.append(job)
        self.history.started(record)
        self.started(job)
        self.history.add(Kind.JOB, f"{service} starts {job.name}, attempt {request.attempt}", pipeline)
        if job.ends_at is not None:
            self.clock.at(job.ends_at, TIMER, lambda: self._end(job, tell))
        return job

    def repeated(self, service: str) -> Job | None:
        """The job that this start asks for again, at a target that takes one start twice."""
        request = _request()
        same = (job for job in self.jobs if job.service == service and job.request.run_id == request.run_id)
        return next(same, None) if request.idempotent else None

    def stop(self, job: Job) -> bool:
        """Whether there was something to stop."""
        now = self.clock.now()
        if job.has_ended(now):
            return False
        job.stopped, job.record.cancelled, job.record.ended_at = True, True, now
        self.history.add(Kind.JOB, f"{job.service} stops {job.name}", job.record.pipeline_id)
        return True

    def _next_play(self, pipeline_id: str) -> JobPlay:
        plays = self.plays.get(pipeline_id, _DEFAULT_PLAY)
        used = self._used.get(pipeline_id, 0)
        self._used[pipeline_id] = used + 1
        return plays[min(used, len(plays) - 1)]

    def _end(self, job: Job, tell: Tell) -> None:
        if job.stopped:
            return
        job.record.ended_at = self.clock.now()
        job.record.succeeded = job.play.result is JobResult.SUCCEED and job.play.state is None
        self.history.add(Kind.JOB, f"{job.name} ends: {_how(job.play)}", job.record.pipeline_id)
        if job.play.state is not None:
            return  # a state that nobody knows ends nothing for anybody who listens
        # AWS services know no category and no figures of ours: the job says so itself, before its service notices.
        says_why = job.play.category is not None and job.play.sends_event
        if job.play.report or says_why:
            self.report(job)
        if job.play.sends_event:
            job.record.announced = True
            tell(job)


def no_one(job: Job) -> None:
    """The answer itself tells whoever waits for it."""


def end_of(play: JobPlay) -> JobEnd:
    """How a job says that it ended."""
    if play.result is JobResult.SUCCEED:
        return JobEnd.SUCCESS
    return JobEnd.TIMEOUT if play.category is FailureCategory.TIMEOUT else JobEnd.FAIL


def _how(play: JobPlay) -> str:
    if play.state is not None:
        return f"in the state {play.state}"
    return f"{end_of(play)}{': ' + play.error if play.error else ''}"


class PlayedTriggers:
    """The real adapters, noting which of them calls, and to start what. Implements `ports.Triggers`."""

    def __init__(self, real: Triggers) -> None:
        self._real = real

    def of_type(self, job_type: str) -> JobTrigger:
        return _PlayedTrigger(job_type, self._real.of_type(job_type))


class _PlayedTrigger(JobTrigger):
    def __init__(self, job_type: str, real: JobTrigger) -> None:
        self._job_type, self._real = job_type, real
        self.publishes_end, self.can_be_asked = real.publishes_end, real.can_be_asked
        self.asked_with = real.asked_with

    def find(self, request: JobRequest) -> StartedJob | None:
        with _noted(_Calling(self._job_type, request)):
            return self._real.find(request)

    def start(self, request: JobRequest) -> StartedJob:
        with _noted(_Calling(self._job_type, request)):
            return self._real.start(request)

    def status(self, handle: Mapping[str, Any]) -> Outcome | None:
        with _noted(_Calling(self._job_type)):
            return self._real.status(handle)

    def cancel(self, handle: Mapping[str, Any]) -> None:
        with _noted(_Calling(self._job_type)):
            self._real.cancel(handle)

    def disproof(self, handle: Mapping[str, Any]) -> str | None:
        with _noted(_Calling(self._job_type)):
            return self._real.disproof(handle)


@contextmanager
def _noted(calling: _Calling) -> Iterator[None]:
    before = _calling.get()
    _calling.set(calling)
    try:
        yield
    finally:
        _calling.set(before)


def _request() -> JobRequest:
    request = _at_work().request
    assert request is not None, "a service is asked to start a job by `start` alone"
    return request


def _at_work() -> _Calling:
    calling = _calling.get()
    assert calling is not None, "services are reached through the adapters alone"
    return calling


def type_of_job_called_for() -> str:
    """Which type of job the adapter that calls is for."""
    return _at_work().job_type


def pipeline_being_started() -> str | None:
    """Whose job a service is being called for."""
    calling = _calling.get()
    return None if calling is None or calling.request is None else calling.request.key.pipeline_id

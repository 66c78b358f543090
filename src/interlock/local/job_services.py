"""What all stand-ins for job services have: jobs that take time, really work, and succeed, fail or hang until stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

Arguments = Mapping[str, Any]  # what the start gave to the job, in its service's form
Work = Callable[[Arguments, "JobRun"], None]  # raises when the job fails


class JobFailed(Exception):
    """Raised by a job's work: the run fails with this message."""


class TooManyRuns(Exception):
    """As many runs of the job are alive as may be."""


class RunState(StrEnum):
    """How a run goes; each service has words of its own for these."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    STOPPED = "STOPPED"  # before its end, because somebody asked for it


@dataclass(frozen=True)
class LocalJob:
    """One job: what it does, and how many of its runs may be alive at once."""

    work: Work
    most_at_once: int = 1000


@dataclass
class JobRun:
    """One run, as its service tells of it. `stop` is set when somebody stops it; a job that takes time looks at it."""

    id: str
    job: str
    arguments: Arguments
    started_at: float  # epoch seconds
    state: RunState = RunState.RUNNING
    error: str | None = None
    ended_at: float | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    token: str | None = None  # by which the service recognises a repeated start

    @property
    def is_alive(self) -> bool:
        return self.ended_at is None

    def sleep(self, seconds: float) -> None:
        """Take time, unless the run is stopped meanwhile."""
        if self.stop.wait(seconds):
            raise JobFailed("stopped")


class Begun(NamedTuple):
    """What a start led to."""

    run: JobRun
    is_new: bool  # False: the token was known, and this is the run that it started


class JobRuns:
    """The runs of one service, each at work on a thread of its own; `ended` hears of each end."""

    def __init__(self, jobs: Mapping[str, LocalJob], ended: Callable[[JobRun], None]) -> None:
        self._jobs, self._ended = jobs, ended
        self._lock = threading.Lock()
        self._runs: list[JobRun] = []  # in the order of their start

    def knows(self, job: str) -> bool:
        return job in self._jobs

    def of(self, job: str | None = None) -> list[JobRun]:
        """The runs of a job, or all; oldest first."""
        with self._lock:
            return [run for run in self._runs if job in (None, run.job)]

    def find(self, run_id: str, job: str | None = None) -> JobRun | None:
        return next((run for run in self.of(job) if run.id == run_id), None)

    def begin(
        self, job: str, arguments: Arguments, name: Callable[[int], str], token: str | None = None
    ) -> Begun:
        """Start a run, named by its number from 1; raises `TooManyRuns`."""
        with self._lock:
            same = [run for run in self._runs if token is not None and (run.job, run.token) == (job, token)]
            if same:
                return Begun(same[0], is_new=False)
            if sum(run.is_alive for run in self._runs if run.job == job) >= self._jobs[job].most_at_once:
                raise TooManyRuns(job)
            run = JobRun(name(len(self._runs) + 1), job, arguments, time.time(), token=token)
            self._runs.append(run)
        threading.Thread(target=self._work, args=(run, self._jobs[job].work), daemon=True).start()
        return Begun(run, is_new=True)

    def stop_all(self) -> None:
        for run in self.of():
            run.stop.set()

    def _work(self, run: JobRun, work: Work) -> None:
        state, error = RunState.SUCCEEDED, None
        try:
            work(run.arguments, run)
        except JobFailed as failure:
            state, error = RunState.STOPPED if run.stop.is_set() else RunState.FAILED, str(failure)
        except Exception as failure:  # noqa: BLE001  whatever a job's own code raises is its failure
            state, error = RunState.FAILED, f"{type(failure).__name__}: {failure}"
        run.error, run.state = error, state
        run.ended_at = time.time()
        self._ended(run)

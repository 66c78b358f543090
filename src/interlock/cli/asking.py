"""Asking for reruns from the command line, and following what becomes of them: shared by `rerun` and `backfill`."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from interlock.aws.control_table import DynamoControlTable
from interlock.aws.pipeline_rows import Dates, PipelineRows
from interlock.cli.cloud import Cloud, WrongUsage
from interlock.domain.announcement import first_reasons
from interlock.domain.backfill import Standing
from interlock.domain.pipeline import Pipeline
from interlock.domain.plain_text import one_line
from interlock.domain.run import Run, RunKey, RunStatus
from interlock.ports import Lost


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as a command sees it; a test sets it by hand."""

    now: Callable[[], datetime]
    sleep: Callable[[float], None]


def real_clock() -> Clock:
    import time

    return Clock(lambda: datetime.now(UTC), time.sleep)


POLL_SECONDS = 3.0
SLOW_TO_DECIDE = 60  # seconds: then something is amiss


def person() -> str:
    """Who sits at this terminal, as far as the machine knows."""
    try:
        return one_line(getpass.getuser(), 40)
    except (OSError, KeyError, ImportError):  # a container without such a user
        return "somebody"


def pipeline_of(cloud: Cloud, pipeline_id: str) -> Pipeline:
    """Raises `WrongUsage` when the environment has no such pipeline."""
    pipeline = DynamoControlTable(cloud.control).pipeline(pipeline_id) if pipeline_id else None
    if pipeline is None:
        where = f"in {cloud.environment}"
        raise WrongUsage(
            f"there is no pipeline {one_line(pipeline_id, 80)!r} {where}; its id is in its YAML file"
        )
    return pipeline


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was put, and the run as it stood before."""

    key: RunKey
    last_request: str | None  # that the run's row named then


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a request by now."""

    standing: Standing
    reason: str
    run: Run | None


_OBSERVED = "it would run, but the pipeline only observes (dryRun): nothing was started"


class Desk:
    """Puts a pipeline's requests and looks after them. Nothing is remembered but what stands in the tables."""

    def __init__(self, cloud: Cloud, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.control = DynamoControlTable(cloud.control)
        self.rows = PipelineRows(cloud.control, cloud.joblog, cloud.rerun)

    def ask(self, key: RunKey, reason: str, requested_by: str, *, force: bool) -> Asked | None:
        """None while another request for this date waits to be decided."""
        run = self.control.run(key)
        asked = Asked(key, run.last_request if run else None)
        try:
            self.rows.ask(key, reason, requested_by, force=force)
        except Lost:
            return None
        return asked

    def look(self, asked: Asked) -> Found:
        if self.rows.request(asked.key) is not None:
            return Found(Standing.ASKED, "its request waits to be decided", None)
        run = self.control.run(asked.key)
        if run is None or run.last_request == asked.last_request:
            return self._not_opened(asked.key, run)
        if self.pipeline.dry_run:
            return Found(Standing.SUCCEEDED, _OBSERVED, run)
        return _standing(run)

    def look_again(self, key: RunKey, mark: str) -> Found:
        """At a request that an earlier command put, `mark` in its `requestedBy`: whether it was accepted stands in the log."""
        if self.rows.request(key) is not None:
            return Found(Standing.ASKED, "its request waits to be decided", None)
        run = self.control.run(key)
        accepted = self.rows.reruns(Dates(key.pipeline_id, key.schedule_id, key.date, key.date))
        if run is not None and any(row.key == key and mark in row.requested_by for row in accepted):
            return _standing(run)
        return self._not_opened(key, run)

    def _not_opened(self, key: RunKey, run: Run | None) -> Found:
        answer = self.rows.answer(key)
        if "decision" in answer:
            return Found(Standing.SUCCEEDED, _OBSERVED, run)
        return Found(Standing.REFUSED, str(answer.get("why") or "the request was refused"), run)


def _standing(run: Run) -> Found:
    """Of a run that was opened by request."""
    if run.status is RunStatus.SUCCEEDED:
        return Found(Standing.SUCCEEDED, f"succeeded at attempt {run.attempt}", run)
    if run.status in (RunStatus.WAITING, RunStatus.RUNNING):
        return Found(Standing.OPEN, _what_it_does(run), run)
    return Found(Standing.FAILED, f"{run.status}{_because(run)}", run)


def _what_it_does(run: Run) -> str:
    if run.status is RunStatus.RUNNING:
        return f"its job runs (attempt {run.attempt})"
    return f"it waits{_because(run)}"


def _because(run: Run) -> str:
    unmet = [verdict for verdict in run.verdicts if not verdict.holds]
    if run.status is RunStatus.FAILED and run.outcome is not None and run.outcome.error:
        return f": {one_line(run.outcome.error, 200)}"
    if run.status in (RunStatus.WAITING, RunStatus.EXPIRED) and unmet:
        return f": {one_line(first_reasons(unmet), 300)}"
    return ""

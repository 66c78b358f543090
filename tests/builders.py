"""Complete examples of the domain's values: a test names only what matters to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.domain.pipeline import (
    Check,
    Job,
    JobType,
    Match,
    Pipeline,
    PostRun,
    Rule,
    RuleNode,
    Schedule,
    Sla,
    Trigger,
    Validation,
)
from interlock.domain.run import Run, RunKey, RunStatus, StartIntent, opened
from interlock.domain.sensor import Reading


def a_rule(
    check: str = "gte", value: Any = 1000, field: str | None = "count", key: str = "row-count"
) -> Rule:
    """At least 1000 rows, unless said otherwise. `exists` wants no value."""
    return Rule(key, Check(check), field, None if check == "exists" else value)


def a_trigger(**changes: Any) -> Trigger:
    """`upstream-complete` says `status: ready`."""
    rule = a_rule("equals", "ready", "status", "upstream-complete")
    return Trigger(**{"rule": rule, **changes})


def a_pipeline(
    *,
    id: str = "gold-revenue",
    rules: Sequence[RuleNode] = (),
    match: Match = Match.ALL,
    job: Job | None = None,
    sla: Sla | None = None,
    post_run: PostRun | None = None,
    dry_run: bool = False,
    **schedule: Any,
) -> Pipeline:
    """A Glue job in UTC; further names are those of `Schedule`, which has a trigger unless it has a cron."""
    if "cron" not in schedule:
        schedule.setdefault("trigger", a_trigger())
    return Pipeline(
        id=id,
        job=job or Job(JobType.GLUE, {"jobName": f"{id}-etl"}),
        schedule=Schedule(**schedule),
        owner="analytics",
        validation=Validation(match, tuple(rules)),
        sla=sla,
        post_run=post_run,
        dry_run=dry_run,
    )


def a_reading(
    values: dict[str, Any] | None = None,
    key: str = "row-count",
    *,
    period: str | None = None,
    updated_at: datetime | None = None,
) -> Reading:
    """1000 rows, of no period, updated never."""
    return Reading(key, period, {"count": 1000} if values is None else values, updated_at, key)


def at(text: str) -> datetime:
    """The UTC instant that the text writes: `2026-03-04T10:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


OPENED_AT = at("2026-03-02T08:00")


def a_key(pipeline_id: str = "gold-revenue", schedule_id: str = "stream", date: str = "2026-03-02") -> RunKey:
    return RunKey(pipeline_id, schedule_id, date)


def a_run(status: str = "WAITING", *, key: RunKey | None = None, **changes: Any) -> Run:
    """Opened at 08:00 for an hour, its execution confirmed; when it runs, its Glue job may take until 12:10."""
    run = replace(
        opened(key or a_key(), "trigger", OPENED_AT, timedelta(hours=1)),
        status=RunStatus(status),
        confirmed=True,
    )
    running = {
        "job_type": "glue",
        "handle": {"jobName": "gold-revenue-etl", "runId": "jr_1"},
        "remote_id": "jr_1",
        "started_at": at("2026-03-02T08:10"),
        "job_ends_by": at("2026-03-02T12:10"),
    }
    return replace(run, **({**running, **changes} if status == "RUNNING" else changes))


def an_intent(attempt: int, began_at: datetime, **changes: Any) -> StartIntent:
    """To start the job of `a_pipeline`."""
    known: dict[str, Any] = {"job_type": "glue", "config": '{"jobName":"gold-revenue-etl"}'}
    return StartIntent(attempt, began_at, **(known | changes))

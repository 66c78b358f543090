"""Gather what the tables say about one execution date, and explain why it did or did not run. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches

from interlock.config_ports import ConfigFile, ConfigLedger
from interlock.domain.bad_input import BadInput
from interlock.domain.explain import explain, runs_text
from interlock.domain.explanation import Explanation, Situation
from interlock.domain.pipeline import Pipeline
from interlock.domain.pool import limits_of, ticket_of
from interlock.domain.promise import Promise, PromiseKind
from interlock.domain.readiness import RuleVerdict, trigger_holds
from interlock.domain.run import Run, RunKey, RunStatus
from interlock.domain.schedule import (
    calendar_date,
    calendar_names,
    current_date,
    exclusion_reason,
    expected_date,
    first_expected,
)
from interlock.domain.sensor import candidate_keys, select_reading
from interlock.domain.slot_wording import why_waiting
from interlock.ports import ControlTable
from interlock.steps.read_readiness import read_readiness

SCHEDULES = ("cron", "stream")
_MOST_OTHERS = 5
_MOST_NEAR = 5


@dataclass(frozen=True, slots=True)
class NothingToExplain:
    """There is no such pipeline, or what is stored of it cannot be read."""

    pipeline_id: str
    reason: str  # what follows the pipeline's id
    near: tuple[str, ...] = ()  # ids that are meant perhaps


def explain_run(
    pipeline_id: str,
    date: str | None,
    schedule_id: str | None,
    control: ControlTable,
    ledger: ConfigLedger,
    now: datetime,
) -> Explanation | NothingToExplain:
    """`date` None: the current one. `ValueError` if it is no execution date."""
    if date is not None:
        calendar_date(date)
    files = ledger.files()
    try:
        pipeline = control.pipeline(pipeline_id)
    except BadInput as problem:
        return NothingToExplain(pipeline_id, f"has a config that cannot be read: {problem}")
    if pipeline is None:
        return _unknown(pipeline_id, date or f"{now:%Y-%m-%d}", files, control)
    key = RunKey(pipeline_id, schedule_id or pipeline.schedule_id, date or current_date(pipeline, now))
    try:
        return explain(_situation(pipeline, key, files, control, now))
    except BadInput as problem:
        return NothingToExplain(pipeline_id, f"{key.date} has a row that cannot be read: {problem}")


def _situation(
    pipeline: Pipeline, key: RunKey, files: Iterable[ConfigFile], control: ControlTable, now: datetime
) -> Situation:
    names = calendar_names(pipeline)
    calendars = control.calendars(names) if names else {}
    run, readiness = read_readiness(pipeline, key, control, now)
    config = control.config(pipeline.id)
    due = {due.key: due.due_at for due in control.due_runs_of(pipeline.id)}
    return Situation(
        pipeline=pipeline,
        key=key,
        now=now,
        run=run,
        readiness=readiness,
        trigger=_trigger(pipeline, key, control, now) if run is None else None,
        excluded=exclusion_reason(pipeline, key.date, calendars),
        expected=expected_date(pipeline, key.date, calendars),
        following=first_expected(pipeline, now, calendars),
        promises=_promises(key, control),
        look_at=due.get(key),
        baseline=control.baseline(key) if run is not None else None,
        loaded_at=config.loaded_at if config is not None else None,
        refused_file=_refused(config.source, files) if config is not None else None,
        slot_awaited=_slot_awaited(run, pipeline, control) if run is not None else None,
        others=_others(key, control) if run is None else (),
    )


def _slot_awaited(run: Run, pipeline: Pipeline, control: ControlTable) -> str | None:
    """The first limit in whose queue it stands."""
    if run.status is not RunStatus.WAITING:
        return None
    for limit in limits_of(pipeline):
        pool = control.pool(limit.pool)
        if pool.ahead_of(ticket_of(run)) is not None:
            return why_waiting(run, limit, pool)
    return None


def _trigger(pipeline: Pipeline, key: RunKey, control: ControlTable, now: datetime) -> RuleVerdict | None:
    trigger = pipeline.schedule.trigger
    if trigger is None:
        return None
    _, found = control.snapshot(key, candidate_keys(trigger.rule.key, key.date))
    return trigger_holds(trigger.rule, select_reading(trigger.rule.key, key.date, found), now)


def _promises(key: RunKey, control: ControlTable) -> Mapping[PromiseKind, Promise]:
    rows = {kind: control.promise_of(kind, key) for kind in PromiseKind}
    return {kind: row for kind, row in rows.items() if row is not None}


def _refused(source: str, files: Iterable[ConfigFile]) -> str | None:
    return next((file.source for file in files if file.source == source and not file.valid), None)


def _others(key: RunKey, control: ControlTable) -> tuple[Run, ...]:
    """The same date under the other schedule, else the latest runs near this date: of its day, its month, the one before."""
    day = calendar_date(key.date)
    before = day.replace(day=1) - timedelta(days=1)
    for prefix in (f"{day}", f"{day:%Y-%m}", f"{before:%Y-%m}"):
        found = [run for schedule in SCHEDULES for run in _runs(key.pipeline_id, schedule, prefix, control)]
        if found:
            return tuple(sorted(found, key=_date_of, reverse=True)[:_MOST_OTHERS])
    return ()


def _date_of(run: Run) -> str:
    return run.key.date


def _runs(pipeline_id: str, schedule_id: str, prefix: str, control: ControlTable) -> list[Run]:
    try:
        return control.runs_of_date(pipeline_id, schedule_id, prefix)
    except BadInput:  # a row of another date that somebody wrote over: this one is explained all the same
        return []


def _unknown(
    pipeline_id: str, date: str, files: Iterable[ConfigFile], control: ControlTable
) -> NothingToExplain:
    known = sorted({file.pipeline_id for file in files if file.pipeline_id})
    refused = next(
        (file.source for file in files if file.pipeline_id == pipeline_id and not file.valid), None
    )
    if refused is not None:
        return NothingToExplain(
            pipeline_id, f"has no valid config: {refused} was refused (CONFIG_INVALID says why)"
        )
    others = _others(RunKey(pipeline_id, "stream", date), control)
    if others:
        told = runs_text(others, "stream")
        return NothingToExplain(pipeline_id, f"has no config any more; there are runs of {told}")
    near = get_close_matches(pipeline_id, known, n=_MOST_NEAR) or known[:_MOST_NEAR]
    return NothingToExplain(pipeline_id, "is no pipeline here", tuple(near))

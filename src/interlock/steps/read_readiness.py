"""Gather what a run's rules read, all at one instant, and judge it: shared by everyone who may wake or start a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from interlock.domain.baseline import drifting_fields, values_of
from interlock.domain.pipeline import Pipeline, rule_sensors, upstream_rules
from interlock.domain.readiness import Readiness, RuleVerdict, evaluate_readiness
from interlock.domain.run import Run, RunKey
from interlock.domain.sensor import candidate_keys, select_reading
from interlock.domain.upstream import UpstreamOutcome
from interlock.ports import ControlTable, Lost


def read_readiness(
    pipeline: Pipeline, key: RunKey, control: ControlTable, now: datetime
) -> tuple[Run | None, Readiness]:
    """The run and the verdict over its rules, both as of the same instant."""
    run, readiness, _ = _read(pipeline, key, rule_sensors(pipeline), control, now)
    return run, readiness


def read_start(
    pipeline: Pipeline, key: RunKey, control: ControlTable, now: datetime
) -> tuple[Run | None, Readiness]:
    """As `read_readiness`; what is `seen` holds the drift fields of the postRun sensors too."""
    drifting = drifting_fields(pipeline)
    sensors = tuple(dict.fromkeys((*rule_sensors(pipeline), *drifting)))
    run, readiness, found = _read(pipeline, key, sensors, control, now)
    if not drifting:
        return run, readiness
    read = values_of(drifting, {sensor: select_reading(sensor, key.date, found) for sensor in drifting})
    seen = {sensor: dict(fields) for sensor, fields in readiness.seen.items()}
    for sensor, fields in read.items():
        known = {name: value for name, value in fields.items() if value is not None}
        if known:
            seen[sensor] = {**known, **seen.get(sensor, {})}
    return run, replace(readiness, seen=seen)


def _read(
    pipeline: Pipeline, key: RunKey, sensors: Sequence[str], control: ControlTable, now: datetime
) -> tuple[Run | None, Readiness, Mapping[str, Mapping[str, Any]]]:
    upstreams = upstream_rules(pipeline)
    names = [name for sensor in sensors for name in candidate_keys(sensor, key.date)]
    told: Mapping[str, UpstreamOutcome] = {}
    if upstreams:
        from interlock.steps.read_upstreams import outcomes, questions_of  # most pipelines wait for none

        questions = questions_of(pipeline, upstreams, key.date, control)
        run, found, seen = control.snapshot_with_runs(key, names, questions.rows)
        told = outcomes(questions, seen, control, dry_run=run.dry_run if run else pipeline.dry_run)
    elif sensors:
        run, found = control.snapshot(key, names)
    else:
        run, found = control.run(key), {}
    return run, judge(pipeline, key, found, now, run.verdicts if run else (), told), found


def judge(
    pipeline: Pipeline,
    key: RunKey,
    found: Mapping[str, Mapping[str, Any]],
    now: datetime,
    previous: tuple[RuleVerdict, ...],
    upstreams: Mapping[str, UpstreamOutcome] | None = None,
) -> Readiness:
    """The verdict over sensors, and outcomes of other pipelines, that were read already."""
    readings = {sensor: select_reading(sensor, key.date, found) for sensor in rule_sensors(pipeline)}
    return evaluate_readiness(pipeline.validation, {**readings, **(upstreams or {})}, now, previous)


def note_verdicts(run: Run, readiness: Readiness, control: ControlTable) -> None:
    """Keep the reasons readable in the row; what another function wrote meanwhile is newer and stays."""
    if readiness.verdicts == run.verdicts:
        return
    try:
        control.note(run, replace(run, verdicts=readiness.verdicts))
    except Lost:
        return

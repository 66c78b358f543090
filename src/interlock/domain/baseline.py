"""What the sensors of a run read when it succeeded: what late data and drift are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from interlock.domain.drift import drift_fields
from interlock.domain.late_data import Readings, Values, value_of
from interlock.domain.pipeline import Pipeline, Rule, each_rule, post_run_sensors
from interlock.domain.rule_check import AGE_CHECKS
from interlock.domain.run import Run, RunKey

Fields = Mapping[str, Sequence[str]]  # sensor -> fields


@dataclass(frozen=True, slots=True)
class Baseline:
    """The row `BASELINE#`."""

    key: RunKey
    attempt: int  # the attempt that succeeded: the baseline of another one says nothing
    captured_at: datetime
    # sensor -> field -> value; None for a field that was looked at and had none
    sensors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def late_fields(pipeline: Pipeline) -> Fields:
    """The fields that the trigger and the validation rules compare: another value in one of them is late data.

    Not a time that only `age_*` rules read, nor a reading that has only to exist: they change with each heartbeat.
    """
    trigger = pipeline.schedule.trigger
    return _fields([*([trigger.rule] if trigger else []), *each_rule(pipeline.validation.rule)])


def drifting_fields(pipeline: Pipeline) -> Fields:
    """The fields in which drift is found, of every postRun sensor."""
    if pipeline.post_run is None:
        return {}
    return dict.fromkeys(post_run_sensors(pipeline), drift_fields(pipeline.post_run))


def baseline_fields(pipeline: Pipeline) -> Fields:
    """All that is looked at when a run succeeds."""
    late, drifting = late_fields(pipeline), drifting_fields(pipeline)
    return {
        sensor: tuple(dict.fromkeys((*late.get(sensor, ()), *drifting.get(sensor, ()))))
        for sensor in (*late, *drifting)
    }


def values_of(fields: Fields, readings: Readings) -> dict[str, dict[str, Any]]:
    """What these fields hold, in the form in which rows keep it; None where there is nothing."""
    return {
        sensor: {name: value_of(readings.get(sensor), name) for name in names}
        for sensor, names in fields.items()
    }


def read_by(run: Run, baseline: Baseline | None, pipeline: Pipeline) -> Values:
    """What the run read: its baseline, else (none was captured) what its rules saw at its start."""
    if baseline is not None and baseline.attempt == run.attempt:
        return baseline.sensors
    rules = _fields(each_rule(pipeline.validation.rule))
    seen = {sensor: dict.fromkeys(names) | dict(run.seen.get(sensor, {})) for sensor, names in rules.items()}
    return {**run.seen, **seen}


def _fields(rules: Iterable[Rule]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for rule in rules:
        if rule.check not in AGE_CHECKS and rule.field is not None:
            names = found.setdefault(rule.key, [])
            if rule.field not in names:
                names.append(rule.field)
    return found

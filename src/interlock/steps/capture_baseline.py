"""Keep what a run's sensors read when it succeeded, for later writes to be compared with."""

from __future__ import annotations

from datetime import datetime

from interlock.domain import drift_wording
from interlock.domain.baseline import Baseline, baseline_fields, values_of
from interlock.domain.event import Announcement
from interlock.domain.pipeline import Pipeline
from interlock.domain.run import Run, whole_milliseconds
from interlock.ports import ControlTable
from interlock.steps.read_sensors import read_sensors


def capture_baseline(
    run: Run, pipeline: Pipeline, control: ControlTable, now: datetime
) -> Announcement | None:
    """What to announce with the success that follows; None when there is nothing to compare later. May be repeated.

    Before the move: a write after the capture differs from it. Raises `CallFailed`.
    """
    fields = baseline_fields(pipeline)
    if not fields:
        return None
    _, readings = read_sensors(run.key, fields, control)
    control.put_baseline(Baseline(run.key, run.attempt, whole_milliseconds(now), values_of(fields, readings)))
    return drift_wording.baseline_captured(run, len(fields), sum(map(len, fields.values())), now)

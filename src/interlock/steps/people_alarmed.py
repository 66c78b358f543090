"""Was anybody alarmed about a run by a row that is not its own? Then its success goes into the thread of that alarm."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.domain.bad_input import BadInput
from interlock.domain.pipeline import Pipeline, Schedule
from interlock.domain.promise import PromiseKind
from interlock.domain.run import Run, RunKey
from interlock.ports import ControlTable

_STARTS = (PromiseKind.FIRE, PromiseKind.INCLUSION, PromiseKind.TRIGGER)
_ALARMS = frozenset(("breached", "missed", "expired", "missing"))


def people_were_alarmed(run: Run, pipeline: Pipeline | None, control: ControlTable) -> bool:
    """One call for each promise that may have been broken: none where nothing was promised but the start it had."""
    # What was told stays told when its config goes.
    kinds = PromiseKind if pipeline is None else tuple(_promised(run, pipeline))
    return any(alarmed_by(kind, run.key, control) for kind in kinds)


def _promised(run: Run, pipeline: Pipeline) -> Iterator[PromiseKind]:
    yield from _missed_before(run, pipeline.schedule)
    if pipeline.sla is not None:
        yield from [PromiseKind.SLA] if pipeline.sla.deadline else []
        yield from [PromiseKind.RELATIVE_SLA] if pipeline.sla.max_duration else []
    if pipeline.post_run is not None and run.first_succeeded_at is not None:
        yield PromiseKind.POST_RUN  # of the success before


def _missed_before(run: Run, schedule: Schedule) -> Iterator[PromiseKind]:
    """What else could have opened the run, and perhaps did not."""
    if run.opened_by not in ("cron", "trigger"):
        yield from _STARTS
    elif run.opened_by == "cron":
        if schedule.trigger is not None and schedule.trigger.deadline is not None:
            yield PromiseKind.TRIGGER
    else:
        if schedule.cron is not None:
            yield PromiseKind.FIRE
        if schedule.include is not None:
            yield PromiseKind.INCLUSION


def alarmed_by(kind: PromiseKind, key: RunKey, control: ControlTable) -> bool:
    """Whether that promise was broken, or is about to be, and people were told."""
    try:
        promise = control.promise_of(kind, key)
    except BadInput:
        return False  # somebody wrote over the row: no reason to hold back a success
    return promise is not None and (promise.warned or promise.verdict in _ALARMS)

"""A run succeeded: wake the runs of other pipelines whose rules wait for it, revive those that expired too early."""

from __future__ import annotations

import logging
from datetime import datetime

from interlock.domain.bad_input import BadInput
from interlock.domain.pipeline import upstream_rules
from interlock.domain.run import RunKey
from interlock.domain.upstream_runs import waits_for, where_to_look
from interlock.ports import CallFailed, ControlTable, StateMachine
from interlock.steps.read_upstreams import own_calendars, upstream_of
from interlock.steps.wake_runs import wake_or_revive, wake_run

log = logging.getLogger(__name__)


def wake_dependents(ended: RunKey, control: ControlTable, machine: StateMachine, now: datetime) -> None:
    """One query where nobody waits. Repeatable: each dependent is looked at as it stands now, and on its own.

    Raises the first `CallFailed` after the others had their turn: the stream delivers the change again.
    """
    failed: CallFailed | None = None
    for dependent_id in control.dependents_of(ended.pipeline_id):
        try:
            _wake(dependent_id, ended, control, machine, now)
        except BadInput as problem:
            # Its own runs tell of it when they look at their rules.
            log.warning("dependent unreadable", extra={"pipeline": dependent_id, "problem": str(problem)})
        except CallFailed as error:
            failed = failed or error
    if failed is not None:
        raise failed


def _wake(
    dependent_id: str, ended: RunKey, control: ControlTable, machine: StateMachine, now: datetime
) -> None:
    pipeline = control.pipeline(dependent_id)
    if pipeline is None:
        return
    # None when the row is of an earlier config.
    rules = tuple(rule for rule in upstream_rules(pipeline) if rule.pipeline_id == ended.pipeline_id)
    if not rules:
        return
    own = own_calendars(pipeline, rules, control)
    asked = [(rule, upstream_of(rule, control)) for rule in rules]

    def concerned(run_date: str) -> bool:
        return any(waits_for(rule, own, run_date, theirs, ended) for rule, theirs in asked)

    waiting = {due.key for due in control.due_runs_of(dependent_id)}
    for key in sorted(waiting):
        if concerned(key.date):
            wake_run(key, pipeline, control, machine, now)
    places = {place for rule, theirs in asked for place in where_to_look(rule, own, theirs, ended.date)}
    for prefix in _outermost(places):
        for run in control.runs_of_date(dependent_id, pipeline.schedule_id, prefix):
            if run.key not in waiting and concerned(run.key.date):
                wake_or_revive(run, pipeline, control, machine, now)


def _outermost(prefixes: set[str]) -> list[str]:
    """A day is asked for once, and not its hours besides."""
    return sorted(
        one for one in prefixes if not any(one != other and one.startswith(other) for other in prefixes)
    )

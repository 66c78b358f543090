"""A run's row moved: what follows from that beyond the events it carries.

Repeatable: a redelivery finds the rows as they are now.
"""

from __future__ import annotations

from datetime import datetime

from interlock.domain.pipeline import Pipeline
from interlock.domain.routing import RunMoved
from interlock.domain.run import RunStatus
from interlock.ports import ControlTable, RerunLog, StateMachine
from interlock.steps.find_late_data import watch_success
from interlock.steps.judge_sla import judge_slas
from interlock.steps.sla_clock import restart_clock


def run_moved(
    moved: RunMoved,
    pipeline: Pipeline,
    control: ControlTable,
    reruns: RerunLog,
    machine: StateMachine,
    now: datetime,
) -> None:
    """One line for each duty; each takes the run as it stands by now."""
    if moved.status is RunStatus.SUCCEEDED:
        judge_slas(moved.key, pipeline, control, now)
        watch_success(moved.key, pipeline, control, reruns, machine, now)
    if moved.rerun_accepted:
        restart_clock(moved.key, moved.at, pipeline, control, now)

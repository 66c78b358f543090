"""What a config promises of a date that a run must keep by opening: the fire, the included date, the trigger; and its SLA."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.domain.expected_date import ExpectedDate
from interlock.domain.pipeline import Pipeline, Start
from interlock.domain.schedule import inclusion_deadline, sla_deadline, trigger_deadline
from interlock.simulation.promises.regimes import Regime

# EventBridge Scheduler invokes within a minute, and the run opens a moment later.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
_FIRE_MAY_BE_LATE = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of promise that a run opens."""

    name: str  # as in its row's key
    told: str  # when it was not kept
    deadline: Callable[[Pipeline, ExpectedDate], datetime | None]  # None: nothing of the kind is promised
    due_after: timedelta = timedelta(0)  # when it is looked at
    of_the_period_before: bool = (
        False  # it counts from the first period that ends after the config was loaded
    )


def fire_of(pipeline: Pipeline, expected: ExpectedDate) -> datetime | None:
    schedule = pipeline.schedule
    # With `start: all` a fire whose trigger never came opens nothing, and is not missed.
    return expected.begins_at if schedule.cron and schedule.start is not Start.ALL else None


STARTS = (
    Kind("fire", "SCHEDULE_MISSED", fire_of, _FIRE_MAY_BE_LATE),
    Kind(
        "inclusion", "IRREGULAR_SCHEDULE_MISSED", lambda pipeline, one: inclusion_deadline(pipeline, one.date)
    ),
    Kind(
        "trigger",
        "SENSOR_DEADLINE_EXPIRED",
        lambda pipeline, one: trigger_deadline(pipeline, one.date),
        of_the_period_before=True,
    ),
)
SLA = Kind(
    "sla", "SLA_BREACH", lambda pipeline, one: sla_deadline(pipeline, one.date), of_the_period_before=True
)


def deadline_of(
    kind: Kind, regime: Regime, expected: ExpectedDate, *, inherited: bool = False
) -> datetime | None:
    """By when that date is promised to have its run; None where the config promises nothing of the kind.

    `inherited`: also what a config before it promised, be it due already, or moved to another time ahead.
    """
    if regime.pipeline.dry_run or expected.excluded is not None:
        return None
    deadline = kind.deadline(regime.pipeline, expected)
    since = regime.promising_since if inherited else regime.loaded_at
    if deadline is None or deadline <= since:
        return None
    if kind.of_the_period_before and expected.ends_at <= since:
        return None
    return deadline

"""EventBridge Scheduler: cron schedules of ours, fired at their instants in their own timezone, and one-shots in UTC."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.domain.pipeline import Job, JobType, Pipeline, Schedule
from interlock.domain.schedule import expected_fires
from interlock.simulation.aws_clients import refusal
from interlock.simulation.clock import Timer, VirtualClock
from interlock.simulation.deliveries import Deliveries
from interlock.simulation.history import History, Kind
from interlock.simulation.invocations import TICK
from interlock.simulation.our_calls import OurCalls
from interlock.simulation.scenario import Channel

_AHEAD = timedelta(days=366 * 8 + 1)  # 29 February can be eight years away
_NAME = re.compile(r"[0-9a-zA-Z-_.]{1,64}")
_SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"


@dataclass(slots=True)
class _Scheduled:
    """One schedule and its next fire."""

    name: str
    definition: Mapping[str, Any]
    fires: Iterator[datetime]
    timer: Timer | None = None


@dataclass(slots=True)
class SchedulerClient:
    """boto3's client, and the service behind it.

    https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
    """

    clock: VirtualClock
    history: History
    calls: OurCalls
    deliveries: Deliveries
    fire: Callable[[str, str, datetime], None]  # the target's ARN, its input, when it arrives
    paused: bool = False
    loading: bool = True  # until the first instant is there, nothing fires
    _schedules: dict[str, _Scheduled] = field(default_factory=dict)

    def create_schedule(self, *, Name: str, **definition: Any) -> dict[str, Any]:
        with self.calls.calling("scheduler.CreateSchedule", _pipeline_of(definition)):
            if not _NAME.fullmatch(Name):
                raise refusal("CreateSchedule", "ValidationException", f"{Name!r} is no schedule's name")
            if Name in self._schedules:
                raise refusal("CreateSchedule", "ConflictException", f"{Name} exists", 409)
            self._set(Name, definition)
        return {"ScheduleArn": Name}

    def update_schedule(self, *, Name: str, **definition: Any) -> dict[str, Any]:
        with self.calls.calling("scheduler.UpdateSchedule", _pipeline_of(definition)):
            if Name not in self._schedules:
                raise refusal("UpdateSchedule", "ResourceNotFoundException", f"there is no {Name}", 404)
            self._set(Name, definition)
        return {"ScheduleArn": Name}

    def delete_schedule(self, *, Name: str, **_: Any) -> dict[str, Any]:
        known = self._schedules.get(Name)
        with self.calls.calling(
            "scheduler.DeleteSchedule", None if known is None else _pipeline_of(known.definition)
        ):
            if known is None:
                raise refusal("DeleteSchedule", "ResourceNotFoundException", f"there is no {Name}", 404)
            self._cancel(Name)
        return {}

    def definitions(self) -> dict[str, Mapping[str, Any]]:
        """What there is, as CreateSchedule or UpdateSchedule got it."""
        return {name: scheduled.definition for name, scheduled in self._schedules.items()}

    def _set(self, name: str, definition: Mapping[str, Any]) -> None:
        self._cancel(name)
        fires = self._fires(name, definition)
        self._schedules[name] = scheduled = _Scheduled(name, definition, fires)
        if not self.loading:
            self._await_next(scheduled)

    def _fires(self, name: str, definition: Mapping[str, Any]) -> Iterator[datetime]:
        once = re.fullmatch(r"at\(([-0-9T:]{19})\)", definition["ScheduleExpression"])
        if once is not None:
            # One whose time has passed fires at once.
            return iter([max(datetime.fromisoformat(once[1]).replace(tzinfo=UTC), self.clock.now())])
        zone = definition.get("ScheduleExpressionTimezone", "UTC")
        schedule = Schedule(cron=unix_cron(definition["ScheduleExpression"]), timezone=zone)
        # The one calendar of the project skips and repeats local times as the service does:
        # https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
        pipeline = Pipeline(name, Job(JobType.COMMAND), schedule)
        # What was there before the first instant fires at it, too; a schedule made at its own fire does not.
        since = self.clock.now() + timedelta(microseconds=0 if self.loading else 1)
        return expected_fires(pipeline, since, since + _AHEAD)

    def begin(self) -> None:
        """The configs are loaded; the clock starts."""
        self.loading = False
        for scheduled in self._schedules.values():
            self._await_next(scheduled)

    def _cancel(self, name: str) -> None:
        known = self._schedules.pop(name, None)
        if known is not None and known.timer is not None:
            known.timer.cancel()

    def _await_next(self, scheduled: _Scheduled) -> None:
        at = next(scheduled.fires, None)
        scheduled.timer = None if at is None else self.clock.at(at, TICK, lambda: self._fire(scheduled))
        if at is None and scheduled.definition.get("ActionAfterCompletion") == "DELETE":
            del self._schedules[scheduled.name]

    def _fire(self, scheduled: _Scheduled) -> None:
        target, pipeline = scheduled.definition["Target"], _pipeline_of(scheduled.definition)
        if self.paused:
            self.history.add(Kind.LOST, "EventBridge Scheduler is paused and does not fire", pipeline)
        else:
            at = f"{self.clock.now():%Y-%m-%dT%H:%M:%SZ}"
            text = target["Input"].replace(_SCHEDULED_TIME, at)
            for arrives in self.deliveries.instants(Channel.SCHEDULER, pipeline):
                self.fire(target["Arn"], text, arrives)
        self._await_next(scheduled)


def _pipeline_of(definition: Mapping[str, Any]) -> str | None:
    found = re.search(r'"pipelineId":\s*"([^"]*)"', definition["Target"]["Input"])
    return found[1] if found else None


def unix_cron(expression: str) -> str:
    """The five fields of an expression of EventBridge Scheduler, whose weekdays count from 1, Sunday.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
    """
    found = re.fullmatch(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) \*\)", expression)
    if found is None or (found[3] == "?") == (found[5] == "?"):
        raise ValueError(f"{expression!r} is no cron expression that EventBridge Scheduler takes")
    minute, hour, day, month, weekday = found.groups()
    weekday = re.sub(r"(?<![#/\d])\d", lambda digit: str(int(digit[0]) - 1), weekday)
    weekday = re.sub(r"(\w+)L\b", r"L\1", weekday)  # the last Friday
    return " ".join(part.replace("?", "*") for part in (minute, hour, day, month, weekday))

"""`Deadlines` on EventBridge Scheduler: a one-shot for the next look at an SLA, which invokes sla-monitor."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from interlock.aws.errors import calling
from interlock.aws.functions import promise_payload
from interlock.domain.promise import Promise, PromiseKind
from interlock.domain.run import RunKey
from interlock.ports import CallFailed

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

# By then the watchdog has long looked.
_RETRY_POLICY = {"MaximumEventAgeInSeconds": 300, "MaximumRetryAttempts": 10}
_MISSING, _THERE = "ResourceNotFoundException", "ConflictException"


class SchedulerDeadlines:
    """One-shots of one group, in UTC."""

    def __init__(
        self, client: EventBridgeSchedulerClient, group: str, role_arn: str, sla_monitor_arn: str
    ) -> None:
        self._client, self._group = client, group
        self._role_arn, self._target_arn = role_arn, sla_monitor_arn

    def put(self, promise: Promise, at: datetime) -> None:
        """Most are asked for once: create first. A worker that mirrors the same row may be ahead."""
        schedule = self._schedule(promise, at)
        try:
            with calling("scheduler.CreateSchedule"):
                self._client.create_schedule(**schedule)
        except CallFailed as failed:
            if failed.code != _THERE:
                raise
            with calling("scheduler.UpdateSchedule"):
                self._client.update_schedule(**schedule)

    def remove(self, kind: PromiseKind, key: RunKey) -> None:
        for warned in (False, True):
            try:
                with calling("scheduler.DeleteSchedule"):
                    self._client.delete_schedule(
                        GroupName=self._group, Name=schedule_name(kind, key, warned=warned)
                    )
            except CallFailed as failed:
                if failed.code != _MISSING:
                    raise

    def _schedule(self, promise: Promise, at: datetime) -> dict[str, Any]:
        fire = {"action": "fire", **promise_payload(promise.kind, promise.key)}
        return {
            "GroupName": self._group,
            "Name": schedule_name(promise.kind, promise.key, warned=promise.warned),
            "ScheduleExpression": f"at({at.astimezone(UTC):%Y-%m-%dT%H:%M:%S})",
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "DELETE",
            "Target": {
                "Arn": self._target_arn,
                "RoleArn": self._role_arn,
                "Input": json.dumps(fire),
                "RetryPolicy": _RETRY_POLICY,
            },
        }


def schedule_name(kind: PromiseKind, key: RunKey, *, warned: bool) -> str:
    """The same for the same look at the same promise, another for another: the hash tells them apart.

    The look after the warning has a name of its own: Scheduler deletes a one-shot *shortly after* it fired, and with it
    what was written under its name by then.
    https://aws.amazon.com/blogs/compute/automatically-delete-schedules-upon-completion-with-amazon-eventbridge-scheduler/
    """
    look = "deadline" if warned else "first"
    whole = "\0".join((kind, key.pipeline_id, key.schedule_id, key.date, look))
    digest = hashlib.sha256(whole.encode()).hexdigest()[:16]
    # 64 characters are the most that Scheduler takes.
    readable = re.sub(r"[^0-9a-zA-Z-_.]", "-", f"{kind}-{key.date}-{key.pipeline_id}")[:47]
    return f"{readable}-{digest}"

"""`CronSchedules` on EventBridge Scheduler: one schedule for each cron pipeline, which invokes stream-router."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from interlock.aws.errors import calling
from interlock.domain.aws_cron import aws_cron
from interlock.domain.pipeline import Pipeline
from interlock.ports import CallFailed

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

# A fire that comes an hour late is as good as missed, and the watchdog has long recovered it.
_RETRY_POLICY = {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 30}
_SAFE_NAME = re.compile(r"[0-9a-zA-Z-_.]{1,59}")  # with its prefix: 64, the longest that Scheduler takes


class SchedulerCron:
    """Schedules of one group. Scheduler's own clock applies the pipeline's time zone."""

    def __init__(
        self,
        client: EventBridgeSchedulerClient,
        group: str,
        role_arn: str,
        target_arn: str,
    ) -> None:
        self._client, self._group = client, group
        self._role_arn, self._target_arn = role_arn, target_arn

    def put(self, pipeline: Pipeline) -> None:
        """Update first: a config changes more often than it comes into being, and then one call is enough."""
        schedule = self._schedule(pipeline)
        try:
            with calling("scheduler.UpdateSchedule"):
                self._client.update_schedule(**schedule)
        except CallFailed as failed:
            if failed.code != "ResourceNotFoundException":
                raise
            with calling("scheduler.CreateSchedule"):
                self._client.create_schedule(**schedule)

    def remove(self, pipeline_id: str) -> None:
        try:
            with calling("scheduler.DeleteSchedule"):
                self._client.delete_schedule(GroupName=self._group, Name=schedule_name(pipeline_id))
        except CallFailed as failed:
            if failed.code != "ResourceNotFoundException":
                raise

    def _schedule(self, pipeline: Pipeline) -> dict[str, Any]:
        if pipeline.schedule.cron is None:
            raise ValueError(f"{pipeline.id} has no cron")
        return {
            "GroupName": self._group,
            "Name": schedule_name(pipeline.id),
            "ScheduleExpression": aws_cron(pipeline.schedule.cron),
            "ScheduleExpressionTimezone": pipeline.schedule.timezone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": self._target(pipeline.id),
        }

    def _target(self, pipeline_id: str) -> dict[str, Any]:
        fire = {
            "source": "interlock.cron",
            "pipelineId": pipeline_id,
            # https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
            "scheduledAt": "<aws.scheduler.scheduled-time>",
        }
        return {
            "Arn": self._target_arn,
            "RoleArn": self._role_arn,
            "Input": json.dumps(fire),
            "RetryPolicy": _RETRY_POLICY,
        }


def schedule_name(pipeline_id: str) -> str:
    """The same for the same pipeline, another for another; an id that is too long goes in as its hash."""
    if _SAFE_NAME.fullmatch(pipeline_id):
        return f"cron-{pipeline_id}"
    beginning = re.sub(r"[^0-9a-zA-Z-_.]", "-", pipeline_id)[:42]
    # The prefix keeps it apart from any id that happens to end like this.
    return f"long-{beginning}-{hashlib.sha256(pipeline_id.encode()).hexdigest()[:16]}"

"""The words of an alert for each event type: its heading, and what its reader can expect or should do."""

from __future__ import annotations

from collections.abc import Mapping

from interlock.domain.event import Event, EventType

_RERUN = "Once that is settled: {rerun}."
_STILL_TIME = "There is still time: {explain} says what the run waits for, or how far its job is."
_LATE = "Late from now on; nothing is stopped. Tell those who wait for this data."
_MAY_RERUN = "A rerun follows if maxDriftReruns allows one; that is announced on its own."
_MISSED = "Nothing was started for this date. Request a rerun if it is still wanted."

HEADINGS: Mapping[EventType, str] = {
    EventType.VALIDATION_EXHAUSTED: "Run expired, its rules did not hold",
    EventType.JOB_COMPLETED: "Recovered, job completed",
    EventType.JOB_TIMEOUT: "Job timed out",
    EventType.JOB_POLL_EXHAUSTED: "Job never reported its end",
    EventType.RETRY_EXHAUSTED: "Run failed, no retry left",
    EventType.INFRA_FAILURE: "Interlock could not do its part",
    EventType.SFN_TIMEOUT: "Workflow of an open run is gone",
    EventType.SLA_WARNING: "SLA at risk",
    EventType.SLA_BREACH: "SLA breached",
    EventType.RELATIVE_SLA_WARNING: "SLA at risk (relative)",
    EventType.RELATIVE_SLA_BREACH: "SLA breached (relative)",
    EventType.LATE_DATA_ARRIVAL: "Late data arrived",
    EventType.BASELINE_CAPTURE_FAILED: "Baseline not captured",
    EventType.POST_RUN_FAILED: "Post-run rules failed",
    EventType.POST_RUN_DRIFT: "Source drifted after success",
    EventType.POST_RUN_SENSOR_MISSING: "Post-run sensor missing",
    EventType.SCHEDULE_MISSED: "Schedule missed",
    EventType.IRREGULAR_SCHEDULE_MISSED: "Scheduled date missed",
    EventType.SENSOR_DEADLINE_EXPIRED: "Trigger deadline passed",
    EventType.TRIGGER_RECOVERED: "Started late, by the watchdog",
    EventType.WATCHDOG_DEGRADED: "Watchdog check failed",
    EventType.CONFIG_INVALID: "Config refused",
    EventType.SENSOR_INVALID: "Unreadable input ignored",
    EventType.INFRA_ALARM: "Infrastructure alarm",
}

# {rerun} and {explain} are the commands for the date.
NEXT_STEPS: Mapping[EventType, str] = {
    EventType.VALIDATION_EXHAUSTED: (
        "A write that makes the rules hold still starts the run (until the trigger's deadline, if it has one)."
        " Check what should have made them hold."
    ),
    EventType.JOB_FAILED: "No retry follows this failure.",
    EventType.JOB_TIMEOUT: "No retry follows this time-out.",
    EventType.JOB_POLL_EXHAUSTED: "This attempt ends as a time-out, which is announced on its own.",
    EventType.RETRY_EXHAUSTED: f"Nothing more will be tried. Find the cause in the job's own log. {_RERUN}",
    EventType.INFRA_FAILURE: (
        "Find the cause by the error below, and in orchestrator's log. {explain} says how the run stands, and what to do."
    ),
    EventType.SFN_TIMEOUT: (
        "The run is ended by what is known of its job. See its execution in Step Functions; {explain} says how it ended."
    ),
    EventType.SLA_WARNING: _STILL_TIME,
    EventType.RELATIVE_SLA_WARNING: _STILL_TIME,
    EventType.SLA_BREACH: _LATE,
    EventType.RELATIVE_SLA_BREACH: _LATE,
    EventType.LATE_DATA_ARRIVAL: _MAY_RERUN,
    EventType.POST_RUN_DRIFT: _MAY_RERUN,
    EventType.RERUN_REJECTED: "Nothing starts. A forced rerun skips only the check for new data.",
    EventType.BASELINE_CAPTURE_FAILED: (
        "The run stays succeeded. Later changes are compared with what its rules read at its start."
    ),
    EventType.POST_RUN_FAILED: "The run stays succeeded. Check its data before others use it.",
    EventType.POST_RUN_SENSOR_MISSING: "The run stays succeeded, unverified. Check what writes the sensor: a write that"
    " changes nothing, not even updatedAt, leaves no record.",
    EventType.SCHEDULE_MISSED: _MISSED,
    EventType.IRREGULAR_SCHEDULE_MISSED: _MISSED,
    EventType.SENSOR_DEADLINE_EXPIRED: (
        "Nothing starts by itself for this date any more. If its data comes after all, request a rerun."
    ),
    EventType.TRIGGER_RECOVERED: "Nothing to do, the run goes on. What should have started it was lost.",
    EventType.WATCHDOG_DEGRADED: "The other checks went on. If this repeats, see the watchdog's log.",
    EventType.CONFIG_INVALID: "The last good config, if any, stays in force. Correct the file and upload it.",
    EventType.SENSOR_INVALID: "Nothing is done with it until it is corrected. See what writes it.",
    EventType.INFRA_ALARM: 'Do as the message says. docs/deploy.md, "When an alarm goes off", says more of each.',
    EventType.JOB_COMPLETED: "Nothing to do.",
}

# Of an attempt that ended, or a job that nobody waits for. What is said of the poll window leaves it to the end of its attempt.
JOB_MAY_STILL_RUN = (
    "The job may still run, and a rerun would start another beside it: look at its service, stop it there if need be."
    " Then: {rerun}."
)
START_UNKNOWN = (
    "Nobody knows whether the job was started, or how it ended. Look at its target by the job id or run id; if its work"
    " is not done: {rerun}."
)
JOB_STOPPED = "Nothing is left to stop. {explain} says how the run stands, and what to do."

# Of a run that only observes.
DRY_RUN_NEXT_STEP = (
    "Nothing was held up: the pipeline only observes (dryRun). Interlock would have held its job back."
)


def next_step(event: Event) -> str:
    """With the command to type, where the event belongs to a date of a pipeline."""
    step, pipeline_id, date = _step(event), event.pipeline_id, event.date
    if not pipeline_id or not date:
        return step.replace("{rerun}", "request a rerun").replace("{explain}", "interlock explain")
    run = f"{pipeline_id} {date}"
    return step.replace("{rerun}", f"interlock rerun {run}").replace("{explain}", f"interlock explain {run}")


def _step(event: Event) -> str:
    if event.type is not EventType.JOB_POLL_EXHAUSTED:
        if event.detail.get("jobMayStillRun") is True:
            return JOB_MAY_STILL_RUN
        if event.detail.get("startUnknown") is True:
            return START_UNKNOWN
        if event.type is EventType.INFRA_FAILURE and "remoteJob" in event.detail:
            return JOB_STOPPED
    return NEXT_STEPS.get(event.type, "")


def heading(event_type: EventType) -> str:
    """`JOB_FAILED` reads `Job failed` unless there is something better to say."""
    return HEADINGS.get(event_type) or event_type.replace("_", " ").capitalize()

"""What the `detail` of each event type holds: the one source of its documentation and of its JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from interlock.domain.event import EventType
from interlock.domain.run import FailureCategory, RunStatus


class Kind(StrEnum):
    """What a field's value is."""

    TEXT = "text"
    INSTANT = "instant"  # ISO 8601 in UTC
    WHOLE = "whole number"
    NUMBER = "number"
    FIGURE = "number, or text"  # text where JSON cannot hold the number
    FLAG = "true or false"
    TEXTS = "list of texts"
    VERDICTS = "list of verdicts"  # `VERDICT_FIELDS` each
    MAPPING = "mapping"  # whatever its writer put there
    ANY = "any value"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a detail."""

    name: str
    kind: Kind
    meaning: str  # a phrase; with the unit where there is one
    always: bool = True  # or only where the meaning says so
    values: tuple[str, ...] = ()  # the only ones
    or_null: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """One event type: when it is published, and what it carries."""

    when: str
    fields: tuple[Field, ...] = ()


def _text(name: str, meaning: str, *values: str) -> Field:
    return Field(name, Kind.TEXT, meaning, values=values)


def _instant(name: str, meaning: str) -> Field:
    return Field(name, Kind.INSTANT, meaning)


def _maybe(name: str, kind: Kind, meaning: str) -> Field:
    return Field(name, kind, meaning, always=False)


VERDICT_FIELDS = (
    _text("rule", "the rule as text: `row-count.count >= 1000`"),
    _text("reason", "why it holds, or does not: a sentence"),
    Field("seen", Kind.ANY, "the value that it read; null when there was none"),
    Field("wanted", Kind.ANY, "the value that it compares with; null when it needs none"),
    Field("since", Kind.INSTANT, "since when it has stood so; null when that is not known", or_null=True),
)

_WHO = (
    _maybe("owner", Kind.TEXT, "`pipeline.owner`, when the config names one"),
    _maybe("runbook", Kind.TEXT, "`pipeline.runbook`, when the config names one"),
)
_EXPLANATION = Field(
    "explanation", Kind.TEXTS, "what is missing, and what would have to change: the first 20 lines"
)
_WAY_OUT = _maybe(
    "explanation", Kind.TEXTS, "what would have to change; of a run that waits, what it waits for"
)
_REPORT = (
    _maybe("recordsProcessed", Kind.NUMBER, "the job's own count, when it reported one"),
    _maybe("durationSeconds", Kind.NUMBER, "how long the job says it took, in seconds"),
    _maybe("metrics", Kind.MAPPING, "the job's own figures, as it reported them"),
)
_JOB_LEFT = (
    _maybe("remoteJob", Kind.TEXT, "what became of the job itself, when it may still have run"),
    _maybe("jobMayStillRun", Kind.FLAG, "true when it was left running, or could not be cancelled"),
)
_START_UNKNOWN = _maybe(
    "startUnknown", Kind.FLAG, "true when nobody knows whether the job was started, or how it ended"
)
_ENDED_BADLY = (
    _text("category", "which retry budget the failure counts against", *FailureCategory),
    _text("retry", "whether another attempt follows, and why or why not"),
    _maybe("error", Kind.TEXT, "what the service, or the job, said"),
    _maybe("jobType", Kind.TEXT, "`job.type`, when the job was started"),
    _maybe("jobId", Kind.TEXT, "what the job service calls the job, when it was started"),
    _maybe("runId", Kind.TEXT, "`${RUN_ID}` to the job, when its service gave it no id that is known"),
    *_JOB_LEFT,
    _START_UNKNOWN,
    _maybe("retryAt", Kind.INSTANT, "when the next attempt begins to wait for its rules, if there is one"),
    *_REPORT,
)
_ASKED = (
    _text("source", "who or what asks: `manual` for a request row", "manual", "late-data", "drift"),
    _text("reason", "the request's `reason`, or which data changed"),
    _text("requestedBy", "the request's `requestedBy`, or `interlock`"),
    Field("force", Kind.FLAG, "the request's `force`"),
)

_OBSERVED = _maybe("dryRun", Kind.FLAG, "true for a dry run")
_OUTSIDE = (
    _text("category", "which retry budget the failure would count against", *FailureCategory),
    _text("retry", "whether another attempt would follow, and why or why not"),
    Field("outsideAttempt", Kind.WHOLE, "the attempt that the `JOB#` record names"),
    _maybe("outsideRunId", Kind.TEXT, "the record's `runId`"),
    _maybe("error", Kind.TEXT, "the record's `error`"),
)
_SLA = (
    _text("kind", "which of the two deadlines of an SLA", "absolute", "relative"),
    _instant("deadlineAt", "by when the run had, or has, to be done"),
    Field("critical", Kind.FLAG, "`sla.critical`"),
    _text("status", "the run's, `NONE` when there is none", *RunStatus, "NONE"),
    _maybe("clockBeganAt", Kind.INSTANT, "the first write, or the rerun, that a relative SLA counts from"),
)
_SLA_AT_RISK = (
    *_SLA,
    _maybe("unmet", Kind.VERDICTS, "the rules that keep the run from starting, the first 20"),
    _maybe("explanation", Kind.TEXTS, "what is missing, and what would have to change"),
    *_WHO,
)
_SLA_BREACHED = (
    *_SLA_AT_RISK,
    Field("lateBySeconds", Kind.WHOLE, "since the deadline: until the success, else until now"),
)
_CHANGED = (
    _text("sensor", "the sensor of the first value that changed"),
    _text("field", "its field"),
    Field("baseline", Kind.ANY, "what the run had read; null when there was none"),
    Field("value", Kind.ANY, "what it reads now; null when there is none"),
    Field("changes", Kind.TEXTS, "each value that changed in words, the first 20"),
)
_DRIFTED = (
    _text("sensor", "the `postRun` sensor"),
    _text("field", "the field that was compared"),
    Field("baseline", Kind.FIGURE, "what the run had read"),
    Field("value", Kind.FIGURE, "what it reads now"),
    Field("change", Kind.FIGURE, "in the sensor's own unit; negative when it fell"),
    _text("threshold", "`driftThreshold`: a number, or a percentage"),
    _maybe("changePercent", Kind.NUMBER, "of the baseline, to a tenth; not from 0"),
)
_EXPECTED = _instant("expectedAt", "when it should have started")

EVENTS: Mapping[EventType, Told] = {
    EventType.RUN_OPENED: Told(
        "A run of one execution date begins to wait for its rules. Not repeated when it is opened again.",
        (
            _text("openedBy", "`cron`, `trigger`, `rerun` ..."),
            _instant("windowEndsAt", "until when it waits"),
            _OBSERVED,
        ),
    ),
    EventType.VALIDATION_PASSED: Told(
        "The rules held at one instant, and the job is being started. Once an attempt.",
        (Field("rules", Kind.VERDICTS, "each rule, the first 20"),),
    ),
    EventType.VALIDATION_EXHAUSTED: Told(
        "The window closed and the rules did not hold: the run is EXPIRED.",
        (
            Field("unmet", Kind.VERDICTS, "each rule that did not hold, the first 20"),
            _EXPLANATION,
            _instant("windowEndsAt", "when the window closed"),
            _OBSERVED,
            *_WHO,
        ),
    ),
    EventType.SLOT_AWAITED: Told(
        "The rules hold, and the job would exceed a concurrency limit: the run waits for a slot, in order. Once an "
        "attempt for each limit.",
        (
            _text("pool", "the named pool, or `pipeline:<id>` for the pipeline's own limit"),
            Field("slots", Kind.WHOLE, "how many jobs may run at once"),
            Field("heldBy", Kind.TEXTS, "the runs that hold a slot, the first 5"),
            Field("ahead", Kind.WHOLE, "how many runs wait before it"),
        ),
    ),
    EventType.JOB_TRIGGERED: Told(
        "The job service has accepted the start. Once an attempt.",
        (
            _text("jobType", "`job.type`"),
            _text("runId", "the attempt's idempotency key, `${RUN_ID}` to the job"),
            _maybe("jobId", Kind.TEXT, "what the job service calls the job, when it names it"),
        ),
    ),
    EventType.JOB_COMPLETED: Told(
        "The attempt's job succeeded, and so did the run.",
        (
            Field("recovered", Kind.FLAG, "an earlier event of this run was an alert: this one is told too"),
            *_REPORT,
            *_WHO,
        ),
    ),
    EventType.JOB_FAILED: Told(
        "The attempt failed: its job did, or could not be started. One end an attempt.",
        (*_ENDED_BADLY, *_WHO),
    ),
    EventType.JOB_TIMEOUT: Told(
        "The attempt's job timed out, by its own account or by `jobPollWindowSeconds`. One end an attempt.",
        (*_ENDED_BADLY, *_WHO),
    ),
    EventType.JOB_POLL_EXHAUSTED: Told(
        "Nobody reported the job's end within `jobPollWindowSeconds`; `JOB_TIMEOUT` follows.",
        (*_ENDED_BADLY, *_WHO),
    ),
    EventType.JOB_RETRIED: Told(
        "Another attempt follows the one that ended badly; `attempt` is the new one's number.", _ENDED_BADLY
    ),
    EventType.RETRY_EXHAUSTED: Told(
        "The run ended FAILED for want of a retry budget, also one of 0.", (*_ENDED_BADLY, *_WHO)
    ),
    EventType.INFRA_FAILURE: Told(
        "Interlock could not do its part: a service refused for half an hour, the workflow broke, or a job was started "
        "while its run ended, so that nobody waits for it.",
        (_text("error", "what failed; or which job nobody waits for"), *_JOB_LEFT, *_WHO),
    ),
    EventType.SFN_TIMEOUT: Told(
        "The workflow of an open run is gone: timed out, aborted or broken. The watchdog ends its run.",
        (
            _text("execution", "the name of the execution"),
            _text("status", "where the run stood", *RunStatus),
            _text("why", "what became of the execution"),
            _START_UNKNOWN,
            *_WHO,
        ),
    ),
    EventType.SLA_WARNING: Told(
        "The absolute deadline is `expectedDuration` away, and the run is not done.", _SLA_AT_RISK
    ),
    EventType.SLA_BREACH: Told(
        "The absolute deadline has passed and the run had not succeeded. Once; a rerun does not change it.",
        _SLA_BREACHED,
    ),
    EventType.SLA_MET: Told(
        "The run succeeded before its deadline, absolute or relative. Once each.",
        (*_SLA, _instant("succeededAt", "when it did")),
    ),
    EventType.RELATIVE_SLA_WARNING: Told(
        "`maxDuration` is nearly used: less than `expectedDuration`, else a quarter of it, is left.",
        _SLA_AT_RISK,
    ),
    EventType.RELATIVE_SLA_BREACH: Told(
        "`maxDuration` is over and the run had not succeeded. Once for each clock.", _SLA_BREACHED
    ),
    EventType.LATE_DATA_ARRIVAL: Told(
        "A value that the trigger or a rule reads is another than the run that succeeded had read. Once a value.",
        (*_CHANGED, *_WHO),
    ),
    EventType.RERUN_ACCEPTED: Told(
        "A date is run again, or for the first time by request.",
        (*_ASKED, _text("decision", "why it may")),
    ),
    EventType.RERUN_REJECTED: Told(
        "A rerun was refused.",
        (*_ASKED, _text("why", "the reason of the refusal"), _WAY_OUT, *_WHO),
    ),
    EventType.POST_RUN_BASELINE_CAPTURED: Told(
        "What the rules' sensors read at success is kept: late data and drift are compared with it.",
        (
            Field("sensors", Kind.WHOLE, "how many sensors it holds"),
            Field("fields", Kind.WHOLE, "how many fields of them"),
        ),
    ),
    EventType.BASELINE_CAPTURE_FAILED: Told(
        "What the sensors read at success could not be kept: what the rules read at the start is the measure instead.",
        (_text("error", "what failed"), *_WHO),
    ),
    EventType.POST_RUN_PASSED: Told(
        "The `postRun` rules hold, and did not before, or were not judged before.",
        (Field("rules", Kind.VERDICTS, "each rule, the first 20"),),
    ),
    EventType.POST_RUN_FAILED: Told(
        "The `postRun` rules do not hold, and did before, or were not judged before.",
        (Field("rules", Kind.VERDICTS, "each rule, the first 20"), *_WHO),
    ),
    EventType.POST_RUN_DRIFT: Told(
        "A `postRun` sensor moved by more than `driftThreshold` since the success. Once a value.",
        (*_DRIFTED, *_WHO),
    ),
    EventType.POST_RUN_DRIFT_INFLIGHT: Told(
        "A `postRun` sensor moved by more than `driftThreshold` while the job runs. Once a sensor.", _DRIFTED
    ),
    EventType.POST_RUN_SENSOR_MISSING: Told(
        "Nothing wrote a `postRun` sensor within `sensorTimeout` of the success.",
        (
            Field("sensors", Kind.TEXTS, "the sensors that nothing wrote"),
            _text("sensorTimeout", "how long was waited"),
            _instant("succeededAt", "when the run had succeeded"),
            *_WHO,
        ),
    ),
    EventType.SCHEDULE_MISSED: Told(
        "A cron fire started nothing, and the window of its run is over.",
        (_text("cron", "`schedule.cron`"), _EXPECTED, _EXPLANATION, *_WHO),
    ),
    EventType.IRREGULAR_SCHEDULE_MISSED: Told(
        "An included date passed its `schedule.time`, or its end, and no run was started.",
        (_EXPECTED, _EXPLANATION, *_WHO),
    ),
    EventType.SENSOR_DEADLINE_EXPIRED: Told(
        "The trigger's deadline has passed and the trigger was not met: nothing starts by itself any more.",
        (
            _instant("deadlineAt", "the deadline"),
            _text("reason", "what the trigger's sensor reads at that time"),
            _EXPLANATION,
            *_WHO,
        ),
    ),
    EventType.TRIGGER_RECOVERED: Told(
        "The watchdog started a run whose fire or trigger had been lost.",
        (
            _text("what", "what was lost", "cron", "trigger"),
            _maybe("expectedAt", Kind.INSTANT, "when the fire should have come"),
            _maybe("reason", Kind.TEXT, "how the trigger is met"),
            *_WHO,
        ),
    ),
    EventType.WATCHDOG_DEGRADED: Told(
        "A part of the watchdog's work began to fail; the other parts went on.",
        (
            Field("parts", Kind.TEXTS, "the parts that fail, the first 20"),
            Field("errors", Kind.TEXTS, "of each part, what failed"),
        ),
    ),
    EventType.PIPELINE_EXCLUDED: Told(
        "A fire or a write would have opened a run on a date that the calendar excludes. Once a date.",
        (_text("reason", "what excludes the date"),),
    ),
    EventType.CONFIG_INVALID: Told(
        "A pipeline file was refused; the last good config, if any, stays in force.",
        (
            _text("source", "the file's name"),
            Field("mistakes", Kind.TEXTS, "each with its line and path, the first 20"),
            Field("mistakeCount", Kind.WHOLE, "how many there are"),
        ),
    ),
    EventType.CONFIG_LOADED: Told(
        "A new or changed pipeline file, or calendar file, is in force.",
        (
            _text("source", "the file's name"),
            _maybe("warnings", Kind.TEXTS, "what it allows and should not, when there is something"),
            _maybe("calendar", Kind.TEXT, "the calendar's name, when it is one"),
            _maybe("dates", Kind.WHOLE, "how many dates the calendar lists"),
            _maybe("days", Kind.WHOLE, "how many weekdays the calendar lists"),
        ),
    ),
    EventType.SENSOR_INVALID: Told(
        "Something that outsiders write (a sensor, a request, a job record, a row) cannot be read: it is ignored.",
        (_text("input", "what was written"), _text("problem", "what is wrong with it"), *_WHO),
    ),
    EventType.DRY_RUN_WOULD_TRIGGER: Told(
        "The rules of a dry run hold for the first time: here a job would start.",
        (
            _text("jobType", "`job.type`"),
            Field("rules", Kind.VERDICTS, "each rule, the first 20"),
            Field("waitedSeconds", Kind.WHOLE, "since the run opened"),
        ),
    ),
    EventType.DRY_RUN_LATE_DATA: Told(
        "Late data of a dry run: `LATE_DATA_ARRIVAL` without the alert.", _CHANGED
    ),
    EventType.DRY_RUN_DRIFT: Told("Drift after a dry run: `POST_RUN_DRIFT` without the alert.", _DRIFTED),
    EventType.DRY_RUN_SLA_PROJECTION: Told(
        "Whether a job that starts now and takes `expectedDuration` would meet the SLA.",
        (
            Field("expectedDurationSeconds", Kind.WHOLE, "`sla.expectedDuration`"),
            _instant("wouldFinishAt", "when the job would be done"),
            Field("met", Kind.FLAG, "before every deadline"),
            _maybe("absoluteDeadlineAt", Kind.INSTANT, "the deadline by `sla.deadline`"),
            _maybe("absoluteMarginSeconds", Kind.WHOLE, "how long before it; negative: after it"),
            _maybe(
                "relativeDeadlineAt",
                Kind.INSTANT,
                "the deadline by `sla.maxDuration`, from the run's opening",
            ),
            _maybe("relativeMarginSeconds", Kind.WHOLE, "how long before it; negative: after it"),
        ),
    ),
    EventType.DRY_RUN_COMPLETED: Told(
        "A dry run has ended SUCCEEDED; its late data and drift are watched from here on.",
        (
            _instant("wouldHaveStartedAt", "when its rules held"),
            _instant("openedAt", "when it opened"),
            Field("waitedSeconds", Kind.WHOLE, "between the two"),
        ),
    ),
    EventType.DRY_RUN_WOULD_RERUN: Told(
        "A dry run would be run again. It uses the budget, and opens nothing.",
        (*_ASKED, _text("decision", "why it may")),
    ),
    EventType.DRY_RUN_RERUN_REJECTED: Told(
        "A dry run would not be run again.", (*_ASKED, _text("why", "the reason of the refusal"))
    ),
    EventType.DRY_RUN_WOULD_RETRY: Told(
        "The job of this date failed outside, after a dry run of it had ended: Interlock would try again.",
        (
            *_OUTSIDE,
            _maybe("wouldRetryAt", Kind.INSTANT, "when the next attempt would begin to wait for its rules"),
        ),
    ),
    EventType.DRY_RUN_RETRY_EXHAUSTED: Told(
        "The job of this date failed outside, and no retry budget would be left.", _OUTSIDE
    ),
    EventType.INFRA_ALARM: Told(
        "A CloudWatch alarm on Interlock's own infrastructure went off. Once each time it does. It is stored and told even"
        " while stream-router, which publishes it here, fails.",
        (
            _text("alarmName", "the alarm"),
            _text("reason", "in CloudWatch's words"),
            _maybe("description", Kind.TEXT, "the alarm's description, when it has one"),
            _maybe("previousState", Kind.TEXT, "`OK` or `INSUFFICIENT_DATA`"),
        ),
    ),
}

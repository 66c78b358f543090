"""What the `detail` of each event type holds: the one source of its documentation and of its JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from interlock.domain.event import EventType
from interlock.domain.run import FailureCategory


class Kind(StrEnum):
    """What a field's value is."""

    TEXT = "text"
    INSTANT = "instant"  # ISO 8601 in UTC
    WHOLE = "whole number"
    NUMBER = "number"
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
_REPORT = (
    _maybe("recordsProcessed", Kind.NUMBER, "the job's own count, when it reported one"),
    _maybe("durationSeconds", Kind.NUMBER, "how long the job says it took, in seconds"),
    _maybe("metrics", Kind.MAPPING, "the job's own figures, as it reported them"),
)
_ENDED_BADLY = (
    _text("category", "which retry budget the failure counts against", *FailureCategory),
    _text("retry", "whether another attempt follows, and why or why not"),
    _maybe("error", Kind.TEXT, "what the service, or the job, said"),
    _maybe("jobType", Kind.TEXT, "`job.type`, when the job was started"),
    _maybe("jobId", Kind.TEXT, "what the job service calls the job, when it was started"),
    _maybe("remoteJob", Kind.TEXT, "what became of the job itself, when it may still have run"),
    _maybe("retryAt", Kind.INSTANT, "when the next attempt begins to wait for its rules, if there is one"),
    *_REPORT,
)
_REQUEST = (
    _text("source", "who asked: `manual` for a request row", "manual"),
    _text("reason", "the request's `reason`"),
    _text("requestedBy", "the request's `requestedBy`"),
    Field("force", Kind.FLAG, "the request's `force`"),
)

_OBSERVED = _maybe("dryRun", Kind.FLAG, "true for a dry run")
_ASKED = (
    _text("source", "who or what asks: `manual` for a request row"),
    _maybe("reason", Kind.TEXT, "the request's `reason`, or what happened"),
    _maybe("requestedBy", Kind.TEXT, "the request's `requestedBy`"),
    _maybe("force", Kind.FLAG, "the request's `force`"),
)
_OUTSIDE = (
    _text("category", "which retry budget the failure would count against", *FailureCategory),
    _text("retry", "whether another attempt would follow, and why or why not"),
    Field("outsideAttempt", Kind.WHOLE, "the attempt that the `JOB#` record names"),
    _maybe("outsideRunId", Kind.TEXT, "the record's `runId`"),
    _maybe("error", Kind.TEXT, "the record's `error`"),
)

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
        "Interlock could not do its part: a service refused for half an hour, or the workflow broke.",
        (_text("error", "what failed"), *_WHO),
    ),
    EventType.RERUN_ACCEPTED: Told(
        "A partition is run again, or for the first time by request.",
        (*_REQUEST, _text("decision", "why it may")),
    ),
    EventType.RERUN_REJECTED: Told(
        "A rerun was refused.",
        (*_REQUEST, _text("why", "the reason of the refusal"), *_WHO),
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
        "A new or changed pipeline file is in force.",
        (
            _text("source", "the file's name"),
            _maybe("warnings", Kind.TEXTS, "what it allows and should not, when there is something"),
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
        "A CloudWatch alarm on Interlock's own infrastructure went off. Once each time it does.",
        (
            _text("alarmName", "the alarm"),
            _text("reason", "in CloudWatch's words"),
            _maybe("description", Kind.TEXT, "the alarm's description, when it has one"),
            _maybe("previousState", Kind.TEXT, "`OK` or `INSUFFICIENT_DATA`"),
        ),
    ),
}

"""How did a run end, what is watched since, and what would start it again?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from interlock.domain.event import EventType
from interlock.domain.explain_absence import rerun_line
from interlock.domain.explanation import Fact, Situation
from interlock.domain.missing import Need
from interlock.domain.pipeline import each_rule
from interlock.domain.plain_text import budget_spent, duration, shown
from interlock.domain.retry import category_of
from interlock.domain.rule_check import AGE_CHECKS
from interlock.domain.run import FailureCategory, JobEnd, Outcome, Run, RunStatus
from interlock.domain.run_facts import Standing, lacking, of_the_job, opened, retries_left
from interlock.domain.schedule import trigger_deadline

_MOST_NAMED = 5


def succeeded(situation: Situation, run: Run, _rules: Need) -> Standing:
    """When, how long it took, and what would start it again by itself."""
    times, ended_at = situation.times, run.succeeded_at or run.updated_at
    facts = (*opened(situation, run), *of_the_job(situation, run), *_report(run))
    watched = tuple(_watched(situation, run))
    if run.dry_run:
        said = f"only observes: its job would have started at {times.when(run.started_at or ended_at)}"
        return Standing(said, facts, watched)
    took = f"; its job took {duration(ended_at - run.started_at)}" if run.started_at is not None else ""
    attempt = f", at attempt {run.attempt}" if run.attempt > 1 else ""
    said = f"succeeded at {times.when(ended_at)}{attempt}{took}"
    return Standing(said, facts, watched, _again(situation, run))


def _report(run: Run) -> Iterator[Fact]:
    report: Mapping[str, Any] = run.outcome.report if run.outcome is not None else {}
    if report:
        told = [f"{name} {shown(value, 80)}" for name, value in list(report.items())[:_MOST_NAMED]]
        yield Fact("reported", ", ".join(told))


def _watched(situation: Situation, run: Run) -> Iterator[str]:
    most = situation.pipeline.job.max_drift_reruns
    left = max(0, most - run.drift_reruns)
    fields = _compared_fields(situation)
    if fields and situation.baseline is None:
        yield "late data cannot be told: what it read was not kept"
    elif fields:
        more = f" and {len(fields) - _MOST_NAMED} more" if len(fields) > _MOST_NAMED else ""
        again = "would start it again" if run.dry_run else "starts it again"
        does = f"is late data, and {again}" if left else "is late data, which is told and starts nothing"
        yield f"a write that changes {', '.join(fields[:_MOST_NAMED])}{more} {does} ({left} of {most} maxDriftReruns left)"
    post_run = situation.pipeline.post_run
    if post_run is not None:
        keys = ", ".join(dict.fromkeys(rule.key for node in post_run.rules for rule in each_rule(node)))
        verdict = f"; its postRun rules {run.post_run_verdict}" if run.post_run_verdict else ""
        yield f"drift of {keys} is watched{verdict}"


def _compared_fields(situation: Situation) -> list[str]:
    """What late data is told by: the fields that the trigger and the value rules name."""
    trigger = situation.pipeline.schedule.trigger
    rules = [*([trigger.rule] if trigger else []), *each_rule(situation.pipeline.validation.rule)]
    named = (f"{rule.key}.{rule.field}" for rule in rules if rule.field and rule.check not in AGE_CHECKS)
    return list(dict.fromkeys(named))


def failed(situation: Situation, run: Run, rules: Need) -> Standing:
    """The error, the budget that it counted against, and how to go on once the cause is found."""
    job, outcome = situation.pipeline.job, run.outcome
    category = category_of(outcome) if outcome is not None else FailureCategory.TRANSIENT
    counted_by = "maxCodeRetries" if category is FailureCategory.PERMANENT else "maxRetries"
    facts = [*opened(situation, run), *of_the_job(situation, run)]
    if outcome is not None and outcome.error:
        facts.append(Fact("error", shown(outcome.error, 1000)))
    facts += [Fact("category", f"{category}, counted by {counted_by}"), retries_left(run, job)]
    left = _job_left(run)
    facts += [Fact("its job", shown(left["remoteJob"], 500))] if "remoteJob" in left else []
    kind = run.job_type or job.type
    how = (
        f"its {kind} job {'timed out' if outcome is not None and outcome.end is JobEnd.TIMEOUT else 'failed'}"
    )
    if outcome is not None and outcome.start_unknown:
        how = f"nobody knows whether its {kind} job was started, or how it ended"
    said = f"failed at {situation.times.when(run.updated_at)}: {how}"
    waits = () if rules.met else (f"a rerun would wait for its rules: {lacking(rules)}",)
    advice = (_look_first(left, outcome), *_again(situation, run))
    return Standing(said, tuple(facts), ("no more is tried by itself", *waits), advice)


def _job_left(run: Run) -> Mapping[str, Any]:
    """What was told of the remote job at the end of its attempt: the row keeps the events of its last move."""
    ends = (EventType.JOB_FAILED, EventType.JOB_TIMEOUT)
    return next((event.detail for event in run.events if event.type in ends), {})


def _look_first(left: Mapping[str, Any], outcome: Outcome | None) -> str:
    if left.get("jobMayStillRun") is True:
        return "the job may still run, and a rerun would start another beside it: look at its service, stop it there if need be"
    if outcome is not None and outcome.start_unknown:
        return "look at the target by the job's id or run id, and run it again only if its work is not done"
    return "find the cause in the job's own log"


def expired(situation: Situation, run: Run, rules: Need) -> Standing:
    """Its window closed in vain, or its workflow broke while it waited."""
    at, facts = situation.times.when(run.updated_at), tuple(opened(situation, run))
    following, advice = tuple(_revived_by(situation)), _again(situation, run)
    broke = next((event for event in run.events if event.type is EventType.INFRA_FAILURE), None)
    if broke is not None:
        error = Fact("error", shown(broke.detail.get("error"), 500))
        return Standing(f"expired at {at}: {shown(broke.message, 200)}", (*facts, error), following, advice)
    why = "its rules did not hold in its window, and do now" if rules.met else lacking(rules)
    return Standing(f"expired at {at}: {why}", facts, following, advice)


def _revived_by(situation: Situation) -> Iterator[str]:
    deadline = trigger_deadline(situation.pipeline, situation.key.date)
    if situation.excluded is not None:
        yield f"nothing starts it: {situation.excluded}"
    elif deadline is not None and situation.now > deadline:
        yield f"nothing starts it by itself: the trigger deadline passed at {situation.times.when(deadline)}"
    else:
        until = f", until {situation.times.when(deadline)}" if deadline is not None else ""
        yield f"the next write at which its rules hold starts it at once, outside every budget{until}"


def cancelled(situation: Situation, run: Run, _rules: Need) -> Standing:
    said = f"was cancelled at {situation.times.when(run.updated_at)}: its config was removed while it waited"
    return Standing(said, tuple(opened(situation, run)), (), _again(situation, run))


def _again(situation: Situation, run: Run) -> tuple[str, ...]:
    most = situation.pipeline.job.max_manual_reruns
    left = max(0, most - run.manual_reruns)
    if situation.excluded is not None:
        return (f"a rerun would be refused: {situation.excluded}",)
    if not left:
        return (f"a rerun would be refused: {budget_spent('maxManualReruns', most)}",)
    # A request after a success is refused when no sensor of its rules was updated since, unless it is forced.
    forced = " --force" if run.status is RunStatus.SUCCEEDED else ""
    return (f"{rerun_line(situation)}{forced} ({left} of {most} maxManualReruns left)",)

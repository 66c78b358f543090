"""What is a run that has not ended waiting for? For its rules, a slot, a back-off, a job service, or its job."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.domain.event import EventType
from interlock.domain.explanation import Fact, Situation
from interlock.domain.missing import Need
from interlock.domain.pipeline import JobType, OnTimeout, rule_sensors, upstream_rules
from interlock.domain.plain_text import duration, shown
from interlock.domain.run import JobEnd, Run
from interlock.domain.run_facts import Standing, lacking, of_the_job, opened, retries_left
from interlock.domain.schedule import trigger_deadline

_MOST_NAMED = 5
_CANNOT_BE_ASKED = frozenset({JobType.LAMBDA, JobType.HTTP, JobType.COMMAND})
_CANNOT_BE_CANCELLED = frozenset({JobType.LAMBDA, JobType.HTTP})


def waiting(situation: Situation, run: Run, rules: Need) -> Standing:
    """`rules`: as they read now."""
    times, job = situation.times, situation.pipeline.job
    facts = (*opened(situation, run), *_workflow(run), *_last_failure(run))
    if run.retry_at is not None and run.retry_at > situation.now:
        said = f"waits to try again: attempt {run.attempt} begins at {times.when(run.retry_at)}"
        then = f"its rules are looked at then, until its window ends at {times.at(run.window_ends_at)}"
        return Standing(said, facts, (then,))
    if run.refused_since is not None:
        refused = f"{shown(run.refusal or 'no reason given', 500)}, since {times.when(run.refused_since)}"
        said = f"waits for the {job.type} service, which refuses to start its job"
        goes_on = "the start is tried again and again, for up to 30 minutes of refusals"
        return Standing(said, (*facts, Fact("refusal", refused)), (goes_on,))
    if run.may_have_started:
        said = f"is being started: the {job.type} service was called, and its answer is not known yet"
        return Standing(said, facts, (_if_its_answer_is_lost(situation),))
    if rules.met and situation.slot_awaited is not None:
        goes_on = "it has its slot the moment that those before it have given theirs back, and starts then"
        again = tuple(_looks_again(situation))
        return Standing(
            f"waits for a slot of {situation.slot_awaited}: its rules hold", facts, (goes_on, *again)
        )
    if rules.met:
        what = "would start" if situation.pipeline.dry_run else "is about to start"
        looks = tuple(_looks_again(situation)) or ("its workflow is looking at them",)
        return Standing(f"{what}: its rules hold", facts, looks)
    if situation.now >= run.window_ends_at:
        ended = times.when(run.window_ends_at)
        said = f"is about to expire: its window ended at {ended}, and {lacking(rules)}"
        return Standing(said, facts, tuple(_looks_again(situation)))
    following = (*_woken_by(situation), *_looks_again(situation), *_window(situation, run))
    return Standing(f"waits: {lacking(rules)}", facts, following)


def _if_its_answer_is_lost(situation: Situation) -> str:
    job = situation.pipeline.job
    if job.type not in _CANNOT_BE_ASKED:
        return "the service is asked whether the job exists, and the run goes on from there"
    if job.idempotent:
        return "if its answer is lost, the start is repeated (idempotent: true)"
    return (
        "if its answer is lost, nobody can be asked: the attempt fails then, and its error says what to check"
    )


def _workflow(run: Run) -> Iterator[Fact]:
    if not run.confirmed:
        yield Fact("workflow", "not known to have begun; its start is repeated until it has")


def _last_failure(run: Run) -> Iterator[Fact]:
    """Of the attempt before: the row keeps the events of its last move."""
    for event in run.events:
        if event.type in (EventType.JOB_FAILED, EventType.JOB_TIMEOUT):
            yield Fact("before", shown(event.message, 500))


def _woken_by(situation: Situation) -> Iterator[str]:
    sensors = _named(list(rule_sensors(situation.pipeline)))
    upstreams = _named([rule.pipeline_id for rule in upstream_rules(situation.pipeline)])
    wakes = [f"a write of {sensors}"] if sensors else []
    wakes += [f"a success of {upstreams}"] if upstreams else []
    if wakes:
        yield f"{' or '.join(wakes)} is looked at within seconds: the run goes on the moment its rules hold"


def _named(names: list[str]) -> str:
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _looks_again(situation: Situation) -> Iterator[str]:
    due = situation.look_at
    if due is not None:
        when = f"at {situation.times.when(due)}" if due > situation.now else "within a minute or two"
        yield f"it looks again by itself {when}"


def _window(situation: Situation, run: Run) -> Iterator[str]:
    yield f"its window ends at {situation.times.when(run.window_ends_at)}: if its rules do not hold then, it expires"
    deadline = trigger_deadline(situation.pipeline, run.key.date)
    until = f", until the trigger deadline at {situation.times.at(deadline)}" if deadline is not None else ""
    yield f"once expired, it is started by the next write that makes its rules hold{until}"


def running(situation: Situation, run: Run, _rules: Need) -> Standing:
    """Its job was started, or refused for good a moment ago."""
    facts = (*opened(situation, run), *of_the_job(situation, run))
    if run.outcome is not None:
        ended = "succeeded" if run.outcome.end is JobEnd.SUCCESS else "ended badly"
        error = (Fact("error", shown(run.outcome.error, 500)),) if run.outcome.error else ()
        said = f"is about to end: its {run.job_type} job has {ended}"
        return Standing(said, (*facts, *error), ("its workflow closes the attempt now",))
    since = f" for {duration(situation.now - run.started_at)}" if run.started_at is not None else ""
    budgets = retries_left(run, situation.pipeline.job)
    return Standing(
        f"is running: its {run.job_type} job has run{since}",
        (*facts, budgets),
        tuple(_end_of_job(situation, run)),
    )


def _end_of_job(situation: Situation, run: Run) -> Iterator[str]:
    yield "its end is known the moment that the service, the job or a callback reports it"
    if situation.look_at is not None and situation.look_at > situation.now:
        yield f"the service is asked at {situation.times.when(situation.look_at)}"
    if run.job_ends_by is not None:
        left = "cancelled"
        if situation.pipeline.job.on_timeout is OnTimeout.LEAVE or run.job_type in _CANNOT_BE_CANCELLED:
            left = "left running"
        ends = situation.times.when(run.job_ends_by)
        yield f"jobPollWindowSeconds end at {ends}: then the job is {left}, and the attempt has timed out"

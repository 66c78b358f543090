"""What is known of a run, whichever status it has: when it was opened, which attempt, which job, which budgets are left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from interlock.domain.explanation import Fact, Situation
from interlock.domain.missing import Need
from interlock.domain.pipeline import Job
from interlock.domain.plain_text import shown
from interlock.domain.run import Run


@dataclass(frozen=True, slots=True)
class Standing:
    """How a run stands, what happens next by itself, what a person can do."""

    headline: str
    facts: tuple[Fact, ...] = ()
    following: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


_FIRST_OPENERS = frozenset(("cron", "trigger", "watchdog"))


def opened(situation: Situation, run: Run) -> Iterator[Fact]:
    opened_at = situation.times.when(run.created_at)
    if run.execution_count > 1 and run.opened_by not in _FIRST_OPENERS:
        yield Fact("opened", opened_at)
        yield Fact("run again", f"by {run.opened_by}")
    else:
        yield Fact("opened", f"{opened_at}, by {run.opened_by}")
    spent = (
        ("retry", "retries", run.retries + run.code_retries),
        ("manual rerun", "manual reruns", run.manual_reruns),
        ("rerun for late data or drift", "reruns for late data or drift", run.drift_reruns),
    )
    told = [f"{count} {one if count == 1 else many}" for one, many, count in spent if count]
    yield Fact("attempt", f"{run.attempt}" + (f", after {', '.join(told)}" if told else ""))


def of_the_job(situation: Situation, run: Run) -> Iterator[Fact]:
    if run.started_at is not None:
        yield Fact("started", situation.times.when(run.started_at))
    if run.job_type is not None:
        name = f" {shown(run.remote_id, 200)}" if run.remote_id else ""
        if run.is_known_by_its_run_id:
            name = f", run id {run.run_id}"
        yield Fact("job", f"{run.job_type}{name}")


def retries_left(run: Run, job: Job) -> Fact:
    left, code_left = max(0, job.max_retries - run.retries), max(0, job.max_code_retries - run.code_retries)
    told = f"{left} of {job.max_retries} maxRetries, {code_left} of {job.max_code_retries} maxCodeRetries"
    return Fact("retries left", told)


def lacking(rules: Need) -> str:
    """What keeps the rules from holding, in half a sentence."""
    missing, count = rules.lacking, len(rules.members)
    if not count:
        return "ANY of no rules never holds"
    if len(missing) == 1 and not missing[0].members:
        return f"{missing[0].found}, {missing[0].change}"
    if rules.needed < len(missing):
        return f"none of {count} rules holds, and one is enough"
    return f"{len(missing)} of {count} rules {'does' if len(missing) == 1 else 'do'} not hold"

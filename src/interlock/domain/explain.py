"""Why did it (not) run? One answer for one execution date: the run, each rule, what comes next, deadlines, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from interlock.domain.explain_absence import absence, trigger_need
from interlock.domain.explain_deadlines import deadlines
from interlock.domain.explain_ended import cancelled, expired, failed, succeeded
from interlock.domain.explain_open import running, waiting
from interlock.domain.explanation import Explanation, Situation
from interlock.domain.missing import Need, needs
from interlock.domain.run import Run, RunStatus
from interlock.domain.run_facts import Standing

NO_RUN = "NO_RUN"
_STANDINGS: Mapping[RunStatus, Callable[[Situation, Run, Need], Standing]] = {
    RunStatus.WAITING: waiting,
    RunStatus.RUNNING: running,
    RunStatus.SUCCEEDED: succeeded,
    RunStatus.FAILED: failed,
    RunStatus.EXPIRED: expired,
    RunStatus.CANCELLED: cancelled,
}
# What its rules read by now says nothing about a run whose job was started.
_STARTED = (RunStatus.RUNNING, RunStatus.SUCCEEDED, RunStatus.FAILED)


def explain(situation: Situation) -> Explanation:
    """Of any execution date of a pipeline whose config can be read."""
    told = _without_run(situation) if situation.run is None else _of_run(situation, situation.run)
    return replace(told, deadlines=deadlines(situation), notes=tuple(_notes(situation)))


def _of_run(situation: Situation, run: Run) -> Explanation:
    pipeline, date, say = situation.pipeline, run.key.date, situation.times.at
    rules = needs(pipeline, date, situation.readiness.verdicts, situation.now, say)
    told = _STANDINGS[run.status](situation, run, rules)
    read = "now"
    if run.status in _STARTED:
        rules = needs(pipeline, date, run.verdicts, situation.now, say)
        read = f"at the start, {say(run.started_at)}" if run.started_at is not None else "at the start"
    return Explanation(
        key=run.key,
        state=str(run.status),
        headline=told.headline,
        times=situation.times,
        facts=told.facts,
        rules=rules,
        rules_read=read,
        following=told.following,
        advice=told.advice,
    )


def _without_run(situation: Situation) -> Explanation:
    told = absence(situation)
    rules = needs(
        situation.pipeline,
        situation.key.date,
        situation.readiness.verdicts,
        situation.now,
        situation.times.at,
    )
    return Explanation(
        key=situation.key,
        state=NO_RUN,
        headline=told.headline,
        times=situation.times,
        trigger=trigger_need(situation) if told.may_come else None,
        rules=rules if told.may_come else None,
        following=told.following,
        advice=told.advice,
    )


def _notes(situation: Situation) -> Iterator[str]:
    if situation.pipeline.dry_run:
        yield "the pipeline only observes (dryRun): no job is ever started for it"
    if situation.refused_file is not None:
        since = f", that of {situation.times.at(situation.loaded_at)}" if situation.loaded_at else ""
        yield f"{situation.refused_file} was refused since (CONFIG_INVALID says why): the last good config is in force{since}"
    if situation.run is not None and situation.excluded is not None:
        yield f"the date is excluded by now: {situation.excluded}"
    if situation.others:
        yield f"there are runs of {runs_text(situation.others, situation.key.schedule_id)}"


def runs_text(runs: Sequence[Run], schedule_id: str) -> str:
    """The dates of runs and how they stand, as a person has to ask for them."""

    def told(run: Run) -> str:
        option = "" if run.key.schedule_id == schedule_id else f", --schedule {run.key.schedule_id}"
        return f"{run.key.date} ({run.status}{option})"

    return ", ".join(map(told, runs))

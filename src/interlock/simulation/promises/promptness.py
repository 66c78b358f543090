"""In a world that nothing disturbs: a job starts the moment its rules hold, and a run ends the moment its job does.

Whatever was lost on the way is made good later, by a look at what is due; so only an undisturbed world shows that a write
wakes those who wait for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from interlock.aws import keys
from interlock.aws.table import Item, Key
from interlock.domain.pipeline import Check, Pipeline, each_rule, upstream_rules
from interlock.domain.run import Run, RunKey
from interlock.simulation.promises.facts import Broken, Facts, RunChange, clock, named
from interlock.simulation.promises.readings import rules_hold
from interlock.simulation.scenario import Drop, Pause, SetSecrets, StopExecution
from interlock.simulation.witness import Change

_SOON = timedelta(seconds=2)  # DESIGN section 4: one stream hop, under 2 s
_PUBLISHES_ENDS = ("glue", "emr", "emr-serverless", "stepfunctions")


def is_undisturbed(facts: Facts) -> bool:
    """Nothing fails, nothing is late, nothing is lost, nobody meddles with the machinery."""
    meddling = (Drop, Pause, StopExecution, SetSecrets)
    meddled = any(isinstance(entry.action, meddling) for entry in facts.played.scenario.timeline)
    return not meddled and not facts.played.history.faults


def starts_are_prompt(facts: Facts) -> Iterator[Broken]:
    """No run waits while its rules hold; those that wait for a slot, or whose job service refuses, excepted."""
    if not is_undisturbed(facts):
        return
    for key, changes in facts.runs.items():
        for place, one in enumerate(changes):
            after, before = one.after, one.before
            if (
                after is not None
                and after.status == "WAITING"
                and (before is None or before.status != "WAITING")
            ):
                yield from _waits_in_vain(facts, key, changes[place:])


def _waits_in_vain(facts: Facts, key: RunKey, changes: Sequence[RunChange]) -> Iterator[Broken]:
    left = next((one for one in changes if one.after is None or one.after.status != "WAITING"), None)
    until, last = (left.change.at, left.change.order) if left else (facts.ended_at, facts.last_order)
    first, run = changes[0], changes[0].after
    assert run is not None
    config = facts.config_at(key.pipeline_id, first.change.order)
    waiting = [one.after for one in changes if one.after and one.change.order < last]
    if config is None or _something_else_keeps_it(facts, key, config, waiting, first.change.order, last):
        return
    ready_from = max(first.change.at, run.retry_at or first.change.at)
    seen = [first.change, *_that_it_reads(facts, key, config, first.change.order, last)]
    for change, following in zip(seen, [*seen[1:], None], strict=True):
        since, to = max(change.at, ready_from), following.at if following else until
        if min(to, until) - since <= _SOON:
            continue

        def rows(row: Key, order: int = change.order) -> Item | None:
            return facts.row_at(row, order)

        if rules_hold(config, key, rows, since):
            what = f"its rules hold from {clock(since)} on, and nothing starts until {clock(to)}"
            yield Broken("starts-are-prompt", named(key), what)
            return


def _something_else_keeps_it(
    facts: Facts, key: RunKey, config: Pipeline, waiting: Sequence[Run], first: int, last: int
) -> bool:
    """A slot, a refusal, a job that is being stopped; or its rules change, by their config or by the clock alone."""
    if config.job.is_limited or any(run.pools or run.refused_since or run.stopping for run in waiting):
        return True
    if len(facts.configs_between(key.pipeline_id, first, last)) > 1:
        return True
    return any(rule.check in (Check.AGE_LT, Check.AGE_GT) for rule in each_rule(config.validation.rule))


def _that_it_reads(facts: Facts, key: RunKey, config: Pipeline, first: int, last: int) -> Iterator[Change]:
    own = keys.partition(key.pipeline_id)
    upstreams = {keys.partition(rule.pipeline_id) for rule in upstream_rules(config)}
    for change in facts.changes_between(first, last - 1):
        partition, sort = change.key
        if change.table != "control":
            continue
        if (partition == own and sort.startswith(keys.RowKind.SENSOR)) or (
            partition in upstreams and sort.startswith(keys.RowKind.RUN)
        ):
            yield change


def ends_are_prompt(facts: Facts) -> Iterator[Broken]:
    """Where AWS publishes the end of a job, its run goes on at once."""
    if not is_undisturbed(facts):
        return
    for key, starts in facts.starts.items():
        for start in starts:
            job = facts.played.history.jobs[start.number]
            if not job.announced or job.ended_at is None or start.service not in _PUBLISHES_ENDS:
                continue
            late = _still_running(facts.runs.get(key, []), start.run_id, job.ended_at + _SOON)
            if late and job.ended_at + _SOON < facts.ended_at:
                what = f"its job ended at {clock(job.ended_at)}, and it still runs"
                yield Broken("ends-are-prompt", named(key), what)


def _still_running(changes: Sequence[RunChange], run_id: str, at: datetime) -> bool:
    run = None
    for one in changes:
        if one.change.at > at:
            break
        run = one.after
    return run is not None and run.status == "RUNNING" and run.run_id == run_id


CHECKS = (starts_are_prompt, ends_are_prompt)

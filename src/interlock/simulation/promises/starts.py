"""Exactly one start per attempt, never two jobs of one run at once, never more than the slots, none before its rules hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from interlock.aws import keys
from interlock.aws.table import Item, Key
from interlock.domain.pipeline import Pipeline
from interlock.domain.run import Run, RunKey
from interlock.simulation.promises.facts import Broken, Facts, RunChange, clock, named
from interlock.simulation.promises.readings import rules_hold
from interlock.simulation.witness import Start


def one_job_per_attempt(facts: Facts) -> Iterator[Broken]:
    """An attempt's run id is its name in every life of the run's row."""
    for key, starts in facts.starts.items():
        for run_id, times in Counter(start.run_id for start in starts).items():
            if times > 1:
                at = ", ".join(clock(start.at) for start in starts if start.run_id == run_id)
                yield Broken("one-job-per-attempt", named(key), f"{times} jobs of {run_id}: {at}")


def never_two_live(facts: Facts) -> Iterator[Broken]:
    """A job starts beside another of its run only when people were told that this one may live, and asked for it."""
    for key, starts in facts.starts.items():
        for place, start in enumerate(starts):
            for earlier in starts[:place]:
                if not _lives(facts, earlier, start.at) or _was_given_up(facts, key, earlier, start):
                    continue
                if _takes_it_twice(facts, start):
                    continue
                what = f"attempt {start.attempt} starts at {clock(start.at)} beside attempt {earlier.attempt}"
                yield Broken("never-two-live", named(key), what)


def _takes_it_twice(facts: Facts, start: Start) -> bool:
    """The user says so of its target."""
    config = facts.config_at(start.pipeline_id, start.order)
    return config is not None and config.job.idempotent


def _lives(facts: Facts, start: Start, at: datetime) -> bool:
    ended_at = facts.played.history.jobs[start.number].ended_at
    return ended_at is None or ended_at > at


def _was_given_up(facts: Facts, key: RunKey, earlier: Start, start: Start) -> bool:
    """Its attempt ended without it, knowingly and for good; or somebody outside said that it had ended."""
    for one in facts.runs.get(key, []):
        before, after = one.before, one.after
        if one.change.order > start.order or before is None or before.run_id != earlier.run_id:
            continue
        if before.status == "RUNNING" and after is not None and after.status in ("FAILED", "SUCCEEDED"):
            outcome = after.outcome
            if outcome is not None and (outcome.may_live or outcome.start_unknown):
                return True
    return was_reported(facts, key, earlier, start.order)


def was_reported(facts: Facts, key: RunKey, earlier: Start, order: int) -> bool:
    """Whether somebody outside had said by then that this job has ended."""
    prefix = f"JOB#{key.schedule_id}#{key.date}#"
    for (partition, sort), changes in facts.rows_ever(prefix, "joblog"):
        if partition == keys.partition(key.pipeline_id) and sort.endswith(f"#{earlier.attempt}"):
            written = (change for change in changes if change.by is None)
            if any(change.order < order for change in written):
                return True
    return False


def rules_held(facts: Facts) -> Iterator[Broken]:
    """When the very step that started the job looked at the table, every rule held on what stood there."""
    for key, starts in facts.starts.items():
        for start in starts:
            began = start.by.began if start.by else start.order
            configs = [
                config for config in facts.configs_between(key.pipeline_id, began, start.order) if config
            ]
            if not any(_held(facts, config, key, start) for config in configs):
                at = clock(start.at)
                what = (
                    f"attempt {start.attempt} starts at {at}, and its rules did not hold when it last looked"
                )
                yield Broken("rules-held", named(key), what)


def _held(facts: Facts, config: Pipeline, key: RunKey, start: Start) -> bool:
    now = start.by.began_at if start.by else start.at
    looked = start.by.snapshots if start.by else []
    order = max((order for order in looked if order < start.order), default=start.order)

    def rows(row: Key) -> Item | None:
        return facts.row_at(row, order)

    return rules_hold(config, key, rows, now)


def none_for_who_only_observes(facts: Facts) -> Iterator[Broken]:
    """A dry run starts nothing."""
    for key, starts in facts.starts.items():
        for start in starts:
            began = start.by.began if start.by else start.order
            configs = facts.configs_between(key.pipeline_id, began, start.order)
            if all(config is None or config.dry_run for config in configs):
                what = f"attempt {start.attempt} starts at {clock(start.at)} without a config that says so"
                yield Broken("none-for-who-only-observes", named(key), what)


def slots(facts: Facts) -> Iterator[Broken]:
    """Beside no more jobs than its limits allow. Of limits that change in the world the tests of slots see to."""
    for name, allowed, pipelines in _constant_limits(facts):
        starts = [start for start in facts.witness.starts if start.pipeline_id in pipelines]
        for place, start in enumerate(starts):
            beside = [other for other in starts[:place] if _holds_a_slot(facts, other, start)]
            if len(beside) >= allowed:
                others = ", ".join(f"{other.pipeline_id} {other.date}" for other in beside)
                what = f"{start.pipeline_id} {start.date} starts at {clock(start.at)} beside {others}"
                yield Broken("slots", f"{name} ({allowed})", what)


def _constant_limits(facts: Facts) -> Iterator[tuple[str, int, set[str]]]:
    """Each limit that nobody changed, and the pipelines that share it."""
    shared: dict[str, set[tuple[int, str]]] = {}
    changed: set[str] = set()
    for pipeline, configs in facts.configs.items():
        jobs = [config.pipeline.job if config.pipeline else None for config in configs]
        own = {job.max_concurrent_runs if job else None for job in jobs}
        if len(own) == 1 and (most := own.pop()) is not None:
            yield f"maxConcurrentRuns of {pipeline}", most, {pipeline}
        pools = {job.pool if job else None for job in jobs}
        for pool in pools - {None}:
            assert pool is not None
            shared.setdefault(pool.name, set()).add((pool.slots, pipeline))
            if len(pools) > 1:
                changed.add(pool.name)
    for name, members in shared.items():
        sizes = {size for size, _ in members}
        if len(sizes) == 1 and name not in changed:
            yield f"pool {name}", sizes.pop(), {pipeline for _, pipeline in members}


def _holds_a_slot(facts: Facts, other: Start, start: Start) -> bool:
    """It lives, and its attempt has not ended."""
    if not _lives(facts, other, start.at):
        return False
    run = _run_at(facts.runs.get(RunKey(other.pipeline_id, other.schedule_id, other.date), []), start.order)
    return run is not None and run.run_id == other.run_id and run.status in ("WAITING", "RUNNING")


def _run_at(changes: Sequence[RunChange], order: int) -> Run | None:
    run = None
    for one in changes:
        if one.change.order > order:
            break
        run = one.after
    return run


CHECKS = (one_job_per_attempt, never_two_live, rules_held, none_for_who_only_observes, slots)

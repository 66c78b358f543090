"""A run waits for its rules, and for its job, as long as its pipeline says: not longer, and never shorter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from interlock.domain.pipeline import Pipeline
from interlock.domain.run import Run, RunKey
from interlock.simulation.promises.books import began_of
from interlock.simulation.promises.facts import Broken, Facts, RunChange, clock, named


def windows_are_as_long_as_promised(facts: Facts) -> Iterator[Broken]:
    """Each turn to wait has its window, counted from when it begins; each job its poll window."""
    for key, one in _changes(facts):
        before, after = one.before, one.after
        assert after is not None
        old = str(before.status) if before else "no row"
        if after.status == "WAITING" and old != "WAITING":
            since = after.retry_at if old == "RUNNING" and after.retry_at else after.updated_at
            lasts = {config.schedule.evaluation.window for config in _configs(facts, key, one)}
            yield from _as_promised(key, one, "window", since, after.window_ends_at, lasts)
        elif before is not None and after.status == "WAITING" and not _is_same_window(before, after):
            what = f"its window ends at {after.window_ends_at}, and no more at {before.window_ends_at}"
            yield Broken("windows-last", named(key), what)
        if (old, str(after.status)) == ("WAITING", "RUNNING") and not after.dry_run:
            lasts = {config.job.poll_window for config in _configs(facts, key, one)}
            yield from _as_promised(key, one, "job", after.started_at, after.job_ends_by, lasts)


def _changes(facts: Facts) -> Iterator[tuple[RunKey, RunChange]]:
    """Ours."""
    for key, changes in facts.runs.items():
        for one in changes:
            if one.after is not None and one.change.by is not None:
                yield key, one


def _configs(facts: Facts, key: RunKey, one: RunChange) -> list[Pipeline]:
    """By which it may have been decided; none if one of them was no config."""
    found = facts.configs_between(key.pipeline_id, began_of(one.change), one.change.order)
    return [] if None in found else [config for config in found if config is not None]


def _as_promised(
    key: RunKey,
    one: RunChange,
    of: str,
    since: datetime | None,
    until: datetime | None,
    lasts: set[timedelta],
) -> Iterator[Broken]:
    found = until - since if since is not None and until is not None else None
    if lasts and found not in lasts:
        wanted = " or ".join(sorted(map(str, lasts)))
        what = f"at {clock(one.change.at)}, its {of} may take {found} from {clock(since)} on, not {wanted}"
        yield Broken("windows-last", named(key), what)


def _is_same_window(before: Run, after: Run) -> bool:
    return before.window_ends_at == after.window_ends_at


def nothing_is_over_before_its_window(facts: Facts) -> Iterator[Broken]:
    """Nobody is told that time is up while there is some left."""
    for key, one in _changes(facts):
        before = one.before
        if before is None or one.after is None or not one.moved:
            continue
        ends = {"VALIDATION_EXHAUSTED": before.window_ends_at, "JOB_POLL_EXHAUSTED": before.job_ends_by}
        for event in one.after.events:
            end = ends.get(str(event.type))
            if end is not None and one.change.at < end:
                what = f"{event.type} at {clock(one.change.at)}, and there was time until {clock(end)}"
                yield Broken("nothing-over-before-its-window", named(key), what)


CHECKS = (windows_are_as_long_as_promised, nothing_is_over_before_its_window)

"""A retry waits: as long as its pipeline says, and twice as long after each retry before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from interlock.domain.run import Run, RunKey
from interlock.simulation.promises.facts import Broken, Facts, RunChange, clock, named

_LONGEST = timedelta(days=1)
_ROUNDED = timedelta(seconds=1)  # a state machine waits for whole seconds


def retries_wait(facts: Facts) -> Iterator[Broken]:
    """Of an attempt that was opened by the failure before, and by nobody else meanwhile."""
    for key, changes in facts.runs.items():
        for place, one in enumerate(changes):
            before, after = one.before, one.after
            if before is None or after is None or (before.status, after.status) != ("RUNNING", "WAITING"):
                continue
            begun = _begun(changes[place:])
            if begun is None or one.change.by is None:
                continue
            earliest = one.change.by.began_at + _least(facts, key, one, before) - _ROUNDED
            for start in facts.starts.get(key, []):
                if one.change.order < start.order <= begun.change.order and start.at < earliest:
                    what = f"attempt {after.attempt} starts at {clock(start.at)}, and not before {clock(earliest)}"
                    yield Broken("retries-wait", named(key), what)


def _begun(changes: Sequence[RunChange]) -> RunChange | None:
    """When it was RUNNING, if it went straight there."""
    left = next((one for one in changes if one.after is None or one.after.status != "WAITING"), None)
    return left if left is not None and left.after is not None and left.after.status == "RUNNING" else None


def _least(facts: Facts, key: RunKey, one: RunChange, before: Run) -> timedelta:
    """By whichever config its failure was judged."""
    by = one.change.by
    configs = facts.configs_between(key.pipeline_id, by.began if by else one.change.order, one.change.order)
    doubled = 2 ** (before.retries + before.code_retries)
    waits = [config.job.retry_backoff * doubled for config in configs if config is not None]
    return min([*waits, _LONGEST]) if waits else timedelta()


CHECKS = (retries_wait,)

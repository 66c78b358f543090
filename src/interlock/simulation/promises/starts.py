"""Exactly one start per attempt, never two jobs of one run at once, none before its rules hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from interlock.simulation.promises.facts import Broken, Facts, named


def one_job_per_attempt(facts: Facts) -> Iterator[Broken]:
    """An attempt's run id is its name in every life of the run's row."""
    for key, starts in facts.starts.items():
        for run_id, times in Counter(start.run_id for start in starts).items():
            if times > 1:
                at = ", ".join(f"{start.at:%d %H:%M:%S}" for start in starts if start.run_id == run_id)
                yield Broken("one-job-per-attempt", named(key), f"{times} jobs of {run_id}: {at}")


CHECKS = (one_job_per_attempt,)

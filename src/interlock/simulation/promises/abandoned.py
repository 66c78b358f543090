"""No job is left alone: who lets go of one that still runs has stopped it, or told people that it may run on."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.domain.run import Run
from interlock.simulation.promises.facts import Broken, Facts, RunChange, clock, named
from interlock.simulation.promises.starts import was_reported
from interlock.simulation.witness import Start


def jobs_are_let_go_knowingly(facts: Facts) -> Iterator[Broken]:
    """Of each attempt that ended badly. Where a target takes one start twice, one of the two may be left."""
    for key, changes in facts.runs.items():
        for one in changes:
            before, after = one.before, one.after
            if before is None or after is None or before.status != "RUNNING":
                continue
            if after.status not in ("FAILED", "WAITING") or _people_know(after):
                continue
            for start in facts.starts.get(key, []):
                if start.run_id != before.run_id or not _runs_on(facts, start, one):
                    continue
                if not _may_be_beside_another(facts, start) and not was_reported(
                    facts, key, start, one.change.order
                ):
                    what = f"attempt {start.attempt} ended at {clock(one.change.at)}, its job runs on, and nobody was told"
                    yield Broken("jobs-are-let-go-knowingly", named(key), what)


def _people_know(after: Run) -> bool:
    return any(
        event.detail.get("jobMayStillRun") or event.detail.get("startUnknown") for event in after.events
    )


def _runs_on(facts: Facts, start: Start, one: RunChange) -> bool:
    job = facts.played.history.jobs[start.number]
    is_over = job.ended_at is not None and job.ended_at <= one.change.at
    return start.order < one.change.order and not job.cancelled and not is_over


def _may_be_beside_another(facts: Facts, start: Start) -> bool:
    config = facts.config_at(start.pipeline_id, start.order)
    return config is None or config.job.idempotent


CHECKS = (jobs_are_let_go_knowingly,)

"""What is watched after a success: which sensors, whether their rules hold, and which of them nobody wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.domain.late_data import Readings, written_mark
from interlock.domain.pipeline import Pipeline, Validation, each_rule
from interlock.domain.readiness import RuleVerdict, evaluate_readiness
from interlock.domain.rule_check import CLOCK_TOLERANCE
from interlock.domain.run import Run
from interlock.domain.sensor import Reading

PASSED, FAILED = "passed", "failed"


@dataclass(frozen=True, slots=True)
class PostRunVerdict:
    """All postRun rules, judged at one instant."""

    verdict: str  # `passed` or `failed`, as in `run.post_run_verdict`
    verdicts: tuple[RuleVerdict, ...]  # of each rule when it passed, else of those that fail


def judge_post_run(pipeline: Pipeline, readings: Readings, now: datetime) -> PostRunVerdict | None:
    """None while nothing can be said: a rule whose sensor nobody reported yet is missing, not failing."""
    rules = pipeline.post_run.rules if pipeline.post_run else ()
    if not rules:
        return None
    judged = evaluate_readiness(Validation(rules=rules), readings, now)
    if judged.ready:
        return PostRunVerdict(PASSED, judged.verdicts)
    failing = tuple(
        verdict
        for node, verdict in zip(rules, judged.verdicts, strict=True)
        if not verdict.holds and all(isinstance(readings.get(rule.key), Reading) for rule in each_rule(node))
    )
    return PostRunVerdict(FAILED, failing) if failing else None


def missing_sensors(run: Run, sensors: Sequence[str], readings: Readings, now: datetime) -> list[str]:
    """Those that nothing wrote after the success: no write was seen, and no reading says that it is newer."""
    return [
        sensor
        for sensor in sensors
        if written_mark(sensor) not in run.told and not _updated_since(run, readings, sensor, now)
    ]


def _updated_since(run: Run, readings: Readings, sensor: str, now: datetime) -> bool:
    reading = readings.get(sensor)
    updated_at = reading.updated_at if isinstance(reading, Reading) else None
    if updated_at is None or run.succeeded_at is None:
        return False
    return run.succeeded_at < updated_at <= now + CLOCK_TOLERANCE

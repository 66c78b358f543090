"""What the tables say about one execution date, for tests of what is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from builders import a_key, a_pipeline, a_reading, a_rule, at
from interlock.domain.calendar import exclusion_reason
from interlock.domain.expected_date import expected_date, first_expected
from interlock.domain.explanation import Situation
from interlock.domain.pipeline import Pipeline
from interlock.domain.readiness import evaluate_readiness, trigger_holds
from interlock.domain.run import Run
from interlock.domain.sensor import Unseen

NOW = at("2026-03-02T08:30")
ROWS = a_rule()
WAITS_FOR_ROWS = a_pipeline(rules=[ROWS])


def a_situation(
    pipeline: Pipeline = WAITS_FOR_ROWS,
    run: Run | None = None,
    readings: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    now: datetime = NOW,
    date: str = "2026-03-02",
    unmet_since: datetime | None = None,
    **more: Any,
) -> Situation:
    """Without calendars. `readings` by sensor; `unmet_since`: the rules were judged first then, on nothing."""
    seen = {key: a_reading(dict(values), key) for key, values in (readings or {}).items()}
    before = evaluate_readiness(pipeline.validation, {}, unmet_since) if unmet_since else None
    trigger = pipeline.schedule.trigger
    verdict = None
    if trigger is not None and run is None:
        key = trigger.rule.key
        verdict = trigger_holds(trigger.rule, seen.get(key) or Unseen(key, f"{key} was never reported"), now)
    known: dict[str, Any] = {
        "key": run.key if run is not None else a_key(schedule_id=pipeline.schedule_id, date=date),
        "readiness": evaluate_readiness(pipeline.validation, seen, now, before.verdicts if before else ()),
        "trigger": verdict,
        "excluded": exclusion_reason(pipeline, date, {}),
        "expected": expected_date(pipeline, date, {}),
        "following": first_expected(pipeline, now, {}),
        "loaded_at": now - timedelta(days=30),
    }
    return Situation(pipeline=pipeline, now=now, run=run, **(known | more))

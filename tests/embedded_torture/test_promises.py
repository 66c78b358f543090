"""Each promise of a world of the embedded torture is asked for: a world that breaks it is told so, a good one is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from builders import a_pipeline, a_rule
from embedded_torture.facts import Facts, Rows
from embedded_torture.faults import Fault, Strike
from embedded_torture.jobs import Started
from embedded_torture.promises import broken, unrest
from embedded_torture.stream_tail import Change, Row
from embedded_torture.worlds import a_world
from interlock.aws import keys
from interlock.domain.pipeline import Pipeline
from interlock.domain.pipeline_codec import encode_pipeline

AT = "2026-03-01T06:00:00.000Z"
RUN = keys.partition("w0001-a"), "RUN#stream#2026-03-01"
DUE = keys.partition("w0001-a"), "DUE#check#stream#2026-03-01"
POOL = "POOL#w0001-pool", "SLOTS"
STARTED = Started("w0001-a-stream-2026-03-01-1.0", "2026-03-01", 1, 100.0, 110.0)


def a_row(status: str, version: int, *events: str, attempt: int = 1, **more: Any) -> Row:
    told = [{"type": event, "message": "-", "at": AT, "attempt": Decimal(attempt)} for event in events]
    return {
        "PK": RUN[0],
        "SK": RUN[1],
        "status": status,
        "attempt": Decimal(attempt),
        "version": Decimal(version),
        "createdAt": AT,
        "updatedAt": AT,
        "executionCount": Decimal(1),
        "executionName": "w0001-a-1",
        "windowEndsAt": AT,
        "openedBy": "trigger",
        "events": told,
        **more,
    }


INTENT = {"attempt": Decimal(1), "at": AT, "jobType": "glue", "config": "{}"}
LIFE = (
    a_row("WAITING", 1, "RUN_OPENED"),
    a_row("WAITING", 1, "RUN_OPENED", intent=INTENT),
    a_row("RUNNING", 2, "JOB_TRIGGERED", intent=INTENT),
    a_row("FAILED", 3, "JOB_FAILED", "RETRY_EXHAUSTED", intent=INTENT),
)


def changes(*life: Row, pipeline: Pipeline | None = None) -> tuple[Change, ...]:
    config = {"config": encode_pipeline(pipeline or a_pipeline(id="w0001-a")), "updatedAt": AT}
    first = Change(keys.config_key("w0001-a"), None, config, {})
    return first, *(Change(RUN, old, new, {}) for old, new in zip((None, *life), life, strict=False))


def facts(*life: Row, **more: Any) -> Facts:
    """A world of one run that failed once and for good, all of it stored and told."""
    rows = Rows(changes(*(life or LIFE)))
    good = Facts(
        plan=a_world(1, 1),
        rows=rows,
        stored=tuple((event.partition, event.id) for event in rows.announced),
        told={event.id: (100.0,) for event in rows.announced if event.is_alert},
        starts={"w0001-a": (STARTED,)},
        executions=(),
        schedules=(),
        strikes=(),
        published_again=frozenset(),
    )
    return replace(good, **more)


def beside(key: tuple[str, str], row: Row) -> Rows:
    return Rows((*changes(*LIFE), Change(key, None, row, {})))


def found(world: Facts) -> set[str]:
    return {each.promise for each in (*broken(world), *unrest(world))}


def test_a_world_that_keeps_its_promises_is_told_nothing() -> None:
    assert found(facts()) == set()


OPEN = LIFE[:3]
AGAIN = replace(STARTED, begun_at=120.0, over_at=130.0)
NEXT = replace(STARTED, run_id="w0001-a-stream-2026-03-01-2.0", attempt=2, begun_at=105.0)
BREACHES: dict[str, tuple[str, Callable[[], Facts]]] = {
    "a run that is still open": ("open-runs-end", lambda: facts(*OPEN)),
    "a job that lives on": (
        "no-job-left",
        lambda: facts(starts={"w0001-a": (replace(STARTED, over_at=None),)}),
    ),
    "an execution that waits": ("no-execution-left", lambda: facts(executions=("w0001-a-1",))),
    "a schedule": ("schedules-in-force", lambda: facts(schedules=("w0001-a-sla",))),
    "a promise in the ledger": ("nothing-left-open", lambda: facts(rows=beside(DUE, {"dueAt": Decimal(1)}))),
    "a slot that is held": ("no-slot-left", lambda: facts(rows=beside(POOL, {"holders": [["w0001-a"]]}))),
    "an event that was not stored": ("every-event-stored", lambda: facts(stored=facts().stored[1:])),
    "an event that was stored twice": (
        "stored-once",
        lambda: facts(stored=(*facts().stored, facts().stored[0])),
    ),
    "an event of no row": (
        "nothing-made-up",
        lambda: facts(stored=(*facts().stored, (RUN[0], "another"))),
    ),
    "an alert that nobody read": ("every-alert-posted", lambda: facts(told={})),
    "a job that was started twice": (
        "one-job-per-attempt",
        lambda: facts(starts={"w0001-a": (STARTED, AGAIN)}),
    ),
    "two jobs at once": ("never-two-live", lambda: facts(starts={"w0001-a": (STARTED, NEXT)})),
    "a job of an attempt that nobody knows": (
        "rules-held",
        lambda: facts(starts={"w0001-a": (STARTED, replace(NEXT, begun_at=140.0, over_at=150.0))}),
    ),
    "a job whose rules never held": (
        "rules-held",
        lambda: facts(rows=Rows(changes(*LIFE, pipeline=a_pipeline(id="w0001-a", rules=[a_rule()])))),
    ),
    "a start that is told twice": (
        "triggered-once",
        lambda: facts(*OPEN, a_row("FAILED", 3, "JOB_TRIGGERED", "JOB_FAILED")),
    ),
    "an attempt with two ends": (
        "told-as-it-moves",
        lambda: facts(*OPEN, a_row("FAILED", 3, "JOB_TIMEOUT", "JOB_FAILED")),
    ),
    "an attempt without an end": ("told-as-it-moves", lambda: facts(*OPEN, a_row("FAILED", 3))),
    "a move that the table does not have": (
        "moves-of-the-table",
        lambda: facts(LIFE[0], a_row("SUCCEEDED", 2)),
    ),
    "a version that is skipped": ("one-version-at-a-time", lambda: facts(*OPEN, a_row("FAILED", 4))),
}


@pytest.mark.parametrize(("promise", "world"), BREACHES.values(), ids=BREACHES)
def test_a_world_that_breaks_a_promise_is_told_which(promise: str, world: Callable[[], Facts]) -> None:
    assert promise in found(world())


TWICE = {event.id: (100.0, 200.0) for event in facts().rows.announced if event.is_alert}
DIED = Fault("0009-1", "0009", "alert-dispatcher", None, 1, "crash", "after", "all", 0.0)


@pytest.mark.parametrize(
    ("more", "is_excused"),
    [
        pytest.param({}, False, id="without a reason"),
        pytest.param(
            {"strikes": (Strike(DIED, 150.0, "dynamodb.UpdateItem"),)}, True, id="a dispatcher died"
        ),
        pytest.param({"strikes": (Strike(DIED, 300.0, "dynamodb.UpdateItem"),)}, False, id="it died later"),
        pytest.param({"published_again": frozenset(TWICE)}, True, id="the events came twice"),
    ],
)
def test_a_message_is_repeated_only_for_a_reason(more: dict[str, Any], is_excused: bool) -> None:
    world = facts(told=TWICE, **more)

    assert ("alert-posted-once" not in found(world)) is is_excused


def test_a_world_is_the_same_whoever_else_is_played() -> None:
    assert a_world(7, 12) == a_world(7, 12)
    assert a_world(7, 12).corners != a_world(8, 12).corners
    assert a_world(7, 12).corners != a_world(7, 13).corners

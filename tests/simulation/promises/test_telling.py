"""Each way in which telling may go wrong is seen; a world in which a job failed and its retry succeeded is flawless."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from interlock.simulation.played import Played
from interlock.simulation.promises.telling import CHECKS
from tampered_world import a_played, a_write, broken, forget, repeat

_CONFIG = {"schedule": {"trigger": {"key": "landed", "check": "exists"}}}
_JOBS = {"daily": [{"outcome": "fail", "after": "5m"}, {"outcome": "succeed", "after": "5m"}]}


def a_troubled() -> Played:
    return a_played(_CONFIG, a_write("+1m", count=1), jobs=_JOBS)


def test_a_world_that_tells_everything_breaks_nothing() -> None:
    played = a_troubled()

    assert [post.type for post in played.history.posted] == ["JOB_FAILED", "JOB_COMPLETED"]
    assert broken(CHECKS, played) == set()


def _not_published(played: Played) -> None:
    played.history.published[:] = [
        each for each in played.history.published if each.event.type != "JOB_FAILED"
    ]


def _reworded(played: Played) -> None:
    first = played.history.published[0]
    played.history.published[0] = replace(first, event=replace(first.event, message="something else"))


def _without_detail(played: Played) -> None:
    first = next(each for each in played.history.published if each.event.detail)
    place = played.history.published.index(first)
    played.history.published[place] = replace(first, event=replace(first.event, detail={}))


def _stored_without_detail(played: Played) -> None:
    changes = played.witness.changes
    place = next(place for place, change in enumerate(changes) if "#JOB_FAILED#" in change.key[1])
    assert changes[place].new is not None
    changes[place] = replace(changes[place], new={**(changes[place].new or {}), "detail": {}})


def _made_up(played: Played) -> None:
    first = played.history.published[0]
    played.history.published.append(replace(first, event=replace(first.event, event_id="0" * 32)))


def _not_stored(played: Played) -> None:
    forget(played, lambda change: change.table == "events" and "#JOB_FAILED#" in change.key[1])


def _stored_twice(played: Played) -> None:
    row = next(change for change in played.witness.changes if "#JOB_FAILED#" in change.key[1])
    played.witness.changes.append(replace(row, order=played.witness.changes[-1].order + 1))


def _not_posted(played: Played) -> None:
    del played.history.posted[0]


def _posted_twice(played: Played) -> None:
    played.history.posted.append(played.history.posted[0])


def _in_another_thread(played: Played) -> None:
    played.history.posted[1] = replace(played.history.posted[1], thread="another")


def _triggered_twice(played: Played) -> None:
    repeat(played, "JOB_TRIGGERED")


def _of_no_start(played: Played) -> None:
    del played.witness.starts[0]


def _same_version(played: Played) -> None:
    changes = played.witness.changes
    place, told = next(
        (place, change)
        for place, change in enumerate(changes)
        if change.key[1].startswith("RUN#") and change.old and change.new and change.new.get("events")
        if change.old.get("version") != change.new["version"]
    )
    assert told.old is not None
    assert told.new is not None
    changes[place] = replace(told, new={**told.new, "version": told.old["version"]})


@pytest.mark.parametrize(
    ("tamper", "promise"),
    [
        pytest.param(_not_published, "every-event-published", id="never published"),
        pytest.param(_reworded, "told-as-announced", id="published in other words"),
        pytest.param(_without_detail, "told-as-announced", id="published without its detail"),
        pytest.param(_stored_without_detail, "told-as-announced", id="stored without its detail"),
        pytest.param(_made_up, "nothing-made-up", id="published by nobody"),
        pytest.param(_not_stored, "every-event-stored", id="not in the sink"),
        pytest.param(_stored_twice, "stored-once", id="in the sink twice"),
        pytest.param(_not_posted, "every-alert-posted", id="not in the channel"),
        pytest.param(_posted_twice, "alert-posted-once", id="in the channel twice"),
        pytest.param(_in_another_thread, "one-thread-per-run", id="in another thread"),
        pytest.param(_triggered_twice, "triggered-once", id="one start told twice"),
        pytest.param(_of_no_start, "triggered-for-real", id="told of no start"),
        pytest.param(_same_version, "announced-with-a-version", id="says something with an old version"),
    ],
)
def test_a_tampered_world_is_found_out(tamper: Callable[[Played], None], promise: str) -> None:
    played = a_troubled()

    tamper(played)

    assert promise in broken(CHECKS, played)


def test_a_dispatcher_that_dies_before_it_notes_the_post_may_post_again() -> None:
    dies = {
        "call": "dynamodb.UpdateItem",
        "function": "alert-dispatcher",
        "error": "crash",
        "when": "before",
        "skip": 1,
    }
    played = a_played(_CONFIG, {"at": "+0m", "fault": dies}, a_write("+1m", count=1), jobs=_JOBS)

    assert [post.type for post in played.history.posted].count("JOB_FAILED") == 2
    assert broken(CHECKS, played) == set()


def test_a_lost_record_must_be_made_good_by_the_sweep() -> None:
    lost = a_played(
        _CONFIG,
        a_write("+1m", count=1),
        {"at": "+10m", "drop": {"next": 40}},
        until="+8h",
        jobs={"daily": [{"outcome": "fail", "after": "12m", "category": "PERMANENT"}]},
    )
    assert broken(CHECKS, lost) == set()

    swept = {one.event.event_id for one in lost.history.published if one.event.type == "JOB_FAILED"}
    lost.history.published[:] = [one for one in lost.history.published if one.event.event_id not in swept]

    assert "lost-event-published" in broken(CHECKS, lost)

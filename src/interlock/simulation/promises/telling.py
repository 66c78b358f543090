"""Whatever a row announced reached the bus and, once, the sink: as it was announced, and nothing besides."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from interlock.aws.run_item import parse_instant_text, plain
from interlock.domain.event import Event
from interlock.simulation.promises.announced import Announced, announced, announcements_have_a_version
from interlock.simulation.promises.channel import alerts_reach_people
from interlock.simulation.promises.facts import Broken, Facts, clock
from interlock.simulation.promises.moves_told import told_once
from interlock.simulation.promises.undelivered import REPEATED, Undelivered
from interlock.simulation.witness import Change

# An event that is larger than the bus takes is cut down; DESIGN section 6 leaves open how.
_NEVER_CUT = 4096
_CUT = "leftOut"  # of its detail names the fields that it lost then
_ALARM = "INFRA_ALARM"  # CloudWatch's: no row of ours tells of it


def telling(facts: Facts) -> Iterator[Broken]:
    """All that has to do with events, whose list is made once."""
    told, undelivered = list(announced(facts)), Undelivered(facts)
    yield from announcements_have_a_version(facts)
    yield from _one_id_one_fact(told)
    yield from _published_as_announced(facts, told, undelivered)
    yield from _stored_as_announced(facts, told, undelivered)
    yield from alerts_reach_people(facts, told, undelivered)
    yield from told_once(facts, told)


def _one_id_one_fact(told: Sequence[Announced]) -> Iterator[Broken]:
    """Consumers take the second event of one id for the first."""
    first: dict[str, Announced] = {}
    for one in told:
        other = first.setdefault(one.id, one)
        if one.is_ours and other.is_ours and _fact(other) != _fact(one):
            yield Broken("one-id-one-fact", str(one), f"has the id {one.id} of {other}")


def _fact(one: Announced) -> tuple[Any, ...]:
    return one.type, one.run, one.attempt, one.message, one.at


def _published_as_announced(
    facts: Facts, told: Sequence[Announced], undelivered: Undelivered
) -> Iterator[Broken]:
    by_id = {one.id: one for one in told}
    published = {each.event.event_id for each in facts.played.history.published}
    for each in facts.played.history.published:
        one = by_id.get(each.event.event_id)
        if one is None and each.event.type == _ALARM:
            continue
        if one is None:
            yield Broken("nothing-made-up", _named(each.event), "was published, and no row announced it")
        elif (different := list(_differences(one, each.event))) and one.is_ours:
            yield Broken("told-as-announced", str(one), f"was published with another {', '.join(different)}")
    if not undelivered.is_everything_dealt_with:
        return
    for one in told:
        if one.is_ours and one.id not in published:
            if not undelivered.is_lost(one):
                yield Broken("every-event-published", str(one), "was announced, and never published")
            elif undelivered.must_be_swept_up(one):
                said = "its record was lost, and the sweep did not publish it"
                yield Broken("lost-event-published", str(one), said)


def _differences(one: Announced, event: Event) -> Iterator[str]:
    pairs = {
        "type": (one.type, str(event.type)),
        "pipeline": (one.pipeline_id, event.pipeline_id),
        "schedule": (one.schedule_id, event.schedule_id),
        "date": (one.date, event.date),
        "attempt": (one.attempt, event.attempt),
        "message": (one.message[:_NEVER_CUT], event.message[:_NEVER_CUT]),
        "instant": (one.at, event.at),
        "severity": (one.severity, str(event.severity)),
        "detail": (_whole(one.detail), _whole(event.detail)),
    }
    if _CUT in event.detail:
        del pairs["detail"]
    yield from (name for name, (wanted, found) in pairs.items() if wanted != found)


def _whole(detail: Mapping[str, Any]) -> str:
    return json.dumps(plain(detail), sort_keys=True)


def _stored_as_announced(
    facts: Facts, told: Sequence[Announced], undelivered: Undelivered
) -> Iterator[Broken]:
    by_id = {one.id: one for one in told}
    stored: Counter[str] = Counter()
    for change in facts.witness.changes:
        if change.table != "events" or change.key[1].startswith("THREAD#") or change.by is None:
            continue
        row = change.new or {}
        event_id = str(row.get("eventId") or (change.old or {}).get("eventId"))
        one = by_id.get(event_id)
        if one is None:
            if row.get("eventType") != _ALARM:
                yield Broken(
                    "nothing-made-up", " ".join(change.key), "is in the sink, and no row announced it"
                )
            continue
        stored[event_id] += 1
        if change.old is not None:
            yield Broken("stored-once", str(one), f"its row was written again at {clock(change.at)}")
        elif not _is_row_of(one, change):
            yield Broken("told-as-announced", str(one), f"is stored as {' '.join(change.key)}: {row}")
    for one in told:
        if stored[one.id] > 1:
            yield Broken("stored-once", str(one), f"is in the sink {stored[one.id]} times")
    if not undelivered.is_everything_dealt_with:
        return
    published = {each.event.event_id: each.at for each in facts.played.history.published}
    for one in told:
        last = published.get(one.id)
        if stored[one.id] or last is None or last > facts.ended_at - REPEATED:
            continue
        if one.id not in undelivered.events or undelivered.must_be_swept_up(one):
            yield Broken("every-event-stored", str(one), "was published, and is not in the sink")


def _is_row_of(one: Announced, change: Change) -> bool:
    row = change.new or {}
    epoch_ms = round(one.at.timestamp() * 1000)
    wanted = (f"PIPELINE#{one.pipeline_id or '-'}", f"{epoch_ms}#{one.type}#{one.id}")
    about = (row.get("pipelineId"), row.get("scheduleId"), row.get("date"), row.get("attempt"))
    return (
        change.key == wanted
        and about == (one.pipeline_id, one.schedule_id, one.date, one.attempt)
        and (row.get("eventType"), row.get("severity")) == (one.type, one.severity)
        and str(row.get("message"))[:_NEVER_CUT] == one.message[:_NEVER_CUT]
        and parse_instant_text(str(row.get("timestamp"))) == one.at
        and _is_detail_of(one, row.get("detail"))
    )


def _is_detail_of(one: Announced, stored: Any) -> bool:
    """What no attribute can hold is stored as text."""
    detail = json.loads(stored) if isinstance(stored, str) else plain(stored)
    return isinstance(detail, Mapping) and (_CUT in detail or _whole(detail) == _whole(one.detail))


def _named(event: Event) -> str:
    return f"{event.type} of {event.pipeline_id} {event.date or ''}, {clock(event.at)}"


CHECKS = (telling,)

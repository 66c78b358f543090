"""What must hold of a world: what must come to rest in the end, and what must never be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

from embedded_torture.facts import Announced, Facts
from embedded_torture.stream_tail import Key, Row

_OPEN = ("WAITING", "RUNNING")
_MOVES = {
    "WAITING": ("RUNNING", "EXPIRED", "CANCELLED"),
    "RUNNING": ("SUCCEEDED", "FAILED", "WAITING"),
    "SUCCEEDED": ("WAITING",),
    "FAILED": ("WAITING",),
    "EXPIRED": ("WAITING",),
    "CANCELLED": ("WAITING",),
}
_DRY_MOVES = _MOVES | {"WAITING": ("SUCCEEDED", "EXPIRED", "CANCELLED", "RUNNING")}
_ENDS = ("JOB_COMPLETED", "JOB_FAILED", "JOB_TIMEOUT")
# Slack's `ts` is cut to whole seconds, and a message is marked as delivered a moment after it was.
_CLOCK_SECONDS = 3.0


@dataclass(frozen=True)
class Broken:
    """A promise that was not kept."""

    promise: str
    about: str
    what: str

    def __str__(self) -> str:
        return f"{self.promise}: {self.about}: {self.what}"


def unrest(facts: Facts) -> Iterator[Broken]:
    """What has yet to come; that it never does is the fault."""
    for key, row in facts.rows("RUN#").items():
        if row.get("status") in _OPEN:
            yield Broken("every-run-ends", _name(key), f"is {row['status']}, attempt {row['attempt']}")
    for pipeline, starts in facts.starts.items():
        for start in starts:
            if start.over_at is None:
                yield Broken("no-job-is-left", pipeline, f"the job of {start.run_id} is alive")
    for name in facts.executions:
        yield Broken("no-execution-is-left", name, "is under way")
    for name in facts.schedules:
        yield Broken("no-schedule-is-left", name, "is there")
    yield from _open_promises(facts)
    yield from _slots(facts)
    yield from _untold(facts)


def _open_promises(facts: Facts) -> Iterator[Broken]:
    for key, row in facts.rows("DUE#").items():
        if "dueAt" in row:
            yield Broken("no-promise-is-left", _name(key), f"is due at {int(row['dueAt']) / 1000}")
    for key, _ in facts.rows("RERUN_REQUEST#stream#").items():
        yield Broken("every-request-is-decided", _name(key), "is there")


def _slots(facts: Facts) -> Iterator[Broken]:
    for key, row in facts.rows("SLOTS").items():
        for part in ("holders", "waiting"):
            if row.get(part):
                yield Broken("no-slot-is-left", key[0], f"{part}: {row[part]}")


def _untold(facts: Facts) -> Iterator[Broken]:
    stored = set(facts.stored)
    for event in facts.announced:
        if event.id not in stored:
            yield Broken("every-event-is-stored", _name(event.key), f"{event.type} {event.id} is not")
        if event.is_alert and event.id not in facts.told:
            yield Broken("every-alert-is-told", _name(event.key), f"{event.type} {event.id} is not")


def broken(facts: Facts) -> Iterator[Broken]:
    """What no later moment mends."""
    yield from _moves(facts)
    yield from _attempts(facts)
    yield from _jobs(facts)
    yield from _stored_once(facts)
    yield from _told_too_often(facts)


def _moves(facts: Facts) -> Iterator[Broken]:
    for key, changes in facts.changes.items():
        if not key[1].startswith("RUN#"):
            continue
        for old, new in changes:
            if old is None or new is None:
                if old is not None:
                    yield Broken("a-run-stays", _name(key), f"its row was deleted as {old.get('status')}")
                continue
            was, now = str(old["status"]), str(new["status"])
            table = _DRY_MOVES if old.get("dryRun") else _MOVES
            if was != now and now not in table[was]:
                yield Broken("moves-along-the-table", _name(key), f"from {was} to {now}")
            if int(new["version"]) < int(old["version"]) or int(new["attempt"]) < int(old["attempt"]):
                yield Broken("a-run-goes-forward", _name(key), f"{_state(old)} became {_state(new)}")


def _state(row: Row) -> str:
    return f"{row['status']}, attempt {row['attempt']}, version {row['version']}"


def _attempts(facts: Facts) -> Iterator[Broken]:
    """Of each attempt that came to RUNNING: one start told at most, one end exactly once the run is past it."""
    told: dict[tuple[Key, int], Counter[str]] = {}
    for event in facts.announced:
        if event.attempt is not None and event.key[1].startswith("RUN#"):
            told.setdefault((event.key, event.attempt), Counter())[event.type] += 1
    for (key, attempt), count in told.items():
        about = f"{_name(key)}, attempt {attempt}"
        ends = sum(count[end] for end in _ENDS)
        if count["JOB_TRIGGERED"] > 1:
            yield Broken("a-start-is-told-once", about, f"{count['JOB_TRIGGERED']} times")
        if ends > 1:
            yield Broken("an-attempt-ends-once", about, str({end: count[end] for end in _ENDS}))
        last = facts.changes[key][-1][1] or {}
        if count["JOB_TRIGGERED"] and not ends and (last.get("status") not in _OPEN or last["attempt"] > attempt):
            yield Broken("an-attempt-ends-once", about, f"never, and the run is {last.get('status')}")


def _jobs(facts: Facts) -> Iterator[Broken]:
    for pipeline, starts in facts.starts.items():
        for run_id, count in Counter(start.run_id for start in starts).items():
            if count > 1:
                yield Broken("one-job-per-attempt", pipeline, f"{run_id} was started {count} times")
        for one, other in combinations(starts, 2):
            if one.date == other.date and one.lived_with(other):
                yield Broken("never-two-live", pipeline, f"{one} and {other}")
        yield from _ghosts(facts, pipeline)


def _ghosts(facts: Facts, pipeline: str) -> Iterator[Broken]:
    """A job that was started is one of a run that says so."""
    for start in facts.starts[pipeline]:
        changes = facts.changes.get((f"PIPELINE#{pipeline}", f"RUN#stream#{start.date}"), ())
        attempts = {int(new["attempt"]) for _, new in changes if new is not None and new.get("intent")}
        if start.attempt not in attempts:
            yield Broken("no-start-without-a-run", pipeline, f"{start}: its row knows {sorted(attempts)}")


def _stored_once(facts: Facts) -> Iterator[Broken]:
    known = {event.id for event in facts.announced}
    partitions = {f"PIPELINE#{corner.id}" for corner in facts.plan.corners}
    for event, count in Counter(facts.stored).items():
        if event in known and count > 1:
            yield Broken("every-event-is-stored", event, f"{count} times")
    if {event.partition for event in facts.announced} <= partitions:
        for event in set(facts.stored) - known:
            yield Broken("no-event-without-a-row", event, "is stored, and no row ever announced it")


def _told_too_often(facts: Facts) -> Iterator[Broken]:
    """A message is repeated only for a fault of the dispatcher's between the two, or for an event that came twice."""
    struck = sorted(strike.at for strike in facts.strikes if strike.fault.function == "alert-dispatcher")
    for event in _unique(facts.announced):
        times = sorted(facts.told.get(event.id, ()))
        excused = 1 if event.id in facts.published_again else 0
        for before, after in pairwise(times):
            if any(before - _CLOCK_SECONDS <= at <= after + _CLOCK_SECONDS for at in struck):
                continue
            excused -= 1
        if excused < 0:
            yield Broken("told-no-oftener-than-needed", _name(event.key), f"{event.type} {event.id} at {times}")


def _unique(events: tuple[Announced, ...]) -> list[Announced]:
    return list({event.id: event for event in events}.values())


def _name(key: Key) -> str:
    return f"{key[0].removeprefix('PIPELINE#')}/{key[1]}"



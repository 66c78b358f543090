"""What must hold of a world: what must come to rest in the end, and what must never be.

A promise that `interlock.simulation.promises` judges, too, has its name there: docs/reliability.md says what it holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations, pairwise

from embedded_torture.as_witnessed import as_witnessed, broken_moves, rules_held
from embedded_torture.facts import Announced, Facts, Rows
from embedded_torture.jobs import Started
from embedded_torture.stream_tail import Key, Row
from interlock.domain.run import RunKey
from interlock.simulation.promises.facts import Broken

_OPEN = ("WAITING", "RUNNING")
_ENDS = ("JOB_COMPLETED", "JOB_FAILED", "JOB_TIMEOUT")
# Slack's `ts` is cut to whole seconds, and a message is marked as delivered a moment after it was.
_CLOCK_SECONDS = 3.0
_NOBODYS = "PIPELINE#-"  # where events of all worlds are together


def unrest_of_rows(rows: Rows) -> Iterator[Broken]:
    """What the control table has yet to come to; that it never does is the fault."""
    for key, row in rows.now("RUN#").items():
        if row.get("status") in _OPEN:
            yield Broken("open-runs-end", _name(key), f"is {row['status']}, attempt {row['attempt']}")
    for key, row in rows.now("DUE#").items():
        if "dueAt" in row:
            yield Broken("nothing-left-open", _name(key), f"is due at {int(row['dueAt']) / 1000}")
    for key in rows.now("RERUN_REQUEST#stream#"):
        yield Broken("requests-decided", _name(key), "is there")
    for key, row in rows.now("SLOTS").items():
        for part in ("holders", "waiting"):
            if row.get(part):
                yield Broken("no-slot-left", key[0], f"{part}: {row[part]}")


def unrest(facts: Facts) -> Iterator[Broken]:
    """What has yet to come in all the world."""
    yield from unrest_of_rows(facts.rows)
    for pipeline, starts in facts.starts.items():
        for start in starts:
            if start.over_at is None:
                yield Broken("no-job-left", pipeline, f"the job of {start.run_id} is alive")
    for name in facts.executions:
        yield Broken("no-execution-left", name, "is under way")
    for name in facts.schedules:
        yield Broken("schedules-in-force", name, "is there")
    yield from _untold(facts)
    # The stream is read a moment after what it tells of happened.
    yield from _unfounded_starts(facts)
    yield from _from_nowhere(facts)


def _untold(facts: Facts) -> Iterator[Broken]:
    stored = {event for _, event in facts.stored}
    for event in facts.rows.announced:
        if event.id not in stored:
            yield Broken("every-event-stored", _name(event.key), f"{event.type} {event.id} is not")
        if event.is_alert and event.id not in facts.told:
            yield Broken("every-alert-posted", _name(event.key), f"{event.type} {event.id} is not")


def broken(facts: Facts) -> Iterator[Broken]:
    """What no later moment mends."""
    witnessed = as_witnessed(facts.rows.ordered)
    yield from broken_moves(witnessed)
    yield from _attempts(facts)
    yield from _jobs(facts)
    yield from _stored_once(facts)
    yield from _told_too_often(facts)


def _state(row: Row) -> str:
    return f"{row['status']}, attempt {row['attempt']}, version {row['version']}"


def _attempts(facts: Facts) -> Iterator[Broken]:
    """Of each attempt that came to RUNNING: one start told at most, one end exactly once the run is past it."""
    told: dict[tuple[Key, int], Counter[str]] = {}
    for event in facts.rows.announced:
        if event.attempt is not None and event.key[1].startswith("RUN#"):
            told.setdefault((event.key, event.attempt), Counter())[event.type] += 1
    for (key, attempt), count in told.items():
        about = f"{_name(key)}, attempt {attempt}"
        ends = sum(count[end] for end in _ENDS)
        if count["JOB_TRIGGERED"] > 1:
            yield Broken("triggered-once", about, f"{count['JOB_TRIGGERED']} times")
        if ends > 1:
            yield Broken("told-as-it-moves", about, str({end: count[end] for end in _ENDS}))
        last = facts.rows.past[key][-1].new
        is_past = last is not None and (last["status"] not in _OPEN or last["attempt"] > attempt)
        if count["JOB_TRIGGERED"] and not ends and last is not None and is_past:
            yield Broken("told-as-it-moves", about, f"never, and the run is {_state(last)}")


def _jobs(facts: Facts) -> Iterator[Broken]:
    for pipeline, starts in facts.starts.items():
        for run_id, count in Counter(start.run_id for start in starts).items():
            if count > 1:
                yield Broken("one-job-per-attempt", pipeline, f"{run_id} was started {count} times")
        for one, other in combinations(starts, 2):
            if one.date == other.date and one.lived_with(other) and not _given_up(facts, pipeline, one):
                yield Broken("never-two-live", pipeline, f"{one} and {other}")


def _given_up(facts: Facts, pipeline: str, start: Started) -> bool:
    """People were told that nobody knows whether its job runs, and asked for another attempt."""
    rows = facts.rows.of_run(pipeline, start.date)
    outcomes = (row.get("outcome") or {} for row in rows if row["attempt"] == start.attempt)
    return any(outcome.get("startUnknown") for outcome in outcomes)


def _unfounded_starts(facts: Facts) -> Iterator[Broken]:
    """A job that was started is one of a run that meant to, while its rules held."""
    witnessed = as_witnessed(facts.rows.ordered)
    for pipeline, starts in facts.starts.items():
        for start in starts:
            if not rules_held(witnessed, RunKey(pipeline, "stream", start.date), start.attempt):
                yield Broken("rules-held", pipeline, f"{start}: they did not, or no row tells of it")


def _from_nowhere(facts: Facts) -> Iterator[Broken]:
    known = {event.id for event in facts.rows.announced}
    for partition, event in facts.stored:
        if partition != _NOBODYS and event not in known:
            yield Broken("nothing-made-up", event, f"is in {partition}, and no row announced it")


def _stored_once(facts: Facts) -> Iterator[Broken]:
    for (partition, event), count in Counter(facts.stored).items():
        if count > 1:
            yield Broken("stored-once", event, f"{count} times in {partition}")


def _told_too_often(facts: Facts) -> Iterator[Broken]:
    """A message is repeated only for a fault of the dispatcher's between the two, or for an event that came twice."""
    struck = sorted(strike.at for strike in facts.strikes if strike.fault.function == "alert-dispatcher")
    for event in _unique(facts.rows.announced):
        times = sorted(facts.told.get(event.id, ()))
        excused = 1 if event.id in facts.published_again else 0
        for before, after in pairwise(times):
            if any(before - _CLOCK_SECONDS <= at <= after + _CLOCK_SECONDS for at in struck):
                continue
            excused -= 1
        if excused < 0:
            what = f"{event.type} {event.id} at {times}"
            yield Broken("alert-posted-once", _name(event.key), what)


def _unique(events: Iterable[Announced]) -> list[Announced]:
    return list({event.id: event for event in events}.values())


def _name(key: Key) -> str:
    return f"{key[0].removeprefix('PIPELINE#')}/{key[1]}"

"""What has to be by when on one execution date, and how that stands: the door of the trigger, and the SLAs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from interlock.domain.expectation import Expectation, counts_from
from interlock.domain.explanation import Mark, Situation, ToldDeadline
from interlock.domain.promise import PromiseKind, promised
from interlock.domain.schedule import inclusion_deadline, trigger_deadline
from interlock.domain.sla import SlaTimes, SlaVerdict, absolute_times, relative_times, sla_verdict


def deadlines(situation: Situation) -> tuple[ToldDeadline, ...]:
    """In the order in which they fall due; none on a date that is excluded."""
    if situation.excluded is not None:
        return ()
    found = [*_of_the_start(situation), *_absolute(situation), *_relative(situation), *_post_run(situation)]
    return tuple(sorted(found, key=lambda deadline: deadline.at))


def _of_the_start(situation: Situation) -> Iterator[ToldDeadline]:
    """By when the run has to be opened."""
    pipeline, date = situation.pipeline, situation.key.date
    named = (
        ("to be opened by", inclusion_deadline(pipeline, date), PromiseKind.INCLUSION),
        ("trigger deadline", trigger_deadline(pipeline, date), PromiseKind.TRIGGER),
    )
    for name, at, kind in named:
        if at is None:
            continue
        promise = situation.promises.get(kind)
        if situation.run is not None and situation.run.created_at <= at:
            yield ToldDeadline(name, at, "met: the run was opened before", Mark.MET)
        elif at <= situation.now:
            yield ToldDeadline(name, at, (promise and promise.verdict) or "passed", Mark.UNMET)
        else:
            yield ToldDeadline(name, at, _AFTER[kind], Mark.OPEN)


_AFTER = {
    PromiseKind.INCLUSION: "a run that is not there by then is missed",
    PromiseKind.TRIGGER: "after it nothing starts by itself",
}


def _absolute(situation: Situation) -> Iterator[ToldDeadline]:
    times = absolute_times(situation.pipeline, situation.key.date)
    if times is not None and _counts(situation, times):
        yield from _sla(situation, PromiseKind.SLA, "SLA", times, situation.now)


def _counts(situation: Situation, times: SlaTimes) -> bool:
    """Whether the config, since it was loaded, promises an SLA for this date."""
    if PromiseKind.SLA in situation.promises:
        return True
    expected, loaded_at = situation.expected, situation.loaded_at
    if expected is None or expected.excluded is not None:
        return False
    promise = Expectation(expected.date, expected.begins_at, expected.ends_at, times.deadline, times.deadline)
    return loaded_at is None or counts_from(PromiseKind.SLA, promise, loaded_at)


def _relative(situation: Situation) -> Iterator[ToldDeadline]:
    promise = situation.promises.get(PromiseKind.RELATIVE_SLA)
    since = promise.since if promise is not None else None
    times = relative_times(situation.pipeline, since) if since is not None else None
    if times is not None and since is not None:
        yield from _sla(situation, PromiseKind.RELATIVE_SLA, "relative SLA", times, since)


def _sla(
    situation: Situation, kind: PromiseKind, name: str, times: SlaTimes, since: datetime
) -> Iterator[ToldDeadline]:
    # Without a row yet it is judged as one that is made just now.
    row = situation.promises.get(kind) or promised(
        kind, situation.key, times.deadline, situation.now, since=since
    )
    verdict = row.verdict or sla_verdict(row, times, situation.run, situation.now)
    if verdict == SlaVerdict.MET:
        yield ToldDeadline(f"{name} deadline", times.deadline, "met", Mark.MET)
        return
    if row.verdict is not None or verdict == SlaVerdict.BREACHED:
        yield ToldDeadline(f"{name} deadline", times.deadline, str(verdict), Mark.UNMET)
        return
    if times.warning is not None:
        given = row.warned or times.warning <= situation.now
        standing = "at risk" if given else "given unless it has succeeded by then"
        yield ToldDeadline(f"{name} warning", times.warning, standing, Mark.UNMET if given else Mark.OPEN)
    yield ToldDeadline(
        f"{name} deadline", times.deadline, "breached unless it has succeeded by then", Mark.OPEN
    )


def _post_run(situation: Situation) -> Iterator[ToldDeadline]:
    promise = situation.promises.get(PromiseKind.POST_RUN)
    if promise is None or promise.due_at is None:
        return
    passed = promise.due_at <= situation.now
    standing = "passed" if passed else "each must have been written since the success"
    yield ToldDeadline("postRun sensors", promise.due_at, standing, Mark.UNMET if passed else Mark.OPEN)

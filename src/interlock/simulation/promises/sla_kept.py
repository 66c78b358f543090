"""Every SLA gets one verdict: met only by a success before its deadline, else breached at it; and a warning in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.aws import keys
from interlock.aws.run_item import parse_instant_text
from interlock.domain.promise import PromiseKind
from interlock.domain.run import RunKey
from interlock.simulation.promises.announced import Announced
from interlock.simulation.promises.books import Books, began_of
from interlock.simulation.promises.calm import TICK
from interlock.simulation.promises.facts import Broken, named
from interlock.simulation.promises.facts import clock as clock_text
from interlock.simulation.promises.promised_starts import SLA, deadline_of
from interlock.simulation.promises.regimes import Regime, dates_of
from interlock.simulation.witness import Change

_AT_ONCE = timedelta(seconds=2)
_WARNED_AT = 0.75  # of maxDuration, where no expectedDuration says better


@dataclass(frozen=True, slots=True)
class Clock:
    """One SLA of one date, as long as it counts."""

    key: RunKey
    kind: str  # `absolute` or `relative`
    regime: Regime
    since: datetime | None  # when a relative one began
    deadline: datetime
    warning: datetime | None

    @property
    def breach(self) -> str:
        return "SLA_BREACH" if self.kind == "absolute" else "RELATIVE_SLA_BREACH"

    @property
    def warned(self) -> str:
        return "SLA_WARNING" if self.kind == "absolute" else "RELATIVE_SLA_WARNING"

    def __str__(self) -> str:
        return f"{self.kind} SLA of {named(self.key)}, due {clock_text(self.deadline)}"


def slas_have_one_verdict(books: Books) -> Iterator[Broken]:
    """Of each that was promised; and none of what was not."""
    yield from _told_once(books)
    yield from _told_rightly(books)
    for clock in (*_absolute(books), *_relative(books)):
        yield from _settled(books, clock)


def _told_once(books: Books) -> Iterator[Broken]:
    """One verdict for a date, whatever is rerun; of a relative one, one for each time that its clock began."""
    for key, told in books.each_told("SLA_MET", "SLA_BREACH", "RELATIVE_SLA_BREACH"):
        for (kind, since), times in Counter((_kind(one), _since(one)) for one in told).items():
            if times > 1:
                what = ", ".join(str(one) for one in told if (_kind(one), _since(one)) == (kind, since))
                yield Broken("one-verdict", f"{kind} SLA of {named(key)}", f"{times}: {what}")
    for key, told in books.each_told("SLA_WARNING", "RELATIVE_SLA_WARNING"):
        for (warning, since), times in Counter((one.type, _since(one)) for one in told).items():
            if times > 1 and not _was_gone(books, key, told):
                yield Broken("one-verdict", f"{warning} of {named(key)}", f"{times} since {since}")


def _was_gone(books: Books, key: RunKey, told: Sequence[Announced]) -> bool:
    """Its config was removed between two of them, and its open promises with it: what comes back promises anew."""
    first, last = told[0].change.order, told[-1].change.order
    return None in books.facts.configs_between(key.pipeline_id, first, last)


def _kind(told: Announced) -> str:
    if told.type == "SLA_MET":
        return str(told.detail.get("kind"))
    return "absolute" if told.type == "SLA_BREACH" else "relative"


def _since(told: Announced) -> str | None:
    """When a relative clock began: as its row says, in which it is told."""
    return None if _kind_of_row(told) == PromiseKind.SLA else (told.change.new or {}).get("since")


def _kind_of_row(told: Announced) -> str:
    return told.change.key[1].split("#")[1]


def _told_rightly(books: Books) -> Iterator[Broken]:
    """Judged by what stood in the rows when its teller began to look."""
    for key, told in books.each_told(
        "SLA_MET", "SLA_BREACH", "RELATIVE_SLA_BREACH", "SLA_WARNING", "RELATIVE_SLA_WARNING"
    ):
        for one in told:
            reasons = [
                _why_wrong(books, key, one, regime)
                for regime in books.regimes_of(key.pipeline_id, one.change)
            ]
            if reasons and all(reasons):
                yield Broken(
                    "true-verdicts", named(key), f"{one.type} at {clock_text(one.change.at)}, {reasons[-1]}"
                )


def _why_wrong(books: Books, key: RunKey, told: Announced, regime: Regime) -> str | None:
    since = _since(told)
    began_at = None if since is None else parse_instant_text(since)
    clock = _clock_of(regime, key, began_at, inherited=True)
    if clock is None:
        return "and nothing was promised"
    began = began_of(told.change)
    own = [one for one in books.successes(key) if _counts(clock, one.at)]
    if told.type == "SLA_MET":
        keepers = books.keepers_of(key, regime.pipeline) if clock.kind == "absolute" else [key]
        done = [one for keeper in keepers for one in books.successes(keeper)]
        if not any(one.order < told.change.order and one.at <= clock.deadline for one in done):
            return f"but nothing had succeeded by {clock_text(clock.deadline)}"
        return None
    if any(one.order < began and one.at <= clock.deadline for one in own):
        return f"but it had succeeded before {clock_text(clock.deadline)}"
    if told.type == clock.breach and told.at < clock.deadline:
        return f"before its deadline {clock_text(clock.deadline)}"
    if told.type == clock.warned and (clock.warning is None or not clock.warning <= told.at < clock.deadline):
        return f"though it was to be warned of at {clock.warning and clock_text(clock.warning)}"
    return None


def _counts(clock: Clock, at: datetime) -> bool:
    return clock.since is None or at > clock.since


def _clock_of(
    regime: Regime, key: RunKey, since: datetime | None, *, inherited: bool = False
) -> Clock | None:
    """What the regime promises of this run, or moved for it; None: nothing."""
    if regime.pipeline.dry_run or key != regime.key(key.date) or regime.pipeline.sla is None:
        return None
    if since is not None:
        return _relative_clock(regime, key, since)
    expected = regime.expects(key.date)
    deadline = None if expected is None else deadline_of(SLA, regime, expected, inherited=inherited)
    if deadline is None:
        return None
    early = regime.pipeline.sla.expected_duration
    return Clock(key, "absolute", regime, None, deadline, deadline - early if early else None)


def _relative_clock(regime: Regime, key: RunKey, since: datetime) -> Clock | None:
    sla = regime.pipeline.sla
    if sla is None or sla.max_duration is None:
        return None
    deadline = since + sla.max_duration
    early = sla.expected_duration or sla.max_duration * (1 - _WARNED_AT)
    return Clock(key, "relative", regime, since, deadline, deadline - early)


def _absolute(books: Books) -> Iterator[Clock]:
    for regimes in books.pipelines.values():
        for regime in regimes:
            if regime.pipeline.sla is None or regime.pipeline.sla.deadline is None or regime.pipeline.dry_run:
                continue
            for expected in dates_of(regime, books.facts.ended_at):
                clock = _clock_of(regime, regime.key(expected.date), None)
                if clock is not None and clock.deadline > regime.binding_from:
                    yield clock


def _relative(books: Books) -> Iterator[Clock]:
    """As the rows count; whether they count rightly is asked elsewhere. One that began anew before its deadline is over."""
    for (partition, sort), changes in books.facts.rows_ever(f"DUE#{PromiseKind.RELATIVE_SLA}#"):
        _, key = keys.parse_promise_key(partition, sort)
        for place, change in enumerate(changes):
            since = (change.new or {}).get("since")
            if since is None or since == (change.old or {}).get("since"):
                continue
            for regime in books.pipelines.get(key.pipeline_id, []):
                clock = _clock_of(regime, key, parse_instant_text(since))
                if clock is None or not regime.order <= change.order < regime.until_order:
                    continue
                if not _is_over(changes[place + 1 :], since, clock):
                    yield clock


def _is_over(later: list[Change], since: str, clock: Clock) -> bool:
    """It was dropped, or began anew, before it fell due."""
    for change in later:
        if change.at >= clock.deadline:
            return False
        if change.new is None:
            return True
        began = change.new.get("since")
        if began != since:
            return began is None or parse_instant_text(began) < clock.deadline
    return False


def _settled(books: Books, clock: Clock) -> Iterator[Broken]:
    regime, by = clock.regime, books.calm.dealt_with_by(clock.deadline)
    if by > min(regime.until, books.facts.ended_at):
        return
    since = None if clock.since is None else clock.since
    told = [
        one
        for one in books.told_of(clock.key, "SLA_MET", clock.breach)
        if _kind(one) == clock.kind and one.change.at <= by and _is_of(one, since)
    ]
    if not told:
        if not _has_another_form(books, clock):
            yield Broken("one-verdict", str(clock), f"none until {clock_text(by)}")
        return
    if books.calm.is_perfect and told[0].change.at > clock.deadline + _AT_ONCE:
        yield Broken("one-verdict", str(clock), f"told only at {clock_text(told[0].change.at)}")
    yield from _warned(books, clock, told[0])


def _is_of(told: Announced, since: datetime | None) -> bool:
    written = _since(told)
    return since is None or (written is not None and parse_instant_text(written) == since)


def _has_another_form(books: Books, clock: Clock) -> bool:
    """A rule's reading of a day begins a clock that nobody needs, where each hour has its run; or the other way."""
    own = books.facts.runs.get(clock.key)
    if clock.kind == "absolute" or (own and own[0].change.at <= clock.deadline):
        return False
    others = (books.facts.runs[key] for key in books.of_the_day(clock.key) if key != clock.key)
    return any(other[0].change.at <= clock.deadline for other in others)


def _warned(books: Books, clock: Clock, verdict: Announced) -> Iterator[Broken]:
    """Where there was time to warn, and reason to."""
    if clock.warning is None or clock.warning < clock.regime.binding_from:
        return
    # A clock of less than its expectedDuration warns as it begins.
    by = books.calm.dealt_with_by(max(clock.warning, clock.since or clock.warning))
    if verdict.change.at <= by or by >= clock.deadline - TICK:
        return
    if any(_counts(clock, one.at) and one.change.change.at <= by for one in books.successes(clock.key)):
        return
    told = [one for one in books.told_of(clock.key, clock.warned) if _is_of(one, clock.since)]
    if not told or told[0].change.at > by:
        yield Broken("warned-before", str(clock), f"no {clock.warned} until {clock_text(by)}")


def clocks_begin(books: Books) -> Iterator[Broken]:
    """A relative SLA counts from the first write of its trigger's sensor at the latest, and anew from each rerun."""
    for key, changes in books.facts.runs.items():
        for regime in books.pipelines.get(key.pipeline_id, []):
            if (
                regime.pipeline.sla is None
                or regime.pipeline.sla.max_duration is None
                or regime.pipeline.dry_run
            ):
                continue
            began = [
                parse_instant_text(change.new["since"])
                for change in books.facts.past_of(keys.promise_key(PromiseKind.RELATIVE_SLA, key))
                if change.new and "since" in change.new
            ]
            for one in changes:
                run, order = one.after, one.change.order
                if run is None or run.dry_run or not regime.order < order < regime.until_order:
                    continue
                if one.before is None and run.opened_by == "trigger" and min(began, default=None) is None:
                    yield Broken(
                        "clocks-begin", named(key), f"triggered at {clock_text(one.change.at)}, no clock runs"
                    )
                accepted = any(event.type == "RERUN_ACCEPTED" for event in run.events) and one.moved
                if accepted and not books.calm.loses_records and run.updated_at not in began:
                    by = books.calm.dealt_with_by(one.change.at)
                    if by <= min(regime.until, books.facts.ended_at):
                        what = f"a rerun was accepted at {clock_text(run.updated_at)}, no clock began then"
                        yield Broken("clocks-begin", named(key), what)

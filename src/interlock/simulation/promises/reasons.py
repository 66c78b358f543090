"""Never vague: what a row says of a rule is what was found when it was judged, and since when it stands so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from interlock.domain.readiness import RuleVerdict
from interlock.domain.run import Run
from interlock.simulation.promises.facts import Broken, Facts, RunChange, clock, named
from interlock.simulation.promises.promptness import is_undisturbed

_MOST_TOLD = 20  # reasons of one event
_LOOKED_AT = timedelta(minutes=1)


def since_when_stands(facts: Facts) -> Iterator[Broken]:
    """A rule that answers as before answers so since then, however often it is asked."""
    for key, changes in facts.runs.items():
        for place, one in enumerate(changes):
            before, after = one.before, one.after
            if before is None or after is None or not _judged_from(before, changes[:place], one):
                continue
            known = {(verdict.key, verdict.rule, verdict.holds): verdict for verdict in before.verdicts}
            for verdict in after.verdicts:
                last = known.get((verdict.key, verdict.rule, verdict.holds))
                if last is not None and last.since != verdict.since:
                    what = f"{verdict.rule} stands since {clock(last.since)}, "
                    what += f"and at {clock(one.change.at)} since {clock(verdict.since)}"
                    yield Broken("since-when-stands", named(key), what)


def _judged_from(before: Run, earlier: list[RunChange], one: RunChange) -> bool:
    """Whoever wrote this can have read no other verdicts than these."""
    by = one.change.by
    if by is None or not before.verdicts:
        return False
    read = [before, *(seen.before for seen in earlier if seen.change.order > by.began)]
    return all(run is not None and run.verdicts == before.verdicts for run in read)


def expired_for_what_was_told(facts: Facts) -> Iterator[Broken]:
    """The row of an expired run keeps the reasons that people were told."""
    for key, changes in facts.runs.items():
        for one in changes:
            after = one.after
            if after is None or after.status != "EXPIRED" or not one.moved:
                continue
            for event in after.events:
                if event.type != "VALIDATION_EXHAUSTED":
                    continue
                told = [reason["reason"] for reason in event.detail["unmet"]]
                kept = _unmet(after.verdicts)[:_MOST_TOLD]
                if told != kept:
                    what = f"expired at {clock(one.change.at)} for {told}, and its row says {kept}"
                    yield Broken("expired-for-what-was-told", named(key), what)


def _unmet(verdicts: tuple[RuleVerdict, ...]) -> list[str]:
    return [verdict.reason for verdict in verdicts if not verdict.holds]


def reasons_while_it_waits(facts: Facts) -> Iterator[Broken]:
    """In a world that nothing disturbs, whoever looks at a run that waits for its rules finds a verdict of each."""
    if not is_undisturbed(facts):
        return
    for key, changes in facts.runs.items():
        for one, following in zip(changes, [*changes[1:], None], strict=True):
            run = one.after
            until, last = (
                (following.change.at, following.change.order)
                if following
                else (facts.ended_at, facts.last_order)
            )
            if run is None or run.status != "WAITING" or run.verdicts or run.pools or run.refused_since:
                continue
            since = max(one.change.at, run.retry_at or one.change.at)
            configs = facts.configs_between(key.pipeline_id, one.change.order, last)
            if until - since > _LOOKED_AT and all(config and config.validation.rules for config in configs):
                yield Broken(
                    "reasons-while-it-waits", named(key), f"waits from {since} to {until} for nothing named"
                )


CHECKS = (since_when_stands, expired_for_what_was_told, reasons_while_it_waits)

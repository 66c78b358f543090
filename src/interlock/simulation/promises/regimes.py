"""What a pipeline promised, and while which config and calendars did: the dates that it was expected to have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.aws import keys
from interlock.domain.expected_date import ExpectedDate, expected_date, expected_dates
from interlock.domain.pipeline import Pipeline
from interlock.domain.run import RunKey
from interlock.domain.schedule import Calendar, calendar_names
from interlock.simulation.promises.calm import SWEPT
from interlock.simulation.promises.facts import Facts
from interlock.simulation.promises.upstreams import calendars_of

_LONGEST_DAY = timedelta(hours=26)


@dataclass(frozen=True, slots=True, eq=False)
class Regime:
    """One config with its calendars, from one change of either to the next."""

    pipeline: Pipeline
    calendars: Mapping[str, Calendar]
    loaded_at: datetime  # its config
    promising_since: (
        datetime  # the first config of those that followed each other without a gap: rows of it may stand
    )
    order: int
    since: datetime
    until_order: int
    until: datetime  # the end of the world, if nothing changed before
    is_fresh: bool  # it began with its config, and not with a calendar: that is noticed by the sweep

    @property
    def binding_from(self) -> datetime:
        """What falls due later is promised by this regime."""
        return self.since if self.is_fresh else self.since + SWEPT

    def key(self, date: str) -> RunKey:
        return RunKey(self.pipeline.id, self.pipeline.schedule_id, date)

    def expects(self, date: str) -> ExpectedDate | None:
        """That date, if it is expected, excluded or not."""
        try:
            return expected_date(self.pipeline, date, self.calendars)
        except ValueError:
            return None


def regimes(facts: Facts, pipeline_id: str) -> list[Regime]:
    """In order. What cannot be read, or is none, makes a gap."""
    configs = facts.configs.get(pipeline_id, [])
    names = {name for config in configs if config.pipeline for name in calendar_names(config.pipeline)}
    turns = {config.order: config.at for config in configs}
    first = min(turns, default=0)
    for name in names:
        changed = [change for change in facts.past_of(keys.calendar_key(name)) if change.order > first]
        turns |= {change.order: change.at for change in changed}
    orders = sorted(turns)
    found: list[Regime] = []
    for order, following in zip(orders, [*orders[1:], facts.last_order], strict=True):
        config = next(config for config in reversed(configs) if config.order <= order)
        if config.pipeline is None or config.loaded_at is None:
            continue
        calendars = _calendars(facts, config.pipeline, order)
        if calendars is None:
            continue
        before = found[-1] if found and found[-1].until_order == order else None
        found.append(
            Regime(
                pipeline=config.pipeline,
                calendars=calendars,
                loaded_at=config.loaded_at,
                promising_since=before.promising_since if before else config.loaded_at,
                order=order,
                since=turns[order],
                until_order=following,
                until=turns.get(following, facts.ended_at),
                is_fresh=order == config.order,
            )
        )
    return found


def _calendars(facts: Facts, pipeline: Pipeline, order: int) -> Mapping[str, Calendar] | None:
    """Those that stood there then; None where one cannot be read."""
    try:
        return calendars_of(pipeline, lambda key: facts.row_at(key, order))
    except ValueError:
        return None


def dates_of(regime: Regime, ended_at: datetime) -> Iterator[ExpectedDate]:
    """The dates that may fall due in the regime, excluded ones included."""
    offset = (regime.pipeline.sla and regime.pipeline.sla.day_offset) or 0
    earliest = regime.loaded_at - _LONGEST_DAY * (max(offset, 1) + 2)
    return expected_dates(regime.pipeline, earliest, min(regime.until, ended_at), regime.calendars)

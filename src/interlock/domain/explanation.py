"""Why a pipeline did or did not run: what is known about one execution date, and what is said of it.

`explain` turns the one into the other; `explanation_text` lays it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from interlock.domain.baseline import Baseline
from interlock.domain.execution_date import zone_of
from interlock.domain.expected_date import ExpectedDate
from interlock.domain.missing import Need
from interlock.domain.pipeline import Pipeline
from interlock.domain.promise import Promise, PromiseKind
from interlock.domain.readiness import Readiness, RuleVerdict
from interlock.domain.run import Run, RunKey
from interlock.domain.zoned_text import Zoned


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that the tables say about one execution date, as of `now`."""

    pipeline: Pipeline
    key: RunKey
    now: datetime
    run: Run | None
    readiness: Readiness  # the rules as their sensors read now
    trigger: RuleVerdict | None = None  # as its sensor reads now
    excluded: str | None = None  # why there is no run for this date
    expected: ExpectedDate | None = None  # what the calendar says of this date
    following: ExpectedDate | None = None  # the first expected date that begins from now on
    promises: Mapping[PromiseKind, Promise] = field(
        default_factory=dict
    )  # of this date, those that have a row
    look_at: datetime | None = None  # when the run is looked at next without being woken
    baseline: Baseline | None = None
    loaded_at: datetime | None = None  # the config
    refused_file: str | None = None  # its file, when its newest version was refused
    slot_awaited: str | None = None  # what keeps its job from starting although its rules hold
    others: tuple[Run, ...] = ()  # runs of other dates, the latest first, when this one has none

    @property
    def times(self) -> Zoned:
        """How instants are told here."""
        return Zoned(zone_of(self.pipeline), self.now)


class Mark(StrEnum):
    """What tells good from bad at a glance."""

    MET = "✓"
    UNMET = "✗"
    OPEN = "·"


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known of the run."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class ToldDeadline:
    """An instant by which something has to be, and how that stands."""

    name: str
    at: datetime
    standing: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Explanation:
    """What `interlock explain` says."""

    key: RunKey
    state: str  # the run's status, else `NO_RUN`
    headline: str  # what follows pipeline and date: `waits: row-count.count is 900, must rise by 100 to 1000`
    times: Zoned
    facts: tuple[Fact, ...] = ()
    trigger: Need | None = None  # told where there is no run
    rules: Need | None = None
    rules_read: str = "now"  # or when the job was started
    following: tuple[str, ...] = ()  # what happens by itself
    deadlines: tuple[ToldDeadline, ...] = ()
    advice: tuple[str, ...] = ()  # what a person can do
    notes: tuple[str, ...] = ()

"""Would a run that started now be done in time? Asked for a dry run, of which nothing is promised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.domain.pipeline import Pipeline
from interlock.domain.run import Run
from interlock.domain.sla_deadline import sla_deadline


@dataclass(frozen=True, slots=True)
class Margin:
    """How a projected end stands to one deadline."""

    kind: str  # `absolute` or `relative`
    deadline: datetime
    left: timedelta  # negative: so much too late


@dataclass(frozen=True, slots=True)
class Projection:
    """When the job would be done, and what that means for each deadline."""

    finishes_at: datetime
    expected: timedelta
    margins: tuple[Margin, ...]

    @property
    def met(self) -> bool:
        # At the deadline is too late: met is what succeeded before it.
        return all(margin.left > timedelta(0) for margin in self.margins)


def project_sla(pipeline: Pipeline, run: Run, starts_at: datetime) -> Projection | None:
    """None without `expectedDuration`, or without anything to be on time for.

    The relative clock is taken to begin with the run's opening: a dry run keeps no row of the first write.
    """
    sla = pipeline.sla
    if sla is None or sla.expected_duration is None:
        return None
    finishes_at = starts_at + sla.expected_duration
    margins = tuple(
        Margin(kind, deadline, deadline - finishes_at) for kind, deadline in _deadlines(pipeline, run)
    )
    return Projection(finishes_at, sla.expected_duration, margins) if margins else None


def _deadlines(pipeline: Pipeline, run: Run) -> Iterator[tuple[str, datetime]]:
    absolute = sla_deadline(pipeline, run.key.date)
    if absolute is not None:
        yield "absolute", absolute
    if pipeline.sla is not None and pipeline.sla.max_duration is not None:
        yield "relative", run.created_at + pipeline.sla.max_duration

"""Would a run that started now be done in time, and by how much?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from builders import a_pipeline, a_run, at
from interlock.domain.dry_run_wording import sla_projection
from interlock.domain.pipeline import Deadline, Sla
from interlock.domain.sla_projection import project_sla

RUN = a_run(dry_run=True)  # opened at 8:00
NOON = Deadline(0, 12)
HOUR = timedelta(hours=1)


def projected(sla: Sla | None, starts: str = "2026-03-02T10:00"):
    return project_sla(a_pipeline(sla=sla), RUN, at(starts))


@pytest.mark.parametrize(
    ("starts", "left", "met"),
    [
        ("2026-03-02T10:00", HOUR, True),
        ("2026-03-02T10:59", timedelta(minutes=1), True),
        ("2026-03-02T11:00", timedelta(0), False),
        ("2026-03-02T11:30", timedelta(minutes=-30), False),
    ],
)
def test_the_absolute_deadline_is_met_by_what_is_done_before_it(starts, left, met):
    found = projected(Sla(NOON, day_offset=0, expected_duration=HOUR), starts)

    assert (found.met, found.margins[0].left) == (met, left)


def test_the_relative_clock_counts_from_the_opening():
    (margin,) = projected(Sla(expected_duration=HOUR, max_duration=2 * HOUR)).margins

    assert (margin.kind, margin.deadline, margin.left) == ("relative", at("2026-03-02T10:00"), -HOUR)


def test_one_missed_deadline_of_two_is_a_breach():
    found = projected(Sla(NOON, 0, expected_duration=HOUR, max_duration=2 * HOUR))

    assert ([margin.left > timedelta(0) for margin in found.margins], found.met) == ([True, False], False)


@pytest.mark.parametrize("sla", [None, Sla(NOON, 0), Sla(expected_duration=HOUR)])
def test_without_a_duration_or_a_deadline_nothing_is_projected(sla):
    assert projected(sla) is None


@pytest.mark.parametrize(
    ("starts", "said"),
    [
        ("2026-03-02T10:00", "would be met: it would finish 1h before its absolute deadline"),
        ("2026-03-02T11:30", "would be breached: it would finish 30m after its absolute deadline"),
        (
            "2026-03-02T11:00",
            "would be breached: it would finish exactly at its absolute deadline, which is too late",
        ),
    ],
)
def test_it_is_told_by_how_much(starts, said):
    found = projected(Sla(NOON, day_offset=0, expected_duration=HOUR), starts)

    told = sla_projection(RUN, found, at(starts))

    assert told.message == f"dry run: the SLA {said}"
    assert told.detail["absoluteMarginSeconds"] == found.margins[0].left.total_seconds()

"""What has to be by when on one date: each deadline with its instant, and how it stands."""

from datetime import date, time, timedelta

import pytest

from builders import a_key, a_pipeline, a_run, a_trigger, at
from interlock.domain.explain_deadlines import deadlines
from interlock.domain.pipeline import Deadline, Exclude, Include, Sla
from interlock.domain.promise import PromiseKind, changed, promised, settled
from situations import NOW, a_situation

NINE = a_pipeline(sla=Sla(Deadline(0, 9), day_offset=0, expected_duration=timedelta(minutes=20)))
WITHIN_TWO_HOURS = a_pipeline(sla=Sla(max_duration=timedelta(hours=2)))
CLOSES = a_pipeline(trigger=a_trigger(deadline=Deadline(0, 9)))
INCLUDED = a_pipeline(include=Include(dates=(date(2026, 3, 2),)), time=time(9, 0))


def sla_row(**more):
    return promised(PromiseKind.SLA, a_key(), at("2026-03-02T08:40"), NOW, **more)


def relative_row(**more):
    since = at("2026-03-02T07:00")
    return promised(PromiseKind.RELATIVE_SLA, a_key(), at("2026-03-02T08:30"), since, since=since, **more)


@pytest.mark.parametrize(
    ("situation", "told"),
    [
        pytest.param(
            a_situation(NINE),
            [
                ("SLA warning", "08:40", "given unless it has succeeded by then"),
                ("SLA deadline", "09:00", "breached unless it has succeeded by then"),
            ],
            id="an SLA ahead",
        ),
        pytest.param(
            a_situation(
                NINE,
                now=at("2026-03-02T08:45"),
                promises={PromiseKind.SLA: changed(sla_row(), warned=True)},
            ),
            [
                ("SLA warning", "08:40", "at risk"),
                ("SLA deadline", "09:00", "breached unless it has succeeded by then"),
            ],
            id="warned",
        ),
        pytest.param(
            a_situation(NINE, a_run("SUCCEEDED", first_succeeded_at=NOW)),
            [("SLA deadline", "09:00", "met")],
            id="succeeded in time",
        ),
        pytest.param(
            a_situation(NINE, a_run("FAILED"), now=at("2026-03-02T09:30")),
            [("SLA deadline", "09:00", "breached")],
            id="failed, and the deadline is over",
        ),
        pytest.param(
            a_situation(
                NINE,
                a_run("SUCCEEDED", first_succeeded_at=at("2026-03-02T09:10")),
                now=at("2026-03-02T09:30"),
                promises={PromiseKind.SLA: settled(sla_row(), "breached")},
            ),
            [("SLA deadline", "09:00", "breached")],
            id="succeeded too late",
        ),
        pytest.param(
            a_situation(NINE, now=at("2026-03-02T09:30"), loaded_at=at("2026-03-02T09:15")),
            [],
            id="over before the config was loaded",
        ),
        pytest.param(
            a_situation(WITHIN_TWO_HOURS, a_run(), promises={PromiseKind.RELATIVE_SLA: relative_row()}),
            [
                ("relative SLA warning", "08:30", "at risk"),
                ("relative SLA deadline", "09:00", "breached unless it has succeeded by then"),
            ],
            id="a relative SLA whose clock runs",
        ),
        pytest.param(a_situation(WITHIN_TWO_HOURS), [], id="a relative SLA whose clock has not begun"),
        pytest.param(
            a_situation(CLOSES, date="2026-03-01"),
            [("trigger deadline", "09:00", "after it nothing starts by itself")],
            id="a door that will close",
        ),
        pytest.param(
            a_situation(CLOSES, a_run()),
            [("trigger deadline", "09:00", "met: the run was opened before")],
            id="opened before the door closed",
        ),
        pytest.param(
            a_situation(CLOSES, date="2026-02-28", now=NOW),
            [("trigger deadline", "09:00", "passed")],
            id="a door that is closed",
        ),
        pytest.param(
            a_situation(
                CLOSES,
                date="2026-02-28",
                promises={
                    PromiseKind.TRIGGER: settled(promised(PromiseKind.TRIGGER, a_key(), NOW, NOW), "expired")
                },
            ),
            [("trigger deadline", "09:00", "expired")],
            id="a door that was found closed",
        ),
        pytest.param(
            a_situation(INCLUDED),
            [("to be opened by", "09:00", "a run that is not there by then is missed")],
            id="an included date",
        ),
        pytest.param(
            a_situation(
                run=a_run("SUCCEEDED"),
                promises={
                    PromiseKind.POST_RUN: promised(PromiseKind.POST_RUN, a_key(), at("2026-03-02T10:00"), NOW)
                },
            ),
            [("postRun sensors", "10:00", "each must have been written since the success")],
            id="postRun sensors",
        ),
        pytest.param(a_situation(), [], id="nothing promised"),
        pytest.param(
            a_situation(
                a_pipeline(exclude=Exclude(weekends=True), sla=Sla(Deadline(0, 9), day_offset=0)),
                date="2026-03-01",
            ),
            [],
            id="an excluded date",
        ),
    ],
)
def test_a_deadline_is_told_with_how_it_stands(situation, told):
    found = [(line.name, f"{line.at:%H:%M}", line.standing) for line in deadlines(situation)]

    assert found == told


def test_a_dry_run_has_no_sla():
    observes = a_pipeline(dry_run=True, sla=Sla(Deadline(0, 9), day_offset=0))

    assert deadlines(a_situation(observes)) == ()


def test_deadlines_are_told_in_the_order_in_which_they_fall_due():
    several = a_pipeline(
        trigger=a_trigger(deadline=Deadline(30, 8)),
        sla=Sla(Deadline(0, 9), expected_duration=timedelta(hours=2), max_duration=timedelta(hours=2)),
    )

    found = deadlines(a_situation(several, a_run(), promises={PromiseKind.RELATIVE_SLA: relative_row()}))

    assert [line.name for line in found] == [
        "relative SLA warning",
        "relative SLA deadline",
        "SLA warning",
        "trigger deadline",
        "SLA deadline",
    ]

"""Ticks that are not played would find nothing: with and without them a scenario goes the same, its costs included."""

from __future__ import annotations

from datetime import datetime
from unittest.mock import patch

import pytest

from interlock.simulation.output import judged, verdict_text
from interlock.simulation.play import play
from interlock.simulation.played import Played
from interlock.simulation.quiet_ticks import QuietTicks
from interlock.simulation.tally import Tally
from scenario_text import GLUE_PIPELINE, LANDED, a_scenario, played

NIGHTLY = (
    '- pipeline: {id: sessions}\n  schedule: {cron: "30 6 * * *"}\n  job: {type: glue, config: {jobName: x}}'
)
WAITING = GLUE_PIPELINE.replace(
    "schedule:", "validation: {rules: [{key: rows, check: gte, field: count, value: 10}]}\n    schedule:"
)
ROWS = '{at: "+47m", sensor: {pipeline: sessions, key: rows, data: {count: 10}}}'
PAUSED = '{at: "+10m", watchdog: {pause: true}}'
GOES_ON = '{at: "+33m", watchdog: {pause: false}}'
STUMBLES = '{at: "+7m30s", fault: {call: dynamodb.Query, times: 3}}'
FROZEN = '{at: "+7m30s", fault: {call: dynamodb.Query, error: stall, for: 40s, function: watchdog, skip: 3}}'
STALE = '{at: "+7m30s", fault: {call: dynamodb.Query, error: stale, times: 40, lasts: 1h}}'
IN_WAIT = '{at: "+0s", fault: {call: glue.StopJob, times: 9}}'
LOST = '{at: "+0s", drop: {next: 1}}'


@pytest.mark.parametrize(
    ("timeline", "sections"),
    [
        pytest.param([LANDED], {}, id="a run"),
        pytest.param([LANDED, ROWS], {"configs": WAITING}, id="a run that is looked at every five minutes"),
        pytest.param([LANDED], {"jobs": "{sessions: [{after: 20m, event: false}]}"}, id="polls"),
        pytest.param([PAUSED, GOES_ON, LANDED], {}, id="silence"),
        pytest.param([STUMBLES, LANDED], {}, id="a tick that fails"),
        pytest.param([FROZEN, LANDED, ROWS], {"configs": WAITING}, id="a tick that is frozen"),
        pytest.param([STALE, LANDED, ROWS], {"configs": WAITING}, id="ticks that see the past"),
        pytest.param([IN_WAIT, LANDED], {}, id="a fault of a call that no tick makes"),
        pytest.param([LOST, LANDED], {"until": "+3h"}, id="what the sweep finds"),
        pytest.param([], {"configs": NIGHTLY, "until": "+30h"}, id="a fire, a day ahead"),
    ],
)
def test_a_scenario_goes_the_same_whether_quiet_ticks_are_played_or_not(
    timeline: list[str], sections: dict[str, str]
) -> None:
    scenario = a_scenario(*timeline, **sections)

    with patch.object(QuietTicks, "cost_of", autospec=True, return_value=None):
        all_played = play(scenario)
    some_played = play(scenario)

    assert told(some_played) == told(all_played)
    assert some_played.background == all_played.background


def told(scene: Played) -> list[str]:
    return list(verdict_text(judged("a.yaml", scene), timeline=True, report=True))


def test_most_ticks_of_a_quiet_day_are_not_played() -> None:
    skipped = 0

    def counted(self: QuietTicks, now: datetime) -> Tally | None:
        nonlocal skipped
        cost = cost_of(self, now)
        skipped += cost is not None
        return cost

    cost_of = QuietTicks.cost_of
    with patch.object(QuietTicks, "cost_of", counted):
        world = played(IN_WAIT, until="+24h")

    assert skipped > 1000
    assert world.background.invocations["watchdog"] >= 1440

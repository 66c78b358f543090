"""What happens when: the order within one instant, the watchdog's ticks, cron fires, and what is counted as cost."""

from __future__ import annotations

import pytest

from interlock.simulation.cron_fires import unix_cron
from interlock.simulation.history import Kind
from interlock.simulation.played import Played
from scenario_text import GLUE_PIPELINE, LANDED, instants, played

WAITING = GLUE_PIPELINE.replace(
    "schedule:", "validation: {rules: [{key: rows, check: gte, field: count, value: 10}]}\n    schedule:"
)
ROWS = '{at: "%s", sensor: {pipeline: sessions, key: rows, data: {count: 10, date: "2026-03-02"}}}'
NIGHTLY = """\
  - pipeline: {id: sessions}
    schedule: {cron: "%s", timezone: %s}
    job: {type: glue, config: {jobName: sessions}}
"""


@pytest.mark.parametrize(
    ("written", "completed", "expired"),
    [
        pytest.param("+59m59s", ["4199"], [], id="a second before the end of the window"),
        pytest.param("+1h", ["4200"], [], id="in its last instant"),
        pytest.param("+1h1s", ["4201"], ["3600"], id="a second after it"),
    ],
)
def test_a_write_counts_up_to_the_windows_last_instant(
    written: str, completed: list[str], expired: list[str]
) -> None:
    world = played(LANDED, ROWS % written, configs=WAITING, until="+3h")

    assert (instants(world, "JOB_COMPLETED"), instants(world, "VALIDATION_EXHAUSTED")) == (completed, expired)


def test_a_job_that_ends_in_the_last_instant_of_its_poll_window_has_not_timed_out() -> None:
    configs = GLUE_PIPELINE.replace("maxRetries: 0", "maxRetries: 0, jobPollWindowSeconds: 600")

    world = played(LANDED, configs=configs)

    assert (instants(world, "JOB_COMPLETED"), instants(world, "JOB_POLL_EXHAUSTED")) == (["600"], [])


def test_an_end_nobody_tells_of_stays_unknown_while_the_watchdog_is_paused() -> None:
    paused = '{at: "+0s", watchdog: {pause: true}}'
    goes_on = '{at: "+40m", watchdog: {pause: false}}'

    world = played(paused, goes_on, LANDED, jobs="{sessions: [{after: 5m, event: false}]}")

    assert instants(world, "JOB_COMPLETED") == ["2400"]  # the first tick that comes


def test_a_cron_fires_at_the_first_instant_and_not_before() -> None:
    world = played(configs=NIGHTLY % ("0 8 * * *", "UTC"), until="+24h")

    assert instants(world, "RUN_OPENED") == ["0", "86400"]


def test_what_falls_due_while_the_scheduler_is_paused_is_lost() -> None:
    paused = '{at: "+0s", scheduler: {pause: true}}'
    goes_on = '{at: "+90m", scheduler: {pause: false}}'

    world = played(paused, goes_on, configs=NIGHTLY % ("0 9-11 * * *", "UTC"), until="+4h")

    assert [line.at.hour for line in world.history.lines if line.kind is Kind.LOST] == [9]
    assert instants(world, "RUN_OPENED")[-2:] == ["7200", "10800"]


def test_a_cron_that_comes_at_run_time_fires_from_then_on() -> None:
    config = (
        '{at: "+30m", config: {pipeline: {id: late}, schedule: {cron: "*/20 * * * *"}, '
        "job: {type: glue, config: {jobName: late}}}}"
    )

    world = played(config, '{at: "+70m", remove_config: late}', until="+3h")

    assert instants(world, "RUN_OPENED") == ["2400", "3600"]


@pytest.mark.parametrize(
    ("expression", "unix"),
    [
        ("cron(30 6 * * ? *)", "30 6 * * *"),
        ("cron(0 9 ? * 2-6 *)", "0 9 * * 1-5"),
        ("cron(0 9 ? * MON-FRI *)", "0 9 * * MON-FRI"),
        ("cron(0 9 L * ? *)", "0 9 L * *"),
        ("cron(0 9 ? * 6#2 *)", "0 9 * * 5#2"),
        ("cron(0 9 ? * 6L *)", "0 9 * * L5"),
    ],
)
def test_an_expression_of_eventbridge_means_the_same_in_five_fields(expression: str, unix: str) -> None:
    assert unix_cron(expression) == unix


@pytest.mark.parametrize(
    "expression", ["cron(0 9 * * * *)", "cron(0 9 ? * ? *)", "rate(1 minute)", "0 9 * * *"]
)
def test_an_expression_that_eventbridge_refuses_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="no cron expression"):
        unix_cron(expression)


def test_a_tick_that_finds_nothing_to_do_is_background() -> None:
    world = played(until="+1h")

    assert world.background.invocations["watchdog"] == 60 + 2  # and two pages of its sweep
    assert world.cost.costs()["lambda_invocations"] == 0
    assert not [
        line for line in world.history.lines if line.kind is Kind.CALL and line.at > world.scenario.start
    ]


def test_a_tick_that_hands_a_run_on_costs() -> None:
    world = played(LANDED, configs=WAITING, until="+7m")

    assert world.cost.invocations["watchdog"] == 1  # the fallback look after five minutes
    assert world.background.invocations["watchdog"] == 6 + 1  # and a page of its sweep


def test_loading_the_configs_is_no_cost_of_the_scenario() -> None:
    world = played(until="+1m")

    assert world.loading.invocations["config-sync"] == 1
    assert set(map(int, world.cost.costs().values())) == {0}
    assert instants(world, "CONFIG_LOADED") == ["0"]


def test_a_healthy_attempt_stays_within_its_transitions() -> None:
    world = played(LANDED)

    assert world.cost.costs()["transitions"] <= 8


WITH_SLA = """\
  - pipeline: {id: sessions}
    schedule: {cron: "0 9 * * *"}
    sla: {deadline: "12:00"}
    job: {type: glue, config: {jobName: sessions}}
"""


def looks(world: Played) -> int:
    """How often sla-monitor was invoked at the deadline."""
    lines = [
        line for line in world.history.lines if line.kind is Kind.FUNCTION and line.text == "sla-monitor"
    ]
    return sum(f"{line.at:%H:%M:%S}" == "12:00:00" for line in lines)


def test_a_one_shot_fires_once_at_its_second() -> None:
    world = played(configs=WITH_SLA, until="+8h", jobs="{sessions: [{outcome: never}]}")

    assert instants(world, "SLA_BREACH") == ["14400"]
    # By the fire, and by what that changed: the row of this date, which has no schedule any more, and that of the next.
    assert looks(world) == 3


def test_a_one_shot_that_was_removed_never_fires() -> None:
    world = played(configs=WITH_SLA, until="+8h", jobs="{sessions: [{outcome: succeed, after: 1h}]}")

    assert instants(world, "SLA_MET") == ["7200"]
    assert looks(world) == 0

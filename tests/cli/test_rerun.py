"""`interlock rerun`: the request it puts, and what it says of what comes of it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from interlock.cli.cloud import WrongUsage
from interlock.cli.rerun import Wish, rerun
from interlock.domain.run import FailureCategory
from interlock.simulation.scenario import Channel, JobPlay, JobResult
from simulated_cloud import SimulatedCloud

DAILY = """
pipeline: {id: gold}
schedule: {cron: "0 6 * * *"}
job: {type: glue, config: {jobName: etl}, maxRetries: 0}
"""
WAITS = DAILY + "validation: {rules: [{key: orders, check: gte, field: count, value: 10}]}\n"
OBSERVES = """
pipeline: {id: gold}
schedule: {trigger: {key: upstream, check: exists}}
job: {type: glue}
dryRun: true
"""
EARLY = """
pipeline: {id: gold}
schedule: {trigger: {key: upstream, check: exists}}
job: {type: glue, config: {jobName: etl}}
"""
BROKEN = JobPlay(JobResult.FAIL, timedelta(minutes=1), FailureCategory.PERMANENT, "disk full")


def ask(cloud: SimulatedCloud, date: str = "2026-03-09", *, as_json: bool = False, **wish: object) -> int:
    wanted = Wish("gold", date, **{"wait": True, **wish})  # type: ignore[arg-type]
    return rerun(wanted, cloud.cloud, cloud.clock, "ana", cloud.out, as_json=as_json)


def test_it_follows_the_run_until_it_has_succeeded():
    cloud = SimulatedCloud(DAILY)

    assert ask(cloud, reason="source was corrected") == 0
    assert cloud.started == ["2026-03-09"]
    assert [line.removeprefix("gold 2026-03-09 ") for line in cloud.lines] == [
        "asked: it is decided within seconds",
        "open: its job runs (attempt 1)",
        "succeeded: succeeded at attempt 1",
    ]


def test_a_run_that_waits_says_what_for():
    cloud = SimulatedCloud(WAITS)

    assert ask(cloud) == 1
    assert "gold 2026-03-09 open: it waits: orders was never reported" in cloud.lines
    assert cloud.lines[-1] == "gold 2026-03-09 failed: EXPIRED: orders was never reported"
    assert cloud.started == []


def test_a_failed_job_is_told_with_its_error():
    cloud = SimulatedCloud(DAILY, BROKEN)

    assert ask(cloud) == 1
    assert cloud.lines[-1] == "gold 2026-03-09 failed: FAILED: disk full"


def test_a_refusal_is_told_with_its_reason_and_force_overrides_it():
    cloud = SimulatedCloud(WAITS)
    cloud.write_sensor("orders", count=10)
    ask(cloud)

    assert ask(cloud) == 1
    assert "refused: no sensor of its rules was updated since it succeeded" in cloud.lines[-1]
    assert ask(cloud, force=True) == 0
    assert cloud.started == ["2026-03-09", "2026-03-09"]


def test_without_wait_it_asks_and_leaves():
    cloud = SimulatedCloud(DAILY)

    assert ask(cloud, wait=False) == 0
    assert cloud.started == []
    assert cloud.lines[-1].startswith("gold 2026-03-09 asked: it is decided within seconds")
    cloud.passes(minutes=1)
    assert cloud.started == ["2026-03-09"]


def test_a_request_that_waits_is_not_written_over():
    cloud = SimulatedCloud(DAILY)
    ask(cloud, wait=False, reason="first")

    assert ask(cloud, reason="second") == 1
    assert cloud.lines[-1].endswith("refused: another request for this date waits to be decided")
    cloud.passes(minutes=1)
    assert cloud.started == ["2026-03-09"]


def test_an_undecided_request_makes_one_doubt_the_router():
    cloud = SimulatedCloud(DAILY)
    cloud.world.deliveries.losses[Channel.STREAM] = 1
    cloud.interrupt = cloud.clock.now() + timedelta(minutes=3)

    with pytest.raises(KeyboardInterrupt):
        ask(cloud)

    assert sum("does stream-router work?" in line for line in cloud.lines) == 1


def test_a_pipeline_that_only_observes_says_so():
    cloud = SimulatedCloud(OBSERVES)

    assert ask(cloud) == 0
    assert "it would run, but the pipeline only observes (dryRun)" in cloud.lines[-1]
    cloud.write_sensor("upstream", date="2026-03-09")
    assert ask(cloud) == 1  # nothing was updated since
    assert ask(cloud, force=True) == 0
    assert "only observes" in cloud.lines[-1]
    assert ask(cloud, force=True) == 1
    assert "1 of 1 maxManualReruns is used" in cloud.lines[-1]
    assert cloud.started == []


@pytest.mark.parametrize(
    ("wish", "wanted"),
    [
        ({"date": "2026-03-09T10"}, "no execution date of gold; write one like 2026-03-01"),
        ({"date": "yesterday"}, "'yesterday' is not an execution date: write 2026-03-01"),
        ({"date": "2026-02-30"}, "'2026-02-30' is not an execution date"),
        ({"pipeline": "silver"}, "there is no pipeline 'silver' in test"),
        ({"pipeline": ""}, "there is no pipeline ''"),
    ],
)
def test_what_cannot_be_asked_is_wrong_usage(wish: dict[str, str], wanted: str):
    cloud = SimulatedCloud(DAILY)

    with pytest.raises(WrongUsage) as refused:
        rerun(
            Wish(**{"pipeline": "gold", "date": "2026-03-09", **wish}),  # type: ignore[arg-type]
            cloud.cloud,
            cloud.clock,
            "ana",
            cloud.out,
            as_json=False,
        )

    assert wanted in str(refused.value)


def test_json_is_one_object_at_the_end():
    cloud = SimulatedCloud(DAILY, BROKEN)

    assert ask(cloud, as_json=True) == 1
    assert json.loads(cloud.out.getvalue()) == {
        "pipeline": "gold",
        "schedule": "cron",
        "date": "2026-03-09",
        "standing": "failed",
        "reason": "FAILED: disk full",
        "status": "FAILED",
        "attempt": 1,
    }


def test_a_date_that_has_not_begun_is_refused_as_a_slip_of_the_finger():
    cloud = SimulatedCloud(DAILY)

    with pytest.raises(WrongUsage, match="2031-03-09 has not begun: in UTC it is 2026-03-"):
        ask(cloud, "2031-03-09")

    cloud.passes(minutes=1)
    assert cloud.started == []


def test_a_run_that_an_early_reading_opened_can_be_asked_for_before_its_date():
    cloud = SimulatedCloud(EARLY)
    tomorrow = f"{cloud.clock.now() + timedelta(days=1):%Y-%m-%d}"
    cloud.write_sensor(f"upstream#{tomorrow}", count=1)
    cloud.passes(minutes=60)

    assert ask(cloud, tomorrow, force=True) == 0
    assert cloud.started == [tomorrow, tomorrow]

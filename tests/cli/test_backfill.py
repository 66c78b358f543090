"""`interlock backfill`: which dates it asks for, how many at once, when it stops, and how it goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from interlock.aws import keys
from interlock.cli.backfill import INTERRUPTED, Wish, backfill
from interlock.cli.cloud import WrongUsage
from interlock.cli.main import main
from interlock.domain.backfill import Limits
from interlock.domain.run import FailureCategory, RunKey
from interlock.ports import CallFailed
from interlock.simulation.scenario import JobPlay, JobResult
from simulated_cloud import SimulatedCloud

DAILY = """
pipeline: {id: gold}
schedule: {cron: "0 6 * * *", exclude: {weekends: true}}
job: {type: glue, config: {jobName: etl}, maxRetries: 0}
"""
WEEK = ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06"]
BROKEN = JobPlay(JobResult.FAIL, timedelta(minutes=1), FailureCategory.PERMANENT, "disk full")
FINE = JobPlay(after=timedelta(minutes=5))


def run(cloud: SimulatedCloud, since: str = "2026-03-02", until: str = "2026-03-08", **more: object) -> int:
    as_json = bool(more.pop("as_json", False))
    wish = Wish("gold", since, until, **more)  # type: ignore[arg-type]
    return backfill(wish, cloud.cloud, cloud.clock, "ana", cloud.out, as_json=as_json)


def test_it_runs_what_the_calendar_expects_and_no_other_date():
    cloud = SimulatedCloud(DAILY)

    assert run(cloud) == 0
    assert sorted(cloud.started) == WEEK
    assert cloud.lines[0] == "gold from 2026-03-02 to 2026-03-08: 7 dates: 5 to run, 2 skipped"
    assert "2026-03-07  skipped: 2026-03-07 is a Saturday, and weekends are excluded" in cloud.lines
    assert cloud.lines[-1] == "7 dates: 5 succeeded, 2 skipped"


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_are_open_at_once_than_wanted(concurrency: int):
    cloud = SimulatedCloud(DAILY)

    run(cloud, limits=Limits(concurrency))

    assert (len(cloud.started), cloud.most_at_once()) == (5, concurrency)


def test_a_preview_asks_for_nothing():
    cloud = SimulatedCloud(DAILY)

    assert run(cloud, preview=True) == 0
    cloud.passes(minutes=5)
    assert cloud.started == []
    assert cloud.lines[0] == "2026-03-02  would run: it has not run"
    assert cloud.lines[-1] == "7 dates: 5 to run, 2 skipped; nothing was asked for"


def test_what_has_succeeded_is_skipped_unless_forced():
    cloud = SimulatedCloud(DAILY)
    run(cloud, "2026-03-02", "2026-03-03")

    assert run(cloud, "2026-03-02", "2026-03-04") == 0
    assert cloud.started == WEEK[:3]
    assert run(cloud, "2026-03-03", "2026-03-04", force=True) == 0
    assert sorted(cloud.started) == sorted([*WEEK[:3], "2026-03-03", "2026-03-04"])


def test_too_many_failures_stop_it_and_what_is_open_is_waited_for():
    cloud = SimulatedCloud(DAILY, BROKEN, FINE, BROKEN, FINE)

    assert run(cloud, limits=Limits(2, Fraction(1, 2))) == 1
    assert any(line.startswith("stopping: 2 of 3 failed, more than 50%") for line in cloud.lines)
    assert len(cloud.started) == 4
    assert not [date for date in cloud.started if cloud.run(date).status in ("WAITING", "RUNNING")]
    assert "stopped: 2 of 3 failed" in cloud.lines[-1]


def test_the_same_command_goes_on_with_the_rest_after_a_stop():
    cloud = SimulatedCloud(DAILY, BROKEN, BROKEN, BROKEN, FINE)
    run(cloud, limits=Limits(1))
    assert cloud.started == WEEK[:3]

    assert run(cloud, limits=Limits(1)) == 1  # the failures of before remain
    assert cloud.started == WEEK
    assert cloud.lines[-1] == "7 dates: 2 succeeded, 3 failed, 2 skipped"


def test_what_failed_before_is_asked_for_again_on_demand():
    cloud = SimulatedCloud(DAILY, BROKEN, FINE)
    run(cloud, "2026-03-02", "2026-03-03")

    assert run(cloud, "2026-03-02", "2026-03-03", retry_failed=True) == 0
    assert cloud.started == ["2026-03-02", "2026-03-03", "2026-03-02"]


def test_an_interrupted_backfill_goes_on_where_it_was():
    cloud = SimulatedCloud(DAILY)
    cloud.interrupt = cloud.clock.now() + timedelta(minutes=4)

    assert run(cloud, again="interlock backfill gold ...") == INTERRUPTED
    assert cloud.lines[-1] == (
        "interrupted: 2 under way go on by themselves. To go on with the rest: interlock backfill gold ..."
    )
    assert run(cloud) == 0
    assert sorted(cloud.started) == WEEK
    assert cloud.most_at_once() == 2


def test_interrupted_before_its_requests_were_decided_it_asks_for_none_twice():
    cloud = SimulatedCloud(DAILY)
    cloud.world.watchdog_paused = True
    cloud.interrupt = cloud.clock.now()
    assert run(cloud) == INTERRUPTED
    cloud.passes(minutes=1)

    assert run(cloud) == 0
    assert sorted(cloud.started) == WEEK


class Flaky:
    """A table of which some calls fail: `lost` puts take effect and say so to nobody."""

    def __init__(self, table, *, lost_puts: int = 0, failing_gets: int = 0) -> None:
        self._table, self.lost_puts, self.failing_gets = table, lost_puts, failing_gets

    def __getattr__(self, name: str):
        return getattr(self._table, name)

    def put(self, *arguments, **named) -> None:
        self._table.put(*arguments, **named)
        if self.lost_puts:
            self.lost_puts -= 1
            raise CallFailed("dynamodb.PutItem", "ReadTimeoutError", unknown_outcome=True)

    def get(self, key):
        if self.failing_gets and key[1].startswith("RUN#"):
            self.failing_gets -= 1
            raise CallFailed("dynamodb.GetItem", "ThrottlingException")
        return self._table.get(key)


def test_a_table_that_fails_for_a_while_costs_no_date_and_asks_for_none_twice():
    cloud = SimulatedCloud(DAILY)
    cloud.cloud = replace(cloud.cloud, control=Flaky(cloud.cloud.control, lost_puts=2, failing_gets=5))

    assert run(cloud) == 0
    assert sorted(cloud.started) == WEEK


def test_a_table_that_fails_for_long_ends_it():
    cloud = SimulatedCloud(DAILY)
    cloud.cloud = replace(cloud.cloud, control=Flaky(cloud.cloud.control, failing_gets=1000))

    with pytest.raises(CallFailed):
        run(cloud)


def test_a_date_that_somebody_else_runs_is_left_to_them():
    cloud = SimulatedCloud(DAILY)
    partition, sort = keys.rerun_request_key(RunKey("gold", "cron", "2026-03-03"))
    cloud.cloud.control.put({"PK": partition, "SK": sort, "requestedBy": "bob"})
    cloud.passes(minutes=1)

    assert run(cloud) == 0
    assert "2026-03-03  skipped: a run of it is RUNNING already" in cloud.lines
    assert sorted(cloud.started) == WEEK


def test_a_refused_request_counts_as_a_failure():
    config = DAILY.replace("maxRetries: 0", "maxRetries: 0, maxManualReruns: 0")
    cloud = SimulatedCloud(config)
    run(cloud, "2026-03-02", "2026-03-06")
    assert len(cloud.started) == 5

    assert run(cloud, "2026-03-02", "2026-03-08", force=True) == 1
    assert "2026-03-02  refused: maxManualReruns is 0" in cloud.lines
    assert any(line.startswith("stopping: ") for line in cloud.lines)


def test_dates_to_come_are_not_asked_for():
    cloud = SimulatedCloud(DAILY)

    assert run(cloud, "2026-03-09", "2026-03-11") == 0
    assert cloud.started == ["2026-03-09", "2026-03-10"]
    assert "2026-03-11  skipped: it lies in the future" in cloud.lines


def test_hours_are_backfilled_one_by_one():
    cloud = SimulatedCloud(DAILY.replace("0 6 * * *", "0 * * * *"))

    assert run(cloud, "2026-03-02T22", "2026-03-03T01") == 0
    past = [date for date in cloud.started if date < "2026-03-10"]  # the cron fires meanwhile
    assert past == ["2026-03-02T22", "2026-03-02T23", "2026-03-03T00", "2026-03-03T01"]


@pytest.mark.parametrize(
    ("since", "until", "wanted"),
    [
        ("2026-03-04", "2026-03-02", "--from 2026-03-04 is later than --to 2026-03-02; swap them"),
        ("2026-3-4", "2026-03-05", "'2026-3-4' is not an execution date: write 2026-03-01"),
        ("2016-01-01", "2026-03-02", "more than 2000 dates lie from 2016-01-01 to 2026-03-02"),
        ("2026-03-04T07", "2026-03-04T08", "no execution date from 2026-03-04T07 to 2026-03-04T08"),
    ],
)
def test_a_range_that_cannot_be_is_wrong_usage(since: str, until: str, wanted: str):
    with pytest.raises(WrongUsage) as refused:
        run(SimulatedCloud(DAILY), since, until)

    assert wanted in str(refused.value)


def test_a_pipeline_that_only_observes_has_no_backfill():
    observes = "pipeline: {id: gold}\nschedule: {trigger: {key: up, check: exists}}\njob: {type: glue}\n"

    with pytest.raises(WrongUsage, match="only observes"):
        run(SimulatedCloud(observes + "dryRun: true\n"))


def test_json_is_one_object_at_the_end():
    cloud = SimulatedCloud(DAILY)

    assert run(cloud, "2026-03-06", "2026-03-07", as_json=True) == 0
    assert cloud.data() == {
        "pipeline": "gold",
        "schedule": "cron",
        "from": "2026-03-06",
        "to": "2026-03-07",
        "preview": False,
        "dates": [
            {"date": "2026-03-06", "standing": "succeeded", "reason": "succeeded at attempt 1"},
            {
                "date": "2026-03-07",
                "standing": "skipped",
                "reason": "2026-03-07 is a Saturday, and weekends are excluded",
            },
        ],
        "counts": {"succeeded": 1, "skipped": 1},
        "stopped": None,
    }


@pytest.mark.parametrize(
    ("option", "wanted"),
    [
        (["--concurrency", "0"], "'0' is no number from 1 to 50"),
        (["--concurrency", "51"], "'51' is no number from 1 to 50"),
        (["--max-failures", "120%"], "'120%' is neither a share like 20% nor a number like 5"),
        (["--max-failures", "some"], "'some' is neither a share like 20% nor a number like 5"),
    ],
)
def test_limits_that_cannot_be_are_wrong_usage(
    option: list[str], wanted: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as exited:
        main(["backfill", "gold", "--from", "2026-03-02", "--to", "2026-03-03", *option])

    assert exited.value.code == 2
    assert wanted in capsys.readouterr().err

"""`interlock shadow-report`: the table and the JSON that a dry run and outside reports make."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from builders import at
from interlock.cli.cloud import WrongUsage
from interlock.cli.shadow_report import Wish, shadow_report
from simulated_cloud import SimulatedCloud

OBSERVES = """
pipeline: {id: gold}
schedule: {trigger: {key: upstream, check: exists}}
validation: {rules: [{key: orders, check: gte, field: count, value: 10}]}
job: {type: glue}
dryRun: true
"""


def outside(cloud: SimulatedCloud, date: str, ended_at: datetime, event: str, seconds: int = 600) -> None:
    key = f"JOB#stream#{date}#{int(ended_at.timestamp() * 1000)}#1"
    row = {"PK": "PIPELINE#gold", "SK": key, "event": event, "durationSeconds": seconds}
    cloud.cloud.joblog.put(row)


@pytest.fixture
def cloud() -> SimulatedCloud:
    """On the 9th the data came at 8:30, on the 10th never; outside both ran, on the 8th alone."""
    cloud = SimulatedCloud(OBSERVES)  # at 8:00
    for date in ("2026-03-09", "2026-03-10"):
        cloud.write_sensor(f"upstream#{date}", here=True)
    cloud.passes(minutes=29, seconds=58)
    cloud.write_sensor("orders#2026-03-09", count=10)
    cloud.passes(hours=2)
    outside(cloud, "2026-03-08", at("2026-03-10T07:00"), "success")
    outside(cloud, "2026-03-09", at("2026-03-10T08:20"), "success")
    outside(cloud, "2026-03-10", at("2026-03-10T08:40"), "fail")
    cloud.passes(minutes=1)
    return cloud


def report(cloud: SimulatedCloud, *, as_json: bool = False, **wish: str) -> int:
    return shadow_report(Wish("gold", **wish), cloud.cloud, cloud.clock.now(), cloud.out, as_json=as_json)


def test_each_date_is_one_line_with_its_verdict(cloud: SimulatedCloud):
    assert report(cloud) == 0
    assert [line.partition("  ")[0] for line in cloud.lines[2:6]] == [
        "date",
        "2026-03-08",
        "2026-03-09",
        "2026-03-10",
    ]
    assert "only outside" in cloud.lines[3]
    assert "would have waited" in cloud.lines[4]
    assert cloud.lines[4].endswith("by 20m; the job succeeded without waiting")
    assert "blocked rightly" in cloud.lines[5]
    assert cloud.lines[5].endswith("orders was never reported")
    assert cloud.lines[-1] == (
        "3 dates: 1 would have waited, 1 blocked rightly, 1 only outside; the longest wait would have been 20m"
    )


def test_json_has_the_same(cloud: SimulatedCloud):
    assert report(cloud, as_json=True, since="2026-03-09", until="2026-03-09") == 0
    data = json.loads(cloud.out.getvalue())
    assert [one["date"] for one in data["dates"]] == ["2026-03-09"]
    assert data["dates"][0]["verdict"] == "would have waited"
    assert data["dates"][0]["waitedSeconds"] == 1200
    assert data["dates"][0]["outside"]["startedAt"] == "2026-03-10T08:10:00Z"
    assert data["totals"]["would have waited"] == 1


def test_records_that_cannot_be_read_are_counted(cloud: SimulatedCloud):
    cloud.cloud.joblog.put({"PK": "PIPELINE#gold", "SK": "JOB#stream#2026-03-09#soon#1"})

    report(cloud)

    assert cloud.lines[-1] == "1 job record could not be read"


def test_nothing_to_compare_says_how_to_report():
    cloud = SimulatedCloud(OBSERVES)

    assert report(cloud) == 0
    assert "an outside job reports by a JOB# record" in cloud.out.getvalue()


@pytest.mark.parametrize(
    ("wish", "wanted"),
    [
        ({"since": "2026-03-09", "until": "2026-03-08"}, "swap them"),
        ({"since": "monday"}, "'monday' is not an execution date"),
    ],
)
def test_dates_that_cannot_be_are_wrong_usage(wish: dict[str, str], wanted: str):
    with pytest.raises(WrongUsage, match=wanted):
        report(SimulatedCloud(OBSERVES), **wish)

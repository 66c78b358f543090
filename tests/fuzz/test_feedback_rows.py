"""Whatever stands in the rows by which a run is watched after its success: nobody is stopped by it, and it comes to an end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import a_key, a_pipeline, a_rule, a_run, at
from fuzz.control_plane import BAD, NEIGHBOURS, NOW, ControlPlane
from fuzz.test_table_rows import partly
from interlock.aws.promise_item import baseline_item, promise_item
from interlock.aws.run_item import run_item
from interlock.domain.baseline import Baseline
from interlock.domain.event import Announcement, EventType
from interlock.domain.pipeline import Job, JobType, PostRun, UpstreamRule
from interlock.domain.pipeline_codec import encode_pipeline
from interlock.domain.promise import PromiseKind, promised
from interlock.ports import StoredConfig

FEW = settings(max_examples=120, suppress_health_check=list(HealthCheck), deadline=None)
DEPENDENT = NEIGHBOURS[1]
PARTITION = f"PIPELINE#{BAD}"
SUCCEEDED_AT = at("2026-03-02T08:20")
RUN = a_run(
    "SUCCEEDED",
    key=a_key(BAD),
    succeeded_at=SUCCEEDED_AT,
    first_succeeded_at=SUCCEEDED_AT,
    updated_at=SUCCEEDED_AT,
    told=("late:0.1", "written:audit"),
    post_run_verdict="passed",
    drift_reruns=1,
    manual_reruns=1,
    last_request="r",
    seen={"row-count": {"count": 1000}, "audit": {"count": 5}},
)
READ = Baseline(RUN.key, 1, SUCCEEDED_AT, {"row-count": {"count": 1000}, "audit": {"count": 5}})
WAITS = promised(PromiseKind.POST_RUN, RUN.key, NOW, SUCCEEDED_AT, since=SUCCEEDED_AT)
ROWS = st.tuples(
    partly(run_item(RUN)), partly(baseline_item(READ)), partly(promise_item(WAITS, SUCCEEDED_AT))
)


def a_plane(budget: int, *, dry_run: bool) -> ControlPlane:
    """The badly treated pipeline is watched after its success, and one of the others waits for it."""
    plane = ControlPlane()
    job = Job(JobType.GLUE, {"jobName": "etl"}, max_drift_reruns=budget, max_manual_reruns=2)
    audit = PostRun((a_rule("gte", 1, "count", "audit"),))
    watched = a_pipeline(id=BAD, rules=[a_rule()], job=job, post_run=audit, dry_run=dry_run)
    waiting = a_pipeline(id=DEPENDENT, rules=[a_rule(), UpstreamRule(BAD)])
    told = Announcement(EventType.CONFIG_LOADED, "loaded", NOW)
    for pipeline in (watched, waiting):
        stored = StoredConfig(pipeline.id, encode_pipeline(pipeline), f"{pipeline.id}.yaml", "e")
        plane.control.put_config(stored, told)
    plane.control.add_dependent(BAD, DEPENDENT)
    plane.take_records()
    return plane


@FEW
@given(rows=ROWS, budget=st.integers(0, 2), dry_run=st.booleans())
def test_rows_that_somebody_wrote_over_stop_nobody_and_end(
    rows: tuple[dict[str, Any], ...], budget: int, dry_run: bool
) -> None:
    plane = a_plane(budget, dry_run=dry_run)
    for neighbour in NEIGHBOURS:
        plane.trigger(neighbour)
    for row in rows:
        plane.write(row)

    for count in (1, 2, 1):
        for sensor in ("row-count", "audit", "upstream-complete"):
            plane.write({"PK": PARTITION, "SK": f"SENSOR#{sensor}", "count": count, "date": "2026-03-02"})
        plane.write({"PK": PARTITION, "SK": "RERUN_REQUEST#stream#2026-03-02", "reason": f"again {count}"})
        assert plane.deliver(NOW + timedelta(minutes=count)) == []
    plane.tick()

    for neighbour in NEIGHBOURS:
        assert plane.control.run(a_key(neighbour)) is not None
        plane.fall_asleep(neighbour)
    told = [event.event_id for event in plane.published]
    assert len(told) == len(set(told))


@FEW
@given(rows=ROWS)
def test_what_was_wrong_for_a_while_is_no_obstacle_once_it_is_mended(
    rows: tuple[dict[str, Any], ...],
) -> None:
    plane = a_plane(2, dry_run=False)
    for row in rows:
        plane.write(row)
    plane.deliver()
    for row in (run_item(replace(RUN, version=90)), baseline_item(READ)):
        plane.write(row)
    plane.deliver()
    plane.published.clear()

    plane.write({"PK": PARTITION, "SK": "SENSOR#row-count", "count": 1, "date": "2026-03-02"})

    assert plane.deliver() == []
    assert [event.type for event in plane.published] == ["LATE_DATA_ARRIVAL", "RERUN_ACCEPTED"]

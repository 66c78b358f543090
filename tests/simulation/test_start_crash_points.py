"""The function that starts a job dies at each call that it makes, before it and after it: one remote job all the same."""

from __future__ import annotations

import pytest

from interlock.domain.pipeline import JobType
from jobs_table.crash_points import Point, aftermaths, points_of
from jobs_table.nine_types import CAN_BE_ASKED, CANNOT_BE_ASKED

# The call that starts the remote job. A process is started by no call of a service.
STARTS = {
    "glue": "glue.StartJobRun",
    "glue, in a pool": "glue.StartJobRun",
    "emr": "emr.AddJobFlowSteps",
    "emr-serverless": "emr-serverless.StartJobRun",
    "step-function": "stepfunctions.StartExecution",
    "databricks": "databricks.run_now",
    "databricks, tasks": "databricks.submit",
    "airflow": "airflow.trigger",
    "lambda": "lambda.Invoke",
    "lambda, async": "lambda.Invoke",
    "http": "http.request",
    "http, callback": "http.request",
}


def test_every_type_of_job_is_played() -> None:
    assert {job["type"] for job in (*CAN_BE_ASKED.values(), *CANNOT_BE_ASKED.values())} == set(JobType)


@pytest.mark.parametrize("kind", STARTS)
def test_the_start_itself_and_the_writes_around_it_are_among_the_points(kind: str) -> None:
    points = points_of({**CAN_BE_ASKED, **CANNOT_BE_ASKED}[kind])

    started = points.index(Point(STARTS[kind], after=True))
    assert Point(STARTS[kind], after=False) in points[:started]
    assert Point("dynamodb.UpdateItem", after=True) in points[:started]  # what it is about to ask for
    assert Point("dynamodb.UpdateItem", after=False) in points[started - 2 :]  # the handle


@pytest.mark.parametrize("kind", CAN_BE_ASKED)
def test_a_crash_at_any_point_leaves_one_job_and_a_run_that_succeeds(kind: str) -> None:
    found = list(aftermaths(CAN_BE_ASKED[kind]))

    assert len(found) >= 10
    assert [str(aftermath) for aftermath in found if not aftermath.started_once] == []


@pytest.mark.parametrize("kind", CAN_BE_ASKED)
def test_a_second_crash_while_the_first_is_made_good_starts_no_second_job(kind: str) -> None:
    job = CAN_BE_ASKED[kind]
    started = points_of(job).index(Point(STARTS[kind], after=True))

    found = list(aftermaths(job, started))

    assert len(found) >= 8
    assert [str(aftermath) for aftermath in found if not aftermath.started_once] == []


@pytest.mark.parametrize("kind", CANNOT_BE_ASKED)
def test_a_start_that_nobody_can_be_asked_for_is_told_and_never_made_twice(kind: str) -> None:
    found = list(aftermaths(CANNOT_BE_ASKED[kind]))

    unknown = [aftermath for aftermath in found if aftermath.unknown_outcome]
    assert {aftermath.remote_jobs for aftermath in unknown} == {0, 1}
    assert [str(each) for each in found if not (each.started_once or each.unknown_outcome)] == []


@pytest.mark.parametrize("kind", CANNOT_BE_ASKED)
def test_a_target_that_takes_one_start_twice_is_asked_again_and_works_once(kind: str) -> None:
    found = list(aftermaths({**CANNOT_BE_ASKED[kind], "idempotent": True}))

    assert len(found) >= 10
    assert [str(aftermath) for aftermath in found if not aftermath.started_once] == []

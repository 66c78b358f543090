"""The stand-in for Glue behaves like Glue towards boto3, and its jobs like jobs."""

from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from interlock.local.glue_stand_in import Glue
from interlock.local.job_services import JobFailed, JobRun, LocalJob
from interlock.local.stand_in import StandIn
from local.emulator_kit import eventually

PATIENT = 60.0  # seconds that a job takes unless it is stopped


class Stage:
    """The stand-in with one job, `job`, whose work a test chooses; and what was published."""

    def __init__(self) -> None:
        self.published: list[tuple[str, str, dict[str, Any]]] = []
        self.work: Callable[[JobRun], object] = id
        job = LocalJob(lambda _, run: self.work(run), most_at_once=2)
        self.glue = StandIn(
            Glue(),
            {"job": job},
            lambda source, kind, detail: self.published.append((source, kind, dict(detail))),
        )

    def client(self) -> Any:
        config = Config(retries={"total_max_attempts": 1}, proxies={})
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        return boto3.client("glue", "eu-central-1", endpoint_url=self.glue.url, config=config, **keys)

    def start(self, **arguments: str) -> str:
        answer = self.client().start_job_run(JobName="job", Arguments=arguments)
        return str(answer["JobRunId"])

    def described(self, run_id: str) -> dict[str, Any]:
        run: dict[str, Any] = self.client().get_job_run(JobName="job", RunId=run_id)["JobRun"]
        return run

    def ended(self, run_id: str) -> dict[str, Any]:
        eventually(lambda: self.published)
        return self.described(run_id)


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    with stage.glue:
        yield stage


def fail(error: Exception) -> Callable[[JobRun], None]:
    def work(_: JobRun) -> None:
        raise error

    return work


def test_a_job_is_running_until_its_work_is_done(stage: Stage) -> None:
    done = Event()
    stage.work = lambda _: done.wait(PATIENT)

    run_id = stage.start()
    meanwhile = stage.described(run_id)["JobRunState"]
    done.set()

    assert meanwhile == "RUNNING"
    assert stage.ended(run_id)["JobRunState"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("error", "message"),
    [(JobFailed("Rate exceeded"), "Rate exceeded"), (KeyError("orders"), "KeyError: 'orders'")],
)
def test_a_job_that_raises_has_failed_and_says_why(stage: Stage, error: Exception, message: str) -> None:
    stage.work = fail(error)

    run = stage.ended(stage.start())

    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", message)


def test_the_end_is_published_as_glue_publishes_it(stage: Stage) -> None:
    run_id = stage.start()

    stage.ended(run_id)

    source, kind, detail = stage.published[0]
    assert (source, kind) == ("aws.glue", "Glue Job State Change")
    assert (detail["jobName"], detail["jobRunId"], detail["state"]) == ("job", run_id, "SUCCEEDED")


def test_a_job_that_is_stopped_ends(stage: Stage) -> None:
    stage.work = lambda run: run.sleep(PATIENT)
    run_id = stage.start()

    answer = stage.client().batch_stop_job_run(JobName="job", JobRunIds=[run_id, "jr_none"])

    assert stage.ended(run_id)["JobRunState"] == "STOPPED"
    assert [each["JobRunId"] for each in answer["SuccessfulSubmissions"]] == [run_id]
    assert [each["JobRunId"] for each in answer["Errors"]] == ["jr_none"]


def test_runs_are_listed_newest_first_with_their_arguments(stage: Stage) -> None:
    ids = [stage.start(**{"--n": str(n)}) for n in range(2)]

    runs = stage.client().get_job_runs(JobName="job")["JobRuns"]

    assert [run["Id"] for run in runs] == ids[::-1]
    assert [run["Arguments"] for run in runs] == [{"--n": "1"}, {"--n": "0"}]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda glue: glue.start_job_run(JobName="other"), "EntityNotFoundException"),
        (lambda glue: glue.get_job_run(JobName="job", RunId="jr_none"), "EntityNotFoundException"),
        (lambda glue: glue.list_jobs(), "InvalidInputException"),
        (lambda glue: glue.get_job(JobName="other"), "EntityNotFoundException"),
    ],
)
def test_what_is_not_there_is_refused_by_name(stage: Stage, call: Callable[[Any], Any], code: str) -> None:
    with pytest.raises(ClientError) as refused:
        call(stage.client())

    assert refused.value.response["Error"]["Code"] == code


def test_more_runs_at_once_than_the_job_allows_are_refused(stage: Stage) -> None:
    stage.work = lambda run: run.sleep(PATIENT)
    stage.start()
    stage.start()

    with pytest.raises(ClientError, match="ConcurrentRunsExceededException"):
        stage.start()


def test_a_cut_start_has_taken_effect_and_is_not_answered(stage: Stage) -> None:
    meanwhile: list[int] = []
    stage.glue.cut_next_start(lambda: meanwhile.append(len(stage.glue.runs())))

    with pytest.raises(ConnectionClosedError):
        stage.start()
    stage.start()

    assert meanwhile == [1]
    assert len(stage.glue.runs("job")) == 2


def test_calls_are_counted_by_operation(stage: Stage) -> None:
    run_id = stage.start()
    stage.described(run_id)
    stage.described(run_id)

    assert stage.glue.calls() == {"glue.StartJobRun": 1, "glue.GetJobRun": 2}


def test_stopping_the_stand_in_ends_its_jobs() -> None:
    stage = Stage()
    ended = Event()

    def work(run: JobRun) -> None:
        try:
            run.sleep(PATIENT)
        finally:
            ended.set()

    with stage.glue:
        stage.work = work
        stage.start()

    assert ended.wait(5)

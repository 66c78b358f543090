"""Each stand-in answers as its service does: a start, a repeated one, the end in the service's words, a stop."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from interlock.local.airflow_stand_in import Airflow
from interlock.local.databricks_stand_in import Databricks
from interlock.local.emr_serverless_stand_in import EmrServerless
from interlock.local.emr_stand_in import Emr
from interlock.local.job_services import JobFailed, JobRun, LocalJob
from interlock.local.stand_in import Dialect, StandIn
from local.emulator_kit import eventually

JOB = "7"  # a name that every service accepts
PATIENT = 60.0  # seconds that a job takes unless it is stopped


@dataclass
class Stage:
    """One service with one job, whose work a test chooses; and what was published."""

    dialect: Dialect
    published: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    work: Callable[[JobRun], object] = id

    def __post_init__(self) -> None:
        job = LocalJob(lambda _, run: self.work(run), most_at_once=2)
        self.service = StandIn(
            self.dialect,
            {JOB: job},
            lambda source, kind, detail: self.published.append((source, kind, dict(detail))),
        )

    def client(self, name: str) -> Any:
        config = Config(retries={"total_max_attempts": 1}, proxies={})
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        return boto3.client(name, "eu-central-1", endpoint_url=self.service.url, config=config, **keys)

    def ended(self) -> JobRun:
        (run,) = self.service.runs()
        eventually(lambda: not run.is_alive)
        return run

    def ask(self, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(f"{self.service.url}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)


@pytest.fixture
def stage() -> Iterator[Callable[[Dialect], Stage]]:
    with ExitStack() as running:

        def begin(dialect: Dialect) -> Stage:
            stage = Stage(dialect)
            running.enter_context(stage.service)
            return stage

        yield begin


def fail(_: JobRun) -> None:
    raise JobFailed("disk full")


def hang(run: JobRun) -> None:
    run.sleep(PATIENT)


ENDINGS = [(id, 0), (fail, 1), (hang, 2)]  # by the place of its word: succeeded, failed, stopped
EACH_ENDING = pytest.mark.parametrize(("work", "word"), ENDINGS, ids=["succeeds", "fails", "is stopped"])


def step(name: str = "nightly") -> dict[str, Any]:
    return {"Name": name, "ActionOnFailure": "CONTINUE", "HadoopJarStep": {"Jar": "j.jar", "Args": ["a"]}}


@EACH_ENDING
def test_an_emr_step_ends_and_is_told_of_in_emrs_words(
    stage: Callable[[Dialect], Stage], work: Callable[[JobRun], object], word: int
) -> None:
    emr = stage(Emr())
    emr.work, client = work, emr.client("emr")
    (step_id,) = client.add_job_flow_steps(JobFlowId=JOB, Steps=[step()])["StepIds"]
    if word == 2:
        before = client.describe_step(ClusterId=JOB, StepId=step_id)["Step"]["Status"]["State"]
        told = client.cancel_steps(ClusterId=JOB, StepIds=[step_id])["CancelStepsInfoList"]
        assert (before, [each["Status"] for each in told]) == ("RUNNING", ["SUBMITTED"])

    emr.ended()

    said = ("COMPLETED", "FAILED", "CANCELLED")[word]
    described = client.describe_step(ClusterId=JOB, StepId=step_id)["Step"]
    assert (described["Name"], described["Status"]["State"]) == ("nightly", said)
    eventually(lambda: emr.published)
    source, kind, detail = emr.published[0]
    assert (source, kind) == ("aws.emr", "EMR Step Status Change")
    assert (detail["stepId"], detail["clusterId"], detail["state"]) == (step_id, JOB, said)


def test_emr_lists_its_steps_newest_first_and_by_pages(stage: Callable[[Dialect], Stage]) -> None:
    client = stage(Emr()).client("emr")
    for number in range(60):
        client.add_job_flow_steps(JobFlowId=JOB, Steps=[step(f"step-{number}")])

    first = client.list_steps(ClusterId=JOB)
    second = client.list_steps(ClusterId=JOB, Marker=first["Marker"])

    names = [each["Name"] for each in first["Steps"] + second["Steps"]]
    assert names == [f"step-{number}" for number in reversed(range(60))]
    assert (len(first["Steps"]), "Marker" in second) == (50, False)


def test_emr_refuses_what_it_does_not_know_and_more_steps_than_it_takes(
    stage: Callable[[Dialect], Stage],
) -> None:
    emr = stage(Emr())
    emr.work, client = hang, emr.client("emr")
    client.add_job_flow_steps(JobFlowId=JOB, Steps=[step(), step()])

    for cluster in (JOB, "j-none"):
        with pytest.raises(ClientError, match="ValidationException"):
            client.add_job_flow_steps(JobFlowId=cluster, Steps=[step()])
    with pytest.raises(ClientError, match="InvalidRequestException"):
        client.describe_step(ClusterId=JOB, StepId="s-none")


def job_run(client: Any, token: str = "token", application: str = JOB) -> str:
    role = "arn:aws:iam::123456789012:role/jobs"
    driver = {"sparkSubmit": {"entryPoint": "s3://b/job.py"}}
    answer = client.start_job_run(
        applicationId=application, clientToken=token, executionRoleArn=role, name="nightly", jobDriver=driver
    )
    return str(answer["jobRunId"])


@EACH_ENDING
def test_an_emr_serverless_run_ends_and_is_told_of_in_its_words(
    stage: Callable[[Dialect], Stage], work: Callable[[JobRun], object], word: int
) -> None:
    serverless = stage(EmrServerless())
    serverless.work, client = work, serverless.client("emr-serverless")
    run_id = job_run(client)
    if word == 2:
        client.cancel_job_run(applicationId=JOB, jobRunId=run_id)

    serverless.ended()

    said = ("SUCCESS", "FAILED", "CANCELLED")[word]
    described = client.get_job_run(applicationId=JOB, jobRunId=run_id)["jobRun"]
    assert (described["name"], described["state"]) == ("nightly", said)
    eventually(lambda: serverless.published)
    source, kind, detail = serverless.published[0]
    assert (source, kind) == ("aws.emr-serverless", "EMR Serverless Job Run State Change")
    assert (detail["jobRunId"], detail["applicationId"], detail["state"]) == (run_id, JOB, said)


def test_emr_serverless_starts_one_run_for_each_client_token(stage: Callable[[Dialect], Stage]) -> None:
    serverless = stage(EmrServerless())
    client = serverless.client("emr-serverless")

    first, again, other = (job_run(client, token) for token in ("a", "a", "b"))

    assert (first == again, first == other) == (True, False)
    listed = client.list_job_runs(applicationId=JOB)["jobRuns"]
    assert [run["id"] for run in listed] == [other, first]


def test_emr_serverless_does_not_know_every_application_nor_stop_what_has_ended(
    stage: Callable[[Dialect], Stage],
) -> None:
    serverless = stage(EmrServerless())
    client = serverless.client("emr-serverless")
    run_id = job_run(client)
    serverless.ended()

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        job_run(client, application="00none")
    with pytest.raises(ClientError, match="ValidationException"):
        client.cancel_job_run(applicationId=JOB, jobRunId=run_id)


@EACH_ENDING
def test_a_databricks_run_ends_in_databricks_words(
    stage: Callable[[Dialect], Stage], work: Callable[[JobRun], object], word: int
) -> None:
    databricks = stage(Databricks("dapi"))
    databricks.work = work
    _, started = databricks.ask("POST", "/api/2.1/jobs/run-now", "dapi", {"job_id": int(JOB)})
    if word == 2:
        assert databricks.ask("POST", "/api/2.1/jobs/runs/cancel", "dapi", started) == (200, {})

    databricks.ended()

    path = f"/api/2.1/jobs/runs/get?run_id={started['run_id']}"
    status, run = databricks.ask("GET", path, "dapi")
    said = ("SUCCESS", "FAILED", "CANCELED")[word]
    assert (status, run["job_id"]) == (200, int(JOB))
    assert (run["state"]["life_cycle_state"], run["state"]["result_state"]) == ("TERMINATED", said)
    assert databricks.published == []


@pytest.mark.parametrize(
    ("path", "what"), [("run-now", {"job_id": int(JOB)}), ("runs/submit", {"tasks": [{"task_key": JOB}]})]
)
def test_databricks_starts_one_run_for_each_idempotency_token(
    stage: Callable[[Dialect], Stage], path: str, what: dict[str, Any]
) -> None:
    databricks = stage(Databricks("dapi"))

    answers = [
        databricks.ask("POST", f"/api/2.1/jobs/{path}", "dapi", what | {"idempotency_token": token})
        for token in ("a", "a", "b")
    ]

    assert [answer["run_id"] for _, answer in answers] == [1, 1, 2]
    _, listed = databricks.ask("GET", f"/api/2.1/jobs/runs/list?job_id={JOB}", "dapi")
    assert [run["run_id"] for run in listed["runs"]] == [2, 1]


@pytest.mark.parametrize(
    ("token", "job", "status", "code"),
    [("other", 7, 401, "UNAUTHENTICATED"), ("dapi", 8, 400, "INVALID_PARAMETER_VALUE")],
)
def test_databricks_refuses_strangers_and_what_it_does_not_know(
    stage: Callable[[Dialect], Stage], token: str, job: int, status: int, code: str
) -> None:
    databricks = stage(Databricks("dapi"))

    answered, said = databricks.ask("POST", "/api/2.1/jobs/run-now", token, {"job_id": job})

    assert (answered, said["error_code"], databricks.service.runs()) == (status, code, [])


def airflow_token(airflow: Stage) -> str:
    status, answer = airflow.ask("POST", "/auth/token", "", {"username": "ana", "password": "secret"})
    assert status == 201
    return str(answer["access_token"])


def triggered(airflow: Stage, token: str, run_id: str = "run 1") -> tuple[int, Any]:
    body = {"dag_run_id": run_id, "logical_date": None, "conf": {"day": "1"}}
    return airflow.ask("POST", f"/api/v2/dags/{JOB}/dagRuns", token, body)


@EACH_ENDING
def test_a_dag_run_ends_in_airflows_words(
    stage: Callable[[Dialect], Stage], work: Callable[[JobRun], object], word: int
) -> None:
    airflow = stage(Airflow("ana", "secret"))
    airflow.work, token = work, airflow_token(airflow)
    triggered(airflow, token)
    path = f"/api/v2/dags/{JOB}/dagRuns/run%201"
    if word == 2:
        status, patched = airflow.ask("PATCH", path, token, {"state": "failed"})
        assert (status, patched["state"]) == (200, "failed")

    airflow.ended()

    status, run = airflow.ask("GET", path, token)
    said = ("success", "failed", "failed")[word]
    assert (status, run["state"], run["conf"]) == (200, said, {"day": "1"})
    _, tasks = airflow.ask("GET", f"{path}/taskInstances", token)
    assert [task["state"] for task in tasks["task_instances"]] == [said]
    assert airflow.published == []


def test_a_dag_that_is_there_is_not_paused_and_another_is_not_found(
    stage: Callable[[Dialect], Stage],
) -> None:
    airflow = stage(Airflow("ana", "secret"))
    token = airflow_token(airflow)

    assert airflow.ask("GET", f"/api/v2/dags/{JOB}", token) == (200, {"dag_id": JOB, "is_paused": False})
    assert airflow.ask("GET", "/api/v2/dags/none", token)[0] == 404


def test_airflow_refuses_a_run_id_that_is_taken(stage: Callable[[Dialect], Stage]) -> None:
    airflow = stage(Airflow("ana", "secret"))
    token = airflow_token(airflow)

    assert [triggered(airflow, token, run_id)[0] for run_id in ("a", "a", "b")] == [200, 409, 200]
    assert len(airflow.service.runs(JOB)) == 2


def test_airflow_gives_no_token_to_strangers_and_listens_to_none(stage: Callable[[Dialect], Stage]) -> None:
    airflow = stage(Airflow("ana", "secret"))

    assert airflow.ask("POST", "/auth/token", "", {"username": "ana", "password": "guess"})[0] == 401
    assert triggered(airflow, "made-up")[0] == 401
    assert airflow.service.runs() == []


def test_a_repeated_start_is_answered_although_the_first_was_cut(stage: Callable[[Dialect], Stage]) -> None:
    databricks = stage(Databricks("dapi"))
    meanwhile: list[float] = []
    databricks.service.cut_next_start(lambda: meanwhile.append(time.monotonic()))
    body = {"job_id": int(JOB), "idempotency_token": "a"}

    with pytest.raises(OSError, match="closed connection"):
        databricks.ask("POST", "/api/2.1/jobs/run-now", "dapi", body)

    assert databricks.ask("POST", "/api/2.1/jobs/run-now", "dapi", body) == (200, {"run_id": 1})
    assert (len(meanwhile), databricks.service.calls()) == (1, {"databricks.run_now": 2})

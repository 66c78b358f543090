"""`terraform apply` onto the emulator makes the stack that `interlock local up` makes, and a run goes through it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flow.world import SECONDS, World, secret_of
from interlock.domain.run import RunStatus
from interlock.local.emulator import Emulator, Permission
from interlock.local.job_services import JobFailed, JobRun, LocalJob, RunState
from interlock.local.session import Session, embedded_stack
from interlock.local.stack import Stack
from local.emulator_kit import deploy, eventually, make_machine, messages
from terraform.e2e_leftovers import leftovers
from terraform.e2e_picture import COMPARED, Picture, Reader, differences
from terraform.e2e_stack import TerraformStack, terraform_stacks
from terraform.provider import Provider

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("terraform")]

# Computed values that the stand-in makes up, since the emulator has none: nothing of the module refers to them.
MADE_UP_AND_UNREAD = frozenset(
    {
        ("aws_caller_identity", "arn"),
        ("aws_lambda_event_source_mapping", "last_processing_result"),
        ("aws_lambda_event_source_mapping", "state_transition_reason"),
        ("aws_lambda_function", "qualified_invoke_arn"),
        ("aws_lambda_function", "response_streaming_invoke_arn"),
        ("aws_lambda_function", "signing_job_arn"),
        ("aws_lambda_function", "signing_profile_version_arn"),
        ("aws_s3_bucket", "website_domain"),
        ("aws_s3_bucket", "website_endpoint"),
        ("aws_scheduler_schedule_group", "state"),
        ("aws_sfn_state_machine", "description"),
        ("aws_sfn_state_machine", "version_description"),
    }
)


@pytest.fixture(scope="module")
def session(stand_in: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    deployed_by = terraform_stacks(stand_in, tmp_path_factory.mktemp("terraform"))
    with embedded_stack({}, stack_of=deployed_by) as session:
        # Every function may do what its role of the module allows, and nothing else.
        session.emulator.enforce_permissions()
        session.warm_up()
        yield session


@pytest.fixture(scope="module")
def stack(session: Session) -> TerraformStack:
    assert isinstance(session.stack, TerraformStack)
    return session.stack


@pytest.fixture(scope="module")
def picture(session: Session) -> Picture:
    return Reader(session.emulator, session.stack.prefix).picture()


def test_terraforms_stack_differs_in_nothing_from_the_embedded_one(
    session: Session, picture: Picture, tmp_path: Path
) -> None:
    with Emulator() as other:
        embedded = Stack(other, session.stack.options, tmp_path / "zips").deploy()
        others_picture = Reader(other, embedded.prefix).picture()

    found = differences(picture, others_picture, ("Terraform", "interlock local"))
    assert not found, "\n".join(found)


def test_a_second_plan_changes_nothing(stack: TerraformStack) -> None:
    assert stack.planned_changes() == []


def test_nothing_that_is_deployed_was_made_up(stack: TerraformStack, picture: Picture) -> None:
    state = json.loads(stack.workspace.run("show", "-json"))

    made_up = {
        (resource["type"], place)
        for resource in resources_of(state["values"]["root_module"])
        for place, text in texts_of(resource["values"])
        if "stub" in text or "123456789012" in text
    }

    assert made_up <= MADE_UP_AND_UNREAD
    assert "stub" not in json.dumps(picture)


def resources_of(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from resources_of(child)


def texts_of(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text in it, by the name of what holds it."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from texts_of(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from texts_of(each, place)
    elif isinstance(value, str):
        yield place, value


def test_whatever_a_destroy_must_take_away_would_be_seen(session: Session) -> None:
    there = leftovers(session.emulator, session.stack.prefix, not_ours=session.stack.bucket)

    for_an_account = {"alarms", "archives", "dashboards", "log groups", "roles"}
    assert {line.partition(": ")[0] for line in there} == for_an_account | set(COMPARED.values())


def test_a_run_goes_from_its_sensor_to_slack(session: Session) -> None:
    world, tries = World(session), list[JobRun]()

    def fails_once(_: object, run: JobRun) -> None:
        tries.append(run)
        if len(tries) == 1:
            raise JobFailed("Rate exceeded")

    pipeline = world.declare(LocalJob(fails_once), maxRetries=1)
    world.open_ready(pipeline)

    assert world.reaches(pipeline, RunStatus.SUCCEEDED).attempt == 2
    failed, recovered = world.reads(pipeline, messages=2)
    assert "Rate exceeded" in failed
    assert "Recovered" in recovered


def test_the_queue_of_failed_batches_lists_what_is_in_the_bucket_and_nothing_else(session: Session) -> None:
    emulator, stack = session.emulator, session.stack
    queue = emulator.client("sqs").get_queue_url(QueueName=f"{stack.prefix}-stream-failures-dead")["QueueUrl"]

    emulator.client("s3").put_object(Bucket=stack.failures_bucket, Key="aws/lambda/a batch", Body=b"{}")

    # S3's own test message, too, would have set the queue's alarm off.
    told = eventually(lambda: messages(emulator, queue))
    assert [each["detail"]["object"]["key"] for each in told] == ["aws/lambda/a batch"]


HANGS = LocalJob(lambda _, run: run.sleep(600))


@pytest.mark.parametrize("job_type", ["glue", "emr", "emr-serverless"])
def test_a_role_is_enough_to_find_a_job_whose_start_was_not_heard_of_and_to_cancel_it(
    session: Session, job_type: str
) -> None:
    world, service = World(session), session.job_services[job_type]
    pipeline, name = world.declare_played(job_type, HANGS, maxRetries=0)
    service.cut_next_start(lambda: None)
    world.open_ready(pipeline)
    (job,) = eventually(lambda: service.runs(name), SECONDS)

    world.stop_workflow(pipeline)

    assert world.reaches(pipeline, RunStatus.FAILED).remote_id == job.id
    assert eventually(lambda: job.state is RunState.STOPPED, SECONDS)


def test_a_role_is_enough_for_an_execution_of_another_machine(session: Session) -> None:
    world, waits = World(session), {"Type": "Wait", "Seconds": 600, "End": True}
    machine = make_machine(session.emulator, {"StartAt": "Waits", "States": {"Waits": waits}})
    pipeline = world.declare({"type": "step-function", "config": {"stateMachineArn": machine}}, maxRetries=0)
    world.open_ready(pipeline)

    world.stop_workflow(pipeline)

    world.reaches(pipeline, RunStatus.FAILED)
    listed = session.emulator.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    assert [execution["status"] for execution in listed] == ["ABORTED"]


def test_a_role_is_enough_for_a_function_and_for_a_secret(session: Session) -> None:
    world = World(session)
    answers = deploy(session.emulator, "def handler(event, context): return {'statusCode': 200}")
    payload = {"token": f"${{secret:{secret_of(session, 'swordfish')}}}"}
    job = {"type": "lambda", "config": {"functionName": answers, "payload": payload}}

    pipeline = world.declare(job, maxRetries=0)
    world.open_ready(pipeline)

    world.reaches(pipeline, RunStatus.SUCCEEDED)


def test_a_function_may_not_what_its_role_does_not_say(session: Session) -> None:
    """Else nothing here would show anything: a bucket that no pipeline has anything to do with."""
    function = session.stack.function("config_sync")
    emulator = session.emulator
    made = emulator.client("lambda").get_function_configuration(FunctionName=function)["Environment"]
    emulator.client("s3").create_bucket(Bucket="of-somebody-else")

    def is_refused() -> bool:
        answer = emulator.client("lambda").invoke(FunctionName=function, Payload="{}")
        return "AccessDenied" in answer["Payload"].read().decode()

    with set_for(session, function, made["Variables"] | {"CONFIG_BUCKET": "of-somebody-else"}):
        assert eventually(is_refused, SECONDS)  # a pass that is under way has the settings of before
    (refused,) = refusals(session)  # and nobody was refused anything in all the tests before
    assert refused == Permission(function, "s3:ListBucket", "arn:aws:s3:::of-somebody-else", granted=False)


@contextmanager
def set_for(session: Session, function: str, variables: Mapping[str, str]) -> Iterator[None]:
    functions = session.emulator.client("lambda")
    made = functions.get_function_configuration(FunctionName=function)["Environment"]
    functions.update_function_configuration(FunctionName=function, Environment={"Variables": variables})
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=function, Environment=made)


def refusals(session: Session) -> list[Permission]:
    """Of all that was asked for by our functions and for us, since the stack was deployed."""
    return [one for one in session.emulator.permissions() if not one.granted]

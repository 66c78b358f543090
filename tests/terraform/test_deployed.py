"""`terraform apply` onto the emulator makes the stack that `interlock local up` makes, and a run goes through it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from flow.world import World
from interlock.domain.run import RunStatus
from interlock.local.emulator import Emulator
from interlock.local.job_services import JobFailed, JobRun, LocalJob
from interlock.local.session import Session, embedded_stack
from interlock.local.stack import Stack
from terraform.e2e_picture import Picture, Reader, differences
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

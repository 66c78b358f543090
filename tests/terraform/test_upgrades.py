"""What is changed in the ordinary course changes in place: nothing that holds data is ever made anew.

The stand-in provider applies the module to nothing but its state, and then plans each change. Which attributes cannot be
changed in place is told by its overrides.json and ours (stand_in/), after the provider's own documentation.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from terraform.provider import ROOT, Provider
from terraform.small_module import IN_VPC, KEY, OTHER_KEY, SMALL, TRIGGERS, zips_in
from terraform.workspace import Action, Workspace, a_copy_of_the_sources, a_workspace

# For xdist: the deployed worlds are made once.
pytestmark = pytest.mark.xdist_group("terraform-upgrades")

HOLDS_DATA = {
    "aws_cloudwatch_event_archive",
    "aws_cloudwatch_event_bus",
    "aws_cloudwatch_log_group",
    "aws_dynamodb_table",
    "aws_s3_bucket",
    "aws_s3_object",
    "aws_secretsmanager_secret",
    "aws_sfn_state_machine",  # its executions end with it
    "aws_sqs_queue",
}
# A mapping made anew reads the stream from its oldest record: everything of a day once more.
READS_DATA = {"aws_lambda_event_source_mapping", "aws_scheduler_schedule_group"}
CONFIGS = ROOT / "terraform" / "tests" / "configs" / "good"


@pytest.fixture(scope="module")
def deployed(stand_in: Provider, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Everything in S3, no key, no trigger."""
    return _deployed(stand_in, tmp_path_factory.mktemp("small"), SMALL)


@pytest.fixture(scope="module")
def under_key(stand_in: Provider, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The same under a key of the user's."""
    return _deployed(stand_in, tmp_path_factory.mktemp("key"), SMALL | {"kms_key_arn": KEY})


@pytest.fixture(scope="module")
def from_folders(stand_in: Provider, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Zips and configs from folders beside the module."""
    return _deployed(stand_in, tmp_path_factory.mktemp("folders"), _folders())


def _folders() -> dict[str, Any]:
    return SMALL | {"pipeline_configs": "../configs", "lambda_zips": "../zips"}


def _deployed(provider: Provider, folder: Path, variables: dict[str, Any]) -> Workspace:
    workspace = a_workspace(provider, folder / "project")
    shutil.copytree(CONFIGS, workspace.root / "configs")
    zips_in(workspace.root / "zips")
    workspace.apply(**variables)
    return workspace


def lost(actions: list[Action]) -> list[str]:
    """What holds or reads data and would be made anew or destroyed."""
    return [
        each.address
        for each in actions
        if each.name in ("replace", "delete") and each.type in HOLDS_DATA | READS_DATA
    ]


def updated(actions: list[Action], type_: str) -> set[str]:
    return {each.address for each in actions if each.type == type_ and each.name == "update"}


def test_a_second_plan_changes_nothing(deployed: Workspace) -> None:
    assert deployed.actions(**SMALL) == []


def test_a_second_plan_with_a_key_changes_nothing(under_key: Workspace) -> None:
    assert under_key.actions(**SMALL | {"kms_key_arn": KEY}) == []


def test_a_second_plan_with_local_zips_and_configs_changes_nothing(from_folders: Workspace) -> None:
    assert from_folders.actions(**_folders()) == []


def test_another_environment_is_seen_as_the_loss_it_would_be(deployed: Workspace) -> None:
    actions = deployed.actions(**SMALL | {"environment": "test"})

    replaced = {each.type for each in actions if each.name == "replace"}
    assert replaced >= (HOLDS_DATA | READS_DATA) - {"aws_s3_object"}


SETTINGS: dict[str, dict[str, Any]] = {
    "the watchdog's interval": {"watchdog_interval_minutes": 5},
    "log retention": {"log_retention_days": 90},
    "events' time to live": {"events_ttl_days": 30},
    "the archive's retention": {"archive_retention_days": 7},
    "the Slack channel": {"slack_channel_id": "C9876543210"},
    "Slack's address": {"slack_api_url": "https://slack-gov.com/api"},
    "no channel": {"slack_channel_id": None},
    "tags": {"tags": {"Team": "data"}},
    "the project's name": {"project_name": "another-platform"},
    "another version's zips": {"lambda_zips": "s3://artifacts/interlock/0.2.0/"},
    "another bucket of configs": {"pipeline_configs": "s3://other-configs/pipelines/"},
    "configs noticed by EventBridge": {"config_notification": "eventbridge"},
    "configs not noticed": {"config_notification": "none"},
    "concurrency": {"lambda_concurrency": {"orchestrator": 50, "config_sync": -1}},
    "parallel streams": {"stream_parallelization_factor": 10},
    "a topic for alarms": {"sns_alarm_topic_arn": "arn:aws:sns:us-east-1:123456789012:on-call"},
    "a VPC": IN_VPC,
    "a permissions boundary": {"permissions_boundary_arn": "arn:aws:iam::123456789012:policy/boundary"},
    "no deletion protection": {"deletion_protection": False},
    "a key": {"kms_key_arn": KEY},
    "keys to decrypt with": {"decryption_key_arns": [OTHER_KEY]},
    "job secrets": {"job_secret_arns": ["arn:aws:secretsmanager:us-east-1:123456789012:secret:jobs-*"]},
    "job environment": {"job_environment": {"INTERLOCK_DATA_BUCKET": "raw"}},
    "private address ranges": {"allowed_private_cidrs": ["10.20.0.0/16"]},
    "commands": {"allowed_commands": ["/opt/report"]},
    **{f"the trigger {name}": variables for name, variables in TRIGGERS.items()},
}


@pytest.mark.parametrize("setting", [pytest.param(each, id=name) for name, each in SETTINGS.items()])
def test_a_changed_setting_loses_nothing(deployed: Workspace, setting: dict[str, Any]) -> None:
    actions = deployed.actions(**SMALL | setting)

    assert actions
    assert lost(actions) == []


@pytest.mark.parametrize("key", [pytest.param(OTHER_KEY, id="another"), pytest.param(None, id="none")])
def test_a_changed_key_loses_nothing(under_key: Workspace, key: str | None) -> None:
    actions = under_key.actions(**SMALL | {"kms_key_arn": key})

    assert lost(actions) == []
    assert len(updated(actions, "aws_dynamodb_table")) == 4


def test_a_changed_config_file_changes_one_object_and_nothing_else(from_folders: Workspace) -> None:
    with _edited(from_folders.root / "configs" / "orders.yaml"):
        actions = from_folders.actions(**_folders())

    assert [(each.address, each.name) for each in actions] == [
        ('aws_s3_object.config["orders.yaml"]', "update")
    ]


def test_a_changed_zip_changes_one_function_and_nothing_else(from_folders: Workspace) -> None:
    with _edited(from_folders.root / "zips" / "watchdog.zip"):
        actions = from_folders.actions(**_folders())

    assert [(each.address, each.name) for each in actions] == [
        ("module.watchdog.aws_lambda_function.this", "update")
    ]


def test_a_changed_workflow_changes_the_state_machine_in_place(from_folders: Workspace) -> None:
    with _edited(from_folders.root / "statemachine" / "pipeline_run.asl.json"):
        actions = from_folders.actions(**_folders())

    assert [(each.address, each.name) for each in actions] == [
        ("aws_sfn_state_machine.pipeline_run", "update")
    ]


def test_zips_that_move_from_a_folder_to_s3_change_the_functions_in_place(from_folders: Workspace) -> None:
    actions = from_folders.actions(**_folders() | {"lambda_zips": SMALL["lambda_zips"]})

    assert lost(actions) == []
    assert len(updated(actions, "aws_lambda_function")) == 7


def test_a_removed_config_file_removes_its_object_alone(from_folders: Workspace) -> None:
    file = from_folders.root / "configs" / "calendars" / "finance-month-ends.yaml"
    content = file.read_bytes()
    file.unlink()
    try:
        actions = from_folders.actions(**_folders())
    finally:
        file.write_bytes(content)

    assert [(each.address, each.name) for each in actions] == [
        ('aws_s3_object.config["calendars/finance-month-ends.yaml"]', "delete")
    ]


@contextmanager
def _edited(file: Path) -> Iterator[None]:
    """The file with a line break more."""
    content = file.read_bytes()
    file.write_bytes(content + b"\n")
    try:
        yield
    finally:
        file.write_bytes(content)


def test_a_module_with_depends_on_can_be_made(stand_in: Provider, tmp_path: Path) -> None:
    """Terraform then knows neither account nor region while it plans; how many there are of each thing it must know."""
    folder = a_copy_of_the_sources(tmp_path / "project") / "theirs"
    folder.mkdir()
    arguments = "\n".join(f"{name} = {json.dumps(value)}" for name, value in SMALL.items())
    (folder / "main.tf").write_text(
        'resource "terraform_data" "first" {}\n'
        'module "interlock" {\n'
        f'source = "../terraform"\n{arguments}\n'
        "depends_on = [terraform_data.first]\n}\n"
    )
    workspace = Workspace(stand_in, folder.parent, folder, {})
    workspace.init()

    workspace.apply()

    assert workspace.actions() == []

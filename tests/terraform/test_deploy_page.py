"""`docs/deploy.md` tells of the module that there is: its configuration plans, its names are of what is made, its bill fits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from costs.bill import ALARMS, DASHBOARDS
from interlock.alerts.slack import _TOKEN_ERRORS
from terraform.provider import ROOT, Provider
from terraform.small_module import zips_in
from terraform.workspace import Change, Plan, Workspace, a_copy_of_the_sources

# For xdist: the page's configuration is planned once.
pytestmark = pytest.mark.xdist_group("deploy-page")

TEXT = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
(MAIN,) = re.findall(r"^```hcl\n(.*?)^```$", TEXT, re.S | re.M)
RELEASE = '"git::https://github.com/OWNER/interlock.git//terraform?ref=v0.1.0"'
CONFIGS = '"s3://my-bucket/pipelines/"'
# The page's own output has everything, so parts that are known only after the apply.
KEY_STATEMENTS = 'output "key_statements" { value = module.interlock.kms_key_policy_statements }'
WHERE = {"TFSTUB_ACCOUNT": "123456789012", "AWS_REGION": "eu-central-1"}


@dataclass(frozen=True)
class Made:
    """What the page's `main.tf` makes; and with its pipelines in a folder, and EventBridge telling of them."""

    page: list[Change]
    folder: list[Change]
    key_statements: list[dict[str, Any]]

    def strings(self) -> set[str]:
        """Every name and ARN that stands in a plan."""
        return {text for change in (*self.page, *self.folder) for text in _strings(change.after)}

    def alarms(self) -> set[str]:
        return {
            change.after["alarm_name"]
            for change in (*self.page, *self.folder)
            if change.type == "aws_cloudwatch_metric_alarm"
        }


@pytest.fixture(scope="module")
def made(stand_in: Provider, tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = a_copy_of_the_sources(tmp_path_factory.mktemp("deploy-page"))
    zips_in(root / "dist")  # as a release's tag has them
    folder = '"${path.module}/../terraform/tests/configs/good"\n  config_notification = "eventbridge"'
    page = _planned(stand_in, root, "page", f"{MAIN}\n{KEY_STATEMENTS}")
    statements = page.document["planned_values"]["outputs"]["key_statements"]["value"]
    in_folder = _planned(stand_in, root, "folder", MAIN.replace(CONFIGS, folder))
    return Made(page.resources, in_folder.resources, json.loads(statements))


def _planned(provider: Provider, root: Path, name: str, main: str) -> Plan:
    assert RELEASE in main
    (root / name).mkdir()
    (root / name / "main.tf").write_text(main.replace(RELEASE, '"../terraform"'), encoding="utf-8")
    workspace = Workspace(provider, root, root / name, WHERE)
    workspace.init()
    return workspace.plan()


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        if value.startswith(("{", "[")):
            yield from _strings(json.loads(value))
    elif isinstance(value, dict):
        for member in value.values():
            yield from _strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from _strings(member)


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", TEXT, re.S | re.M)
    assert found, f"docs/deploy.md has no section {title}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, heads and rules too."""
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]


def declared(kind: str, file: str) -> set[str]:
    text = (ROOT / "terraform" / file).read_text(encoding="utf-8")
    return set(re.findall(rf'^{kind} "(\w+)"', text, re.M))


def test_the_pages_configuration_makes_everything_and_takes_nothing(made: Made) -> None:
    assert made.page
    assert {change.actions for change in made.page} == {("create",)}


def test_every_name_of_the_page_is_the_name_of_something_that_the_module_makes(made: Made) -> None:
    strings = made.strings()
    named = set(re.findall(r"dev-interlock[-/][a-z0-9-]*[a-z0-9]", TEXT))

    assert named
    assert {name for name in named if not any(name in text for text in strings)} == set()
    # As a whole, or as the last part of an ARN, a path, an address: no name is only the beginning of another.
    ends = {part for text in strings for part in (text, *re.split(r"[:/]", text), text.split("/", 3)[-1])}
    assert {name for name in named if name not in ends} == set()


def test_every_alarm_is_explained_and_no_other(made: Made) -> None:
    explained = {
        name
        for row in rows(section("When an alarm goes off"))
        for name in re.findall(r"`([<a-z][a-z<>-]*)`", row[0])
    }
    functions = {name.removesuffix("-errors") for name in made.alarms() if name.endswith("-errors")}
    of_functions = {f"{name}-{what}" for name in functions for what in ("errors", "throttles")}

    assert {"<function>-errors", "<function>-throttles"} <= explained
    others = {f"dev-interlock-{name}" for name in explained if not name.startswith("<")}
    assert others | of_functions == made.alarms()


def test_each_queue_of_dead_letters_is_told_with_its_command(made: Made) -> None:
    told = {
        re.sub(r"[` ]", "", row[1]): row[0].strip("`")
        for row in rows(section("Put dead letters back"))
        if row[1].startswith("`")
    }
    queues = {
        change.after["name"]
        for change in made.page
        if change.type == "aws_sqs_queue" and change.after["name"].endswith("-dead")
    }

    assert told == {name: name.removeprefix("dev-interlock-").removesuffix("-dead") for name in queues}


def test_every_setting_that_is_named_is_the_modules() -> None:
    variables, outputs = declared("variable", "variables.tf"), declared("output", "outputs.tf")
    set_to = set(re.findall(r"`([a-z_]+) = ", TEXT))
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", TEXT))

    assert set_to - variables == set()
    assert {name for name in named - variables - outputs if not name.startswith("aws_")} <= set(_TOKEN_ERRORS)


def test_the_statements_of_a_keys_policy_are_those_of_the_module(made: Made) -> None:
    told = {
        (sid, service)
        for row in rows(section("A KMS key of your own"))
        for sid in re.findall(r"`(Interlock\w+)`", row[0])
        for service in re.findall(r"`([a-z0-9.-]+amazonaws\.com)`", row[1])
    }

    assert told == {
        (statement["Sid"], service)
        for statement in made.key_statements
        for service in _several(statement["Principal"]["Service"])
    }


def _several(services: str | list[str]) -> list[str]:
    return [services] if isinstance(services, str) else services


def test_the_bill_has_the_alarms_and_dashboards_of_the_module(made: Made) -> None:
    types = [change.type for change in made.page]

    assert types.count("aws_cloudwatch_metric_alarm") == ALARMS
    assert types.count("aws_cloudwatch_dashboard") == DASHBOARDS
    assert f"| {ALARMS} for each environment and region |" in TEXT


def test_as_many_roles_as_the_page_says(made: Made) -> None:
    numbers = {"nine": 9}
    (said,) = re.findall(
        r"\| (\w+) for each environment and region \|$",
        "\n".join(line for line in TEXT.splitlines() if line.startswith("| IAM, roles")),
        re.M,
    )

    assert [change.type for change in made.page].count("aws_iam_role") == numbers[said]

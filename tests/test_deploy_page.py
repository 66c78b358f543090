"""`docs/deploy.md` can be followed: its pipeline is played to the messages it shows, its commands and links exist.

What it says of the Terraform module is held to it in `tests/terraform/test_deploy_page.py`.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from itertools import groupby
from pathlib import Path
from typing import Any

import jmespath
import pytest
from boto3.dynamodb.types import TypeDeserializer
from botocore import xform_name
from botocore.session import get_session

from interlock.alerts.slack import _PERMANENT
from interlock.aws import keys
from interlock.aws.secrets import _FRESH_SECONDS
from interlock.cli.main import COMMANDS, _parser
from interlock.domain.dead_letter import DeadLetterQueue
from interlock.pipeline_yaml import check_pipeline
from interlock.ports import CallFailed
from interlock.simulation.play import play
from interlock.simulation.played import Played
from interlock.simulation.scenario_yaml import read_scenario
from interlock.steps.deliver_alert import PERMANENT_WAIT_SECONDS, seconds_to_wait

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "deploy.md"
TEXT = PAGE.read_text(encoding="utf-8")
START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def blocks(language: str) -> list[str]:
    """Also those within lists, which are indented."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", TEXT, re.S | re.M)
    return [re.sub(rf"^{indent}", "", text, flags=re.M) for indent, text in found]


# ---------------------------------------------------------------- the first alert

(PIPELINE,) = blocks("yaml")
ALERT, RECOVERY = blocks("text")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The page followed: its file, its writes; the third after the message has come."""
    folder = tmp_path_factory.mktemp("deploy")
    (folder / "hello.yaml").write_text(PIPELINE, encoding="utf-8")
    puts = [json.loads(arguments["item"]) for arguments in (c.options for c in AWS if c.name == "put-item")]
    minutes = ["+1m", "+1m", "+5m"]
    scenario = {
        "scenario": "the first alert",
        "start": START.isoformat(),
        "configs": [{"file": "hello.yaml"}],
        "timeline": [
            {"at": at, "raw": {"table": "control", "item": _plain(item)}}
            for at, item in zip(minutes, puts, strict=True)
        ],
        "until": "+1h",
    }
    return play(read_scenario(json.dumps(scenario), "docs/deploy.md", folder))


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    read = {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
    return dict(json.loads(json.dumps(read, default=int)))


def test_the_first_pipeline_is_valid_without_a_warning() -> None:
    assert check_pipeline(PIPELINE.encode(), "docs/deploy.md").warnings == ()


def test_the_messages_of_the_page_are_those_that_reach_slack(world: Played) -> None:
    alert, recovery = (_as_slack_shows(posted.text) for posted in world.history.posted)

    assert ALERT in alert
    assert RECOVERY in recovery


def _as_slack_shows(text: str) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text"""
    return unescape(text.replace("*", ""))


def test_the_recovery_comes_into_the_alerts_thread(world: Played) -> None:
    assert len({posted.thread for posted in world.history.posted}) == 1


def test_the_first_alert_comes_two_minutes_after_the_second_write(world: Played) -> None:
    first = world.history.posted[0]

    assert (first.at - START).total_seconds() == (1 + 2) * 60
    assert "Two minutes after the second write, in Slack" in TEXT


def test_the_sensors_are_written_under_the_keys_that_we_read() -> None:
    items = [json.loads(command.options["item"]) for command in AWS if command.name == "put-item"]

    assert [(item["PK"]["S"], item["SK"]["S"]) for item in items] == [
        keys.sensor_key("hello", key) for key in ("orders", "upstream", "orders")
    ]


def test_ten_minutes_are_enough_for_all_steps() -> None:
    steps = re.findall(r"^\| \[\d\. [^|]*\| (have it|half|\d+)", TEXT, re.M)

    words = {"have it": 0.0, "half": 0.5}
    assert len(steps) == 5
    assert sum(words[step] if step in words else float(step) for step in steps) <= 10


# ---------------------------------------------------------------- Slack


def test_the_bots_manifest_asks_for_the_scope_that_posting_needs() -> None:
    (manifest,) = blocks("json")

    assert json.loads(manifest)["oauth_config"]["scopes"]["bot"] == ["chat:write"]
    assert "chat:write" in _PERMANENT["missing_scope"]


def test_a_token_is_as_fresh_and_as_long_tried_as_the_page_says() -> None:
    text = (ROOT / "terraform" / "alert_dispatcher.tf").read_text(encoding="utf-8")
    (receives,) = re.findall(r"maxReceiveCount\s+= (\d+)", text)

    assert _FRESH_SECONDS == 60
    assert "holds a token for a minute at most" in TEXT
    assert int(receives) * PERMANENT_WAIT_SECONDS == 20 * 60
    without_token = CallFailed("secretsmanager.GetSecretValue", "ResourceNotFoundException", "no value")
    hours = sum(seconds_to_wait(without_token, number) for number in range(1, int(receives))) / 3600
    assert round(hours, 1) == 2.8
    assert "tried for almost three hours" in TEXT
    assert "you have twenty minutes" in TEXT


# ---------------------------------------------------------------- commands


@dataclass(frozen=True)
class Command:
    """One `aws SERVICE NAME --option value ...`."""

    service: str
    name: str
    options: dict[str, str]
    flags: tuple[str, ...]


def _lines() -> Iterator[list[str]]:
    """The words of each command of the page; of a pipe, a loop, a substitution each command apart."""
    for block in [*blocks("sh"), *re.findall(r"`(aws [^`]*)`", TEXT)]:
        for line in block.replace("\\\n", " ").splitlines():
            lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            for joined, words in groupby(lexer, lambda word: set(word) <= set("|&;()$")):
                if not joined:
                    yield list(words)


def _aws(words: list[str]) -> Command:
    service, name, *rest = words[1:]
    options, flags = {}, []
    while rest:
        word = rest.pop(0)
        if word.startswith("--") and rest and not rest[0].startswith("--"):
            options[word[2:]] = rest.pop(0)
        else:
            flags.append(word)
    return Command(service, name, options, tuple(flags))


AWS = [_aws(words) for words in _lines() if words[0] == "aws" and len(words) > 2]
INTERLOCK = [words[1:] for words in _lines() if words[0] == "interlock"]
EVERYWHERE = {"query", "output", "region"}  # https://docs.aws.amazon.com/cli/latest/reference/
# Commands of the CLI that are no operations of the service.
# https://docs.aws.amazon.com/cli/latest/reference/s3/, https://docs.aws.amazon.com/cli/latest/reference/logs/tail.html
OWN = {
    ("s3", "cp"): {"recursive", "exclude", "include"},
    ("s3", "ls"): set(),
    ("s3", "rm"): {"recursive"},
    ("s3", "sync"): set(),
    ("logs", "tail"): {"since"},
}


@pytest.mark.parametrize("command", AWS, ids=lambda command: f"{command.service} {command.name}")
def test_a_command_of_the_aws_cli_exists_with_its_options(command: Command) -> None:
    given = {*command.options, *(flag[2:] for flag in command.flags if flag.startswith("--"))} - EVERYWHERE
    known = OWN.get((command.service, command.name))
    if known is None:
        service = get_session().get_service_model(command.service.replace("s3api", "s3"))
        operations = {xform_name(name, "-"): name for name in service.operation_names}
        shape = service.operation_model(operations[command.name]).input_shape
        members = {xform_name(name, "-"): member for name, member in shape.members.items()} if shape else {}
        known = {
            *members,
            *(f"no-{name}" for name, member in members.items() if member.type_name == "boolean"),
        }
        required = {xform_name(name, "-") for name in shape.required_members} if shape else set()
        assert required <= given

    assert given <= known
    jmespath.compile(command.options.get("query", "@"))  # raises for what is no query


def test_a_replay_goes_to_the_rule_that_stores_alone() -> None:
    (replay,) = [command for command in AWS if command.name == "start-replay"]

    destination = json.loads(replay.options["destination"])
    assert [arn.rpartition("/")[2] for arn in destination["FilterArns"]] == ["dev-interlock-every-event"]
    assert destination["Arn"].endswith("event-bus/dev-interlock-events")


@pytest.mark.parametrize("words", INTERLOCK, ids=" ".join)
def test_a_command_of_ours_exists_with_its_options(words: list[str]) -> None:
    assert words[0] in COMMANDS

    _parser(asked=words[0]).parse_args(words)


def test_every_queue_that_redrive_knows_is_told() -> None:
    told = re.findall(r"^\| `([a-z-]+)` \| `dev-interlock-[a-z-]+-dead` \|", TEXT, re.M)

    assert told == list(DeadLetterQueue)


# ---------------------------------------------------------------- links


def _anchors(text: str) -> set[str]:
    """As GitHub makes them of headings."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"^ *```.*?^ *```$", "", text, flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!https://)([^)]+)\)", TEXT))))
def test_a_link_leads_somewhere(link: str) -> None:
    path, _, anchor = link.partition("#")
    target = (PAGE.parent / path).resolve() if path else PAGE

    assert target.is_file()
    assert not anchor or anchor in _anchors(target.read_text(encoding="utf-8"))

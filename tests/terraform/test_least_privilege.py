"""One role a function: nothing that it calls is missing, nothing it holds is unused, no wildcard says more than it must."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from flow.world import World
from interlock.domain.run import RunStatus
from interlock.local.iam_actions import needs_of
from interlock.local.iam_policy import Need, Statement
from interlock.local.job_services import JobFailed, JobRun, LocalJob
from interlock.local.session import embedded_stack
from interlock.triggers.glue_insights import recorded_failure
from terraform.least_privilege import (
    Held,
    Names,
    Used,
    each_permission,
    held_by,
    missing,
    plan_of_everything,
    together,
    too_wide,
    unused,
    used_in_scenarios,
    used_under_roles,
)
from terraform.on_our_behalf import FUNCTIONS, KNOW_NO_RESOURCES, done_by_aws
from terraform.provider import ROOT, Provider

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("least-privilege")]

NAMES = Names()
MODULE = ROOT / "terraform"


@pytest.fixture(scope="module")
def held(stand_in: Provider, tmp_path_factory: pytest.TempPathFactory) -> Held:
    return held_by(plan_of_everything(stand_in, tmp_path_factory.mktemp("plan"), NAMES))


@pytest.fixture(scope="module")
def called() -> Used:
    """By the functions themselves."""
    return together(used_in_scenarios(NAMES), used_on_the_stack(), {"orchestrator": used_of_old_glue()})


def used_on_the_stack() -> Used:
    """As it goes over the wire: a run of each kind of job whose service AWS is, one of which fails and is told."""
    with embedded_stack({}) as session:
        world = World(session)
        failing = world.declare(LocalJob(fails), maxRetries=0)
        played = [failing, *(world.declare_played(kind, QUICK)[0] for kind in ("emr", "emr-serverless"))]
        for pipeline in played:
            world.open_ready(pipeline)
        world.reaches(failing, RunStatus.FAILED)
        world.reads(failing, messages=1)
        for pipeline in played[1:]:
            world.reaches(pipeline, RunStatus.SUCCEEDED)
        return used_under_roles(session.emulator.permissions(), NAMES)


QUICK = LocalJob(lambda _, run: run.sleep(0.1))


def fails(_: object, run: JobRun) -> None:
    run.sleep(0.1)
    raise JobFailed("on purpose")


def used_of_old_glue() -> list[Need]:
    """The simulated jobs are of Glue 5.0; the insights of older ones stand elsewhere."""
    asked: list[str] = []

    class Glue:
        def get_job_run(self, **_: Any) -> dict[str, Any]:
            return {"JobRun": {"GlueVersion": "4.0"}}

        def get_job(self, **_: Any) -> dict[str, Any]:
            return {"Job": {"DefaultArguments": {"--enable-job-insights": "true"}}}

    class Logs:
        def filter_log_events(self, *, logGroupName: str, **_: Any) -> dict[str, Any]:
            asked.append(logGroupName)
            return {}

    recorded_failure(Glue(), lambda _: Logs(), "any", "any")  # type: ignore[arg-type]
    return [
        need
        for group in asked
        for need in needs_of("logs.FilterLogEvents", {"logGroupName": group}, NAMES.place)
    ]


def test_every_function_has_a_role_of_its_own(held: Held) -> None:
    assert sorted(held) == sorted([*FUNCTIONS, "scheduler", "state-machine"])


def test_nothing_that_a_function_calls_is_missing(held: Held, called: Used) -> None:
    assert missing(held, called) == []


def test_nothing_that_aws_does_under_a_role_is_missing(held: Held) -> None:
    assert missing(held, done_by_aws(NAMES)) == []


def test_nothing_that_a_role_holds_is_unused(held: Held, called: Used) -> None:
    assert unused(held, together(called, done_by_aws(NAMES))) == []


def test_nothing_can_be_taken_from_a_role_without_being_missed(held: Held, called: Used) -> None:
    used, kept = together(called, done_by_aws(NAMES)), []
    for whose, statements in held.items():
        permissions = list(each_permission(statements))
        for one in permissions:
            others = [each for each in permissions if each is not one]
            if not missing({whose: others}, {whose: used[whose]}):
                kept.append(f"{whose}: {one.actions[0]} on {one.resources[0]} ({one.sid})")

    assert kept == []


def test_no_wildcard_says_more_than_it_must(held: Held) -> None:
    assert too_wide(held, KNOW_NO_RESOURCES) == []


# -- that these can fail


@pytest.fixture
def one_role(held: Held) -> Sequence[Statement]:
    """Event-sink's, of which every statement is known."""
    (stores,) = (each for each in held["event-sink"] if "dynamodb:PutItem" in each.actions)
    return [stores]


PUT = Need("dynamodb:PutItem", NAMES.table("events"))


def test_an_action_that_is_taken_away_is_named(one_role: Sequence[Statement]) -> None:
    without = replace(one_role[0], actions=("dynamodb:GetItem",))

    assert missing({"event-sink": [without]}, {"event-sink": [PUT]}) == [f"event-sink lacks {PUT}"]


def test_an_action_on_another_table_is_named(one_role: Sequence[Statement]) -> None:
    elsewhere = replace(one_role[0], resources=(NAMES.table("control"),))

    assert missing({"event-sink": [elsewhere]}, {"event-sink": [PUT]}) == [f"event-sink lacks {PUT}"]


def test_a_role_that_is_not_there_is_named() -> None:
    assert missing({}, {"event-sink": [PUT]}) == [f"event-sink lacks {PUT}"]


def test_an_action_that_is_added_is_named(one_role: Sequence[Statement]) -> None:
    more = replace(one_role[0], actions=("dynamodb:PutItem", "dynamodb:DeleteItem"))

    assert unused({"event-sink": [more]}, {"event-sink": [PUT]}) == [
        f"event-sink does not use dynamodb:DeleteItem on {NAMES.table('events')} ({more.sid})"
    ]


def test_a_resource_that_is_added_is_named(one_role: Sequence[Statement]) -> None:
    more = replace(one_role[0], resources=(NAMES.table("events"), NAMES.table("joblog")))

    assert unused({"event-sink": [more]}, {"event-sink": [PUT]}) == [
        f"event-sink does not use dynamodb:PutItem on {NAMES.table('joblog')} ({more.sid})"
    ]


@pytest.mark.parametrize("change", [{"actions": ("dynamodb:Put*",)}, {"resources": ("*",)}])
def test_a_wildcard_is_named(one_role: Sequence[Statement], change: dict[str, tuple[str, ...]]) -> None:
    wide = replace(one_role[0], **change)

    (named,) = too_wide({"event-sink": [wide]}, KNOW_NO_RESOURCES)

    assert named == f"event-sink may {wide.actions[0]} on {wide.resources[0]} ({wide.sid})"


# -- the sources

STAR = re.compile(r'\b[Rr]esources?\s*=\s*\[?\s*"\*"')


def stars() -> Iterator[tuple[str, list[str]]]:
    """Where a resource is "*": the place, and its statement from the beginning to that line."""
    for file in sorted(MODULE.rglob("*.tf")):
        lines = file.read_text().splitlines()
        for number, line in enumerate(lines):
            if STAR.search(line):
                before = lines[:number]
                start = max(index for index, one in enumerate(before) if one.rstrip().endswith("{"))
                yield f"{file.relative_to(MODULE)}:{number + 1}", [*before[start:], line]


def test_every_resource_that_is_a_star_says_why_with_a_link() -> None:
    found = {place: "\n".join(lines) for place, lines in stars()}

    assert found
    assert [place for place, text in found.items() if not re.search(r"# .*https://", text)] == []

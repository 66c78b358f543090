"""Whatever the tests of this folder had functions do, the roles of the Terraform module allow. The last file, so that all
of it has happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from flow.world import QUICK, World
from interlock.domain.run import RunStatus
from interlock.local.iam_policy import Need
from terraform.least_privilege import Names, held_by, missing, plan_of_everything, used_under_roles
from terraform.provider import NoProvider, find_provider

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("flow")]


def test_nothing_was_used_that_the_roles_of_the_module_do_not_allow(world: World, tmp_path: Path) -> None:
    try:
        provider = find_provider()
    except NoProvider as lacking:
        pytest.skip(str(lacking))
    if not provider.is_stand_in:
        pytest.skip(f"needs the offline stand-in: {provider.source} plans with an AWS account only")
    pipeline = world.declare(QUICK)
    world.open_ready(pipeline)
    world.reaches(pipeline, RunStatus.SUCCEEDED)

    used = used_under_roles(world.session.emulator.permissions(), Names())
    held = held_by(plan_of_everything(provider, tmp_path, Names()))

    of_what_is_there = {whose: [need for need in needs if is_there(need)] for whose, needs in used.items()}
    assert {"config-sync", "stream-router", "orchestrator", "event-sink", "state-machine"} <= used.keys()
    assert missing(held, of_what_is_there) == []


def is_there(need: Need) -> bool:
    """Tests break a function by telling it of a table that there is not."""
    return "no-such" not in need.resource

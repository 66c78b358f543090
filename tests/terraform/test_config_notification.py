"""A bucket that already sends its events to EventBridge: a changed file is noticed there, and the bucket is left alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flow.world import QUICK, World
from interlock.local.session import Session, embedded_stack
from terraform.e2e_stack import terraform_stacks
from terraform.provider import Provider

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("terraform")]


@pytest.fixture(scope="module")
def session(stand_in: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("terraform")
    deployed_by = terraform_stacks(stand_in, folder, config_notification="eventbridge")
    with embedded_stack({}, stack_of=deployed_by) as session:
        session.emulator.client("s3").put_bucket_notification_configuration(
            Bucket=session.stack.bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        # The watchdog looks for changed files too, every five minutes.
        session.emulator.client("events").disable_rule(Name=f"{session.stack.prefix}-tick")
        session.emulator.enforce_permissions()
        yield session


def test_a_changed_config_is_loaded_by_way_of_eventbridge(session: Session) -> None:
    world = World(session)

    pipeline = world.declare(QUICK)

    assert world.control.config(pipeline) is not None


def test_the_buckets_own_notifications_stay_the_users(session: Session) -> None:
    told = session.emulator.client("s3").get_bucket_notification_configuration(Bucket=session.stack.bucket)

    assert told.keys() - {"ResponseMetadata"} == {"EventBridgeConfiguration"}

"""One embedded stack for all tests of this folder: `xdist_group` keeps them on one worker."""

from collections.abc import Iterator

import pytest

from flow.relay import Relay, relay
from flow.world import World
from interlock.local.session import Session, embedded_stack
from interlock.local.stack import StackOptions


@pytest.fixture(scope="session")
def step_functions() -> Iterator[Relay]:
    """What the orchestrator takes for Step Functions."""
    with relay() as between:
        yield between


@pytest.fixture(scope="session")
def session(step_functions: Relay) -> Iterator[Session]:
    with embedded_stack({}, StackOptions(job_endpoints={"sfn": step_functions.url})) as session:
        step_functions.towards = session.emulator.endpoint
        session.warm_up()
        yield session


@pytest.fixture
def world(session: Session) -> World:
    return World(session)

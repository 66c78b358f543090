"""One embedded stack for all tests of this folder: `xdist_group` keeps them on one worker."""

from collections.abc import Iterator

import pytest

from flow.world import World
from interlock.local.session import Session, embedded_stack


@pytest.fixture(scope="session")
def session() -> Iterator[Session]:
    with embedded_stack({}) as session:
        session.warm_up()
        yield session


@pytest.fixture
def world(session: Session) -> World:
    return World(session)

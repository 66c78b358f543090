"""One emulator for all tests of this worker that can share it: each test makes things under names of its own."""

from collections.abc import Iterator

import pytest

from interlock.local.emulator import Emulator


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator

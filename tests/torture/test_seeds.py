"""Five hundred worlds of all profiles, none of which breaks a promise. `make torture` plays forty times as many."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from interlock.torture.search import be_silent
from interlock.torture.seed import play_seed, told

SEEDS, A_TEST = 500, 25


@pytest.fixture(autouse=True)
def _nothing_is_logged() -> Iterator[None]:
    ours = logging.getLogger("interlock")
    before = ours.level
    be_silent()
    yield
    ours.setLevel(before)


@pytest.mark.parametrize("first", range(1, SEEDS + 1, A_TEST))
def test_no_world_breaks_a_promise(first: int) -> None:
    results = [play_seed(seed, "mixed") for seed in range(first, first + A_TEST)]

    failed = [result for result in results if result.broken]

    assert not failed, "\n".join(line for result in failed for line in told(result))

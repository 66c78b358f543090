"""A few of the embedded torture's worlds; `make torture-embedded` plays two hundred."""

from __future__ import annotations

from itertools import count, islice
from pathlib import Path

import pytest

from embedded_torture.play import story
from embedded_torture.torture import torture
from embedded_torture.worlds import a_world

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("embedded_torture")]


def test_worlds_keep_their_promises_under_faults(tmp_path: Path) -> None:
    short = (plan for number in count(1) if (plan := a_world(1, number, pace=0.25)).ends_soon)

    result = torture(list(islice(short, 8)), tmp_path, at_once=8)

    assert not result.count_of_broken, "\n".join(
        [*(line for played in result.broken_worlds for line in story(played)), *map(str, result.broken_after)]
    )
    assert len({strike.fault.kind for strike in result.strikes}) > 1

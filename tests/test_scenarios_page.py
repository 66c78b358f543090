"""`docs/scenarios.md` names what a scenario may hold: every entry, every field of a fault, every channel, every expectation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interlock.simulation.invocations import TIME_LIMITS
from interlock.simulation.scenario import Channel
from interlock.simulation.scenario_yaml import ScenarioInvalid
from scenario_text import a_scenario

PAGE = (Path(__file__).parent.parent / "docs" / "scenarios.md").read_text()


def first_cells(heading: str) -> list[str]:
    """The names in the first column of the first table below that heading."""
    below = PAGE.split(f"\n{heading}\n", 1)[1]
    rows = re.findall(r"^\|(.*?)\|.*$", below.split("\n#", 1)[0], re.MULTILINE)
    return re.findall(r"`(\w+)`", " ".join(rows))


def known_in(wrong: str, **sections: str) -> list[str]:
    """The words that the reader knows where `wrong` stands, as its advice lists them."""
    with pytest.raises(ScenarioInvalid) as invalid:
        a_scenario(*([wrong] if wrong else []), **sections)
    return re.split(", ", str(invalid.value).split("known are ")[1].splitlines()[0])


def test_every_entry_of_a_timeline_is_documented() -> None:
    known = known_in('{at: "+1m", qqqqqqqqqqqq: 1}')

    assert sorted(first_cells("## What can happen")) == sorted(set(known) - {"at"})


def test_every_field_of_a_fault_is_documented() -> None:
    known = known_in('{at: "+1m", fault: {call: a.B, qqqqqqqqqqqq: 1}}')

    # `for` is told of where it belongs, with `stall`.
    assert sorted(first_cells("### `fault`")) == sorted(set(known) - {"for"})
    assert all(f"`{function}`" in PAGE for function in TIME_LIMITS)


def test_every_channel_is_documented() -> None:
    assert first_cells("### `delay` and `duplicate`")[1:] == [str(channel) for channel in Channel]


def test_every_expectation_is_documented() -> None:
    known = known_in("", expect="{qqqqqqqqqqqq: 1}")

    assert sorted(first_cells("## What can be expected")) == sorted(known)

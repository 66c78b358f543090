"""`docs/scenarios.md` names what a scenario may hold, and every promise: as the reader and the checks know them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.simulation import promises
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


def test_every_promise_is_documented() -> None:
    section = PAGE.split("\n## What `promises: kept` checks\n", 1)[1]
    told = [
        name
        for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
        for name in re.findall(r"`(.+?)`", row)
    ]

    assert sorted(told) == sorted(set(_names_of_promises()))


def _names_of_promises() -> Iterator[str]:
    """The first argument of every finding in the sources of the checks."""
    for source in Path(promises.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Broken", "_broken"):
                name = node.args[0]
                if isinstance(name, ast.Constant):
                    yield str(name.value)

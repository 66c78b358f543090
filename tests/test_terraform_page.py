"""`terraform/README.md` says what the module is: its inputs and outputs with what they mean, its examples as they stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from terraform_page import MODULE, PAGE, SECTIONS, blocks, page, plain

TEXT = PAGE.read_text(encoding="utf-8")
INPUTS = blocks(MODULE / "variables.tf", "variable")
OUTPUTS = blocks(MODULE / "outputs.tf", "output")


def test_the_page_is_what_the_module_says() -> None:
    assert page(TEXT) == TEXT, "run `make schema`"


def test_each_generated_section_stands_once_in_the_page() -> None:
    assert sorted(re.findall(r"^<!-- generated: (\w+) -->$", TEXT, re.MULTILINE)) == sorted(SECTIONS)
    assert TEXT.count("<!-- end -->\n") == len(SECTIONS)


def test_a_page_whose_section_is_stale_is_written_anew() -> None:
    stale = TEXT.replace("| `environment` | `string` | **required** |", "| `environment` | `number` | `7` |")

    assert stale != TEXT
    assert page(stale) == TEXT


@pytest.mark.parametrize("name", INPUTS)
def test_an_input_has_a_type_and_says_what_it_is(name: str) -> None:
    assert INPUTS[name]["type"]
    assert plain(INPUTS[name]["description"]).endswith(".")


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_says_who_needs_it(name: str) -> None:
    assert plain(OUTPUTS[name]["description"]).startswith("For ")


def test_the_complete_example_uses_every_input() -> None:
    assert settings_of("complete") == set(INPUTS)


def test_the_minimal_example_uses_the_required_inputs_alone() -> None:
    required = {name for name, block in INPUTS.items() if "default" not in block}

    assert settings_of("minimal") == required


def settings_of(example: str) -> set[str]:
    (module,) = blocks(MODULE / "examples" / example / "main.tf", "module").values()
    return own(module) - {"source"}


def own(block: Mapping[str, Any]) -> set[str]:
    return {name for name in block if not name.startswith("__")}


LINKS = sorted(set(re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", TEXT)))


@pytest.mark.parametrize("target", [link for link in LINKS if "://" not in link])
def test_a_link_leads_to_a_file(target: str) -> None:
    assert (MODULE / target).exists()

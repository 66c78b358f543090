"""What the stand-in provider has no entry for is made up, deployed nowhere, without a word: our module uses none of that."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from terraform.declared_types import declared_types
from terraform.provider import ROOT, Provider

# What the emulator cannot have, by type, with the reason.
NOWHERE: Mapping[str, str] = {
    "resource terraform_data": "Terraform's own: it carries a precondition and makes nothing",
}
# Asked of the stand-in itself, in its own Python.
ENTRIES = """
import json, behave_aws, emulator
answered = [name[5:] for name in dir(behave_aws.Behaviour) if name.startswith("data_")]
print(json.dumps([f"resource {name}" for name in emulator.SPECS] + [f"data aws_{name}" for name in answered]))
"""


@pytest.fixture(scope="module")
def entries(stand_in: Provider) -> frozenset[str]:
    build = stand_in.config_file.parent
    python = str(build / "venv" / "bin" / "python")
    stub = build.parent / "stub"
    ran = subprocess.run([python, "-c", ENTRIES], cwd=stub, capture_output=True, text=True, check=True)
    return frozenset(json.loads(ran.stdout))


def test_every_type_of_the_module_is_really_deployed(entries: frozenset[str]) -> None:
    used = declared_types(ROOT / "terraform")

    made_up = used - entries - NOWHERE.keys()

    assert len(used) > 20
    assert not made_up, (
        f"{', '.join(sorted(made_up))}: add an entry to tests/terraform/stand_in, or a reason to NOWHERE"
    )


def test_every_reason_is_still_needed(entries: frozenset[str]) -> None:
    assert declared_types(ROOT / "terraform") - entries >= NOWHERE.keys()


def test_a_type_without_an_entry_is_found(entries: frozenset[str], tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(
        'resource "aws_wafv2_web_acl" "one" {\n}\ndata "aws_vpc" "one" {\n}\ndata "aws_region" "one" {\n}\n'
    )

    assert declared_types(tmp_path) - entries == {"resource aws_wafv2_web_acl", "data aws_vpc"}

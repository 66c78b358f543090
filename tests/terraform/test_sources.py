"""How the module's files are written: described, and of no one account, region or partition."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from terraform.provider import ROOT

MODULE = ROOT / "terraform"
FILES = sorted([*MODULE.glob("*.tf"), *(MODULE / "modules").rglob("*.tf")])
# Examples in what people read are of nothing.
TOLD = re.compile(r"^\s*(description|error_message)\s*=|^\s*#")
LITERALS = {
    "a partition": re.compile(r"arn:aws:"),
    "an account": re.compile(r"\b\d{12}\b"),
    "a region": re.compile(r"\b(us|eu|ap|sa|ca|me|af|il|mx|cn)(-gov|-iso[a-z]?)?-[a-z]+-\d\b"),
}


def blocks(kind: str) -> dict[str, str]:
    """By name, the text of the module's variables or outputs."""
    found: dict[str, str] = {}
    for file in MODULE.glob("*.tf"):
        for name, body in re.findall(
            rf'^{kind} "(\w+)" {{\n(.*?)^}}\n', file.read_text(), re.DOTALL | re.MULTILINE
        ):
            found[name] = body
    return found


def attribute(body: str, name: str) -> str:
    found = re.search(rf"^  {name}\s+= (.*)$", body, re.MULTILINE)
    return found[1] if found else ""


@pytest.mark.parametrize(
    ("name", "body"), [pytest.param(*each, id=each[0]) for each in blocks("variable").items()]
)
def test_every_variable_has_a_type_and_a_description(name: str, body: str) -> None:
    assert attribute(body, "type")
    assert len(attribute(body, "description")) > 40, name


def test_every_number_says_of_what_it_is() -> None:
    units = re.compile(r"minutes|days|batches|concurrency", re.IGNORECASE)
    numbers = {name: body for name, body in blocks("variable").items() if "number" in attribute(body, "type")}

    assert len(numbers) >= 5
    assert [name for name, body in numbers.items() if not units.search(attribute(body, "description"))] == []


def test_only_three_variables_must_be_given() -> None:
    required = {
        name
        for name, body in blocks("variable").items()
        if not re.search(r"^  default\s+=", body, re.MULTILINE)
    }

    assert required == {"project_name", "environment", "pipeline_configs"}


def test_every_output_says_who_needs_it() -> None:
    outputs = blocks("output")

    assert len(outputs) > 10
    assert [
        name for name, body in outputs.items() if not attribute(body, "description").startswith('"For ')
    ] == []


@pytest.mark.parametrize("what", LITERALS)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_file_names_an_account_a_region_or_a_partition(file: Path, what: str) -> None:
    named = [
        line
        for line in file.read_text().splitlines()
        if LITERALS[what].search(line) and not TOLD.search(line)
    ]

    assert named == []


def test_no_rule_of_a_variable_looks_at_another() -> None:
    """That works from Terraform 1.9 on, and versions.tf says that 1.7 is enough."""
    conditions = {
        name: set(
            re.findall(
                r"\bvar\.(\w+)",
                " ".join(re.findall(r"validation \{.*?^  \}", body, re.DOTALL | re.MULTILINE)),
            )
        )
        for name, body in blocks("variable").items()
    }

    assert '">= 1.7"' in (MODULE / "versions.tf").read_text()
    assert {name: seen for name, seen in conditions.items() if seen - {name}} == {}


def test_no_policy_is_a_data_source() -> None:
    """`aws_iam_policy_document` is known only after apply where it names what does not exist yet."""
    assert [file.name for file in FILES if "aws_iam_policy_document" in file.read_text()] == []

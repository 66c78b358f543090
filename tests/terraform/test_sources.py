"""How the module's files are written: of no one account, region or partition, and for every Terraform that they name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interlock.local.zip_contents import FUNCTIONS
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


def variables() -> dict[str, str]:
    """By name, the text between the braces."""
    text = (MODULE / "variables.tf").read_text()
    return dict(re.findall(r'^variable "(\w+)" {\n(.*?)^}\n', text, re.DOTALL | re.MULTILINE))


def attribute(body: str, name: str) -> str:
    found = re.search(rf"^  {name}\s+= (.*)$", body, re.MULTILINE)
    return found[1] if found else ""


def test_every_number_says_of_what_it_is() -> None:
    units = re.compile(r"minutes|days|batches|concurrency", re.IGNORECASE)
    numbers = {name: body for name, body in variables().items() if "number" in attribute(body, "type")}

    assert len(numbers) >= 5
    assert [name for name, body in numbers.items() if not units.search(attribute(body, "description"))] == []


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
        for name, body in variables().items()
    }

    assert '">= 1.7"' in (MODULE / "versions.tf").read_text()
    assert {name: seen for name, seen in conditions.items() if seen - {name}} == {}


def test_every_list_of_functions_has_them_all() -> None:
    """A rule of a variable can look at nothing but the variable, so variables.tf has the list again and again."""
    variables, outputs = (MODULE / "variables.tf").read_text(), (MODULE / "outputs.tf").read_text()
    lists = [
        *re.findall(r'\["stream_router"[^\]]*\]', variables + (MODULE / "names.tf").read_text()),
        *re.findall(r"must name functions: [^.]*", variables),
        " ".join(re.findall(r"^ +(\w+) += module\.\1$", outputs, re.MULTILINE)),
    ]

    assert len(lists) > 6
    assert {
        tuple(sorted(set(re.findall(r"[a-z]+_[a-z]+|watchdog|orchestrator", each)))) for each in lists
    } == {FUNCTIONS}


def test_no_policy_is_a_data_source() -> None:
    """`aws_iam_policy_document` is known only after apply where it names what does not exist yet."""
    assert [file.name for file in FILES if "aws_iam_policy_document" in file.read_text()] == []

"""The state machine, filled as Terraform fills it, before the public linters: they accept it, and reject broken ones."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from interlock.local.stack import ASL
from state_machine.public_linters import LINTERS, Machine

pytestmark = pytest.mark.xdist_group("linters")

ORCHESTRATOR = "arn:aws:lambda:eu-central-1:123456789012:function:dev-interlock-orchestrator"
AS_IT_IS = "as it is"
GONE = object()
A, S, C = "asl-validator", "statelint", "cfn-lint"
# What is broken, by name: where, what stands there instead, and who rejects it.
BROKEN: Mapping[str, tuple[str, Any, tuple[str, ...]]] = {
    "it starts nowhere": ("StartAt", "Nowhere", (A, S, C)),
    "a language that is none": ("QueryLanguage", "Jsonata", (A, S)),
    "a state that leads nowhere": ("States/StartJob/Next", "Nowhere", (A, S)),
    "a state that leads no further": ("States/StartJob/Next", GONE, (A, S, C)),
    "an end with a next state": ("States/StartJob/End", True, (A, S, C)),
    "a state that nothing leads to": ("States/Lonely", {"Type": "Succeed"}, (A, S)),
    "an unknown type of state": ("States/StartJob/Type", "Job", (A, S, C)),
    "an unknown member": ("States/StartJob/Retries", [], (A, S, C)),
    "a path in the language of expressions": ("States/StartJob/InputPath", "$.run", (A, S, C)),
    "a task without a resource": ("States/StartJob/Resource", GONE, (A, C)),
    "a resource that is no ARN": ("States/StartJob/Resource", "lambda:invoke", (A, C)),
    "an expression that ends too early": ("States/StartJob/Output", "{% $merge([ %}", (A,)),
    "a time-out in words": ("States/StartJob/TimeoutSeconds", "soon", (A, S, C)),
    "a retry of no error": ("States/StartJob/Retry/0/ErrorEquals", GONE, (A, S, C)),
    "a retry that gets faster": ("States/StartJob/Retry/1/BackoffRate", 0.5, (S,)),
    "a retry after no time": ("States/StartJob/Retry/1/IntervalSeconds", 0, (S,)),
    "an unknown jitter": ("States/StartJob/Retry/1/JitterStrategy", "SOME", (S,)),
    "a catch of an error that is no list": ("States/StartJob/Catch/0/ErrorEquals", "RunOver", (A, S, C)),
    "a catch of an empty list": ("States/StartJob/Catch/0/ErrorEquals", [], (S,)),
    "a catch of all before others": ("States/StartJob/Catch/0/ErrorEquals", ["States.ALL"], (S,)),
    "a catch of all and one more": ("States/StartJob/Catch/2/ErrorEquals", ["States.ALL", "Odd"], (S,)),
    "a catch that leads nowhere": ("States/StartJob/Catch/0/Next", "Nowhere", (A, S)),
    "a choice between nothing": ("States/Judged/Choices", [], (A, S)),
    "a choice that leads nowhere": ("States/Judged/Choices/0/Next", GONE, (A, S, C)),
    "a default that leads nowhere": ("States/Judged/Default", "Nowhere", (A, S)),
    "a wait without an end": ("States/BackOff/Timestamp", GONE, (A, S)),
    "a wait with two ends": ("States/BackOff/Seconds", 60, (A, S)),
    "a failure that goes on": ("States/Failed/Next", "RunOver", (A, S, C)),
}
REJECTIONS = [
    pytest.param(name, linter, id=f"{name}-{linter}")
    for name, (_, _, linters) in BROKEN.items()
    for linter in linters
]


def filled() -> Machine:
    """As Terraform's templatefile gives it to AWS."""
    machine: Machine = json.loads(ASL.read_text().replace("${orchestrator_arn}", ORCHESTRATOR))
    return machine


def changed(path: str, value: Any) -> Machine:
    machine = copy.deepcopy(filled())
    *parents, last = path.split("/")
    place: Any = machine
    for key in parents:
        place = place[int(key)] if isinstance(place, list) else place[key]
    if value is GONE:
        del place[last]
    else:
        assert place.get(last, GONE) != value
        place[last] = value
    return machine


@cache  # starting a linter takes longer than judging all machines
def complaints_of(linter: str) -> Mapping[str, str]:
    if not LINTERS[linter].is_installed:
        pytest.skip(f"needs {linter}: {LINTERS[linter].installing}")
    machines = {name: changed(path, value) for name, (path, value, _) in BROKEN.items()}
    with TemporaryDirectory() as folder:
        return LINTERS[linter].complaints({AS_IT_IS: filled(), **machines}, Path(folder))


@pytest.mark.parametrize("linter", LINTERS)
def test_a_linter_has_no_complaint_of_the_state_machine(linter: str) -> None:
    assert complaints_of(linter).get(AS_IT_IS) is None


@pytest.mark.parametrize(("name", "linter"), REJECTIONS)
def test_a_linter_rejects_a_broken_state_machine(name: str, linter: str) -> None:
    assert complaints_of(linter).get(name)

"""Three public linters of state machines, each on many definitions at once; none of them needs the network.

What they cannot read of JSONata is written for them as something that it evaluates to.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
VENV = HERE.parents[1] / ".venv-linters"

Machine = dict[str, Any]
# States whose number or instant is computed: by the language it may be an expression, these two know the value alone.
# https://states-language.net/spec.html#timeouts
EVALUATED: Mapping[str, Any] = {"TimeoutSeconds": 60, "Timestamp": "2026-03-01T06:00:00Z"}


class LinterFailed(RuntimeError):
    """It said neither yes nor no."""


@dataclass(frozen=True)
class Linter:
    """One linter: where its program is, what installs it, and how it is asked."""

    program: Path
    installing: str
    ask: Callable[[Path, Mapping[str, Machine], Path], dict[str, str]]

    @property
    def is_installed(self) -> bool:
        return self.program.exists()

    def complaints(self, machines: Mapping[str, Machine], folder: Path) -> dict[str, str]:
        """What it says of each machine that it rejects, of several, by the machine's name."""
        return self.ask(self.program, machines, folder)


def _asl_validator(program: Path, machines: Mapping[str, Machine], folder: Path) -> dict[str, str]:
    files = _written(machines, folder)
    options = [f"--json-path={path}" for path in files.values()]
    told = _run([str(program), *options], codes={0, 1})
    text = told.stdout + told.stderr
    accepted = set(re.findall(r'^✓ .*"(.*)" is valid$', told.stdout, re.MULTILINE))
    parts = re.split(r'^✕ .*"(.*)" is invalid:\n', told.stderr, flags=re.MULTILINE)
    rejected = dict(zip(parts[1::2], parts[2::2], strict=True))
    if accepted | rejected.keys() != {str(path) for path in files.values()}:
        raise LinterFailed(text)
    return {name: rejected[str(path)] for name, path in files.items() if str(path) in rejected}


def _statelint(program: Path, machines: Mapping[str, Machine], folder: Path) -> dict[str, str]:
    files = _written({name: evaluated(machine) for name, machine in machines.items()}, folder)
    # It wants 2.0 where JSON has one kind of number.
    told = _run([str(program), "--ignore=FLOAT", *map(str, files.values())], codes={0, 1})
    if told.stderr:
        raise LinterFailed(told.stderr)
    # Above the findings of a file stands its path, if there are several.
    parts = re.split(rf"^({re.escape(str(folder))}/.*)\n", told.stdout, flags=re.MULTILINE)
    rejected = dict(zip(parts[1::2], parts[2::2], strict=True))
    if bool(told.returncode) != bool(rejected):
        raise LinterFailed(told.stdout)
    return {name: rejected[str(path)] for name, path in files.items() if str(path) in rejected}


def _cfn_lint(program: Path, machines: Mapping[str, Machine], folder: Path) -> dict[str, str]:
    templates = {name: _template(evaluated(machine)) for name, machine in machines.items()}
    files = _written(templates, folder)
    # The exit code adds up what kinds of findings there are.
    told = _run([str(program), "--format=json", *map(str, files.values())], codes=set(range(0, 15, 2)))
    found: dict[str, str] = {}
    for finding in json.loads(told.stdout or "[]"):
        found.setdefault(finding["Filename"], f"{finding['Rule']['Id']} {finding['Message']}")
    return {name: found[str(path)] for name, path in files.items() if str(path) in found}


def evaluated(part: Any) -> Any:
    """The machine with a value in place of each computed number and instant."""
    if isinstance(part, list):
        return [evaluated(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        key: EVALUATED[key] if key in EVALUATED and str(value).startswith("{%") else evaluated(value)
        for key, value in part.items()
    }


def _template(machine: Machine) -> dict[str, Any]:
    role = "arn:aws:iam::123456789012:role/dev-interlock-pipeline-run"
    resource = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"RoleArn": role, "Definition": machine},
    }
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"PipelineRun": resource}}


def _written(documents: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    files = {name: folder / f"{name.replace(' ', '-')}.json" for name in documents}
    for name, path in files.items():
        path.write_text(json.dumps(documents[name]), encoding="utf-8")
    return files


def _run(command: list[str], codes: set[int]) -> subprocess.CompletedProcess[str]:
    told = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if told.returncode not in codes:
        raise LinterFailed(told.stdout + told.stderr)
    return told


NODE = "`make test` installs it where there is npm (Node.js)"
PYPI = "`make test` installs it where PyPI can be reached"
LINTERS: Mapping[str, Linter] = {
    "asl-validator": Linter(HERE / "node_modules" / ".bin" / "asl-validator", NODE, _asl_validator),
    "statelint": Linter(VENV / "bin" / "statelint", PYPI, _statelint),
    "cfn-lint": Linter(VENV / "bin" / "cfn-lint", PYPI, _cfn_lint),
}

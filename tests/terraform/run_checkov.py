"""`make checkov`: checkov over the module, its examples and what a plan of each example would make, with one line at the end.

Exit 1 when a check fails, or is skipped without a reason. Plans need the offline stand-in; without it the sources are
all that is looked at, and the line says so.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from interlock.local.zip_contents import FUNCTIONS
from terraform.provider import ROOT, NoProvider, Provider, find_provider
from terraform.workspace import TerraformFailed, a_workspace

CHECKOV = ROOT / ".venv-checkov" / "bin" / "checkov"
EXAMPLES = ("minimal", "complete")
AT_ONCE = 2  # processors of the smallest machine that runs this


class CheckovFailed(Exception):
    """It said neither yes nor no; the text is what it said."""


@dataclass(frozen=True)
class Report:
    """What checkov says of one place."""

    passed: int
    skipped: int
    wrong: tuple[str, ...]  # a line each


def main() -> int:
    if not CHECKOV.exists():
        print("checkov: not run: it could not be installed into .venv-checkov (`make checkov` tries again)")
        return 0
    try:
        provider, no_plans = _planner()
        reports = _reports(provider)
    except (CheckovFailed, TerraformFailed) as failed:
        print(failed, file=sys.stderr)
        return 1
    wrong = sorted({line for report in reports for line in report.wrong})
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    print(
        f"checkov: {sum(each.passed for each in reports)} checks passed, {len(wrong)} failed, "
        f"{sum(each.skipped for each in reports)} skipped with their reason: sources and "
        + (no_plans or f"the plans of {' and '.join(EXAMPLES)}")
    )
    return 1 if wrong else 0


def _planner() -> tuple[Provider | None, str]:
    """Who can plan without an account; else why there are no plans."""
    try:
        provider = find_provider()
    except NoProvider as missing:
        return None, f"no plans ({missing})"
    if provider.is_stand_in:
        return provider, ""
    return None, f"no plans ({provider.source} plans with an AWS account only)"


def _reports(provider: Provider | None) -> list[Report]:
    with (
        tempfile.TemporaryDirectory(prefix="interlock-checkov-") as folder,
        ThreadPoolExecutor(AT_ONCE) as run,
    ):
        told = [run.submit(_of_sources)]
        if provider is not None:
            told += [run.submit(partial(_of_plan, provider, name, Path(folder) / name)) for name in EXAMPLES]
        return [each.result() for each in told]


def _of_sources() -> Report:
    return _report("--directory=terraform", "--framework=terraform", folder=ROOT)


def _of_plan(provider: Provider, example: str, folder: Path) -> Report:
    # The module looks whether the zips are there; what is in them is no matter of checkov's.
    (folder / "dist").mkdir(parents=True)
    for function in FUNCTIONS:
        (folder / "dist" / f"{function}.zip").touch()
    workspace = a_workspace(provider, folder, f"terraform/examples/{example}", AWS_REGION="eu-central-1")
    plan = folder / "plan.json"
    plan.write_text(json.dumps(with_policies_apart(workspace.plan().document)))
    return _report(
        f"--file={plan}",
        "--framework=terraform_plan",
        f"--repo-root-for-plan-enrichment={folder}",  # finds the reasons of what is skipped in the sources
        folder=folder,
    )


def with_policies_apart(plan: Mapping[str, Any]) -> Mapping[str, Any]:
    """The plan with the address of each role's policy for its name.

    checkov 3.3 keeps what it read of a policy by type and name, and judges all of one inner module's by the first.
    """
    for module in _modules(plan["planned_values"]["root_module"]):
        for resource in module.get("resources", ()):
            if resource["type"] == "aws_iam_role_policy":
                resource["name"] = resource["address"]
    return plan


def _modules(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield module
    for child in module.get("child_modules", ()):
        yield from _modules(child)


def _report(*arguments: str, folder: Path) -> Report:
    command = [str(CHECKOV), *arguments, "--skip-download", "--output=json"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    try:
        return read_report(json.loads(ran.stdout))
    except (ValueError, KeyError, TypeError) as unreadable:
        raise CheckovFailed(
            f"checkov {' '.join(arguments)}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}"
        ) from unreadable


def read_report(told: Mapping[str, Any]) -> Report:
    results = told["results"]
    wrong = [_line(check, "") for check in results["failed_checks"]]
    wrong += [
        _line(check, "skipped without a reason: ")
        for check in results["skipped_checks"]
        if check["check_result"].get("suppress_comment") in (None, "", "No comment provided")
    ]
    wrong += [f"{file}: cannot be read" for file in results["parsing_errors"]]
    passed = len(results["passed_checks"])
    return Report(
        passed, len(results["skipped_checks"]), tuple(wrong or ([] if passed else ["nothing was looked at"]))
    )


def _line(check: Mapping[str, Any], what: str) -> str:
    first, _ = check["file_line_range"]
    return f"{check['file_path'].lstrip('/')}:{first}: {check['resource']}: {what}{check['check_id']} {check['check_name']}"


if __name__ == "__main__":
    sys.exit(main())

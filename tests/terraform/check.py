"""`make terraform`: format, validity of the module and its examples, and the module's own tests, with one line at the end.

Exit 1 when something is not as it should be. Without Terraform, or a source of its providers, it says what to install.
`--without-refusals` leaves out the mistakes: where pytest runs too, `test_refusals.py` makes each of them and reads the words.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from terraform.provider import ROOT, NoProvider, Provider, find_provider
from terraform.workspace import TerraformFailed, Workspace, a_workspace, plain

AT_ONCE = 2  # processors of the smallest machine that runs this


def main() -> int:
    parser = argparse.ArgumentParser(prog="make terraform", description=__doc__)
    parser.add_argument("--without-refusals", action="store_true")
    left_out = "refused_*" if parser.parse_args().without_refusals else ""
    try:
        provider = find_provider()
    except NoProvider as missing:
        print(f"terraform: not checked: {missing}")
        return 0
    try:
        print(f"terraform: {_checked(provider, left_out)}")
    except TerraformFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    return 0


def _checked(provider: Provider, left_out: str) -> str:
    _check_format(provider)
    with tempfile.TemporaryDirectory(prefix="interlock-terraform-") as folder:
        examples = [
            each.name for each in sorted((ROOT / "terraform" / "examples").iterdir()) if each.is_dir()
        ]
        for name in examples:
            a_workspace(provider, Path(folder) / name, f"terraform/examples/{name}").validate()
        module = a_workspace(provider, Path(folder) / "module")
        module.validate()
        passed = _tested(module, left_out)
    return (
        f"module and examples ({', '.join(examples)}) are formatted and valid, {passed} tests passed, "
        f"with the AWS provider of {provider.source}"
    )


def _check_format(provider: Provider) -> None:
    # Only reads: it may look at the sources themselves.
    command = [provider.terraform, "fmt", "-check", "-recursive", "-list=true"]
    ran = subprocess.run(command, cwd=ROOT / "terraform", capture_output=True, text=True, check=False)
    if ran.returncode:
        unlike = " ".join((ran.stdout + ran.stderr).split())
        raise TerraformFailed(command[1:], f"run `terraform fmt -recursive terraform`, for: {unlike}")


def _tested(module: Workspace, left_out: str) -> int:
    """How many tests passed; raises TerraformFailed with what the others said."""
    found = (module.folder / "tests").glob("*.tftest.hcl")
    files = sorted(each.name for each in found if not each.match(left_out or "-"))
    with ThreadPoolExecutor(AT_ONCE) as threads:
        told = list(
            threads.map(lambda name: list(module.messages("test", "-json", f"-filter=tests/{name}")), files)
        )
    ended, said = Counter[str](), []
    for message in chain.from_iterable(told):
        if message["type"] == "test_run" and message["test_run"]["progress"] == "complete":
            ended[message["test_run"]["status"]] += 1
        if message["type"] == "diagnostic" and message["diagnostic"]["severity"] == "error":
            said.append(_line(message))
    if ended.keys() - {"pass"} or said or not ended:
        raise TerraformFailed(["test"], "\n".join([str(dict(ended)), *said]))
    return ended["pass"]


def _line(message: Mapping[str, Any]) -> str:
    diagnostic = message["diagnostic"]
    where = f"{message.get('@testfile', '')} {message.get('@testrun', '')}"
    return plain(f"{where}: {diagnostic['summary']}: {diagnostic.get('detail', '')}")


if __name__ == "__main__":
    sys.exit(main())

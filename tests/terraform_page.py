"""`terraform/README.md`: writes what is generated in it anew, from the module's variables, outputs, examples and tests.

`python tests/terraform_page.py` does. What stands between the markers is the module's own; the rest is written by hand.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import hcl2

ROOT = Path(__file__).parent.parent
MODULE = ROOT / "terraform"
PAGE = MODULE / "README.md"
# Beside the module's own: what is about it and lies elsewhere.
ELSEWHERE = (
    "tests/flow/test_used_permissions.py",
    "tests/flow/test_redrive.py",
    "tests/local/test_zips.py",
    "tests/local/test_zip_fitness.py",
    "tests/state_machine/test_public_linters.py",
    "tests/test_costs.py",
    "tests/test_deploy_page.py",
    "tests/test_release.py",
    "tests/test_terraform_page.py",
)
SECTION = re.compile(r"(<!-- generated: (\w+) -->\n).*?(?=<!-- end -->)", re.DOTALL)
RELEASED = "git::https://github.com/OWNER/interlock.git//terraform?ref=v{version}"


def blocks(file: Path, kind: str) -> dict[str, Mapping[str, Any]]:
    """The blocks of one kind (`variable`, `output`, `module`) by their name, as the file orders them."""
    found = _parsed(file).get(kind, [])
    return {plain(label): block for each in found for label, block in each.items()}


def _parsed(file: Path) -> Mapping[str, Any]:
    with file.open(encoding="utf-8") as text:
        return hcl2.load(text)


def plain(quoted: str) -> str:
    """What a quoted text of HCL says."""
    return str(json.loads(quoted)).replace("$${", "${").replace("%%{", "%{")


def inputs() -> str:
    rows = ["| name | type | default | what it is |", "| --- | --- | --- | --- |"]
    return "\n".join([*rows, *_input_rows()])


def _input_rows() -> Iterator[str]:
    for name, block in blocks(MODULE / "variables.tf", "variable").items():
        default = f"`{_value(block['default'])}`" if "default" in block else "**required**"
        kind = block["type"].removeprefix("${").removesuffix("}")
        yield _row(f"`{name}`", f"`{kind}`", default, plain(block["description"]))


def _value(default: Any) -> str:
    """As it is written in HCL; the library leaves the quotes of a text in it."""
    if isinstance(default, list):
        return f"[{', '.join(map(_value, default))}]"
    if isinstance(default, dict):
        return f"{{{', '.join(f'{key} = {_value(value)}' for key, value in default.items())}}}"
    return default if isinstance(default, str) else json.dumps(default)


def outputs() -> str:
    rows = ["| name | what it is |", "| --- | --- |"]
    found = blocks(MODULE / "outputs.tf", "output").items()
    return "\n".join([*rows, *(_row(f"`{name}`", plain(block["description"])) for name, block in found)])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def requirements() -> str:
    (versions,) = _parsed(MODULE / "versions.tf")["terraform"]
    (providers,) = versions["required_providers"]
    rows = [("Terraform", plain(versions["required_version"]))]
    rows += [
        (f"provider `{name}`", plain(each["version"])) for name, each in providers.items() if "__" not in name
    ]
    return "\n".join(["| needs | version |", "| --- | --- |", *(_row(*row) for row in rows)])


def example(name: str, *files: str) -> str:
    """Files of an example as a user of a release writes them: the module by its address."""
    folder = MODULE / "examples" / name
    text = "\n".join((folder / f"{file}.tf").read_text(encoding="utf-8") for file in files)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return f"```hcl\n{text.replace('../..', RELEASED.format(version=version))}```"


def tests() -> str:
    """Every file that tests the module, by its own first words."""
    files = [
        *sorted((MODULE / "tests").glob("*.tftest.hcl")),
        *sorted((ROOT / "tests" / "terraform").glob("test_*.py")),
    ]
    rows = ["| what holds | shown by |", "| --- | --- |"]
    for file in [*files, *(ROOT / name for name in ELSEWHERE)]:
        place = (
            file.relative_to(MODULE) if file.is_relative_to(MODULE) else Path("..") / file.relative_to(ROOT)
        )
        rows.append(_row(_first_words(file), f"[`{file.name}`]({place})"))
    return "\n".join(rows)


def _first_words(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        return " ".join((ast.get_docstring(ast.parse(text)) or "").partition("\n\n")[0].split())
    words = text.partition("\n")[0].removeprefix("# ")
    return f"Refused: {words[0].lower()}{words[1:]}" if file.name.startswith("refused_") else words


SECTIONS: Mapping[str, Callable[[], str]] = {
    "minimal": lambda: example("minimal", "main"),
    "complete": lambda: example("complete", "versions", "provider", "main"),
    "requirements": requirements,
    "inputs": inputs,
    "outputs": outputs,
    "tests": tests,
}


def page(text: str) -> str:
    """The page with its generated sections as they should be."""
    return SECTION.sub(lambda found: f"{found[1]}{SECTIONS[found[2]]()}\n", text)


def main() -> int:
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

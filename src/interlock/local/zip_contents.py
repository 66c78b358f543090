"""Which files a Lambda's zip holds: its handler, the modules of ours that it reaches, the libraries behind them."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import re
import sys
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LAMBDAS = ROOT / "lambdas"
PACKAGES = ROOT / "src"

FUNCTIONS = tuple(sorted(path.parent.name for path in LAMBDAS.glob("*/handler.py")))
# The runtime brings these: https://docs.aws.amazon.com/lambda/latest/dg/python-package.html#python-package-searchpath
_RUNTIME_BRINGS = "boto3"
# Of 336 modules we import a formatter, which loads 40. The rest would double each zip and the time to unpack it.
TAKEN_IN_PARTS = "aws_lambda_powertools"
# Nobody imports it by name: `zoneinfo` looks for it where the system has no time zones.
# https://docs.python.org/3/library/zoneinfo.html#data-sources
_TIME_ZONES = {"tzdata"}
TABLE_ENTRY = re.compile(r"""["'](interlock(?:\.\w+)+):\w+["']""")


class LibraryMissing(RuntimeError):
    """What a function imports cannot be put into its zip."""


@dataclass(frozen=True)
class Contents:
    """What one zip holds."""

    ours: Mapping[str, Path]  # name in the zip -> file
    parts: frozenset[str]  # names in the zip of those files that are taken of `TAKEN_IN_PARTS`
    distributions: tuple[str, ...]  # the others, whole

    def takes(self, name: str) -> bool:
        """Whether a library's file belongs in the zip."""
        in_parts = name.split("/", 1)[0] == TAKEN_IN_PARTS
        return (name in self.parts if in_parts else True) and not _LEFT_OUT.search(name)


_LEFT_OUT = re.compile(
    r"(^|/)(__pycache__|tests?)/|\.(pyc|pyi|md|rst)$|(^|/)(RECORD|INSTALLER|REQUESTED|direct_url\.json)$|^bin/"
    r"|^holidays/locale/"  # names of holidays in other languages: we keep dates alone
)


def contents_of(function: str, *, for_aws: bool) -> Contents:
    handler = LAMBDAS / function / "handler.py"
    modules, imported = reached_modules(handler)
    ours = {"handler.py": handler}
    ours |= {path.relative_to(PACKAGES).as_posix(): path for path in modules.values()}
    tops = {name.split(".")[0] for name in imported}
    # Of Lambda's runtime no document says so; here, 600 files are spared at each cold start.
    known = not for_aws and any(Path(folder, "Europe").is_dir() for folder in zoneinfo.TZPATH)
    return Contents(
        ours,
        frozenset(_parts(name for name in imported if name.split(".")[0] == TAKEN_IN_PARTS)),
        tuple(needed_distributions(tops | (_TIME_ZONES if "zoneinfo" in tops and not known else set()))),
    )


def reached_modules(start: Path) -> tuple[dict[str, Path], set[str]]:
    """Our modules that a file imports, however deep, by name; and everything else that they import."""
    ours: dict[str, Path] = {}
    others: set[str] = set()
    waiting = [start]
    while waiting:
        for name in _imports(waiting.pop()):
            if name.split(".")[0] != "interlock":
                others.add(name)
                continue
            for module, path in _files_of(name, PACKAGES):
                if module not in ours:
                    ours[module] = path
                    waiting.append(path)
    return ours, others


def _parts(names: Iterable[str]) -> Iterator[str]:
    """The files that importing these modules loads. What a function of theirs imports when called is not followed:
    it leads everywhere, and a test holds what it leads to."""
    spec = importlib.util.find_spec(TAKEN_IN_PARTS)
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parents[1]
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        for module, path in _files_of(waiting.pop(), folder):
            if module not in seen:
                seen.add(module)
                waiting += imports_when_loaded(path, module)
                yield path.relative_to(folder).as_posix()


@cache  # most files are in several zips
def _imports(path: Path) -> tuple[str, ...]:
    """Imports at any depth of the file, those for type checkers left out; and the entries of tables like `triggers`."""
    text = path.read_text()
    statements = _statements(ast.parse(text).body, into_functions=True)
    imported = [name for statement in statements for name in named_by(statement, package="")]
    return (*imported, *TABLE_ENTRY.findall(text))


@cache
def imports_when_loaded(path: Path, module: str) -> tuple[str, ...]:
    """Imports outside functions."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    statements = _statements(ast.parse(path.read_text()).body, into_functions=False)
    return tuple(name for statement in statements for name in named_by(statement, package))


def named_by(node: ast.AST, package: str) -> list[str]:
    """The modules that a statement imports, and what may be one: the name in `from package import name`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
    return [base, *(f"{base}.{alias.name}" for alias in node.names)]


def _statements(body: Iterable[ast.AST], *, into_functions: bool) -> Iterator[ast.AST]:
    for node in body:
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not into_functions:
            continue
        for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for field in ("orelse",) if for_types else ("body", "orelse", "handlers", "finalbody", "cases"):
            yield from _statements(getattr(node, field, ()), into_functions=into_functions)


@cache
def _files_of(name: str, folder: Path) -> tuple[tuple[str, Path], ...]:
    """The file of a module and of each package around it; nothing for a name that is no module."""
    found: list[tuple[str, Path]] = []
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        base = folder.joinpath(*parts[:depth])
        module = ".".join(parts[:depth])
        if (base / "__init__.py").is_file():
            found.append((module, base / "__init__.py"))
        elif base.with_suffix(".py").is_file():
            found.append((module, base.with_suffix(".py")))
    return tuple(found)


def needed_distributions(packages: Iterable[str]) -> list[str]:
    """The installed distributions behind these top-level packages and all they require, what the runtime brings left out."""
    known = _installed_packages()
    wanted = set(packages) - sys.stdlib_module_names
    if missing := sorted(wanted - known.keys()):
        raise LibraryMissing(f"{', '.join(missing)}: imported by a function, but not installed here")
    brought = _with_requirements([_RUNTIME_BRINGS])
    asked = {distribution for package in wanted for distribution in known[package]}
    return sorted(_with_requirements(asked) - brought)


@cache  # reads the metadata of all that is installed
def _installed_packages() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


def _with_requirements(names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = [normal_name(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            requirements = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # required on another platform or Python only
        found.add(name)
        plain = (requirement for requirement in requirements if "extra ==" not in requirement)
        waiting += [
            normal_name(re.split(r"[\s\[<>=!~;(]", requirement, maxsplit=1)[0]) for requirement in plain
        ]
    return found


def normal_name(name: str) -> str:
    """A distribution's name as it is compared. https://packaging.python.org/en/latest/specifications/name-normalization"""
    return re.sub(r"[-_.]+", "-", name).lower()

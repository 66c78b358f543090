"""One zip for each Lambda: its handler, the modules it reaches, the libraries they import; the same bytes for the same input.

`build.sh` calls this for AWS, `interlock local up` for this machine.
"""

from __future__ import annotations

import argparse
import ast
import importlib.metadata
import importlib.util
import py_compile
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LAMBDAS = ROOT / "lambdas"
PACKAGES = ROOT / "src"

FUNCTIONS = tuple(sorted(path.parent.name for path in LAMBDAS.glob("*/handler.py")))
LAMBDA_PYTHON = "3.13"
LAMBDA_PLATFORMS = ("manylinux2014_aarch64", "manylinux_2_28_aarch64")
# The runtime brings these: https://docs.aws.amazon.com/lambda/latest/dg/python-package.html#python-package-searchpath
_RUNTIME_BRINGS = "boto3"
_TABLE_ENTRY = re.compile(r"interlock(?:\.\w+)+:\w+")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest instant a zip can name


def reached_modules(start: Path) -> tuple[dict[str, Path], set[str]]:
    """Our modules that a file imports, however deep, by name; and the other top-level packages they import."""
    ours: dict[str, Path] = {}
    others: set[str] = set()
    waiting = [start]
    while waiting:
        for name in _imports(waiting.pop()):
            if name.split(".")[0] != "interlock":
                others.add(name.split(".")[0])
                continue
            for module, path in _files_of(name):
                if module not in ours:
                    ours[module] = path
                    waiting.append(path)
    return ours, others - set(sys.stdlib_module_names) - {"__future__"}


def _imports(path: Path) -> Iterator[str]:
    """Imports at any depth of the file, those for type checkers left out; and the entries of tables like `triggers`."""
    for node in _runtime_nodes(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            # `from package import module` names a module too.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and _TABLE_ENTRY.fullmatch(node.value)
        ):
            yield node.value.partition(":")[0]


def _runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(tree):
        for_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        if not for_types:
            yield child
            yield from _runtime_nodes(child)


def _files_of(name: str) -> Iterator[tuple[str, Path]]:
    """The file of a module and of each package around it; nothing for a name that is no module."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        base = PACKAGES.joinpath(*parts[:depth])
        module = ".".join(parts[:depth])
        if (base / "__init__.py").is_file():
            yield module, base / "__init__.py"
        elif base.with_suffix(".py").is_file():
            yield module, base.with_suffix(".py")


def needed_distributions(packages: Iterable[str]) -> list[str]:
    """The installed distributions behind these top-level packages and all they require, what the runtime brings left out."""
    known = importlib.metadata.packages_distributions()
    brought = _with_requirements([_RUNTIME_BRINGS])
    asked = {distribution for package in packages for distribution in known.get(package, [])}
    return sorted(_with_requirements(asked) - brought)


def _with_requirements(names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = [_normal(name) for name in names]
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
        waiting += [_normal(re.split(r"[\s\[<>=!~;(]", requirement, maxsplit=1)[0]) for requirement in plain]
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed_files(distribution: str) -> Iterator[tuple[str, Path]]:
    """The distribution's own files as they are installed here."""
    for file in importlib.metadata.files(distribution) or []:
        place = Path(str(file.locate()))
        if not str(file).startswith("..") and place.is_file():
            yield str(file), place


def _fetched_files(folder: Path) -> Iterator[tuple[str, Path]]:
    for place in sorted(folder.rglob("*")):
        if place.is_file():
            yield place.relative_to(folder).as_posix(), place


def _fetch(distributions: Iterable[str], folder: Path) -> None:
    """The wheels that Lambda's processor and Python need, in the versions installed here."""
    pinned = [f"{name}=={importlib.metadata.version(name)}" for name in distributions]
    if not pinned:
        return
    platforms = [f"--platform={platform}" for platform in LAMBDA_PLATFORMS]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-compile",
    ]
    command += [
        f"--target={folder}",
        f"--python-version={LAMBDA_PYTHON}",
        "--only-binary=:all:",
        *platforms,
        *pinned,
    ]
    subprocess.run(command, check=True)


_LEFT_OUT = re.compile(
    r"(^|/)(__pycache__|tests?)/|\.(pyc|pyi|md|rst)$|(^|/)(RECORD|INSTALLER|REQUESTED|direct_url\.json)$|^bin/"
)


def build_zip(function: str, out: Path, *, for_aws: bool) -> Path:
    """Write `<out>/<function>.zip`."""
    handler = LAMBDAS / function / "handler.py"
    modules, packages = reached_modules(handler)
    files = {"handler.py": handler}
    files |= {path.relative_to(PACKAGES).as_posix(): path for path in modules.values()}
    distributions = needed_distributions(packages)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if for_aws:
            _fetch(distributions, folder)
            files |= dict(_fetched_files(folder))
        else:
            files |= {name: place for each in distributions for name, place in _installed_files(each)}
        target = out / f"{function}.zip"
        _write(
            target,
            {name: place for name, place in files.items() if not _LEFT_OUT.search(name)},
            compiled=_can_compile(for_aws),
        )
    return target


def _can_compile(for_aws: bool) -> bool:
    # Byte code is read only by the Python version that wrote it.
    return not for_aws or f"{sys.version_info.major}.{sys.version_info.minor}" == LAMBDA_PYTHON


def _write(target: Path, files: dict[str, Path], *, compiled: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            _add(archive, name, files[name].read_bytes())
            if compiled and name.endswith(".py"):
                _add(archive, _compiled_name(name), _compile(files[name], name))
    partial.replace(target)


def _compiled_name(name: str) -> str:
    return importlib.util.cache_from_source(name).replace("\\", "/")


@cache  # most files are in several zips
def _compile(source: Path, name: str) -> bytes:
    """Byte code that is not compared with its source at each start; the path in it is Lambda's, wherever it was built."""
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder) / "module.pyc"
        py_compile.compile(
            str(source),
            cfile=str(compiled),
            dfile=f"/var/task/{name}",
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        return compiled.read_bytes()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)


def build_zips(out: Path, *, for_aws: bool) -> dict[str, Path]:
    """All of them, by function."""
    return {function: build_zip(function, out, for_aws=for_aws) for function in FUNCTIONS}


def main() -> int:
    """Build for AWS; print each zip's size."""
    parser = argparse.ArgumentParser(
        prog="build.sh", description="Build one zip for each Lambda, for python3.13 on arm64."
    )
    parser.add_argument("out", nargs="?", default="dist", help="folder for the zips (default: dist)")
    out = Path(parser.parse_args().out)
    if not _can_compile(for_aws=True):
        print(
            f"built without byte code, so cold starts are slower: run with Python {LAMBDA_PYTHON} (PYTHON=python{LAMBDA_PYTHON} ./build.sh)",
            file=sys.stderr,
        )
    for function, path in build_zips(out, for_aws=True).items():
        print(f"{path.stat().st_size / 1024:8.0f} KiB  {function}  {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Whether a zip can start on Lambda: is all there that importing its handler needs, and is what is compiled for its processor?

`build.sh` asks before it hands the zips out, since none of this machine's Pythons may be able to import them.
"""

from __future__ import annotations

import ast
import sys
import zipfile
from collections.abc import Iterable, Iterator, Set
from pathlib import Path

from interlock.local.emulator_worker import RUNTIME_PACKAGES
from interlock.local.zip_contents import TABLE_ENTRY, named_by

LAMBDA_PYTHON = "3.13"
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html#runtimes-supported
_ABI = f"cpython-{LAMBDA_PYTHON.replace('.', '')}-"
# Of an ELF file: 64 bits, and byte 18 says the processor. https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
_ELF64, _AARCH64, _MACHINE = b"\x7fELF\x02", 183, slice(18, 20)
_ELSEWHERE = (
    "TYPE_CHECKING",
    "version_info",
    "platform",
)  # what such an `if` guards may be for another place


def misfits(path: Path) -> list[str]:
    """What keeps the zip from starting, in words; nothing if it is fit."""
    with zipfile.ZipFile(path) as archive:
        return [*_unfit_binaries(archive), *_missing_modules(archive)]


def _unfit_binaries(archive: zipfile.ZipFile) -> Iterator[str]:
    for name in archive.namelist():
        if not name.endswith(".so") and ".so." not in name:
            continue
        with archive.open(name) as file:
            header = file.read(_MACHINE.stop)
        if not header.startswith(_ELF64) or int.from_bytes(header[_MACHINE], "little") != _AARCH64:
            yield f"{name} is not compiled for arm64"
        if ".cpython-" in name and _ABI not in name:
            yield f"{name} is not for Python {LAMBDA_PYTHON}"


def _missing_modules(archive: zipfile.ZipFile) -> list[str]:
    """Modules that are imported, however deep, and nowhere to be found."""
    names = frozenset(archive.namelist())
    missing: set[str] = set()
    seen: set[str] = set()
    waiting = ["handler"]
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        waiting += [module.rpartition(".")[0]] if "." in module else []
        file = _source(module, names)
        for needed, surely in _imports(archive.read(file), module, file) if file else ():
            waiting.append(needed)
            if surely and not _is_there(needed, names):
                missing.add(f"{needed} is not there: {file} imports it")
    return sorted(missing)


def _source(module: str, names: Set[str]) -> str | None:
    path = module.replace(".", "/")
    return next((name for name in (f"{path}/__init__.py", f"{path}.py") if name in names), None)


def _is_there(module: str, names: Set[str]) -> bool:
    top = module.split(".")[0]
    if top in sys.stdlib_module_names or top in RUNTIME_PACKAGES or _source(module, names):
        return True
    path = module.replace(".", "/")
    # Compiled, or a folder of modules that has no file of its own.
    return any(name.startswith((f"{path}.{_ABI}", f"{path}.abi3.", f"{path}/")) for name in names)


def _imports(source: bytes, module: str, file: str) -> Iterator[tuple[str, bool]]:
    """Each module that may be imported, and whether it surely is one that must be there."""
    # What our own functions import when they are called, they will be called for.
    ours = module.split(".")[0] in {"handler", "interlock"}
    package = module if file.endswith("/__init__.py") else module.rpartition(".")[0]
    for statement, surely in _statements(ast.parse(source).body, into_functions=ours):
        for place, name in enumerate(named_by(statement, package)):
            yield name, surely and (place == 0 or isinstance(statement, ast.Import))
    if ours:
        yield from ((name, True) for name in TABLE_ENTRY.findall(source.decode()))


def _statements(
    body: Iterable[ast.AST], *, into_functions: bool, surely: bool = True
) -> Iterator[tuple[ast.AST, bool]]:
    """Statements at any depth; and whether they run here and their failure is nobody's plan."""
    for node in body:
        yield node, surely
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not into_functions:
            continue
        for field in ("body", "orelse", "handlers", "finalbody", "cases"):
            runs = surely and not (field == "body" and _may_fail(node))
            inside = getattr(node, field, ())
            yield from _statements(inside, into_functions=into_functions, surely=runs)


def _may_fail(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return any(word in ast.dump(node.test) for word in _ELSEWHERE)
    caught = [ast.dump(each.type) if each.type else "Exception" for each in getattr(node, "handlers", ())]
    return any(word in text for text in caught for word in ("ImportError", "ModuleNotFound", "'Exception'"))

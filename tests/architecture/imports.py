"""What each module of ours imports, read from the source; and what importing a file really loads, in a fresh interpreter."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from interlock.local.zip_contents import LAMBDAS, PACKAGES, ROOT

OURS = PACKAGES / "interlock"


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Dotted names, imports inside functions included; those for type checkers too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def files_in(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((OURS / folder).rglob("*.py"))


def loaded_by(*roots: Path, statement: str) -> set[str]:
    """The modules in `sys.modules` after `statement` in a fresh interpreter with `roots` on its path."""
    path = [str(root) for root in (*roots, PACKAGES)]
    code = f"import sys; sys.path[:0] = {path!r}; {statement}; print(' '.join(sorted(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(answer.stdout.split())


__all__ = ["LAMBDAS", "OURS", "PACKAGES", "ROOT", "files_in", "imports_of", "loaded_by"]

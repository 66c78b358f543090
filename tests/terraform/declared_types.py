"""Which types of resources and data sources the module and its examples declare."""

from __future__ import annotations

import re
from pathlib import Path


def declared_types(folder: Path) -> frozenset[str]:
    """`resource aws_sqs_queue`, `data aws_region`, of every file below."""
    declared = re.compile(r'^(resource|data) "(\w+)"', re.MULTILINE)
    files = [path for path in folder.rglob("*.tf") if ".terraform" not in path.parts]
    return frozenset(f"{kind} {name}" for path in files for kind, name in declared.findall(path.read_text()))

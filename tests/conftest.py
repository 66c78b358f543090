"""Tests that share an embedded stack run on one worker, which `--dist loadgroup` alone does not see to any more."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_GROUP = re.compile(r'xdist_group\("([\w-]+)"\)')


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """pytest-xdist 3.8 puts the group into an attribute that pytest 9.2 reads no more: each test is a group of its own.

    The files themselves say the group.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group_of(config.rootpath / nodeid.partition("::")[0]) or nodeid

    return ByGroup(config, log)


@cache
def _group_of(file: Path) -> str | None:
    found = _GROUP.search(file.read_text())
    return found[1] if found else None

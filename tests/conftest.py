"""For all tests: hypothesis draws the same examples on every machine; tests that share a stack share a worker."""

from __future__ import annotations

import atexit
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

_home = TemporaryDirectory(prefix="interlock-hypothesis-")
atexit.register(_home.cleanup)
set_hypothesis_home_dir(_home.name)
# No deadline: a busy machine is no failure.
settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")

_GROUP = re.compile(r'xdist_group\("([\w-]+)"\)')


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """`--dist loadgroup` as it is meant: the files themselves say the group.

    pytest-xdist 3.8 puts it into an attribute that pytest 9.2 reads no more, so that each test is a group of its own.
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

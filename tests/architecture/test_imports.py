"""Imports point inwards, the domain is pure, hot functions stay lean, and everything is reached by something that ships."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from architecture.imports import LAMBDAS, OURS, PACKAGES, files_in, imports_of, loaded_by
from interlock.cli.main import COMMANDS
from interlock.local.zip_contents import FUNCTIONS, reached_modules

IO_MODULES = frozenset(
    {
        "asyncio",
        "boto3",
        "botocore",
        "concurrent",
        "http",
        "logging",
        "multiprocessing",
        "os",
        "pathlib",
        "random",
        "requests",
        "shutil",
        "signal",
        "socket",
        "sqlite3",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "urllib",
        "urllib3",
        "uuid",
        "yaml",
        "pydantic",
    }
)
# Who may import whom: a layer and the layers it sees. `domain` is seen by all.
SEES = {
    "domain": {"domain"},
    "ports": {"domain"},
    "config_ports": {"domain"},
    "steps": {"domain", "ports", "config_ports", "steps", "pipeline_yaml"},
    "aws": {"domain", "ports", "config_ports", "aws"},
    "triggers": {"domain", "ports", "triggers"},
    "alerts": {"domain", "ports", "alerts"},
    "pipeline_yaml": {"domain", "pipeline_yaml"},
    "functions": {"domain", "ports", "steps", "aws", "triggers", "functions"},
}


def layer_of(module: str) -> str:
    return module.split(".")[1] if module.count(".") else ""


@pytest.mark.parametrize("path", list(files_in("domain")), ids=lambda path: path.name)
def test_the_domain_does_no_input_or_output(path: Path) -> None:
    tops = {name.split(".")[0] for name in imports_of(path)}
    croniter_in_the_calendar = {"croniter"} if path.name == "fires.py" else set()

    assert not tops & IO_MODULES
    assert tops <= set(sys.stdlib_module_names) | {"interlock"} | croniter_in_the_calendar


@pytest.mark.parametrize(
    "path", list(files_in("domain", "steps")), ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_decisions_and_steps_never_read_the_clock(path: Path) -> None:
    calls = [
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]

    assert not {"now", "utcnow", "today", "monotonic"} & set(calls)


@pytest.mark.parametrize("layer", SEES)
def test_imports_point_inwards(layer: str) -> None:
    module = OURS / f"{layer}.py"
    files = [module] if module.exists() else list(files_in(layer))

    outward = {
        (path.name, name)
        for path in files
        for name in imports_of(path)
        if name.startswith("interlock.") and layer_of(name) not in SEES[layer]
    }

    assert files
    assert not outward


def test_every_module_is_reached_from_an_entry_point() -> None:
    entries = [*LAMBDAS.glob("*/handler.py"), OURS / "cli" / "main.py", *OURS.rglob("__main__.py")]
    entries += [
        PACKAGES.joinpath(*command.module.split(".")).with_suffix(".py") for command in COMMANDS.values()
    ]
    # Started as programs of their own.
    entries += [OURS / "local" / "zips.py", OURS / "local" / "emulator_server.py"]

    reached = {path for entry in entries for path in (entry, *reached_modules(entry)[0].values())}

    assert sorted(str(path.relative_to(OURS)) for path in OURS.rglob("*.py") if path not in reached) == []


HOT = ("stream_router", "orchestrator", "sla_monitor", "watchdog", "event_sink", "alert_dispatcher")
# DESIGN of the hot path: what makes a cold start slow, or belongs where a human waits.
HEAVY = (
    "pydantic",
    "yaml",
    "slack_sdk",
    "croniter",
    "holidays",
    "aws_xray_sdk",
    "aws_lambda_powertools.utilities.parser",
    "aws_lambda_powertools.utilities.idempotency",
    "interlock.pipeline_yaml",
    "interlock.simulation",
    "interlock.local",
    "interlock.cli",
)


@pytest.mark.parametrize("function", HOT)
def test_a_hot_function_starts_lean(function: str) -> None:
    loaded = loaded_by(LAMBDAS / function, statement="import handler")

    assert not [name for name in HEAVY if name in loaded]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_importing_a_handler_reads_no_settings_and_makes_no_client(function: str) -> None:
    made = "[x for x in vars(handler).values() if hasattr(x, 'cache_info') and x.cache_info().currsize]"
    statement = f"import os; os.environ.clear(); import handler; assert not {made}"

    loaded = loaded_by(LAMBDAS / function, statement=statement)

    assert "handler" in loaded


def test_every_shipped_file_says_what_it_is_for() -> None:
    files = [*OURS.rglob("*.py"), *LAMBDAS.rglob("*.py")]

    silent = [
        str(path.relative_to(PACKAGES.parent))
        for path in files
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert silent == []

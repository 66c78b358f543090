"""What is in the functions' zips, and that it is all they need."""

import ast
import importlib.util
import json
import marshal
import os
import shutil
import subprocess
import sys
import zipfile
import zlib
import zoneinfo
from pathlib import Path

import pytest

from interlock.local import emulator_worker
from interlock.local.zip_contents import (
    FUNCTIONS,
    ROOT,
    TAKEN_IN_PARTS,
    LibraryMissing,
    contents_of,
    imports_when_loaded,
    needed_distributions,
)
from interlock.local.zip_fitness import misfits
from interlock.local.zips import build_zips
from interlock.pipeline_yaml.public_holidays import holiday_dates

# From here on there is nothing but the zip, the standard library and what Lambda's runtime brings.
CONFINED = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("worker", sys.argv[1])
worker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)
worker.confine_imports(sys.argv[2], [])
"""
# Imports the handler; then logs.
START = (
    CONFINED
    + """
import handler, logging
from datetime import UTC, datetime
from decimal import Decimal
try:
    raise ValueError("told")
except ValueError:
    what = {"number": Decimal(1), "when": datetime(2026, 3, 1, tzinfo=UTC), "names": {"a"}, "any": object}
    logging.getLogger("interlock").exception("logged", extra=what)
"""
)


@pytest.fixture(scope="module")
def zips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return build_zips(tmp_path_factory.mktemp("zips"), for_aws=False)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_starts_and_logs_from_its_zip_alone(
    zips: dict[str, Path], function: str, tmp_path: Path
) -> None:
    with zipfile.ZipFile(zips[function]) as archive:
        archive.extractall(tmp_path)

    started = subprocess.run(
        [sys.executable, "-I", "-c", START, emulator_worker.__file__, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"AWS_DEFAULT_REGION": "eu-central-1"},
    )

    assert started.returncode == 0, started.stderr
    line = json.loads(started.stdout)
    assert (line["message"], line["exception_name"]) == ("logged", "ValueError")


@pytest.mark.parametrize("function", sorted(set(FUNCTIONS) - {"config_sync"}))
def test_a_hot_function_s_zip_starts_on_lambda_s_processor_too(zips: dict[str, Path], function: str) -> None:
    # Of config_sync the compiled libraries are this machine's; `build.sh` looks at Lambda's.
    assert misfits(zips[function]) == []


def test_the_same_sources_give_the_same_bytes_wherever_they_are_built(tmp_path: Path) -> None:
    for part in ("src", "lambdas"):
        shutil.copytree(ROOT / part, tmp_path / "elsewhere" / part)
    builds = []
    for seed, root in (("1", ROOT), ("2", tmp_path / "elsewhere")):
        out = tmp_path / seed
        program = f"from interlock.local.zips import *; build_zips(Path({str(out)!r}), for_aws=False)"
        path = os.pathsep.join([str(root / "src"), *filter(None, sys.path)])
        environment = {"PYTHONPATH": path, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", program], check=True, env=environment)
        builds.append({file.name: file.read_bytes() for file in out.iterdir()})

    assert builds[0] == builds[1]
    assert sorted(builds[0]) == [f"{function}.zip" for function in FUNCTIONS]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_module_has_byte_code_that_no_start_compares_with_its_source(
    zips: dict[str, Path], function: str
) -> None:
    with zipfile.ZipFile(zips[function]) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}

    modules = [name for name in files if name.endswith(".py")]
    assert "handler.py" in modules
    for name in modules:
        compiled = files[importlib.util.cache_from_source(name)]
        # https://peps.python.org/pep-0552/#specification
        assert compiled[4:16] == b"\x01\0\0\0" + importlib.util.source_hash(files[name])
        assert marshal.loads(compiled[16:]).co_filename == f"/var/task/{name}"


@pytest.mark.parametrize("function", sorted(set(FUNCTIONS) - {"config_sync"}))
def test_a_hot_function_s_zip_is_small(zips: dict[str, Path], function: str) -> None:
    with zipfile.ZipFile(zips[function]) as archive:
        # As they are packed for AWS; the embedded stack, which builds its zips at each start, packs in less time.
        packed = {name: len(zlib.compress(archive.read(name), 9)) for name in archive.namelist()}
    tops = {name.split("/")[0] for name in packed}

    assert not tops & {"pydantic", "pydantic_core", "yaml", "holidays", "boto3", "botocore"}
    # What others wrote comes in unseen; our own modules are there because the handler reaches them.
    assert sum(size for name, size in packed.items() if not name.startswith("interlock/")) < 450_000
    assert sum(packed.values()) < 1_125_000


def test_config_sync_computes_holidays_from_its_zip_alone(zips: dict[str, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(zips["config_sync"]) as archive:
        archive.extractall(tmp_path)
    ask = "from interlock.pipeline_yaml.public_holidays import *; print(*sorted(holiday_dates(CODE, [2026])))"
    codes = ("US-NY", "DE-BY", "JP", "SA", "XNYS")
    program = CONFINED + "".join(f"{ask.replace('CODE', repr(code))}\n" for code in codes)

    computed = subprocess.run(
        [sys.executable, "-I", "-c", program, emulator_worker.__file__, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"LANG": "de_DE.UTF-8"},
    )

    assert computed.returncode == 0, computed.stderr
    wanted = [" ".join(map(str, sorted(holiday_dates(code, [2026])))) for code in codes]
    assert computed.stdout.splitlines() == wanted


def test_what_powertools_would_import_only_when_called_is_known(zips: dict[str, Path]) -> None:
    with zipfile.ZipFile(zips["stream_router"]) as archive:
        ours = [
            name for name in archive.namelist() if name.startswith(TAKEN_IN_PARTS) and name.endswith("py")
        ]
    spec = importlib.util.find_spec(TAKEN_IN_PARTS)
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parents[1]

    later = {name for file in ours for name in imported_when_called(folder / file) if in_powertools(name)}

    # Reads a pydantic model, which no hot function has.
    absent = {
        name for name in later if not {f"{path_of(name)}.py", f"{path_of(name)}/__init__.py"} & set(ours)
    }
    assert absent == {"aws_lambda_powertools.event_handler.openapi.compat"}


def imported_when_called(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = ast.Module([statement for function in functions for statement in function.body], [])
    return {
        node.module
        for node in ast.walk(inside)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }


def path_of(module: str) -> str:
    return module.replace(".", "/")


def in_powertools(module: str) -> bool:
    return module.split(".")[0] == TAKEN_IN_PARTS


def test_imports_inside_functions_are_not_run_when_a_module_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("import one\nfrom . import two\nif x:\n  import three\ndef f():\n  import four\n")

    assert imports_when_loaded(path, "package.module") == ("one", "package", "package.two", "three")


def test_time_zones_travel_along_where_nothing_else_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "tzdata" in contents_of("stream_router", for_aws=True).distributions

    monkeypatch.setattr(zoneinfo, "TZPATH", ())

    assert "tzdata" in contents_of("stream_router", for_aws=False).distributions


def test_a_library_that_is_not_installed_is_named() -> None:
    with pytest.raises(LibraryMissing, match="no_such_library"):
        needed_distributions({"no_such_library", "json"})

"""Where the checks get their provider, and that neither they nor the user's settings get into each other's way."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from terraform.provider import ADDITIONS, BUILD, ROOT, STAND_IN_VARIABLE, NoProvider, Provider, find_provider
from terraform.workspace import a_workspace


@pytest.fixture
def afresh() -> Iterator[None]:
    """The search as if nobody had searched before."""
    find_provider.cache_clear()
    yield
    find_provider.cache_clear()


def test_terraform_sees_nothing_of_the_users_settings(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "TF_VAR_environment", "TF_CLI_ARGS", "TFSTUB_ENDPOINT"):
        monkeypatch.setenv(name, "the-users")

    assert "the-users" not in provider.environment(Path("data")).values()


def test_a_workspace_writes_nothing_beside_the_sources(provider: Provider, tmp_path: Path) -> None:
    before = sorted((ROOT / "terraform").rglob("*"))
    a_workspace(provider, tmp_path / "project")

    assert sorted((ROOT / "terraform").rglob("*")) == before


@pytest.mark.usefixtures("afresh")
def test_where_terraform_is_missing_one_is_told_where_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(NoProvider, match="terraform is not installed: https:"):
        find_provider()


@pytest.mark.usefixtures("provider", "afresh")
def test_a_stand_in_that_is_not_there_is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(STAND_IN_VARIABLE, str(tmp_path))

    with pytest.raises(NoProvider, match=f"{STAND_IN_VARIABLE} is .* name the folder, or unset it"):
        find_provider()


def ours() -> dict[str, list[str]]:
    forced: dict[str, list[str]] = json.loads((ADDITIONS / "overrides.json").read_text())["force_new"]
    return forced


@pytest.mark.usefixtures("stand_in")
def test_our_additions_join_what_the_stand_in_knew() -> None:
    merged = json.loads((BUILD / "stand-in" / "overrides.json").read_text())["force_new"]

    assert {"function_name", "package_type"} <= set(merged["aws_lambda_function"])
    assert set(merged) > set(ours())


@pytest.mark.usefixtures("stand_in")
def test_every_attribute_that_forces_a_replacement_is_one_of_its_type() -> None:
    schemas = sorted((BUILD / "stand-in" / "build" / "data").glob("aws-*/types.zip"))[-1]
    with zipfile.ZipFile(schemas) as types:
        known = {name: set(json.loads(types.read(f"resources/{name}.json"))["a"]) for name in ours()}

    assert {
        name: set(forced) - known[name] for name, forced in ours().items() if set(forced) - known[name]
    } == {}

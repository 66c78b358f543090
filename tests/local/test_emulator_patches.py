"""A patch goes onto the code it was written against, or the emulator does not start."""

import sys
from types import ModuleType

import pytest

from interlock.local import emulator_patches
from interlock.local.emulator_patches import Patch, PatchDoesNotFit, fingerprint, patches


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of ministack with one setting."""
    module = ModuleType("ministack.made_up")
    module.TICK = 10  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ministack.made_up", module)
    return module


def test_a_patch_replaces_what_it_expects(module: ModuleType) -> None:
    Patch("made_up:TICK", "10", 0.25).apply()

    assert module.TICK == 0.25


@pytest.mark.parametrize(("target", "expected"), [("made_up:TICK", "11"), ("made_up:GONE", "10")])
def test_a_patch_refuses_what_it_does_not_know(module: ModuleType, target: str, expected: str) -> None:
    with pytest.raises(PatchDoesNotFit, match=f"{target} changed"):
        Patch(target, expected, 0.25).apply()

    assert module.TICK == 10


def test_another_version_is_refused_before_anything_is_patched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator_patches, "MINISTACK_VERSION", "1.5.34")

    with pytest.raises(PatchDoesNotFit, match=r"ministack 1\.5\.33 is installed"):
        emulator_patches.apply_patches()


def test_a_function_s_fingerprint_is_its_source_s() -> None:
    def one() -> int:
        return 1

    def two() -> int:
        return 2

    assert fingerprint(one) == fingerprint(one)
    assert fingerprint(one) != fingerprint(two)


@pytest.mark.parametrize("patch", patches(), ids=lambda patch: patch.target)
def test_every_patch_fits_the_installed_ministack(patch: Patch) -> None:
    owner, name = patch._locate()

    assert fingerprint(getattr(owner, name)) == patch.replaces

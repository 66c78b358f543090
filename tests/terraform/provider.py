"""Where Terraform gets its providers for our checks: an offline stand-in beside the project, else the registry.

`find_provider()` prepares them once in `build/terraform` (several workers may ask at once) and answers with a `Provider`,
whose environment is all that a `terraform` of a test sees; or it raises `NoProvider`, which says what to install.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "terraform"
# Added to the copy of the stand-in: `<module>_additions.py` for its `stub/<module>.py`, each with `extend(module)`,
# and `overrides.json`, merged into its own.
ADDITIONS = HERE / "stand_in"
STAND_IN_VARIABLE = "INTERLOCK_OFFLINE_TERRAFORM"
STAND_IN_BESIDE_US = ROOT.parent / "shared" / "offline-terraform"
# A registry that does not answer within this is taken for one that cannot be reached.
# https://developer.hashicorp.com/terraform/cli/config/environment-variables#tf_registry_client_timeout
REGISTRY_SECONDS = 15
DOWNLOAD_SECONDS = 900  # the AWS provider alone is some 150 MB


class NoProvider(Exception):
    """Terraform, or every source of its providers, is missing; the text says what to install."""


@dataclass(frozen=True)
class Provider:
    """What `terraform` is run with."""

    source: str  # as it is told to the user
    is_stand_in: bool  # it needs no account: `plan` and `apply` work too
    terraform: str
    config_file: Path

    def environment(self, data_dir: Path, **extra: str) -> dict[str, str]:
        """All that terraform sees: nothing of the user's AWS or Terraform settings."""
        return {
            **_clean_environment(),
            "TF_CLI_CONFIG_FILE": str(self.config_file),
            "TF_DATA_DIR": str(data_dir),
            **extra,
        }


def _clean_environment() -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not re.match(r"(AWS|TF|TFSTUB)_", name)},
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
    }


@cache
def find_provider() -> Provider:
    """The provider of this machine, made ready; raises NoProvider."""
    terraform = shutil.which("terraform")
    if terraform is None:
        raise NoProvider("terraform is not installed: https://developer.hashicorp.com/terraform/install")
    stand_in = _stand_in_folder()
    BUILD.mkdir(parents=True, exist_ok=True)
    with _lock(BUILD / "lock"):
        if stand_in is not None:
            return Provider("the offline stand-in", True, terraform, _stand_in_config(stand_in))
        return Provider("the Terraform registry", False, terraform, _registry_config(terraform))


def _stand_in_folder() -> Path | None:
    named = os.environ.get(STAND_IN_VARIABLE)
    if named is None:
        return STAND_IN_BESIDE_US if STAND_IN_BESIDE_US.is_dir() else None
    if not (Path(named) / "setup.sh").is_file():
        raise NoProvider(
            f"{STAND_IN_VARIABLE} is {named!r}, where no setup.sh is: name the folder, or unset it"
        )
    return Path(named).resolve()


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Held by one worker at a time; the system releases it when the worker dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _stand_in_config(source: Path) -> Path:
    """The CLI configuration of a built copy of the stand-in, our additions in it."""
    copy, stamp = BUILD / "stand-in", BUILD / "stand-in.stamp"
    config, content = copy / "build" / "terraformrc", _fingerprint(source, ADDITIONS)
    if stamp.is_file() and stamp.read_text() == content and config.is_file():
        return config
    stamp.unlink(missing_ok=True)
    _copy_with_additions(source, copy)
    _run_setup(copy)
    stamp.write_text(content)
    return config


def _fingerprint(*folders: Path) -> str:
    """Differs when a file differs, what this file does with them, or their place: a built mirror may not move."""
    told = hashlib.sha256(f"{BUILD}|{sys.version_info[:2]}".encode() + Path(__file__).read_bytes())
    for folder in folders:
        for file in _files_of(folder):
            told.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    return told.hexdigest()


def _copy_with_additions(source: Path, copy: Path) -> None:
    # The environment of an earlier build stays: its packages are what took long.
    for old in copy.iterdir() if copy.is_dir() else ():
        if old.name != "build":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    for file in _files_of(source):
        target = copy / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)  # without its mode: the source may be read-only
    _add_modules(copy / "stub")
    _merge_overrides(copy / "overrides.json")


def _files_of(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not {"__pycache__", ".build"} & set(file.parts):
            yield file


def _add_modules(stub: Path) -> None:
    for addition in sorted(ADDITIONS.glob("*_additions.py")):
        extended = stub / f"{addition.stem.removesuffix('_additions')}.py"
        shutil.copyfile(addition, stub / addition.name)
        with extended.open("a") as file:
            file.write(f"\n\nimport sys, {addition.stem}\n{addition.stem}.extend(sys.modules[__name__])\n")


def _merge_overrides(path: Path) -> None:
    ours = ADDITIONS / "overrides.json"
    if not ours.is_file():
        return
    merged = json.loads(path.read_text())
    for kind, types in json.loads(ours.read_text()).items():
        for name, added in types.items():
            known = merged[kind].get(name, type(added)())
            merged[kind][name] = {**known, **added} if isinstance(added, dict) else [*known, *added]
    path.write_text(json.dumps(merged))


def _run_setup(copy: Path) -> None:
    ran = subprocess.run(
        ["sh", str(copy / "setup.sh"), str(copy / "build")], capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise NoProvider(f"the offline stand-in could not be set up: {_last_words(ran.stdout + ran.stderr)}")


def _registry_config(terraform: str) -> Path:
    """The CLI configuration of a mirror that one `init` against the registry filled."""
    folder = BUILD / "registry"
    config, versions = folder / "terraformrc", (ROOT / "terraform" / "versions.tf").read_text()
    wanted = folder / "versions.tf"
    if config.is_file() and wanted.read_text() == versions:
        return config
    config.unlink(missing_ok=True)
    folder.mkdir(exist_ok=True)
    wanted.write_text(versions)
    _fetch_from_registry(terraform, folder)
    mirror = folder / ".terraform" / "providers"
    config.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n')
    return config


def _fetch_from_registry(terraform: str, folder: Path) -> None:
    # The user's own CLI configuration counts here: it may name the mirror that their network has.
    environment = _clean_environment() | {
        "TF_REGISTRY_CLIENT_TIMEOUT": str(REGISTRY_SECONDS),
        "TF_REGISTRY_DISCOVERY_RETRY": "0",
    }
    if own := os.environ.get("TF_CLI_CONFIG_FILE"):
        environment["TF_CLI_CONFIG_FILE"] = own
    command = [terraform, "init", "-backend=false", "-upgrade", "-no-color", "-input=false"]
    try:
        ran = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS
        )
    except subprocess.TimeoutExpired as late:
        raise NoProvider(f"the Terraform registry took longer than {DOWNLOAD_SECONDS} s") from late
    if ran.returncode:
        raise NoProvider(
            "the Terraform registry cannot be reached, and no offline stand-in is beside the project: allow "
            f"registry.terraform.io, or name a stand-in's folder in {STAND_IN_VARIABLE} ({_first_words(ran.stderr)})"
        )


def _last_words(text: str) -> str:
    return " ".join(text.split())[-300:]


def _first_words(text: str) -> str:
    """Of Terraform's first error the first line or two, without frames."""
    told = " ".join(re.sub(r"[│╷╵]", "", text).split())
    return textwrap.shorten(told.partition("Error: ")[2] or told, 200, placeholder=" ...")

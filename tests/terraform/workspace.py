"""A temporary copy of the module in which a test runs `terraform`; nothing is ever written into terraform/ itself."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terraform.provider import ROOT, Provider

# What the module reads of the project, beside itself.
SOURCES = ("terraform", "statemachine")
COMMAND_SECONDS = 600


class TerraformFailed(Exception):
    """A command ended with an error; `text` is what it told, without frames and line breaks."""

    def __init__(self, command: Iterable[str], text: str) -> None:
        super().__init__(f"terraform {' '.join(command)}: {text}")
        self.text = text


@dataclass(frozen=True)
class Change:
    """What a plan would do with one resource."""

    address: str
    type: str
    actions: tuple[str, ...]  # ("no-op",), ("update",), ("delete", "create"), ...
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    @property
    def replaces_or_destroys(self) -> bool:
        return "delete" in self.actions

    @property
    def changed(self) -> frozenset[str]:
        """The attributes that differ."""
        return frozenset(
            name
            for name in self.before.keys() | self.after.keys()
            if self.before.get(name) != self.after.get(name)
        )


@dataclass(frozen=True)
class Action:
    """What a plan would do with one resource that would not stay as it is."""

    address: str
    type: str
    name: str  # create, update, replace, delete


@dataclass(frozen=True)
class Plan:
    """A plan as `terraform show -json` tells it."""

    document: Mapping[str, Any]

    @property
    def changes(self) -> list[Change]:
        """Those of resources that would not stay as they are."""
        return [each for each in self.resources if each.actions not in (("no-op",), ("read",))]

    @property
    def resources(self) -> list[Change]:
        return [
            Change(
                each["address"],
                each["type"],
                tuple(each["change"]["actions"]),
                each["change"].get("before") or {},
                each["change"].get("after") or {},
            )
            for each in self.document.get("resource_changes", [])
            if each["mode"] == "managed"
        ]


@dataclass(frozen=True)
class Workspace:
    """One configuration (the module, an example, a folder of a test's own) in a copy of the sources."""

    provider: Provider
    root: Path  # stands for the project's
    folder: Path  # where terraform runs
    extra: Mapping[str, str]  # environment: TFSTUB_ENDPOINT, AWS_REGION

    def run(self, *command: str) -> str:
        """Its output; raises TerraformFailed."""
        ran = self._ran(*command)
        if ran.returncode:
            raise TerraformFailed(command, plain(ran.stderr or ran.stdout))
        return ran.stdout

    def messages(self, *command: str) -> Iterator[dict[str, Any]]:
        """What a command with `-json` tells, however it ends."""
        for line in self._ran(*command).stdout.splitlines():
            yield json.loads(line)

    def _given(self, variables: Mapping[str, Any]) -> str:
        path = self.folder / "given.tfvars.json"
        path.write_text(json.dumps(variables))
        return f"-var-file={path}"

    def _ran(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.provider.terraform, *command, "-no-color"],
            cwd=self.folder,
            env=self.provider.environment(self.folder / ".terraform", **self.extra),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def init(self) -> None:
        self.run("init", "-backend=false", "-input=false")

    def validate(self) -> None:
        self.run("validate")

    def plan(self, **variables: Any) -> Plan:
        self.run("plan", "-input=false", "-lock=false", "-out=plan.bin", self._given(variables))
        return Plan(json.loads(self.run("show", "-json", "plan.bin")))

    def actions(self, **variables: Any) -> list[Action]:
        """What a plan would do, in half the time that `plan` takes; what is there is taken as it was left."""
        command = ("plan", "-json", "-input=false", "-lock=false", "-refresh=false", self._given(variables))
        told = list(self.messages(*command))
        if errors := [each["diagnostic"] for each in told if each["@level"] == "error"]:
            raise TerraformFailed(command, plain(f"{errors[0]['summary']}: {errors[0].get('detail', '')}"))
        changes = [each["change"] for each in told if each["type"] == "planned_change"]
        return [
            Action(each["resource"]["addr"], each["resource"]["resource_type"], each["action"])
            for each in changes
            if each["action"] not in ("noop", "read")
        ]

    def apply(self, **variables: Any) -> None:
        self.run("apply", "-input=false", "-auto-approve", self._given(variables))

    def destroy(self, **variables: Any) -> None:
        self.run("destroy", "-input=false", "-auto-approve", self._given(variables))

    def outputs(self) -> Mapping[str, Any]:
        return {name: each["value"] for name, each in json.loads(self.run("output", "-json")).items()}


def plain(text: str) -> str:
    """Terraform's words without colours, frames and line breaks."""
    unframed = re.sub(r"\x1b\[[0-9;]*m|[│╷╵]", "", text)
    return " ".join(unframed.split())


def a_copy_of_the_sources(target: Path) -> Path:
    """terraform/ and what it reads, under `target`, without what Terraform left there."""
    for name in SOURCES:
        if (ROOT / name).is_dir():
            left_out = shutil.ignore_patterns(".terraform*", "*.tfstate*", "plan.bin")
            shutil.copytree(ROOT / name, target / name, ignore=left_out)
    return target


def a_workspace(provider: Provider, target: Path, folder: str = "terraform", **extra: str) -> Workspace:
    """A fresh copy of the sources below `target`, initialised in `folder`; `extra` joins its environment."""
    a_copy_of_the_sources(target)
    workspace = Workspace(provider, target, target / folder, extra)
    workspace.init()
    return workspace

"""One frozen settings class for each Lambda, read from its environment; all missing names in one error.

Each is a module of its own: a function makes no class of another's at its start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Self


class SettingsMissing(RuntimeError):
    """The function's environment lacks names; the message lists all of them."""


class FromEnvironment:
    """Field `control_table` is read from `CONTROL_TABLE`; a field with a default may be absent."""

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        values: dict[str, str] = {}
        missing: list[str] = []
        for setting in fields(cls):  # type: ignore[arg-type]
            name = setting.name.upper()
            if environment.get(name):
                values[setting.name] = environment[name]
            elif setting.default is MISSING:
                missing.append(name)
        if missing:
            raise SettingsMissing(f"{cls.__name__}: set {', '.join(missing)} in the function's environment")
        return cls(**values)

"""Glue jobs to try things with: how long one takes and how it ends is said by a file, or by the arguments of a start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from interlock.local.job_services import Arguments, JobFailed, JobRun, LocalJob
from interlock.pipeline_yaml.document import MOST_BYTES, compose
from interlock.pipeline_yaml.mistake import Mistake, PipelineInvalid
from interlock.simulation.place import Findings, Place

LONGEST_SECONDS = 86_400.0
NEVER_ENDS = 10.0 * 365 * LONGEST_SECONDS


class Ending(StrEnum):
    """How a job ends."""

    SUCCEED = "succeed"
    FAIL = "fail"
    NEVER = "never"  # it runs until somebody stops it


@dataclass(frozen=True, slots=True)
class Script:
    """What a job does."""

    seconds: float = 3.0
    outcome: Ending = Ending.SUCCEED
    error: str = "failed, as it was told to"

    def __str__(self) -> str:
        if self.outcome is Ending.NEVER:
            return "never ends"
        told = f" ({self.error})" if self.outcome is Ending.FAIL else ""
        return f"{self.outcome}s after {self.seconds:g} s{told}"


class JobsInvalid(ValueError):
    """A file of jobs with mistakes, one a line."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))


def read_scripts(path: Path) -> dict[str, Script]:
    """`name: {seconds: 3, outcome: succeed | fail | never, error: text}`, each key optional. Raises `JobsInvalid`."""
    findings = Findings(str(path))
    try:
        with path.open("rb") as opened:
            node = compose(opened.read(MOST_BYTES + 1), str(path))
        scripts = {name: _script(place) for name, place in Place(node, (), findings).entries()}
    except OSError as error:
        raise JobsInvalid([Mistake(str(path), 1, "", f"cannot be read: {error.strerror}")]) from None
    except PipelineInvalid as invalid:
        raise JobsInvalid(invalid.mistakes) from None
    if findings.mistakes:
        raise JobsInvalid(findings.mistakes)
    return scripts


def _script(place: Place) -> Script:
    fields = place.fields(("seconds", "outcome", "error"))
    script = Script()
    if "seconds" in fields:
        script = replace(script, seconds=_seconds(fields["seconds"]))
    if "outcome" in fields:
        script = replace(script, outcome=fields["outcome"].choice(Ending))
    return replace(script, error=fields["error"].text()) if "error" in fields else script


def _seconds(place: Place) -> float:
    seconds = _number(place.text())
    if seconds is None:
        place.wrong(f"is no time in seconds from 0 to {LONGEST_SECONDS:.0f}; write 3 or 0.5")
    return seconds or 0.0


def _number(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds <= LONGEST_SECONDS else None


def scripted(script: Script) -> LocalJob:
    """The job; the arguments `--seconds`, `--outcome` and `--error` of a start go before its script."""

    def work(arguments: Arguments, run: JobRun) -> None:
        asked = _asked(script, arguments)
        run.sleep(NEVER_ENDS if asked.outcome is Ending.NEVER else asked.seconds)
        if asked.outcome is Ending.FAIL:
            raise JobFailed(asked.error)

    return LocalJob(work)


def _asked(script: Script, arguments: Arguments) -> Script:
    changes: dict[str, Any] = {}
    if "--seconds" in arguments:
        changes["seconds"] = _number(arguments["--seconds"])
        if changes["seconds"] is None:
            raise JobFailed(f"--seconds {arguments['--seconds'][:40]!r} is no time in seconds")
    if "--outcome" in arguments:
        if arguments["--outcome"] not in list(Ending):
            known = ", ".join(Ending)
            raise JobFailed(f"--outcome {arguments['--outcome'][:40]!r} is none of {known}")
        changes["outcome"] = Ending(arguments["--outcome"])
    return replace(script, **changes, error=arguments.get("--error", script.error))


# What `interlock local up` has without a file. The first is the job of the sample pipelines/gold-revenue.yaml.
BUILT_IN: Mapping[str, Script] = {
    "gold-revenue-etl": Script(seconds=5),
    "always-succeeds": Script(),
    "always-fails": Script(outcome=Ending.FAIL),
    "never-ends": Script(outcome=Ending.NEVER),
}

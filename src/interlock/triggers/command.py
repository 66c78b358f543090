"""Commands of the machine that Interlock runs on, if it is allowed them: the embedded stack's jobs. Exit code 0 is success."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from interlock.domain.plain_text import one_line
from interlock.domain.run import FailureCategory, JobEnd, Outcome
from interlock.ports import JobRequest, JobTrigger, StartedJob, TriggerError
from interlock.triggers.unknown_outcome import found_nowhere

if TYPE_CHECKING:
    from interlock.triggers.outside import Outside
    from interlock.triggers.processes import RunningProcess

# Nothing of our own environment: it holds credentials.
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


class CommandTrigger(JobTrigger):
    """Config: `command`, the program and its arguments. It also finds its period in INTERLOCK_JOB_DATE and the like."""

    can_be_asked = False

    def __init__(self, outside: Outside) -> None:
        self._processes, self._allowed = outside.processes, outside.allowed_commands
        self._answer_seconds = outside.answer_seconds

    def start(self, request: JobRequest) -> StartedJob:
        argv = _argv(request)
        refusal = self._allowed.refusal(argv[0])
        if refusal is not None:
            raise TriggerError(refusal, permanent=True)
        period = {f"INTERLOCK_JOB_{name}": value for name, value in request.values.items()}
        try:
            process = self._processes.start(argv, _ENVIRONMENT | period)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it has a NUL in it"
            full = isinstance(error, BlockingIOError)  # EAGAIN: no process is free for now
            raise TriggerError(f"command {argv[0]} cannot be started: {why}", permanent=not full) from None
        handle = {"pid": process.pid, "startedAt": process.started_at}
        return StartedJob(handle, answer=partial(self._answer, process))

    def find(self, request: JobRequest) -> None:
        return found_nowhere(request, f"command {_argv(request)[0]}")

    def status(self, handle: Mapping[str, Any]) -> Outcome | None:
        raise TriggerError(f"process {handle['pid']} cannot be asked for its exit code", permanent=True)

    def cancel(self, handle: Mapping[str, Any]) -> None:
        if not handle["startedAt"]:
            why = "cannot be told from others on this system"
            raise TriggerError(f"process {handle['pid']} {why}", permanent=True)
        self._processes.end(handle["pid"], handle["startedAt"])

    def _answer(self, process: RunningProcess) -> Outcome:
        ended = process.wait(self._answer_seconds)
        said = one_line(ended.last_words[-800:], 800) or "nothing on stderr"
        if ended.exit_code is None:
            why = f"ended after {self._answer_seconds:.0f} s: {said}"
            return Outcome(JobEnd.TIMEOUT, error=why, category=FailureCategory.TIMEOUT)
        if ended.exit_code:
            return Outcome(JobEnd.FAIL, error=f"exit code {ended.exit_code}: {said}")
        return Outcome(JobEnd.SUCCESS)


def _argv(request: JobRequest) -> list[str]:
    argv = request.config.get("command")
    if not isinstance(argv, list) or not all(isinstance(word, str) for word in argv) or not any(argv[:1]):
        raise TriggerError("job.config.command must be a list: the program and its arguments", permanent=True)
    return argv

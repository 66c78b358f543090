"""Every change made to ministack inside the emulator's process, each guarded by what it replaces.

ministack is pinned, and a patch knows the fingerprint of the code it was written against: an upgrade that
touches any of it stops the emulator with the name of the patch to look at again.
"""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

MINISTACK_VERSION = "1.5.33"


class PatchDoesNotFit(RuntimeError):
    """ministack is not what a patch was written against."""


@dataclass(frozen=True)
class Patch:
    """One attribute of a ministack module, replaced."""

    target: str  # module below ministack, and attribute path in it
    replaces: str  # fingerprint of the original
    replacement: Any

    def apply(self) -> None:
        owner, name = self._locate()
        found = fingerprint(getattr(owner, name, None))
        if found != self.replaces:
            raise PatchDoesNotFit(
                f"ministack's {self.target} changed (fingerprint {found}, expected {self.replaces}): "
                "compare it with the patch in interlock.local.emulator_patches"
            )
        setattr(owner, name, self.replacement)

    def _locate(self) -> tuple[Any, str]:
        module, _, path = self.target.partition(":")
        *owners, name = path.split(".")
        owner: Any = import_module(f"ministack.{module}")
        for part in owners:
            owner = getattr(owner, part)
        return owner, name


def fingerprint(original: Any) -> str:
    """Twelve hex digits for a function's source or a text; a number stands for itself."""
    if isinstance(original, int | float | None):
        return repr(original)
    source = original if isinstance(original, str) else inspect.getsource(original)
    return hashlib.sha256(source.encode()).hexdigest()[:12]


def check_version() -> None:
    try:
        found = version("ministack")
    except PackageNotFoundError as error:
        raise PatchDoesNotFit("ministack is not installed: pip install 'interlock[local]'") from error
    if found != MINISTACK_VERSION:
        raise PatchDoesNotFit(f"ministack {found} is installed, the patches are for {MINISTACK_VERSION}")


def patches() -> list[Patch]:
    """All of them. The modules below import ministack, which reads its settings when it is imported."""
    from interlock.local import emulator_code as code
    from interlock.local import emulator_deliveries as deliveries
    from interlock.local import emulator_failures as failures
    from interlock.local import emulator_lambda as functions
    from interlock.local import emulator_schedules as schedules
    from interlock.local import emulator_states as states
    from interlock.local import emulator_streams as streams
    from interlock.local import emulator_tokens as tokens

    worker = Path(__file__).with_name("emulator_worker.py").read_text(encoding="utf-8")
    return [
        Patch("core.lambda_runtime:_PYTHON_WORKER_SCRIPT", "368800addf4d", worker),
        Patch(
            "core.lambda_runtime:Worker._spawn",
            "c55febf95656",
            code.spawn_sharing_code(code.runtime.Worker._spawn),
        ),
        Patch("core.lambda_runtime:Worker._read_stderr", "d8eb30038f94", functions.read_log),
        Patch("core.lambda_runtime:Worker._drain_stderr", "71498e9146ca", functions.drain_log),
        Patch("core.lambda_runtime:Worker._drain_stderr_bounded", "3fd7cc742872", functions.drain_log),
        Patch("services.lambda_svc:_execute_function_warm", "62b9218bef5b", functions.run_function),
        Patch("services.lambda_svc:_emit_lambda_logs", "111efbf06968", deliveries.write_log),
        Patch("services.lambda_svc:_throttle_response", "647221d5b077", functions.throttled),
        Patch("services.lambda_svc:_poll_dynamodb_streams", "2b2460e933a9", streams.poll),
        Patch("services.lambda_svc:invoke_async_with_retry", "289fe4d3cbd4", failures.invoke_asynchronously),
        Patch("services.lambda_svc:_ESM_IDLE_WAKE_GAP_SECONDS", "0.05", 0.005),
        Patch("services.eventbridge:_invoke_target", "550e304af080", deliveries.bring_to_target),
        Patch("services.s3:_deliver_event_to_lambda", "0bdd18b38925", deliveries.bring_to_function),
        Patch("services.eventbridge:_dispatch_to_lambda", "1f95adbaed3a", functions.deliver_to_function),
        Patch("services.eventbridge:_SCHEDULER_TICK_INTERVAL", "10", 0.25),
        Patch("services.scheduler:_SCHEDULE_TICK_INTERVAL", "10", 0.25),
        Patch("services.scheduler:_create_schedule", "5b205607c15c", schedules.create_schedule),
        Patch("services.scheduler:_update_schedule", "93f7fec4f7d8", schedules.update_schedule),
        Patch("services.scheduler:_tick_schedules", "0ece514e9120", schedules.tick),
        Patch("services.stepfunctions:_start_execution", "9923282fc76c", states.start_execution),
        Patch(
            "services.stepfunctions:_run_execution",
            "996dff84e0e0",
            states.without_pause(states.states._run_execution),
        ),
        Patch("services.stepfunctions:_stop_execution", "44d2d84ccd5c", states.stop_execution),
        Patch("services.stepfunctions:_fail_execution", "e6da895fa0b7", states.fail_execution),
        Patch("services.stepfunctions:_execute_task", "53c818d247db", states.execute_task),
        Patch("services.stepfunctions:_apply_state_assign", "f9cc15f006a0", states.assign),
        Patch("services.stepfunctions:_send_task_success", "12eff48bce57", tokens.send_task_success),
        Patch("services.stepfunctions:_send_task_failure", "c2a489b4ed33", tokens.send_task_failure),
        Patch("services.stepfunctions:_send_task_heartbeat", "56879a4655d1", tokens.send_task_heartbeat),
    ]


def apply_patches() -> None:
    """Patch ministack in this process. Raises PatchDoesNotFit before anything is served."""
    check_version()
    for patch in patches():
        patch.apply()

"""Walks a state machine definition on virtual time, as Step Functions does on real time.

Every move goes through the clock, so executions interleave in one fixed order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from interlock.simulation.asl_definition import Choice, Exit, Fail, Machine, Pass, Task, Wait
from interlock.simulation.asl_errors import (
    HEARTBEAT_TIMEOUT,
    RUNTIME,
    TIMEOUT,
    ExecutionAlreadyExists,
    ExecutionDoesNotExist,
    FunctionError,
    InvalidExecutionInput,
    InvalidName,
    InvalidOutput,
    InvalidToken,
    StateError,
    TaskTimedOut,
    catches,
)
from interlock.simulation.asl_execution import (
    Attempt,
    Execution,
    ExecutionRecord,
    ExecutionStatus,
    Step,
    Transition,
    timestamp,
)
from interlock.simulation.asl_parsing import parse_machine
from interlock.simulation.asl_payloads import as_lambda_reports, fitting, invoke_result, parse_json
from interlock.simulation.clock import Timer, VirtualClock

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_FORBIDDEN_IN_NAMES = re.compile(r"[\s?*<>{}\[\]\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")
# The quota on events that ends a loop which would never end.
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_LONGEST_HISTORY = 25_000
# A closed execution's name may be used again after 90 days.
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
_NAME_IS_TAKEN_FOR = timedelta(days=90)

Invoke = Callable[[str, Any], Any]


class StateMachineWalker:
    """One state machine and its executions, with the calls of the Step Functions API that move them."""

    def __init__(
        self,
        definition: Mapping[str, Any] | Machine,
        clock: VirtualClock,
        invoke: Invoke,
        on_transition: Callable[[Transition], None],
        *,
        arn: str = "arn:aws:states:us-east-1:000000000000:stateMachine:simulated",
        role_arn: str = "arn:aws:iam::000000000000:role/simulated",
        priority: int = 0,
        timer_priority: int = 0,
    ) -> None:
        """`priority` orders executions' moves among all actions, `timer_priority` their waits and limits.

        A parsed definition may serve several walkers: nothing in it changes.

        `invoke` takes a function's name or ARN and the payload, and raises FunctionError when it fails.
        """
        self._machine = definition if isinstance(definition, Machine) else parse_machine(definition)
        self._clock = clock
        self._invoke = invoke
        self._on_transition = on_transition
        self._arn = arn
        self._role_arn = role_arn
        self._priority = priority
        self._timer_priority = timer_priority
        self._executions: list[Execution] = []
        self._latest: dict[str, Execution] = {}  # by name
        self._waiting: dict[str, tuple[Execution, Attempt, Task]] = {}  # by task token

    @property
    def executions(self) -> Sequence[ExecutionRecord]:
        """All of them, in order of their start."""
        return [execution.record() for execution in self._executions]

    def open_tokens(self) -> dict[str, str]:
        """The token of the task that each execution waits for, by the execution's name."""
        waiting = self._waiting.values()
        return {execution.name: attempt.token for execution, attempt, _ in waiting if attempt.open}

    def start(self, name: str, input: str) -> str:
        """StartExecution: answers the ARN. To repeat it while it runs, with the same input, is no error."""
        same_name = self._latest.get(name)
        if same_name is not None and self._holds_its_name(same_name):
            if same_name.running and same_name.input == input:
                return same_name.arn
            raise ExecutionAlreadyExists(same_name.arn)
        execution = self._new_execution(name, input)
        self._executions.append(execution)
        self._latest[name] = execution
        if self._machine.timeout_seconds is not None:
            execution.deadline = self._after(
                execution, self._machine.timeout_seconds, lambda: self._run_out_of_time(execution)
            )
        first, state_input = self._machine.start_at, execution.facts["Execution"]["Input"]
        self._soon(execution, lambda: self._enter(execution, first, state_input))
        return execution.arn

    def stop(self, name: str, error: str | None = None, cause: str | None = None) -> None:
        """StopExecution; of one that has ended already it changes nothing."""
        execution = self._find(name)
        if execution.running:
            self._end(execution, ExecutionStatus.ABORTED, Step.ABORTED, error=error, cause=cause)

    def describe(self, name: str) -> ExecutionRecord:
        """The latest execution of that name."""
        return self._find(name).record()

    def send_task_success(self, token: str, output: str) -> None:
        """SendTaskSuccess: `output` is JSON text, the task's result."""
        execution, attempt, task = self._open_task(token)
        try:
            result = parse_json(output)
        except ValueError as error:
            raise InvalidOutput(str(error)) from error
        attempt.close()
        self._soon(execution, lambda: self._task_succeeded(execution, task, result))

    def send_task_failure(self, token: str, error: str, cause: str | None = None) -> None:
        """SendTaskFailure: the task fails with that error, which Retry and Catch see by its name."""
        execution, attempt, task = self._open_task(token)
        attempt.close()
        self._soon(execution, lambda: self._task_failed(execution, task, StateError(error, cause)))

    def send_task_heartbeat(self, token: str) -> None:
        """SendTaskHeartbeat: HeartbeatSeconds count from now again."""
        execution, attempt, task = self._open_task(token)
        if attempt.heartbeat is not None:
            attempt.heartbeat.cancel()
            self._expect_heartbeat(execution, attempt, task)

    def _new_execution(self, name: str, text: str) -> Execution:
        if not 1 <= len(name) <= 80 or _FORBIDDEN_IN_NAMES.search(name):
            raise InvalidName(name)
        try:
            parsed = parse_json(text)
        except ValueError as error:
            raise InvalidExecutionInput(str(error)) from error
        arn = f"{self._arn.replace(':stateMachine:', ':execution:')}:{name}"
        now = self._clock.now()
        execution = {
            "Id": arn,
            "Input": parsed,
            "Name": name,
            "RoleArn": self._role_arn,
            "StartTime": timestamp(now),
            "RedriveCount": 0,
        }
        machine = {"Id": self._arn, "Name": self._arn.rsplit(":", 1)[1]}
        return Execution(name, arn, text, now, {"Execution": execution, "StateMachine": machine})

    def _holds_its_name(self, execution: Execution) -> bool:
        ended = execution.stopped_at
        return ended is None or self._clock.now() < ended + _NAME_IS_TAKEN_FOR

    def _find(self, name: str) -> Execution:
        if name not in self._latest:
            raise ExecutionDoesNotExist(name)
        return self._latest[name]

    def _open_task(self, token: str) -> tuple[Execution, Attempt, Task]:
        if token not in self._waiting:
            raise InvalidToken(token)
        execution, attempt, task = self._waiting[token]
        if not attempt.open:
            raise TaskTimedOut(token)
        return execution, attempt, task

    def _soon(self, execution: Execution, step: Callable[[], None]) -> None:
        self._at(execution, self._clock.now(), self._priority, step)

    def _after(self, execution: Execution, seconds: float, step: Callable[[], None]) -> Timer:
        return self._at(execution, self._clock.now() + timedelta(seconds=seconds), self._timer_priority, step)

    def _at(self, execution: Execution, when: datetime, priority: int, step: Callable[[], None]) -> Timer:
        def unless_it_ended() -> None:
            if execution.running and execution.history_events >= _LONGEST_HISTORY:
                cause = f"The execution reached the maximum number of history events ({_LONGEST_HISTORY})."
                self._fail(execution, StateError(RUNTIME, cause))
            elif execution.running:
                step()

        return self._clock.at(when, priority, unless_it_ended)

    def _enter(self, execution: Execution, name: str, state_input: Any) -> None:
        execution.enter(name, state_input, self._clock.now())
        self._tell(execution, Step.ENTERED)
        state = self._machine.states[name]
        if isinstance(state, Task):
            self._try(execution, state)
        else:
            self._or_fail(execution, lambda: self._go_through(execution, state))

    def _go_through(self, execution: Execution, state: Choice | Wait | Pass | Fail) -> None:
        match state:
            case Pass():
                self._leave(execution, state.exit)
            case Wait():
                self._wait(execution, state)
            case Choice():
                self._leave(execution, self._chosen(execution, state))
            case Fail():
                scope = execution.scope(self._clock.now())
                error, cause = (template and template(scope) for template in (state.error, state.cause))
                self._end(execution, ExecutionStatus.FAILED, Step.FAILED, error=error, cause=cause)

    def _wait(self, execution: Execution, state: Wait) -> None:
        now = self._clock.now()
        scope = execution.scope(now)
        until = now
        if state.seconds is not None:
            until = now + timedelta(seconds=state.seconds(scope))
        elif state.timestamp is not None:
            until = max(now, state.timestamp(scope))
        go_on = partial(self._or_fail, execution, lambda: self._leave(execution, state.exit))
        execution.pause = self._at(execution, until, self._timer_priority, go_on)

    def _chosen(self, execution: Execution, state: Choice) -> Exit:
        scope = execution.scope(self._clock.now())
        for condition, leads in state.rules:
            if condition(scope):
                return leads
        if state.default is None:
            raise StateError(RUNTIME, f"{state.name!r}: no rule holds, and there is no Default to go to")
        return state.default

    def _try(self, execution: Execution, task: Task) -> None:
        attempt = execution.new_attempt()
        try:
            function, payload = self._prepare(execution, attempt, task)
        except StateError as error:
            self._task_failed(execution, task, error)
            return
        try:
            answer = self._invoke(function, payload)
        except FunctionError as error:
            if attempt.open:
                self._task_failed(execution, task, as_lambda_reports(error))
            return
        # A call can outlast its time limit or execution, and its token can have been answered meanwhile.
        if attempt.open and task.waits_for_token:
            self._expect_heartbeat(execution, attempt, task)
        elif attempt.open:
            self._task_succeeded(execution, task, invoke_result(answer, attempt.token))

    def _prepare(self, execution: Execution, attempt: Attempt, task: Task) -> tuple[str, Any]:
        """The function and what to send it; the time limit starts to count."""
        scope = execution.scope(self._clock.now(), attempt.token if task.waits_for_token else None)
        arguments = task.arguments(scope)
        payload = json.loads(fitting(arguments.get("Payload", {}), f"the arguments of {task.name!r}"))
        if task.heartbeat_seconds is not None:
            attempt.heartbeat_seconds = task.heartbeat_seconds(scope)
        if task.timeout_seconds is not None:
            error = StateError(TIMEOUT)
            attempt.deadline = self._after(
                execution, task.timeout_seconds(scope), lambda: self._task_failed(execution, task, error)
            )
        if task.waits_for_token:
            self._waiting[attempt.token] = (execution, attempt, task)
        return arguments["FunctionName"], payload

    def _expect_heartbeat(self, execution: Execution, attempt: Attempt, task: Task) -> None:
        # "The heartbeat timeout does not start counting until after the Lambda function has completed."
        # https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
        if attempt.heartbeat_seconds is not None:
            error = StateError(HEARTBEAT_TIMEOUT)
            attempt.heartbeat = self._after(
                execution, attempt.heartbeat_seconds, lambda: self._task_failed(execution, task, error)
            )

    def _task_succeeded(self, execution: Execution, task: Task, answer: Any) -> None:
        execution.close_attempt()
        try:
            result = json.loads(fitting(answer, f"the result of {task.name!r}"))
            self._leave(execution, task.exit, result=result)
        except StateError as error:
            self._task_failed(execution, task, error)

    def _task_failed(self, execution: Execution, task: Task, error: StateError) -> None:
        execution.close_attempt()
        for place, retrier in enumerate(task.retriers):
            if catches(retrier.error_equals, error.error):
                # The first that matches decides: used up, it leaves the error to Catch, not to the next one.
                if execution.retries_of.get(place, 0) < retrier.max_attempts:
                    self._retry_later(execution, task, place, error)
                    return
                break
        for catcher in task.catchers:
            if catches(catcher.error_equals, error.error):
                leave = partial(self._leave, execution, catcher.exit, errorOutput=error.output())
                self._or_fail(execution, leave)
                return
        self._fail(execution, error)

    def _retry_later(self, execution: Execution, task: Task, place: int, error: StateError) -> None:
        retrier, so_far = task.retriers[place], execution.retries_of.get(place, 0)
        delay = retrier.delay_seconds(so_far)
        if retrier.full_jitter:
            # Chance by name, so that a scenario is the same each time it runs.
            delay = Random(f"{execution.name}/{task.name}/{place}/{so_far}").uniform(0, delay)
        execution.retries_of[place] = so_far + 1
        execution.pause = self._after(execution, delay, lambda: self._retry(execution, task, error))

    def _retry(self, execution: Execution, task: Task, error: StateError) -> None:
        execution.retries += 1
        self._tell(execution, Step.RETRIED, error.error)
        self._try(execution, task)

    def _leave(self, execution: Execution, leads: Exit, **members: Any) -> None:
        """By this exit. `members` of $states: the result or the error output, also the output by default."""
        scope = execution.scope(self._clock.now(), **members)
        default = next(iter(members.values()), execution.state_input)
        output = default if leads.output is None else leads.output(scope)
        text = fitting(output, f"the output of {execution.state!r}")
        # Assign and Output see the variables as they were on entry; the new ones are the next state's.
        assigned = {name: template(scope) for name, template in leads.assign.items()}
        if assigned:
            fitting(assigned, f"the variables of {execution.state!r}")
            execution.variables = {**execution.variables, **assigned}
        if leads.next is None:
            self._end(execution, ExecutionStatus.SUCCEEDED, Step.SUCCEEDED, output=text)
        else:
            target = leads.next
            self._soon(execution, lambda: self._enter(execution, target, output))

    def _or_fail(self, execution: Execution, move: Callable[[], None]) -> None:
        """Outside a task's own work nothing can be retried or caught."""
        try:
            move()
        except StateError as error:
            self._fail(execution, error)

    def _fail(self, execution: Execution, error: StateError) -> None:
        self._end(execution, ExecutionStatus.FAILED, Step.FAILED, error=error.error, cause=error.cause)

    def _run_out_of_time(self, execution: Execution) -> None:
        # The whole machine's TimeoutSeconds: no Catch sees it.
        self._end(execution, ExecutionStatus.TIMED_OUT, Step.TIMED_OUT, error=TIMEOUT)

    def _end(
        self,
        execution: Execution,
        status: ExecutionStatus,
        step: Step,
        *,
        output: str | None = None,
        error: str | None = None,
        cause: str | None = None,
    ) -> None:
        execution.status, execution.output, execution.error, execution.cause = status, output, error, cause
        execution.close(self._clock.now())
        self._tell(execution, step, error)

    def _tell(self, execution: Execution, step: Step, error: str | None = None) -> None:
        now = self._clock.now()
        self._on_transition(Transition(now, execution.name, step, execution.state, error))

"""JSON of a state machine definition -> `Machine`; what the walker does not cover is refused by name.

https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html, and a page per state type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from interlock.simulation.asl_checks import LONGEST_SECONDS, boolean, instant, invocation, seconds_from, text
from interlock.simulation.asl_definition import (
    Catcher,
    Choice,
    Exit,
    Fail,
    Machine,
    Pass,
    Retrier,
    State,
    Task,
    Wait,
)
from interlock.simulation.asl_errors import ALL
from interlock.simulation.asl_expressions import Constant, Place, Scope, Template, compile_template

_LONGEST_RETRY_DELAY_SECONDS = 31_622_400
_INVOKE = "arn:aws:states:::lambda:invoke"
_RESOURCES = (_INVOKE, f"{_INVOKE}.waitForTaskToken")
_ALWAYS_READABLE = frozenset({"input", "context"})
_REQUIRED: Any = object()


def parse_machine(definition: Mapping[str, Any]) -> Machine:
    """The definition checked as a whole; DefinitionError names the first thing wrong, or not covered."""
    raw_states = definition.get("States")
    raw_states = raw_states if isinstance(raw_states, dict) else {}
    top = _Fields(definition, Place("(top level)", "", _assigned_names(raw_states), _ALWAYS_READABLE))
    language = top.take("QueryLanguage", str, "JSONPath")
    top.take("Version", str, "1.0")
    timeout = top.take("TimeoutSeconds", int, None)
    start = top.take("StartAt", str)
    top.take("States", dict)
    top.nothing_left()
    if timeout is not None:
        _checked(timeout, top.place / "TimeoutSeconds", seconds_from(1))
    states = {name: _state(name, raw, language, top.place) for name, raw in raw_states.items()}
    _check_targets(start, states, top.place)
    return Machine(start, states, timeout)


class _Fields:
    """The fields of one object; `nothing_left` refuses those that nobody took."""

    def __init__(self, raw: Any, place: Place) -> None:
        if not isinstance(raw, dict):
            raise place.wrong("must be an object")
        self.place = place
        self._left = dict(raw)
        self.take("Comment", str, "")

    def take(self, field: str, kind: type, default: Any = _REQUIRED) -> Any:
        if field not in self._left:
            if default is _REQUIRED:
                raise (self.place / field).wrong("is missing")
            return default
        value = self._left.pop(field)
        # By exact type: for Python, true is a number.
        if kind is not object and type(value) is not kind and not (kind is float and type(value) is int):
            raise (self.place / field).wrong(f"must be {kind.__name__}, not {value!r}")
        return value

    def has(self, field: str) -> bool:
        return field in self._left

    def value(self, field: str, convert: Callable[[Any], Any]) -> Template:
        return _checked(self.take(field, object), self.place / field, convert)

    def value_if_any(self, field: str, convert: Callable[[Any], Any]) -> Template | None:
        return self.value(field, convert) if self.has(field) else None

    def nothing_left(self) -> None:
        for field in self._left:
            raise (self.place / field).wrong("is not a field that the simulator covers here")


def _checked(raw: Any, place: Place, convert: Callable[[Any], Any]) -> Template:
    """The value held to what its field accepts: now if it is a constant, else at each evaluation."""
    template = compile_template(raw, place)
    if isinstance(template, Constant):
        try:
            return Constant(convert(template.value))
        except ValueError as error:
            raise place.wrong(str(error)) from error

    def evaluate(scope: Scope) -> Any:
        try:
            return convert(template(scope))
        except ValueError as error:
            raise place.failed(f"For the field {place.field!r}: {error}") from error

    return evaluate


def _state(name: str, raw: Any, language: str, top: Place) -> State:
    place = replace(top, state=name)
    if len(name) > 80:
        raise place.wrong("a state's name has at most 80 characters")
    fields = _Fields(raw, place)
    if fields.take("QueryLanguage", str, language) != "JSONata":
        raise (place / "QueryLanguage").wrong("the simulator covers JSONata only")
    kind = fields.take("Type", str)
    if kind not in _PARSERS:
        raise (place / "Type").wrong(f"the simulator covers {', '.join(_PARSERS)}, not {kind}")
    state = _PARSERS[kind](name, fields)
    fields.nothing_left()
    return state


def _task(name: str, fields: _Fields) -> Task:
    resource = fields.take("Resource", str)
    if resource not in _RESOURCES:
        raise (fields.place / "Resource").wrong(f"the simulator covers {' and '.join(_RESOURCES)}")
    waits = resource != _INVOKE
    if not waits and fields.has("HeartbeatSeconds"):
        raise (fields.place / "HeartbeatSeconds").wrong("only a task with a token can send heartbeats")
    with_result = replace(fields.place, readable=_ALWAYS_READABLE | {"result"})
    timeout = fields.value_if_any("TimeoutSeconds", seconds_from(1))
    heartbeat = fields.value_if_any("HeartbeatSeconds", seconds_from(1))
    if isinstance(timeout, Constant) and isinstance(heartbeat, Constant) and heartbeat.value >= timeout.value:
        raise (fields.place / "HeartbeatSeconds").wrong("must be less than TimeoutSeconds")
    retriers, catchers = tuple(_each(fields, "Retry", _retrier)), tuple(_each(fields, "Catch", _catcher))
    _check_all_is_last(fields.place / "Retry", retriers)
    _check_all_is_last(fields.place / "Catch", catchers)
    return Task(
        name=name,
        arguments=fields.value("Arguments", invocation),
        waits_for_token=waits,
        timeout_seconds=timeout,
        heartbeat_seconds=heartbeat,
        retriers=retriers,
        catchers=catchers,
        exit=_exit(fields, with_result),
    )


def _choice(name: str, fields: _Fields) -> Choice:
    rules = tuple(_each(fields, "Choices", _rule))
    if not rules:
        raise (fields.place / "Choices").wrong("must have at least one rule")
    target = fields.take("Default", str, None)
    own = _exit_to(target, fields, fields.place)
    if target is None and (own.assign or own.output):
        raise (fields.place / "Default").wrong("Assign and Output of a Choice itself are for its Default")
    return Choice(name, rules, own if target else None)


def _rule(fields: _Fields) -> tuple[Template, Exit]:
    condition = fields.value("Condition", boolean)
    return condition, _exit_to(fields.take("Next", str), fields, fields.place)


def _wait(name: str, fields: _Fields) -> Wait:
    if fields.has("Seconds") == fields.has("Timestamp"):
        raise (fields.place / "Seconds").wrong("a Wait has exactly one of Seconds and Timestamp")
    return Wait(
        name=name,
        seconds=fields.value_if_any("Seconds", seconds_from(0)),
        timestamp=fields.value_if_any("Timestamp", instant),
        exit=_exit(fields, fields.place),
    )


def _pass(name: str, fields: _Fields) -> Pass:
    return Pass(name, _exit(fields, fields.place))


def _succeed(name: str, fields: _Fields) -> Pass:
    if fields.has("Assign"):
        raise (fields.place / "Assign").wrong("nothing comes after Succeed that could read a variable")
    return Pass(name, _exit_to(None, fields, fields.place))


def _fail(name: str, fields: _Fields) -> Fail:
    return Fail(name, fields.value_if_any("Error", text), fields.value_if_any("Cause", text))


_PARSERS: Mapping[str, Callable[[str, _Fields], State]] = {
    "Task": _task,
    "Choice": _choice,
    "Wait": _wait,
    "Pass": _pass,
    "Succeed": _succeed,
    "Fail": _fail,
}


def _exit(fields: _Fields, place: Place) -> Exit:
    target, ends = fields.take("Next", str, None), fields.take("End", bool, False)
    if (target is None) is not ends:
        raise (fields.place / "Next").wrong("a state has either Next or End: true")
    return _exit_to(target, fields, place)


def _exit_to(target: str | None, fields: _Fields, place: Place) -> Exit:
    output = fields.take("Output", object) if fields.has("Output") else _REQUIRED
    assign = {
        name: compile_template(raw, place / "Assign" / _variable(name, place))
        for name, raw in fields.take("Assign", dict, {}).items()
    }
    return Exit(target, assign, None if output is _REQUIRED else compile_template(output, place / "Output"))


def _variable(name: str, place: Place) -> str:
    # https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html#variable-name-syntax
    if not name.isidentifier() or len(name) > 80 or name == "states":
        raise (place / "Assign" / name).wrong("is not a name for a variable")
    return name


def _each(fields: _Fields, field: str, parse: Callable[[_Fields], Any]) -> Iterable[Any]:
    for index, raw in enumerate(fields.take(field, list, [])):
        item = _Fields(raw, fields.place / field / index)
        yield parse(item)
        item.nothing_left()


def _retrier(fields: _Fields) -> Retrier:
    jitter = fields.take("JitterStrategy", str, "NONE")
    if jitter not in ("FULL", "NONE"):
        raise (fields.place / "JitterStrategy").wrong("is FULL or NONE")
    backoff = fields.take("BackoffRate", float, 2.0)
    if backoff < 1:
        raise (fields.place / "BackoffRate").wrong("is at least 1.0")
    return Retrier(
        error_equals=_error_equals(fields),
        interval_seconds=_bounded(fields, "IntervalSeconds", 1, 1, LONGEST_SECONDS),
        max_attempts=_bounded(fields, "MaxAttempts", 3, 0, LONGEST_SECONDS),
        backoff_rate=backoff,
        # Without it delays grow for ever; no execution outlasts a year, so this cap is as good as none.
        max_delay_seconds=_bounded(
            fields, "MaxDelaySeconds", _LONGEST_RETRY_DELAY_SECONDS, 1, _LONGEST_RETRY_DELAY_SECONDS
        ),
        full_jitter=jitter == "FULL",
    )


def _catcher(fields: _Fields) -> Catcher:
    names = _error_equals(fields)
    with_error = replace(fields.place, readable=_ALWAYS_READABLE | {"errorOutput"})
    return Catcher(names, _exit_to(fields.take("Next", str), fields, with_error))


def _error_equals(fields: _Fields) -> tuple[str, ...]:
    names = fields.take("ErrorEquals", list)
    if not names or not all(isinstance(name, str) for name in names):
        raise (fields.place / "ErrorEquals").wrong("is a list of at least one error name")
    if ALL in names and len(names) > 1:
        raise (fields.place / "ErrorEquals").wrong(f"{ALL} must stand alone")
    return tuple(names)


def _check_all_is_last(place: Place, entries: Sequence[Retrier | Catcher]) -> None:
    if any(ALL in entry.error_equals for entry in entries[:-1]):
        raise place.wrong(f"{ALL} must be in the last entry")


def _bounded(fields: _Fields, field: str, default: int, low: int, high: int) -> int:
    value: int = fields.take(field, int, default)
    if not low <= value <= high:
        raise (fields.place / field).wrong(f"is from {low} to {high}")
    return value


def _assigned_names(raw_states: Mapping[str, Any]) -> frozenset[str]:
    """Every variable of the machine: one exists when any state assigns it."""
    assigns = (place.get("Assign") for raw in raw_states.values() for place in _assigning_places(raw))
    return frozenset(name for assign in assigns if isinstance(assign, dict) for name in assign)


def _assigning_places(raw: Any) -> Iterable[Mapping[str, Any]]:
    if isinstance(raw, dict):
        yield raw
        for field in ("Choices", "Catch"):
            inner = raw.get(field, [])
            yield from (item for item in inner if isinstance(item, dict)) if isinstance(inner, list) else ()


def _check_targets(start: str, states: Mapping[str, State], top: Place) -> None:
    if start not in states:
        raise (top / "StartAt").wrong(f"there is no state {start!r}")
    for name, state in states.items():
        for field, target in _targets(state):
            if target not in states:
                raise (replace(top, state=name) / field).wrong(f"there is no state {target!r}")
    reached, left = {start}, [start]
    while left:
        new = {target for _, target in _targets(states[left.pop()])} - reached
        reached |= new
        left += new
    if unreached := states.keys() - reached:
        raise (replace(top, state=min(unreached)) / "Type").wrong("nothing leads to this state")


def _targets(state: State) -> Iterable[tuple[str, str]]:
    return [(field, leads.next) for field, leads in _exits(state) if leads.next is not None]


def _exits(state: State) -> Iterable[tuple[str, Exit]]:
    match state:
        case Task():
            caught = ((f"Catch[{index}]/Next", catcher.exit) for index, catcher in enumerate(state.catchers))
            return [("Next", state.exit), *caught]
        case Choice():
            ruled = ((f"Choices[{index}]/Next", leads) for index, (_, leads) in enumerate(state.rules))
            return [*ruled, *([("Default", state.default)] if state.default else [])]
        case Fail():
            return []
        case _:
            return [("Next", state.exit)]

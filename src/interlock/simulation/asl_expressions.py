"""The values of a definition: constants, objects and JSONata, made ready once and evaluated often.

A string that is surrounded by `{%` and `%}` is JSONata, at any depth.
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from jsonata import JException, Jsonata  # type: ignore[import-untyped]
from jsonata.utils import Utils  # type: ignore[import-untyped]

from interlock.simulation import asl_functions
from interlock.simulation.asl_errors import QUERY_EVALUATION_ERROR, DefinitionError, StateError
from interlock.simulation.asl_reads import reads_of
from interlock.simulation.asl_shortcuts import UNDEFINED, NeedsInterpreter, shortcut

# All of JSONata but $eval. https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
_FUNCTIONS = frozenset(Jsonata.static_frame.bindings) - {"eval"} | asl_functions.NAMES


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may see at one moment of an execution."""

    names: Mapping[str, Any]  # the variables, and the reserved one, `states`
    now: datetime
    seed: str  # decides $random() and $uuid()


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the definition a value stands, and what may be read there."""

    state: str
    field: str
    variables: frozenset[str]  # every name that some state assigns
    readable: frozenset[str]  # the members of $states

    def __truediv__(self, key: str | int) -> Place:
        joined = f"{self.field}[{key}]" if isinstance(key, int) else f"{self.field}/{key}".lstrip("/")
        return replace(self, field=joined)

    def wrong(self, why: str) -> DefinitionError:
        return DefinitionError(f"state {self.state!r}, field {self.field!r}: {why}")

    def failed(self, why: str) -> StateError:
        cause = f"An error occurred while executing the state {self.state!r}. {why}"
        return StateError(QUERY_EVALUATION_ERROR, cause)


Template = Callable[[Scope], Any]


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that no expression can change; it is shared, so nobody may change it either."""

    value: Any

    def __call__(self, _scope: Scope) -> Any:
        return self.value


def compile_template(value: Any, place: Place) -> Template:
    """A value of the definition as a function of the scope."""
    if isinstance(value, str):
        return _compile_text(value, place)
    if isinstance(value, dict):
        fields = {key: compile_template(item, place / key) for key, item in value.items()}
        if all(isinstance(field, Constant) for field in fields.values()):
            return Constant(value)
        return lambda scope: {key: field(scope) for key, field in fields.items()}
    if isinstance(value, list):
        items = [compile_template(item, place / index) for index, item in enumerate(value)]
        if all(isinstance(item, Constant) for item in items):
            return Constant(value)
        return lambda scope: [item(scope) for item in items]
    return Constant(value)


def _compile_text(text: str, place: Place) -> Template:
    if text.startswith("{%") and text.endswith("%}"):
        return compile_expression(text[2:-2].strip(), place)
    if text.startswith("{%") or text.endswith("%}"):
        raise place.wrong("an expression starts with {% and ends with %}, without spaces around them")
    return Constant(text)


def compile_expression(text: str, place: Place) -> Template:
    """A JSONata expression, checked for whatever it could never find where it stands."""
    try:
        parsed = _parse(text)
    except JException as error:
        raise place.wrong(f"not JSONata: {error}") from error
    provided = _checked_variables(parsed.ast, place) & asl_functions.NAMES - place.variables
    quick = shortcut(parsed.ast)

    def interpret(scope: Scope) -> Any:
        return _interpret(parsed, text, place, provided, scope)

    if quick is None:
        return interpret

    def evaluate(scope: Scope) -> Any:
        try:
            value = quick(scope.names)
        except NeedsInterpreter:
            return interpret(scope)
        if value is UNDEFINED:
            raise place.failed(_nothing(text, place))
        return value

    return evaluate


def _checked_variables(tree: Any, place: Place) -> frozenset[str]:
    reads = reads_of(tree)
    if reads.context:
        raise place.wrong("`$`, `$$` and bare names mean nothing here; the input is $states.input")
    if unreadable := reads.members - place.readable:
        raise place.wrong(f"$states.{min(unreadable)} is not available here")
    if unknown := reads.variables - place.variables - _FUNCTIONS - {"states"}:
        raise place.wrong(f"no state assigns ${min(unknown)}, and it is not a function")
    return reads.variables


@cache
def _parse(text: str) -> Any:
    parsed = Jsonata(text)
    # Nulls stay marked, since a result that is None must mean undefined.
    parsed.set_output_convert_nulls(False)
    return parsed


def _interpret(parsed: Any, text: str, place: Place, provided: frozenset[str], scope: Scope) -> Any:
    bindings = {name: _bindable(value) for name, value in scope.names.items()}
    if provided:
        functions = asl_functions.functions_at(scope.now, f"{scope.seed}/{place.field}")
        bindings |= {name: Jsonata.JLambda(functions[name]) for name in provided}
    try:
        value = parsed.evaluate(None, bindings)
        if value is not None:
            return _as_json(value)
    except Exception as error:
        # The interpreter raises anything at all, AWS has one error for all of it.
        why = f"{getattr(error, 'error', None) or type(error).__name__}: {error}"
        raise place.failed(
            f"The JSONata expression {text!r} for the field {place.field!r} failed: {why}"
        ) from error
    raise place.failed(_nothing(text, place))


def _nothing(text: str, place: Place) -> str:
    # JSON cannot represent undefined, so AWS takes it for an error.
    return f"The JSONata expression {text!r} for the field {place.field!r} returned nothing (undefined)."


def _bindable(value: Any) -> Any:
    return Utils.NULL_VALUE if value is None else value


def _as_json(value: Any) -> Any:
    """The interpreter's own lists and nulls as plain JSON values."""
    if value is Utils.NULL_VALUE:
        return None
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    if (
        value is None
        or isinstance(value, str | bool | int)
        or (isinstance(value, float) and math.isfinite(value))
    ):
        return value
    raise TypeError(f"{type(value).__name__} is not a JSON value")

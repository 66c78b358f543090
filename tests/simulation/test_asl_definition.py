"""What the walker refuses when it is made: whatever is wrong, or would be ignored, with its state and field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interlock.simulation.asl_errors import DefinitionError
from interlock.simulation.asl_parsing import parse_machine
from simulation.asl_world import a_machine, a_task

END: dict[str, Any] = {"Type": "Succeed"}
TASK = a_task()


def task_with(**fields: Any) -> dict[str, Any]:
    return a_machine({"T": a_task(**fields)})


def choice_of(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return a_machine({"C": {"Type": "Choice", "Choices": list(rules), **fields}, "E": END})


def retry(**fields: Any) -> dict[str, Any]:
    return task_with(Retry=[{"ErrorEquals": ["E"], **fields}])


def a_pass(**fields: Any) -> dict[str, Any]:
    return a_machine({"P": {"Type": "Pass", "End": True, **fields}})


REFUSED = [
    # the machine
    pytest.param({**a_machine({"E": END}), "QueryLanguage": "JSONPath"}, "E", "QueryLanguage", id="JSONPath"),
    pytest.param({"StartAt": "E", "States": {"E": END}}, "E", "QueryLanguage", id="JSONPath is the default"),
    pytest.param(
        a_machine({"E": {**END, "QueryLanguage": "JSONPath"}}), "E", "QueryLanguage", id="one JSONPath state"
    ),
    pytest.param(
        a_machine({"E": END}, Unknown=1), "(top level)", "Unknown", id="unknown field of the machine"
    ),
    pytest.param(
        a_machine({"E": END}, TimeoutSeconds=0), "(top level)", "TimeoutSeconds", id="no time at all"
    ),
    pytest.param(
        a_machine({"E": END}, TimeoutSeconds=True), "(top level)", "TimeoutSeconds", id="true is no number"
    ),
    pytest.param(a_machine({"E": END}, StartAt="X"), "(top level)", "StartAt", id="starts at no state"),
    pytest.param(
        {"QueryLanguage": "JSONata", "States": {"E": END}}, "(top level)", "StartAt", id="starts nowhere"
    ),
    pytest.param({"QueryLanguage": "JSONata", "StartAt": "E"}, "(top level)", "States", id="no states"),
    pytest.param(a_machine({"E": END, "Lost": END}), "Lost", "Type", id="a state nothing leads to"),
    pytest.param(a_machine({"x" * 81: END}), "x" * 81, "", id="too long a name"),
    # states
    pytest.param(a_machine({"M": {"Type": "Map"}}), "M", "Type", id="Map"),
    pytest.param(a_machine({"M": {"Type": "Parallel"}}), "M", "Type", id="Parallel"),
    pytest.param(a_machine({"S": {}}), "S", "Type", id="no type"),
    pytest.param(a_machine({"S": "Succeed"}), "S", "", id="no object"),
    pytest.param(a_machine({"P": {"Type": "Pass"}}), "P", "Next", id="neither Next nor End"),
    pytest.param(
        a_machine({"P": {"Type": "Pass", "Next": "E", "End": True}, "E": END}), "P", "Next", id="both"
    ),
    pytest.param(a_machine({"P": {"Type": "Pass", "Next": "X"}}), "P", "Next", id="next is no state"),
    pytest.param(a_pass(Result=1), "P", "Result", id="JSONPath's Result"),
    pytest.param(a_pass(Parameters={}), "P", "Parameters", id="JSONPath's Parameters"),
    pytest.param(a_machine({"E": {**END, "End": True}}), "E", "End", id="Succeed with End"),
    pytest.param(a_machine({"E": {**END, "Assign": {"x": 1}}}), "E", "Assign", id="Succeed with Assign"),
    pytest.param(a_machine({"F": {"Type": "Fail", "Output": 1}}), "F", "Output", id="Fail with Output"),
    pytest.param(a_machine({"F": {"Type": "Fail", "Error": 1}}), "F", "Error", id="an error that is no text"),
    pytest.param(a_machine({"W": {"Type": "Wait", "End": True}}), "W", "Seconds", id="a Wait for nothing"),
    pytest.param(
        a_machine({"W": {"Type": "Wait", "Seconds": 1, "Timestamp": "2026-03-02T08:00:00Z", "End": True}}),
        "W",
        "Seconds",
        id="a Wait for two things",
    ),
    pytest.param(
        a_machine({"W": {"Type": "Wait", "Seconds": -1, "End": True}}), "W", "Seconds", id="negative"
    ),
    pytest.param(
        a_machine({"W": {"Type": "Wait", "Seconds": 1.5, "End": True}}), "W", "Seconds", id="not whole"
    ),
    pytest.param(a_machine({"W": {"Type": "Wait", "Seconds": "1", "End": True}}), "W", "Seconds", id="text"),
    pytest.param(
        a_machine({"W": {"Type": "Wait", "Timestamp": "2026-03-02 08:00:00Z", "End": True}}),
        "W",
        "Timestamp",
        id="no T",
    ),
    pytest.param(
        a_machine({"W": {"Type": "Wait", "SecondsPath": "$.s", "End": True}}), "W", "Seconds", id="a path"
    ),
    # Choice
    pytest.param(choice_of(Default="E"), "C", "Choices", id="no rules"),
    pytest.param(choice_of({"Next": "E"}), "C", "Choices[0]/Condition", id="no condition"),
    pytest.param(
        choice_of({"Condition": "{% true %}"}), "C", "Choices[0]/Next", id="a rule that leads nowhere"
    ),
    pytest.param(
        choice_of({"Condition": "yes", "Next": "E"}), "C", "Choices[0]/Condition", id="text is no condition"
    ),
    pytest.param(
        choice_of({"Condition": "{% true %}", "Next": "X"}), "C", "Choices[0]/Next", id="a rule to no state"
    ),
    pytest.param(
        choice_of({"Condition": "{% true %}", "Next": "E"}, Default="X"),
        "C",
        "Default",
        id="a default to no state",
    ),
    pytest.param(
        choice_of({"Variable": "$.x", "IsNull": True, "Next": "E"}),
        "C",
        "Choices[0]/Condition",
        id="JSONPath",
    ),
    pytest.param(
        choice_of({"Condition": "{% true %}", "Next": "E"}, Assign={"x": 1}),
        "C",
        "Default",
        id="Assign for no default",
    ),
    pytest.param(
        choice_of({"Condition": "{% true %}", "Next": "E"}, Next="E"), "C", "Next", id="Choice with Next"
    ),
    # Task
    pytest.param(
        task_with(Resource="arn:aws:states:::glue:startJobRun.sync"), "T", "Resource", id="other services"
    ),
    pytest.param(
        task_with(Resource="arn:aws:lambda:us-east-1:1:function:f"),
        "T",
        "Resource",
        id="a function's own ARN",
    ),
    pytest.param(task_with(Arguments={"Payload": 1}), "T", "Arguments", id="no function"),
    pytest.param(task_with(Arguments={"FunctionName": ""}), "T", "Arguments", id="a function without a name"),
    pytest.param(
        task_with(Arguments={"FunctionName": "f", "InvocationType": "Event"}),
        "T",
        "Arguments",
        id="other arguments",
    ),
    pytest.param(task_with(Credentials={}), "T", "Credentials", id="Credentials"),
    pytest.param(task_with(TimeoutSeconds=0), "T", "TimeoutSeconds", id="no time at all for a task"),
    pytest.param(task_with(TimeoutSeconds=100_000_000), "T", "TimeoutSeconds", id="too long"),
    pytest.param(task_with(HeartbeatSeconds=5), "T", "HeartbeatSeconds", id="heartbeats without a token"),
    pytest.param(
        task_with(token=True, HeartbeatSeconds=60, TimeoutSeconds=60),
        "T",
        "HeartbeatSeconds",
        id="slow heartbeats",
    ),
    pytest.param(task_with(ResultPath="$"), "T", "ResultPath", id="JSONPath's ResultPath"),
    # Retry and Catch
    pytest.param(task_with(Retry=[{}]), "T", "Retry[0]/ErrorEquals", id="which errors"),
    pytest.param(task_with(Retry=[{"ErrorEquals": []}]), "T", "Retry[0]/ErrorEquals", id="no errors"),
    pytest.param(
        task_with(Retry=[{"ErrorEquals": ["States.ALL", "E"]}]),
        "T",
        "Retry[0]/ErrorEquals",
        id="ALL is not alone",
    ),
    pytest.param(
        task_with(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]),
        "T",
        "Retry",
        id="ALL is not last",
    ),
    pytest.param(retry(IntervalSeconds=0), "T", "Retry[0]/IntervalSeconds", id="no interval"),
    pytest.param(retry(IntervalSeconds=1.5), "T", "Retry[0]/IntervalSeconds", id="half seconds"),
    pytest.param(retry(MaxAttempts=-1), "T", "Retry[0]/MaxAttempts", id="fewer than no attempts"),
    pytest.param(retry(BackoffRate=0.5), "T", "Retry[0]/BackoffRate", id="ever shorter"),
    pytest.param(retry(MaxDelaySeconds=31_622_401), "T", "Retry[0]/MaxDelaySeconds", id="over a year"),
    pytest.param(retry(JitterStrategy="HALF"), "T", "Retry[0]/JitterStrategy", id="unknown jitter"),
    pytest.param(retry(Delay=1), "T", "Retry[0]/Delay", id="unknown field of a retrier"),
    pytest.param(task_with(Catch=[{"ErrorEquals": ["E"]}]), "T", "Catch[0]/Next", id="caught to nowhere"),
    pytest.param(
        task_with(Catch=[{"ErrorEquals": ["E"], "Next": "X"}]), "T", "Catch[0]/Next", id="caught to no state"
    ),
    pytest.param(
        task_with(Catch=[{"ErrorEquals": ["E"], "ResultPath": "$.e", "Next": "T"}]),
        "T",
        "Catch[0]/ResultPath",
        id="path",
    ),
    # variables and expressions
    pytest.param(a_pass(Assign={"x.y": 1}), "P", "Assign/x.y", id="a part of a variable"),
    pytest.param(a_pass(Assign={"states": 1}), "P", "Assign/states", id="the reserved variable"),
    pytest.param(a_pass(Assign={"1st": 1}), "P", "Assign/1st", id="no identifier"),
    pytest.param(a_pass(Output="{% 1 + %}"), "P", "Output", id="not JSONata"),
    pytest.param(a_pass(Output={"a": [1, "{% $x %"]}), "P", "Output/a[1]", id="never closed"),
    pytest.param(a_pass(Output="$x %}"), "P", "Output", id="never opened"),
    pytest.param(a_pass(Output="{% $missing.a %}"), "P", "Output", id="a variable no state assigns"),
    pytest.param(a_pass(Output="{% $eval('1') %}"), "P", "Output", id="$eval, which Step Functions has not"),
    pytest.param(a_pass(Output="{% $states.result %}"), "P", "Output", id="a result where there is none"),
    pytest.param(a_pass(Output="{% $states.inputs.a %}"), "P", "Output", id="a misspelt member of $states"),
    pytest.param(
        task_with(Arguments="{% $states.result %}"), "T", "Arguments", id="a result before there is one"
    ),
    pytest.param(
        task_with(Output="{% $states.errorOutput %}"), "T", "Output", id="an error where there is none"
    ),
    pytest.param(
        task_with(Catch=[{"ErrorEquals": ["E"], "Output": "{% $states.result %}", "Next": "T"}]),
        "T",
        "Catch[0]/Output",
        id="a result where it failed",
    ),
    pytest.param(a_pass(Output="{% input.a %}"), "P", "Output", id="a bare name"),
    pytest.param(a_pass(Output="{% $.a %}"), "P", "Output", id="$ with nothing to mean"),
    pytest.param(a_pass(Output="{% $states.input.a[$$.b = 1] %}"), "P", "Output", id="$$, which is nothing"),
    pytest.param(a_pass(Output="{% (a; $states.input) %}"), "P", "Output", id="a bare name within a block"),
]


@pytest.mark.parametrize(("definition", "state", "field"), REFUSED)
def test_a_definition_is_refused_by_state_and_field(
    definition: dict[str, Any], state: str, field: str
) -> None:
    with pytest.raises(DefinitionError) as refusal:
        parse_machine(definition)

    assert str(refusal.value).startswith(f"state {state!r}, field {field!r}: ")


ACCEPTED = [
    pytest.param("{% $states.input.rows[n > 1].(a & b) %}", id="names within a step have a context"),
    pytest.param(
        "{% $map($states.input.rows, function($row, $i) { $row.n * $i }) %}", id="parameters are bound"
    ),
    pytest.param(
        "{% ($total := $sum($states.input.rows.n); $total / 2) %}", id="a block binds its own names"
    ),
    pytest.param("{% $states.input.rows@$row.{'n': $row.n} %}", id="a focus binds a name"),
    pytest.param("{% $states.input ~> |rows|{'seen': true}| %}", id="a transform has a context"),
    pytest.param("{% $states.input.rows^(>n) %}", id="so has a sort"),
    pytest.param("{% $states.input.rows{a: n} %}", id="and a grouping"),
    pytest.param("{% $states.input.a[$ > 1] %}", id="$ within a predicate"),
    pytest.param("{% $states %}", id="all of $states"),
]


@pytest.mark.parametrize("expression", ACCEPTED)
def test_an_expression_with_names_of_its_own_is_accepted(expression: str) -> None:
    machine = parse_machine(a_pass(Output=expression))

    assert machine.start_at == "P"


def test_the_machine_of_this_project_is_covered() -> None:
    path = Path(__file__).parents[2] / "statemachine" / "pipeline_run.asl.json"

    machine = parse_machine(json.loads(path.read_text()))

    assert machine.start_at == "EvaluateReadiness"


def test_a_variable_may_be_read_where_any_other_state_or_rule_or_catcher_assigns_it() -> None:
    catch = [{"ErrorEquals": ["E"], "Assign": {"b": 1}, "Next": "P"}]
    rule = {"Condition": "{% true %}", "Assign": {"c": 1}, "Next": "P"}
    states = {
        "T": a_task(Assign={"a": 1}, Catch=catch, Next="C"),
        "C": {"Type": "Choice", "Choices": [rule], "Default": "P"},
        "P": {"Type": "Pass", "Output": "{% [$a, $b, $c] %}", "End": True},
    }

    assert list(parse_machine(a_machine(states)).states) == ["T", "C", "P"]

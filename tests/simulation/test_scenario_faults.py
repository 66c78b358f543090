"""A fault strikes the calls it names, as often as it says, in the order of the file."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interlock.ports import CallFailed
from interlock.simulation.faults import STALE, FaultPlan, FunctionCrashed, failed_call, kind_of
from interlock.simulation.scenario import Fault
from scenario_text import GLUE_PIPELINE, LANDED, instants, played

PUT, QUERY = "dynamodb.PutItem", "dynamodb.Query"


def error_of(fault: Fault | None) -> str | None:
    return fault and fault.error


def test_faults_on_one_call_queue_up() -> None:
    plan = FaultPlan()
    plan.arm(Fault(PUT, "First", times=2))
    plan.arm(Fault(PUT, "Second"))

    struck = [error_of(plan.strike(PUT, None, after=False)) for _ in range(4)]

    assert struck == ["First", "First", "Second", None]


def test_a_fault_after_the_effect_leaves_the_call_before_it_alone() -> None:
    plan = FaultPlan()
    plan.arm(Fault(PUT, "Late", after=True))
    plan.arm(Fault(PUT, "Early"))

    struck = [error_of(plan.strike(PUT, None, after=after)) for after in (False, True, False)]

    assert struck == [None, "Late", "Early"]


def test_a_fault_of_one_pipeline_spares_the_others() -> None:
    plan = FaultPlan()
    plan.arm(Fault(PUT, "Mine", pipeline_id="a"))

    assert [error_of(plan.strike(PUT, pipeline, after=False)) for pipeline in ("b", None, "a", "a")] == [
        None,
        None,
        "Mine",
        None,
    ]


def test_calls_that_a_fault_lets_pass_are_those_that_it_is_meant_for() -> None:
    plan = FaultPlan()
    plan.arm(Fault(PUT, "Third", pipeline_id="a", skip=2, times=2))

    struck = [
        error_of(plan.strike(PUT, pipeline, after=False)) for pipeline in ("a", "b", "a", "b", "a", "a")
    ]

    assert struck == [None, None, None, None, "Third", "Third"]


def test_a_fault_of_one_function_spares_the_others() -> None:
    plan = FaultPlan()
    plan.arm(Fault(PUT, "Mine", function="event-sink"))

    functions = ("watchdog", None, "event-sink")
    struck = [error_of(plan.strike(PUT, None, after=False, function=function)) for function in functions]

    assert struck == [None, None, "Mine"]


def test_a_stale_answer_waits_for_a_query_of_the_index() -> None:
    plan = FaultPlan()
    plan.arm(Fault(QUERY, STALE))
    plan.arm(Fault(QUERY, "Throttled"))

    assert [error_of(plan.strike(QUERY, "a", after=False)) for _ in range(2)] == ["Throttled", None]
    assert [error_of(plan.strike_stale(None, "watchdog")) for _ in range(2)] == [STALE, None]


def test_what_is_taken_back_strikes_no_more_and_is_left_over() -> None:
    plan = FaultPlan()
    armed = plan.arm(Fault(PUT, "Mine", times=3))
    plan.strike(PUT, None, after=False)

    plan.disarm(armed)

    assert plan.strike(PUT, None, after=False) is None
    assert [left for _, left in plan.unused()] == [2]


@pytest.mark.parametrize(
    ("fault", "may"),
    [
        (Fault(PUT), False),
        (Fault(QUERY), True),
        (Fault(QUERY, function="watchdog"), True),
        (Fault(QUERY, function="orchestrator"), False),
        (Fault(QUERY, STALE), True),
    ],
)
def test_a_fault_may_strike_whoever_makes_its_call(fault: Fault, may: bool) -> None:
    plan = FaultPlan()
    plan.arm(fault)

    assert plan.may_strike([QUERY, "dynamodb.GetItem"], "watchdog") is may


def test_a_fault_is_gone_from_the_instant_on_to_which_it_lasts() -> None:
    timeline = '{at: "+0s", fault: {call: glue.StartJobRun, times: 100, lasts: 5m}}'

    world = played(timeline, LANDED, '{at: "+5m", redeliver: {last: 1}}')

    times = [line.at for line in world.history.lines if line.text.startswith("glue.StartJobRun fails")]
    assert max(times) < world.scenario.start + timedelta(minutes=5)
    assert len(world.history.jobs) == 1
    assert [fault.call for fault, _ in world.unused_faults] == ["glue.StartJobRun"]


@pytest.mark.parametrize(
    ("error", "after", "kind"),
    [
        ("crash", False, "crash before"),
        ("crash", True, "crash after"),
        ("timeout", True, "time-out after"),
        ("ThrottlingException", True, "throttle"),
        ("ProvisionedThroughputExceededException", False, "throttle"),
        ("429", False, "throttle"),
        ("InternalServerError", False, "other refusal before"),
        ("AccessDeniedException", True, "other refusal after"),
        ("stall", False, "stall before"),
        ("stale", False, "stale read"),
    ],
)
def test_a_fault_is_counted_under_its_kind(error: str, after: bool, kind: str) -> None:
    assert kind_of(Fault(PUT, error, after)) == kind


def test_a_stale_look_misses_what_has_just_become_due_and_the_next_one_finds_it() -> None:
    late = GLUE_PIPELINE.replace("evaluation: {window: 1h}", "evaluation: {window: 1m}").replace(
        "schedule:", "validation: {rules: [{key: rows, check: exists}]}\n    schedule:"
    )
    lost = '{at: "+0s", fault: {call: dynamodb.TransactGetItems, times: 100, lasts: 3m}}'
    stale = '{at: "+0s", fault: {call: dynamodb.Query, error: stale, times: 8, function: watchdog}}'

    world = played(lost, stale, LANDED, configs=late)

    assert world.history.faults["stale read"] == 8
    assert len(instants(world, "VALIDATION_EXHAUSTED")) == 1


def test_a_fault_that_nobody_met_is_left_over() -> None:
    world = played('{at: "+0s", fault: {call: dynamodb.PutItm, times: 3}}', LANDED)

    assert [(fault.call, left) for fault, left in world.unused_faults] == [("dynamodb.PutItm", 3)]


@pytest.mark.parametrize(
    ("error", "unknown"),
    [
        ("timeout", True),
        ("InternalServerError", True),
        ("ThrottlingException", False),
        ("AccessDeniedException", False),
    ],
)
def test_only_an_error_that_says_nothing_of_the_effect_leaves_it_unknown(error: str, unknown: bool) -> None:
    failure = failed_call("dynamodb.PutItem", error, after=False)

    assert isinstance(failure, CallFailed)
    assert failure.unknown_outcome is unknown


def test_no_broad_except_of_ours_can_hold_a_crash_up() -> None:
    assert not issubclass(FunctionCrashed, Exception)


def test_the_timelines_own_writes_never_fail() -> None:
    world = played(f'{{at: "+0s", fault: {{call: {PUT}, error: crash, times: 1}}}}', LANDED)

    assert instants(world, "JOB_COMPLETED") == [
        "601"
    ]  # the one that failed was ours, tried again a second later


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "call",
    [
        "dynamodb.PutItem",
        "dynamodb.UpdateItem",
        "dynamodb.GetItem",
        "dynamodb.TransactGetItems",
        "dynamodb.Query",
        "states.StartExecution",
        "states.SendTaskSuccess",
        "glue.StartJobRun",
        "events.PutEvents",
    ],
)
@pytest.mark.parametrize("error", ["crash", "timeout", "ThrottlingException"])
def test_a_call_that_fails_twice_costs_no_run_and_starts_no_second_job(
    call: str, when: str, error: str
) -> None:
    fault = f'{{at: "+0s", fault: {{call: {call}, when: {when}, error: {error}, times: 2}}}}'

    world = played(fault, LANDED, configs=GLUE_PIPELINE.replace("maxRetries: 0", "maxRetries: 1"))

    assert len(world.history.jobs) == 1
    assert [len(instants(world, name)) for name in ("RUN_OPENED", "JOB_TRIGGERED", "JOB_COMPLETED")] == [
        1,
        1,
        1,
    ]


def test_a_run_that_was_not_set_going_yet_cannot_be_stopped() -> None:
    fault = '{at: "+0s", fault: {call: states.StartExecution, when: before, times: 3}}'
    stop = '{at: "+1s", stop_execution: {pipeline: sessions, date: "2026-03-02"}}'

    world = played(fault, LANDED, stop)

    assert "nothing runs for 2026-03-02" in [line.text for line in world.history.lines]
    assert len(world.history.jobs) == 1

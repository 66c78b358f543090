"""What the watchdog remembers, on both tables: two that write at once do not both believe that they were first."""

import pytest

from builders import at
from interlock.aws import keys
from interlock.aws.watchdog_memory import DynamoWatchdogMemory
from interlock.domain.absence_wording import watchdog_degraded
from interlock.ports import FailingParts, Lost, SweepPass

NOW = at("2026-03-02T08:30")
TOLD = watchdog_degraded({"config sync": "throttled"}, NOW)


@pytest.fixture
def memory(table):
    return DynamoWatchdogMemory(table)


def test_at_first_nothing_fails_and_no_sweep_was_made(memory):
    assert memory.failing() == FailingParts()
    assert memory.sweep_pass() is None


def test_failing_parts_are_remembered_with_what_was_told(memory):
    memory.remember_failing(memory.failing(), {"config sync": "throttled"}, TOLD, NOW)

    assert memory.failing() == FailingParts({"config sync": "throttled"}, 1, NOW)
    (event,) = memory.events_of_nobody()
    assert (event.type, event.pipeline_id) == ("WATCHDOG_DEGRADED", None)


def test_the_next_time_is_another_event(memory):
    memory.remember_failing(memory.failing(), {"config sync": "throttled"}, TOLD, NOW)
    first = memory.events_of_nobody()
    memory.remember_failing(memory.failing(), {}, None, NOW)
    assert memory.events_of_nobody() == []

    memory.remember_failing(memory.failing(), {"config sync": "throttled"}, TOLD, NOW)

    assert memory.events_of_nobody()[0].event_id != first[0].event_id


def test_of_two_ticks_that_remember_at_once_one_has_lost(memory):
    before = memory.failing()
    memory.remember_failing(before, {"sweep": "a"}, TOLD, NOW)

    with pytest.raises(Lost):
        memory.remember_failing(before, {"sweep": "b"}, TOLD, NOW)


@pytest.mark.parametrize("cursor", ["a.yaml", None])
def test_a_pass_is_remembered_as_far_as_it_came(memory, cursor):
    memory.advance(None, SweepPass(NOW))
    latest = memory.sweep_pass()

    memory.advance(latest, SweepPass(NOW, cursor, failed=True))

    assert memory.sweep_pass() == SweepPass(NOW, cursor, failed=True, version=2)


def test_of_two_sweeps_that_advance_at_once_one_has_lost(memory):
    memory.advance(None, SweepPass(NOW))

    with pytest.raises(Lost):
        memory.advance(None, SweepPass(NOW, "a.yaml"))


@pytest.mark.parametrize("row", [{}, {"startedAt": 7, "version": "x"}, {"startedAt": "soon", "cursor": 3}])
def test_a_pass_that_somebody_wrote_over_is_due_anew(table, memory, row):
    table.put({"PK": keys.SWEEP_KEY[0], "SK": keys.SWEEP_KEY[1], **row})

    latest = memory.sweep_pass()

    assert latest.started_at.year == 2000


@pytest.mark.parametrize("row", [{}, {"failing": "all"}, {"failing": {"sweep": 7}, "createdAt": 7}])
def test_failing_parts_that_somebody_wrote_over_are_remembered_anew(table, memory, row):
    table.put({"PK": keys.WATCHDOG_KEY[0], "SK": keys.WATCHDOG_KEY[1], **row})

    memory.remember_failing(memory.failing(), {"config sync": "throttled"}, TOLD, NOW)

    assert memory.failing().errors == {"config sync": "throttled"}


def test_files_are_listed_in_pages(table, memory):
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        partition, sort = keys.config_file_key(name)
        table.put({"PK": partition, "SK": sort} | ({"pipelineId": name[0]} if name != "b.yaml" else {}))

    first = memory.config_files_after("", 2)

    assert first == [("a.yaml", "a"), ("b.yaml", None)]
    assert memory.config_files_after("b.yaml", 2) == [("c.yaml", "c")]
    assert memory.config_files_after("c.yaml", 2) == []

"""Calls that answer only at their end."""

import threading

import pytest

from interlock.domain.run import JobEnd, Outcome
from interlock.ports import TriggerError
from interlock.triggers.background import begin, on_a_thread

SUCCESS = Outcome(JobEnd.SUCCESS)


def impatient(call):
    """As `on_a_thread`, for tests that would have to wait until a call counts as accepted."""
    pending = on_a_thread(call)
    pending.ended_within = lambda _seconds: False
    return pending


def raising(error):
    def call():
        raise error

    return call


def test_an_early_refusal_is_raised_at_once():
    with pytest.raises(TriggerError, match="throttled"):
        begin(raising(TriggerError("throttled", permanent=False)), on_a_thread)


def test_an_early_answer_is_told_by_the_answer():
    assert begin(lambda: SUCCESS, on_a_thread)() == SUCCESS


def test_a_call_still_under_way_has_been_accepted():
    goes_on = threading.Event()
    answer = begin(lambda: goes_on.wait(10) and SUCCESS, impatient)

    goes_on.set()

    assert answer() == SUCCESS


def test_a_late_error_is_raised_by_the_answer_each_time_it_is_asked():
    answer = begin(raising(TriggerError("cut off", permanent=True)), impatient)

    for _ in range(2):
        with pytest.raises(TriggerError, match="cut off"):
            answer()


def test_waiting_ends_when_its_time_is_over():
    goes_on = threading.Event()
    pending = on_a_thread(lambda: goes_on.wait(10))

    assert not pending.ended_within(0.01)
    goes_on.set()
    assert pending.ended_within(10)

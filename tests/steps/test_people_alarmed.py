"""Whose success is a recovery: of a run that people were alarmed about, by whichever row."""

import pytest

from builders import a_key, a_pipeline, a_run, a_trigger
from interlock.domain.pipeline import Deadline, Include, PostRun, Sla
from interlock.domain.promise import PromiseKind, changed, promised, settled
from interlock.steps.people_alarmed import people_were_alarmed
from world_builder import NOW, World, later

SLA = Sla(deadline=Deadline(30, 9))


def a_world(kind, judged):
    world = World()
    promise = promised(kind, a_key(), later(minutes=30), NOW)
    world.outside.make_promise(promise)
    if judged is not None:
        world.outside.change_promise(promise, judged(promise))
    return world


@pytest.mark.parametrize(
    ("judged", "alarmed"),
    [
        pytest.param(None, False, id="open"),
        pytest.param(lambda promise: changed(promise, warned=True), True, id="warned"),
        pytest.param(lambda promise: settled(promise, "breached"), True, id="breached"),
        pytest.param(lambda promise: settled(promise, "met"), False, id="met"),
    ],
)
def test_an_sla_that_was_warned_of_or_breached_alarmed_people(judged, alarmed):
    world = a_world(PromiseKind.SLA, judged)

    assert people_were_alarmed(a_run("RUNNING"), a_pipeline(sla=SLA), world.outside) is alarmed


@pytest.mark.parametrize("kind", [PromiseKind.FIRE, PromiseKind.INCLUSION, PromiseKind.TRIGGER])
@pytest.mark.parametrize(("opened_by", "alarmed"), [("rerun", True), ("trigger", False)])
def test_a_start_that_was_missed_alarmed_people_before_somebody_asked_for_it(kind, opened_by, alarmed):
    world = a_world(kind, lambda promise: settled(promise, "missed"))

    run = a_run("RUNNING", opened_by=opened_by)

    assert people_were_alarmed(run, a_pipeline(), world.outside) is alarmed


@pytest.mark.parametrize(
    ("kind", "opened_by", "schedule"),
    [
        (PromiseKind.INCLUSION, "trigger", {"include": Include()}),
        (PromiseKind.FIRE, "trigger", {"cron": "0 5 * * *", "trigger": a_trigger()}),
        (PromiseKind.TRIGGER, "cron", {"cron": "0 5 * * *", "trigger": a_trigger(deadline=Deadline(0, 5))}),
    ],
)
def test_the_other_start_that_was_missed_alarmed_people_too(kind, opened_by, schedule):
    world = a_world(kind, lambda promise: settled(promise, "missed"))

    run = a_run("RUNNING", opened_by=opened_by)

    assert people_were_alarmed(run, a_pipeline(**schedule), world.outside) is True


@pytest.mark.parametrize(("succeeded_at", "alarmed"), [(NOW, True), (None, False)])
def test_a_sensor_that_was_missing_after_the_success_before_alarmed_people(succeeded_at, alarmed):
    world = a_world(PromiseKind.POST_RUN, lambda promise: settled(promise, "missing"))

    run = a_run("RUNNING", first_succeeded_at=succeeded_at)

    assert people_were_alarmed(run, a_pipeline(post_run=PostRun()), world.outside) is alarmed


def test_what_was_told_stays_told_when_its_config_goes():
    breached = a_world(PromiseKind.SLA, lambda promise: settled(promise, "breached"))

    assert people_were_alarmed(a_run("RUNNING"), None, breached.outside) is True
    assert people_were_alarmed(a_run("RUNNING"), None, World().outside) is False

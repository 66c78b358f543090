"""The rows by which a success finds who waits for it follow the files, and a file that closes a circle is refused."""

import pytest

from config_world import Configs
from interlock.simulation.faults import FunctionCrashed
from world_builder import later

ALL = ("gold", "silver", "bronze", "past")


def a_file(pipeline_id, *upstreams):
    """Each upstream as `silver`, or as `silver previous`."""
    rules = "".join(
        f"\n    - {{pipeline: {name}, check: succeeded, date: {date or 'same'}}}"
        for name, _, date in (upstream.partition(" ") for upstream in upstreams)
    )
    return (
        f"pipeline: {{id: {pipeline_id}}}\nschedule: {{cron: 0 6 * * *}}\n"
        f"validation:\n  rules:{rules or ' []'}\njob: {{type: glue, config: {{jobName: etl}}}}\n"
    ).encode()


def edges(world):
    """Who is waited for, and by whom."""
    found = {name: world.outside.dependents_of(name) for name in ALL}
    return {name: dependents for name, dependents in found.items() if dependents}


# ---------------------------------------------------------------- the rows


def test_each_upstream_knows_who_waits_for_it():
    world = Configs(gold=a_file("gold", "silver", "bronze window"), silver=a_file("silver", "bronze"))

    world.sync()

    assert edges(world) == {"silver": ["gold"], "bronze": ["gold", "silver"]}


def test_a_pipeline_may_wait_for_its_own_past():
    world = Configs(past=a_file("past", "past previous"))

    world.sync()

    assert edges(world) == {"past": ["past"]}


@pytest.mark.parametrize(
    ("after", "left"),
    [
        pytest.param({"gold": a_file("gold", "silver")}, {"silver": ["gold"]}, id="one rule fewer"),
        pytest.param({"gold": a_file("gold")}, {}, id="no rule"),
        pytest.param({"gold": a_file("gold", "bronze window")}, {"bronze": ["gold"]}, id="another date"),
        pytest.param({"gold": None}, {}, id="no file"),
        pytest.param({"gold": a_file("silver", "bronze")}, {"bronze": ["silver"]}, id="another id"),
        pytest.param({"gold": b"job: ["}, {"silver": ["gold"], "bronze": ["gold"]}, id="invalid"),
        pytest.param(
            {"gold": None, "renamed": a_file("gold", "silver", "bronze")},
            {"silver": ["gold"], "bronze": ["gold"]},
            id="renamed",
        ),
    ],
)
def test_the_rows_follow_the_file(after, left):
    world = Configs(gold=a_file("gold", "silver", "bronze"))
    world.sync()

    world.write(**after)
    world.sync()

    assert edges(world) == left


@pytest.mark.parametrize("call", ["dynamodb.PutItem", "dynamodb.DeleteItem"])
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_change_that_dies_is_made_good_by_the_next_pass(call, nth, when):
    world = Configs(gold=a_file("gold", "silver", "bronze"))
    world.sync()
    world.write(gold=a_file("gold", "bronze", "past"), silver=a_file("silver", "bronze"))
    for _ in range(nth - 1):
        world.calls.arrange(call, lambda: None, after=when == "after")
    world.calls.arrange(call, FunctionCrashed(call), after=when == "after")

    for minute in (1, 2):
        try:
            world.sync(later(minutes=minute))
        except FunctionCrashed:
            continue

    assert edges(world) == {"bronze": ["gold", "silver"], "past": ["gold"]}


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_removal_that_dies_leaves_no_row_behind(nth):
    world = Configs(gold=a_file("gold", "silver", "bronze"))
    world.sync()
    world.write(gold=None)
    for _ in range(nth - 1):
        world.calls.arrange("dynamodb.DeleteItem", lambda: None)
    world.calls.arrange("dynamodb.DeleteItem", FunctionCrashed("deleting"))

    with pytest.raises(FunctionCrashed):
        world.sync()
    world.sync()

    assert (edges(world), world.stored) == ({}, {})


# ---------------------------------------------------------------- circles


def test_the_file_that_closes_a_circle_is_refused_at_its_rule_and_the_others_stay():
    world = Configs(
        bronze=a_file("bronze", "gold"),
        gold=a_file("gold", "silver window"),
        silver=a_file("silver", "bronze"),
    )

    world.sync()

    assert sorted(world.stored) == ["bronze", "gold"]
    told = world.events[-1]
    assert (told.type, told.pipeline_id) == ("CONFIG_INVALID", "silver")
    [mistake] = told.detail["mistakes"]
    assert mistake.startswith("silver.yaml:5: validation.rules[0].pipeline: these wait for each other: ")
    assert "silver -> bronze -> gold -> silver" in mistake


def test_a_change_that_closes_a_circle_keeps_the_last_good_config_and_its_rows():
    world = Configs(gold=a_file("gold", "silver"), silver=a_file("silver", "bronze"))
    world.sync()

    world.write(silver=a_file("silver", "gold"))
    world.sync()

    assert edges(world) == {"silver": ["gold"], "bronze": ["silver"]}
    assert "the last good config stays in force" in world.events[-1].message


def test_a_circle_by_way_of_the_date_before_is_none():
    world = Configs(gold=a_file("gold", "silver"), silver=a_file("silver", "gold previous"))

    world.sync()

    assert sorted(world.stored) == ["gold", "silver"]


@pytest.mark.parametrize(
    "opened",
    [
        pytest.param({"gold": a_file("gold")}, id="gives up its rule"),
        pytest.param({"gold": a_file("gold", "silver previous")}, id="looks at the date before"),
        pytest.param({"gold": None}, id="removed"),
    ],
)
def test_a_file_that_was_refused_for_a_circle_is_taken_in_once_that_is_open(opened):
    world = Configs(gold=a_file("gold", "silver"), silver=a_file("silver", "gold"))
    world.sync()
    assert "silver" not in world.stored

    world.write(**opened)
    world.sync()

    assert "silver" in world.stored


def test_a_file_that_was_refused_for_a_circle_is_taken_in_although_the_pass_that_opened_it_died():
    world = Configs(gold=a_file("gold", "silver"), silver=a_file("silver", "gold"))
    world.sync()
    world.write(gold=a_file("gold"))
    world.calls.arrange("dynamodb.PutItem", FunctionCrashed("after the config was stored"), after=True)

    with pytest.raises(FunctionCrashed):
        world.sync()
    world.sync()

    assert sorted(world.stored) == ["gold", "silver"]


def test_a_stored_config_that_cannot_be_read_closes_no_circle():
    world = Configs(gold=a_file("gold", "silver"))
    world.sync()
    world.table.from_outside().put(
        {"PK": "PIPELINE#gold", "SK": "CONFIG", "config": "?", "source": "gold.yaml"}
    )

    world.write(silver=a_file("silver", "gold"))
    world.sync()

    assert world.outside.pipeline("silver") is not None

"""A bad neighbour harms nobody: malformed files and garbage rows are told, and the others run on."""

import pytest

from flow.world import DATE, QUICK, World
from interlock.domain.run import RunStatus
from local.emulator_kit import unique

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("flow")]

MALFORMED = """\
pipeline: {id: %s}
schedule:
  trigger: {key: upstream, chek: exists}
job:
  type: glue
  config: {jobNam: etl}
"""


def test_a_malformed_file_is_refused_line_by_line(world: World) -> None:
    name = unique("malformed")

    world.upload(f"{name}.yaml", MALFORMED % name)

    (text,) = world.reads(f"{name}.yaml", messages=1)
    assert f"{name}.yaml:3" in text
    assert f"{name}.yaml:6" in text
    assert world.control.config(name) is None


def test_a_malformed_file_leaves_its_last_good_config_and_the_others_alone(world: World) -> None:
    spoilt, other = world.declare(QUICK), world.declare(QUICK)

    world.upload(f"{spoilt}.yaml", MALFORMED % spoilt)
    world.hears(spoilt, "CONFIG_INVALID")

    for pipeline in (spoilt, other):
        world.open_ready(pipeline)
        world.reaches(pipeline, RunStatus.SUCCEEDED)


def test_a_reading_that_cannot_be_read_is_told_once_and_the_next_one_counts(world: World) -> None:
    pipeline = world.declare(QUICK)
    world.open(pipeline)

    world.write(pipeline, "orders", count=1000, date="the first of March")
    world.write(pipeline, "orders", count=1000, date="the first of March", note="again")
    world.write(pipeline, "orders", count=1000)

    world.reaches(pipeline, RunStatus.SUCCEEDED)
    assert world.hears(pipeline, "SENSOR_INVALID", "JOB_COMPLETED").count("SENSOR_INVALID") == 1


GARBAGE = {
    "a sensor of nothing": {"SK": "SENSOR#orders"},
    "a sensor whose data is no map": {"SK": "SENSOR#orders", "data": [1, 2]},
    "a sensor of bytes": {"SK": "SENSOR#orders", "data": {"count": b"\xff\xfe"}},
    "a huge sensor": {"SK": "SENSOR#orders", "data": {"count": "9" * 300_000}},
    "a run of another world": {"SK": "RUN#stream#2026-02-30", "status": 5, "version": "x", "events": "none"},
    "a run that is nothing but its key": {"SK": "RUN#stream#2026-03-02"},
    "a run of no schedule": {"SK": "RUN#", "version": 1, "events": [{}]},
    "a request for no date": {"SK": "RERUN_REQUEST#"},
    "a request that is a list": {
        "SK": "RERUN_REQUEST#stream#2026-03-02",
        "reason": ["a"],
        "force": "perhaps",
    },
    "a config that is none": {"SK": "CONFIG", "config": "{", "version": "v"},
    "a notice of nothing": {"SK": "NOTICE#x", "version": {}, "events": {"a": None}},
}


@pytest.mark.parametrize("item", GARBAGE.values(), ids=GARBAGE)
def test_a_garbage_row_harms_nobody(world: World, item: dict[str, object]) -> None:
    garbled, healthy = world.declare(QUICK), world.declare(QUICK)

    world.put("control", {"PK": f"PIPELINE#{garbled}", **item})
    world.open_ready(healthy)

    world.reaches(healthy, RunStatus.SUCCEEDED)
    assert len(world.jobs(healthy)) == 1


def test_a_garbage_row_leaves_its_own_pipeline_s_other_dates_alone(world: World) -> None:
    pipeline = world.declare(QUICK)

    world.put("control", {"PK": f"PIPELINE#{pipeline}", "SK": "RUN#stream#2026-02-30", "status": 5})
    world.put(
        "joblog", {"PK": f"PIPELINE#{pipeline}", "SK": f"JOB#stream#{DATE}#soon#first", "event": "fine"}
    )
    world.open_ready(pipeline)

    world.reaches(pipeline, RunStatus.SUCCEEDED)

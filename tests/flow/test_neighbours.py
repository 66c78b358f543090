"""A bad neighbour harms nobody: malformed files and garbage rows are told, and the others run on."""

import pytest

from flow.world import DATE, QUICK, SECONDS, World
from interlock.domain.run import RunStatus
from local.emulator_kit import eventually, unique

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("flow")]

MALFORMED = """\
pipeline: {id: %s}
schedule:
  trigger: {key: upstream, chek: exists}
job:
  type: glue
  config: {jobNam: etl}
"""

GOOD = """\
pipeline: {id: %s}
schedule: {trigger: {key: upstream, check: exists}}
job: {type: glue, config: {jobName: etl}}
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


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcde", "bcdef", strict=True)
)
NO_CONFIGS = {
    "five megabytes": (b"# x\n" * 1_300_000, "is larger than 256 KB; shorten it"),
    "nothing": (b"", "is empty; describe one pipeline"),
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "is a PDF, not YAML; upload the text itself"),
    "a zip": (b"PK\x03\x04\x14\x00\x08\xff", "is a zip archive or an Office document, not YAML"),
    "zeros": (bytes(5000), "is binary data, not YAML; upload the text itself"),
    "UTF-16": ("pipeline: {id: gold}".encode("utf-16"), "save the file as UTF-8"),
    "Latin 1": ("# größe".encode("latin-1"), "is not UTF-8 text; save the file as UTF-8"),
    "a web page": (b"<html><body>404</body></html>", "must be a mapping; begin with pipeline:"),
    "a billion laughs": (LAUGHS, "use fewer aliases"),
}


@pytest.mark.parametrize(("content", "change"), NO_CONFIGS.values(), ids=NO_CONFIGS)
def test_what_is_no_yaml_is_refused_once_in_words_that_say_what_to_change(
    world: World, content: str | bytes, change: str
) -> None:
    pipeline, other = world.declare(QUICK), unique("other")

    world.upload(f"{pipeline}.yaml", content)
    world.upload(f"{other}.yaml", GOOD % other)

    (text,) = world.reads(f"{pipeline}.yaml", messages=1)
    assert change in text
    eventually(lambda: world.control.config(other), SECONDS)
    assert world.control.config(pipeline) is not None


ODD_NAMES = ["gold revenue", "a+b%25", "größe/日本 😀", "q\"'<>&", "a/../b", "new\nline", "x" * 1000]


def test_a_file_is_loaded_whatever_its_name_and_folders_are_passed_over(world: World) -> None:
    pipelines = {unique("odd"): name for name in ODD_NAMES}
    folder = unique("folder")

    world.upload(f"{folder}.yaml/", b"")
    for pipeline, name in pipelines.items():
        world.upload(f"{name}.yaml", GOOD % pipeline)

    for pipeline, name in pipelines.items():
        config = eventually(lambda known=pipeline: world.control.config(known), SECONDS)
        assert config.source == f"{name}.yaml"
    assert world.threads(folder) == []


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

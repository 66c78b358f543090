"""Whatever lies in the bucket: each file is a config or is refused with its mistakes, and the others are loaded."""

from __future__ import annotations

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from config_world import Configs, a_file
from pipeline_text import SAMPLES
from world_builder import later

CALENDAR = b"calendar: {name: partner-closing-days, dates: [2026-12-25], days: [sunday]}\n"
VALID = [a_file("silver"), CALENDAR, *(sample.read_bytes() for sample in SAMPLES)]
WORDS = [
    "gold",
    "silver",
    "{",
    "}",
    "[",
    "]",
    ":",
    "\n",
    "  ",
    "- ",
    "&a ",
    "*a",
    "<<: ",
    "!!python/name:os ",
    "\t",
    "0x",
    ".nan",
]
TEXTS = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=60).map(str.encode),
    st.lists(st.sampled_from(WORDS), max_size=30).map(lambda words: "".join(words).encode()),
    st.integers(0, 300).map(lambda depth: b"pipeline: {id: silver}\nx: " + b"[" * depth),
    st.just(b"pipeline: {id: silver, owner: " + b"x" * 300_000 + b"}\n"),
    st.just(b"pipeline: {id: gold}\n" + a_file().split(b"\n", 1)[1]),  # the neighbour's id
)


def changed(text: bytes, at: int, removed: int, added: bytes) -> bytes:
    at %= len(text)
    return text[:at] + added + text[at + removed :]


ALMOST = st.builds(
    changed, st.sampled_from(VALID), st.integers(0, 10_000), st.integers(0, 9), st.binary(max_size=3)
)
NAMES = st.sampled_from(["a", "b", "z", "folder/gold", "é ", "#"])


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(files=st.dictionaries(NAMES, TEXTS | ALMOST, max_size=4))
@example({"a": b"\xff" * 300_000, "z": b"a: &a [*a]"})
@example({"a": a_file("gold")})
def test_no_file_keeps_another_from_being_loaded(files: dict[str, bytes]) -> None:
    world = Configs(**{"gold": a_file()})
    world.sync()

    world.write(**files)
    world.sync()
    world.write(gold=a_file(job_name="changed"))
    world.sync(later(minutes=5))

    assert world.stored["gold"] == ("gold.yaml", "changed")
    told = [event for event in world.events if event.type == "CONFIG_INVALID"]
    assert all(event.detail["mistakes"] and len(event.message) <= 2000 for event in told)
    assert len(told) + world.told.count("CONFIG_LOADED") == len(files) + 2  # none is passed over in silence


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(text=TEXTS | ALMOST)
def test_a_file_that_was_refused_is_loaded_once_it_is_corrected(text: bytes) -> None:
    world = Configs(bronze=text)
    world.sync()

    world.write(bronze=a_file("bronze"))
    world.sync()

    assert world.stored["bronze"] == ("bronze.yaml", "etl")

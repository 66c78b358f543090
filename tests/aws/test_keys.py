"""Table keys: what is built is parsed again, and nothing else is taken for one of ours."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import OPENED_AT, a_key
from interlock.aws import keys
from interlock.aws.keys import ParsedKey, RowKind, UnreadableKey, parse_key
from interlock.domain.event import EventType
from interlock.domain.run import RunKey
from interlock.ports import DUE_SHARDS

PIPELINE = "PIPELINE#gold-revenue"
IDS = st.from_regex(r"[A-Za-z0-9._-]{1,128}", fullmatch=True).filter(lambda text: text != "-")
DATES = st.from_regex(
    r"20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9])(T[01][0-9](:[0-5][0-9])?)?", fullmatch=True
)
RUN_KEYS = st.builds(RunKey, IDS, st.sampled_from(["cron", "stream"]), DATES)
INSTANTS = st.integers(0, 4_000_000_000_000).map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC))

# Tables that outsiders read and write by these very texts: the design fixes them.
SPELLED = [
    (keys.config_key("gold-revenue"), (PIPELINE, "CONFIG")),
    (keys.calendar_key("company"), ("CALENDAR#company", "CALENDAR")),
    (keys.sensor_key("gold-revenue", "orders#2026-03-02"), (PIPELINE, "SENSOR#orders#2026-03-02")),
    (keys.run_key(a_key(date="2026-03-02T18")), (PIPELINE, "RUN#stream#2026-03-02T18")),
    (keys.rerun_request_key(a_key()), (PIPELINE, "RERUN_REQUEST#stream#2026-03-02")),
    (keys.job_key(a_key(), OPENED_AT, 2), (PIPELINE, "JOB#stream#2026-03-02#1772438400000#2")),
    (keys.rerun_key(a_key(), 3), (PIPELINE, "RERUN#stream#2026-03-02#000003")),
    (keys.thread_key("gold-revenue", "stream#2026-03-02"), (PIPELINE, "THREAD#stream#2026-03-02")),
    (
        keys.event_key("gold-revenue", OPENED_AT, EventType.JOB_FAILED, "3fa9"),
        (PIPELINE, "1772438400000#JOB_FAILED#3fa9"),
    ),
]


@pytest.mark.parametrize(("built", "spelled"), SPELLED)
def test_a_key_is_spelled_as_the_design_says(built, spelled):
    assert built == spelled


@given(key=RUN_KEYS)
def test_a_runs_rows_lead_back_to_the_run(key):
    assert keys.parse_run_key(*keys.run_key(key)) == key
    assert keys.parse_run_key(*keys.rerun_request_key(key)) == key
    assert keys.parse_due_key(*keys.due_key(key)) == key


@given(key=RUN_KEYS, instant=INSTANTS, attempt=st.integers(1, 999_999))
def test_a_job_records_key_leads_back_to_its_attempt(key, instant, attempt):
    parsed = keys.parse_job_key(*keys.job_key(key, instant, attempt))

    assert parsed == (key, round(instant.timestamp() * 1000), attempt)


@given(pipeline_id=IDS, sensor=st.text(min_size=1))
def test_a_sensors_key_is_whatever_its_writer_called_it(pipeline_id, sensor):
    assert parse_key(*keys.sensor_key(pipeline_id, sensor)) == ParsedKey(RowKind.SENSOR, pipeline_id, sensor)


@pytest.mark.parametrize(
    ("key", "parsed"),
    [
        ((PIPELINE, "CONFIG"), ParsedKey(RowKind.CONFIG, "gold-revenue", "")),
        ((PIPELINE, "RERUN_REQUEST#cron#x"), ParsedKey(RowKind.RERUN_REQUEST, "gold-revenue", "cron#x")),
        ((PIPELINE, "RUN#"), ParsedKey(RowKind.RUN, "gold-revenue", "")),
        ((PIPELINE, "DUE#check#cron#x"), ParsedKey(RowKind.DUE, "gold-revenue", "check#cron#x")),
        (keys.notice_key("gold-revenue", "x"), ParsedKey(RowKind.NOTICE, "gold-revenue", "x")),
        pytest.param(
            keys.notice_key(None, "x"), ParsedKey(RowKind.NOTICE, "-", "x"), id="of no pipeline at all"
        ),
        pytest.param(
            keys.config_file_key("team/p.yaml"),
            ParsedKey(RowKind.CONFIG_FILE, "-", "team/p.yaml"),
            id="a config file, whose pipeline stands in its row",
        ),
    ],
)
def test_a_row_is_of_the_kind_that_its_key_says(key, parsed):
    assert parse_key(*key) == parsed


@pytest.mark.parametrize(
    "key",
    [
        (PIPELINE, "CONFIGURATION"),
        (PIPELINE, "SENSOR"),
        (PIPELINE, "sensor#orders"),
        (PIPELINE, "BASELINE#stream#2026-03-02"),
        (PIPELINE, ""),
        ("PIPELINE#", "CONFIG"),
        ("pipeline#gold", "CONFIG"),
        ("CALENDAR#company", "CALENDAR"),
        ("CONFIG_FILES", "CONFIG"),
        ("REMOTE#glue#jr_1", "RUN"),
        ("", ""),
    ],
)
def test_rows_that_concern_no_route_are_of_no_kind(key):
    assert parse_key(*key) is None


@given(partition=st.text() | st.just(PIPELINE), sort_key=st.text())
def test_any_key_is_of_a_kind_or_of_none(partition, sort_key):
    parsed = parse_key(partition, sort_key)

    assert parsed is None or parsed.kind in RowKind


@pytest.mark.parametrize(
    "sort_key",
    [
        "RUN#",
        "RUN#stream",
        "RUN#stream#",
        "RUN#hourly#2026-03-02",
        "RUN#STREAM#2026-03-02",
        "RERUN_REQUEST##2026-03-02",
        "BASELINE#stream#2026-03-02",
    ],
)
def test_what_names_no_run_is_refused_by_name(sort_key):
    with pytest.raises(UnreadableKey, match=r"is not RUN#<cron\|stream>#<date>"):
        keys.parse_run_key(PIPELINE, sort_key)


@pytest.mark.parametrize(
    "key",
    [
        (PIPELINE, "DUE#check#stream#"),
        (PIPELINE, "DUE#check#stream"),
        (PIPELINE, "DUE#sla#stream#2026-03-02"),
        ("CALENDAR#x", "DUE#check#stream#2026-03-02"),
        ("PIPELINE#", "DUE#check#stream#2026-03-02"),
    ],
)
def test_what_is_no_promise_of_a_run_is_refused_by_name(key):
    with pytest.raises(UnreadableKey, match=r"is not DUE#check#"):
        keys.parse_due_key(*key)


@pytest.mark.parametrize(
    ("sort_key", "wrong"),
    [
        ("JOB#stream#2026-03-02", "is not JOB#"),
        ("JOB#stream#2026-03-02#1772438400000", "is not JOB#"),
        ("JOB#stream#2026-03-02#1772438400000#1#x", "is not JOB#"),
        ("JOB#hourly#2026-03-02#1772438400000#1", "is not JOB#"),
        ("JOB#stream#2026-03-02#now#1", "'now' is not a time"),
        ("JOB#stream#2026-03-02#-1#1", "'-1' is not a time"),
        ("JOB#stream#2026-03-02#1772438400.5#1", "is not a time"),
        ("JOB#stream#2026-03-02#١٢#1", "is not a time"),
        ("JOB#stream#2026-03-02##1", "is not a time"),
        pytest.param("JOB#stream#2026-03-02#253402300800000#1", "is not a time", id="the year 10000"),
        ("JOB#stream#2026-03-02#1772438400000#first", "'first' is not an attempt"),
        ("JOB#stream#2026-03-02#1772438400000#", "is not an attempt"),
        ("JOB#stream#2026-03-02#1772438400000#0", "is not an attempt"),
        ("JOB#stream#2026-03-02#1772438400000#1000000", "is not an attempt"),
        ("JOB#stream#2026-03-02#1772438400000#²", "is not an attempt"),
    ],
)
def test_a_job_record_of_an_unreadable_key_says_what_is_wrong(sort_key, wrong):
    with pytest.raises(UnreadableKey, match=wrong):
        keys.parse_job_key(PIPELINE, sort_key)


@given(sort_key=st.text() | st.text().map(lambda rest: f"JOB#stream#2026-03-02#{rest}"))
def test_a_long_or_odd_key_is_quoted_in_part(sort_key):
    with pytest.raises(UnreadableKey) as refused:
        keys.parse_job_key(PIPELINE, sort_key * 50)

    assert len(str(refused.value)) < 2500  # 200 characters, each perhaps escaped


@given(pipeline_id=IDS | st.text(min_size=1))
def test_a_run_is_due_in_one_of_the_shards_that_the_watchdog_asks(pipeline_id):
    assert keys.due_shard(a_key(pipeline_id)) in range(DUE_SHARDS)


def test_a_notice_about_a_key_of_any_length_has_a_key_that_fits():
    """A sort key holds 1024 bytes, and a sensor's may have all of them."""
    made = [keys.notice_key("gold-revenue", f"SENSOR_INVALID#{'é' * 500}x{'é' * 10}{last}") for last in "ab"]

    assert all(len(sort_key.encode()) <= 1024 for _, sort_key in made)
    assert made[0] != made[1]

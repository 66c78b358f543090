"""The control table on DynamoDB (moto) and in memory alike: what is conditional, what wins, what stays."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from builders import OPENED_AT, a_key, a_pipeline, a_run, an_intent, at
from interlock.aws import keys
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.outbox import events_of
from interlock.aws.run_item import RowInvalid, run_item
from interlock.domain.bad_input import BadInput
from interlock.domain.baseline import Baseline
from interlock.domain.change import Change, ChangeKind
from interlock.domain.event import Announcement, EventType, event_id
from interlock.domain.pipeline_codec import encode_pipeline
from interlock.domain.pool import Pool, asked, ticket_of
from interlock.domain.promise import PromiseKind, changed, promised, settled
from interlock.domain.run import (
    MOVES,
    JobEnd,
    Outcome,
    RunStatus,
    announcing,
    moved,
    next_attempt,
    opened,
    reopened,
)
from interlock.domain.upstream_outcome import RunSeen
from interlock.ports import DUE_SHARDS, DuePromise, DueRun, Lost, StoredConfig

NOW = at("2026-03-02T08:30")
WINDOW = timedelta(hours=1)
PIPELINE = "PIPELINE#gold-revenue"
SUCCESS, FAILURE = Outcome(JobEnd.SUCCESS), Outcome(JobEnd.FAIL, "disk full")
LOADED = Announcement(EventType.CONFIG_LOADED, "loaded", NOW)


@pytest.fixture
def control(table):
    return DynamoControlTable(table)


@pytest.fixture
def stored(table):
    """`stored(run)`: the row as it stands, and the run."""

    def store(run):
        table.put(run_item(run))
        return run

    return store


# ---------------------------------------------------------------- opening


def test_an_opened_run_is_there(control):
    run = opened(a_key(), "trigger", OPENED_AT, WINDOW)

    control.open_run(run)

    assert control.run(a_key()) == run
    assert control.run(a_key(date="2026-03-03")) is None


def test_only_one_worker_opens_a_run_and_the_other_learns_of_it(control):
    first = opened(a_key(), "trigger", OPENED_AT, WINDOW)
    control.open_run(first)

    with pytest.raises(Lost) as lost:
        control.open_run(opened(a_key(), "cron", NOW, WINDOW))

    assert lost.value.current == control.run(a_key()) == first


def test_the_runs_of_a_day_are_those_of_its_hours(control, stored):
    for date in ("2026-03-01T23", "2026-03-02T00", "2026-03-02T10", "2026-03-03T00", "2026-03-02"):
        stored(a_run(key=a_key(date=date)))
    stored(a_run(key=a_key(schedule_id="cron", date="2026-03-02T11")))
    stored(a_run(key=a_key("silver", date="2026-03-02T12")))

    found = control.runs_of_date("gold-revenue", "stream", "2026-03-02")

    assert [run.key.date for run in found] == ["2026-03-02", "2026-03-02T00", "2026-03-02T10"]


# ---------------------------------------------------------------- moving


def test_a_move_is_written_and_answered_as_it_stands_then(control, stored):
    run = stored(a_run("RUNNING"))

    after = control.move(run, moved(run, RunStatus.SUCCEEDED, NOW, outcome=SUCCESS, task_token=None))

    assert after == control.run(a_key())
    assert (after.status, after.version, after.outcome) == ("SUCCEEDED", run.version + 1, SUCCESS)


RUN = a_run()
ELSEWHERE = {
    "moved on": moved(RUN, RunStatus.RUNNING, NOW),
    "another attempt": replace(RUN, attempt=2),
    "there and back": replace(RUN, version=RUN.version + 2),
}


@pytest.mark.parametrize("current", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_move_of_a_run_that_moved_on_is_lost_and_changes_nothing(control, stored, current):
    stored(current)

    with pytest.raises(Lost) as lost:
        control.move(RUN, moved(RUN, RunStatus.EXPIRED, NOW))

    assert lost.value.current == control.run(a_key()) == current


def test_a_move_of_a_run_that_was_deleted_is_lost_to_nobody_and_makes_no_row(control):
    with pytest.raises(Lost) as lost:
        control.move(RUN, moved(RUN, RunStatus.EXPIRED, NOW))

    assert lost.value.current is None
    assert control.run(a_key()) is None


def test_a_move_keeps_what_another_function_noted_meanwhile(control, stored):
    run = stored(a_run("RUNNING"))
    control.record_outcome(run, SUCCESS)
    control.register_token(run.key, run.execution_name, RunStatus.RUNNING, "token", "job")

    after = control.move(run, moved(run, RunStatus.FAILED, NOW))

    assert (after.outcome, after.task_token) == (SUCCESS, "token")


def test_a_retry_leaves_nothing_of_the_attempt_before_in_the_row(control, stored, table):
    run = stored(a_run("RUNNING", outcome=FAILURE, intent=an_intent(1, NOW), task_token="t", token_for="job"))

    control.move(run, next_attempt(run, NOW, [], retry_at=NOW))

    row = table.get(keys.run_key(a_key()))
    assert not {"outcome", "intent", "taskToken", "tokenFor", "handle", "remoteId", "jobType"} & set(row)


def test_a_move_replaces_what_the_move_before_announced(control, stored):
    opening = Announcement(EventType.RUN_OPENED, "opened", NOW)
    run = stored(a_run(events=(opening,)))

    after = control.move(run, moved(run, RunStatus.CANCELLED, NOW))

    assert after.events == ()


EDGES = [(before, after) for before, afters in MOVES.items() for after in sorted(afters)]
FORGOTTEN_AT = int((NOW + timedelta(days=400)).timestamp())


def ttl_of(table):
    return table.get(keys.run_key(a_key())).get("ttl")


@pytest.mark.parametrize(("before", "after"), EDGES)
def test_a_run_that_has_ended_is_forgotten_in_time_and_an_open_one_never(
    control, stored, table, before, after
):
    run = stored(a_run(before))

    control.move(run, moved(run, after, NOW))

    assert ttl_of(table) == (None if after in ("WAITING", "RUNNING") else FORGOTTEN_AT)


def test_a_run_that_is_opened_is_never_forgotten(control, table):
    control.open_run(opened(a_key(), "trigger", OPENED_AT, WINDOW))

    assert ttl_of(table) is None


def test_a_run_that_was_reopened_sleeps_and_hears_of_its_job_without_being_forgotten(control, stored, table):
    run = stored(moved(a_run("RUNNING"), RunStatus.FAILED, NOW))
    again = control.move(run, reopened(run, NOW, WINDOW))

    control.register_token(a_key(), again.execution_name, RunStatus.WAITING, "token", "readiness")
    control.record_outcome(again, SUCCESS)

    assert ttl_of(table) is None


@pytest.mark.parametrize("write", ["note", "move"])
def test_what_is_said_of_a_run_that_has_ended_does_not_change_when_it_is_forgotten(
    control, stored, table, write
):
    run = stored(moved(a_run("RUNNING"), RunStatus.SUCCEEDED, NOW))

    if write == "note":
        control.note(run, replace(run, told=("late",)))
    else:
        control.move(run, announcing(run, [], "late"))

    assert ttl_of(table) == FORGOTTEN_AT
    assert control.run(a_key()).told == ("late",)


def test_a_second_reopening_of_the_same_run_is_lost(control, stored):
    run = stored(a_run("EXPIRED"))
    control.move(run, reopened(run, NOW, WINDOW))

    with pytest.raises(Lost) as lost:
        control.move(run, reopened(run, NOW + timedelta(seconds=1), WINDOW))

    assert lost.value.current.execution_count == 2


# ---------------------------------------------------------------- bookkeeping


def test_a_note_is_no_move(control, stored):
    run = stored(a_run())

    after = control.note(run, replace(run, refusal="Rate exceeded", refused_since=NOW))

    assert (after.refusal, after.version) == ("Rate exceeded", run.version)


def test_a_note_keeps_what_others_wrote(control, stored):
    run = stored(a_run())
    control.register_token(run.key, run.execution_name, RunStatus.WAITING, "token", "readiness")

    after = control.note(run, replace(run, intent=an_intent(1, NOW)))

    assert (after.task_token, after.intent) == ("token", an_intent(1, NOW))


def test_a_note_of_nothing_writes_nothing(control):
    run = a_run()

    assert control.note(run, run) == run
    assert control.run(a_key()) is None


@pytest.mark.parametrize(
    "current",
    [
        pytest.param(moved(RUN, RunStatus.RUNNING, NOW), id="another status"),
        pytest.param(replace(RUN, attempt=2), id="another attempt"),
        pytest.param(replace(RUN, execution_name="another"), id="another execution"),
    ],
)
def test_a_note_of_a_run_that_moved_on_is_lost(control, stored, current):
    stored(current)

    with pytest.raises(Lost) as lost:
        control.note(RUN, replace(RUN, refusal="Rate exceeded"))

    assert lost.value.current == control.run(a_key()) == current


# ---------------------------------------------------------------- tokens


def test_the_newest_token_counts_and_the_execution_is_known_to_live(control, stored):
    run = stored(a_run(confirmed=False))

    for token in ("first", "second"):
        after = control.register_token(run.key, run.execution_name, RunStatus.WAITING, token, "readiness")

    assert (after.task_token, after.token_for, after.confirmed) == ("second", "readiness", True)


@pytest.mark.parametrize(
    ("execution", "status"),
    [
        pytest.param("another", RunStatus.WAITING, id="another execution"),
        pytest.param(RUN.execution_name, RunStatus.RUNNING, id="another status"),
    ],
)
def test_a_token_of_another_execution_or_status_is_not_taken(control, stored, execution, status):
    run = stored(replace(RUN, task_token="mine", token_for="readiness"))

    with pytest.raises(Lost) as lost:
        control.register_token(run.key, execution, status, "theirs", "job")

    assert lost.value.current == control.run(a_key()) == run


def test_a_token_of_a_run_that_is_not_there_makes_no_row(control):
    with pytest.raises(Lost) as lost:
        control.register_token(a_key(), "any", RunStatus.WAITING, "token", "readiness")

    assert lost.value.current is None
    assert control.run(a_key()) is None


# ---------------------------------------------------------------- outcomes


@pytest.mark.parametrize("status", ["WAITING", "RUNNING"])
def test_the_outcome_of_an_open_attempt_is_recorded(control, stored, status):
    run = stored(a_run(status))

    assert control.record_outcome(run, FAILURE).outcome == FAILURE


def test_whoever_reports_first_is_believed(control, stored):
    run = stored(a_run("RUNNING"))
    control.record_outcome(run, SUCCESS)

    with pytest.raises(Lost) as lost:
        control.record_outcome(run, FAILURE)

    assert lost.value.current.outcome == control.run(a_key()).outcome == SUCCESS


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "EXPIRED", "CANCELLED"])
def test_a_run_that_has_ended_takes_no_outcome(control, stored, status):
    run = stored(a_run(status))

    with pytest.raises(Lost):
        control.record_outcome(run, SUCCESS)


def test_an_outcome_of_the_attempt_before_is_lost(control, stored):
    run = stored(a_run("RUNNING", attempt=2))

    with pytest.raises(Lost):
        control.record_outcome(replace(run, attempt=1), SUCCESS)


# ---------------------------------------------------------------- one instant


def test_a_snapshot_holds_the_run_and_the_sensors_that_exist(control, stored, table):
    run = stored(a_run())
    table.put({"PK": PIPELINE, "SK": "SENSOR#orders", "count": 5})
    table.put({"PK": PIPELINE, "SK": "SENSOR#orders-eu", "count": 6})

    found_run, sensors = control.snapshot(a_key(), ["orders", "stock"])

    assert found_run == run
    assert {key: item["count"] for key, item in sensors.items()} == {"orders": 5}


def test_a_snapshot_of_a_run_that_is_not_there_still_holds_its_sensors(control, table):
    table.put({"PK": PIPELINE, "SK": "SENSOR#orders", "count": 5})

    found_run, sensors = control.snapshot(a_key(), ["orders"])

    assert (found_run, list(sensors)) == (None, ["orders"])


def test_a_snapshot_holds_the_runs_of_other_pipelines_that_are_asked_for(control, stored, table):
    run = stored(a_run())
    table.put({"PK": PIPELINE, "SK": "SENSOR#orders", "count": 5})
    silver = stored(a_run("SUCCEEDED", key=a_key("silver", "cron"), updated_at=NOW, succeeded_at=OPENED_AT))
    stored(a_run("SUCCEEDED", key=a_key("silver", "cron", "2026-03-01")))
    observed = stored(a_run("SUCCEEDED", key=a_key("bronze"), updated_at=NOW, dry_run=True))

    found_run, sensors, others = control.snapshot_with_runs(
        a_key(), ["orders"], [silver.key, observed.key, a_key("silver", "stream")]
    )

    assert (found_run, list(sensors)) == (run, ["orders"])
    assert others == {
        silver.key: RunSeen(RunStatus.SUCCEEDED, NOW, succeeded_at=OPENED_AT),
        observed.key: RunSeen(RunStatus.SUCCEEDED, NOW, dry_run=True),
    }


def test_a_pipeline_may_ask_for_a_run_of_its_own_in_a_snapshot(control, stored):
    before = stored(a_run("FAILED", key=a_key(date="2026-03-01")))

    found_run, _, others = control.snapshot_with_runs(a_key(), [], [before.key, a_key()])

    assert found_run is None
    assert [(key.date, seen.status) for key, seen in others.items()] == [("2026-03-01", "FAILED")]


@pytest.mark.parametrize(
    "row", [{}, {"status": "DONE"}, {"status": "SUCCEEDED"}, {"status": 5, "updatedAt": 5}]
)
def test_a_run_of_another_pipeline_that_somebody_wrote_over_has_no_status(control, table, row):
    key = a_key("silver")
    table.put({"PK": "PIPELINE#silver", "SK": "RUN#stream#2026-03-02", **row})

    _, _, others = control.snapshot_with_runs(a_key(), [], [key])

    assert others[key].status is None


# ---------------------------------------------------------------- who waits for whom


def test_the_dependents_of_a_pipeline_are_those_that_were_added_and_not_removed(control):
    for dependent in ("gold", "report", "gold", "old"):
        control.add_dependent("silver", dependent)
    control.add_dependent("silver-eu", "other")

    control.remove_dependent("silver", "old")
    control.remove_dependent("silver", "never-was")

    assert control.dependents_of("silver") == ["gold", "report"]


# ---------------------------------------------------------------- the ledger of promises


def test_a_promise_is_found_by_its_pipeline_until_it_is_kept(control):
    due = DueRun(a_key(), NOW, "readiness", 3)
    control.promise(due)
    control.promise(DueRun(a_key("silver"), NOW, "job"))

    assert control.due_runs_of("gold-revenue") == [due]

    control.keep(a_key())
    control.keep(a_key())

    assert control.due_runs_of("gold-revenue") == []


def test_a_new_promise_takes_the_place_of_the_old(control):
    control.promise(DueRun(a_key(), NOW, "readiness"))
    control.promise(DueRun(a_key(), NOW + WINDOW, "job", 2))

    assert control.due_runs_of("gold-revenue") == [DueRun(a_key(), NOW + WINDOW, "job", 2)]


def every_due(control, now=NOW, limit=10):
    return [due for shard in range(DUE_SHARDS) for due in control.due(shard, now, limit)]


@pytest.mark.parametrize(
    ("due_at", "found"),
    [
        (NOW, 1),
        (NOW - timedelta(days=1), 1),
        pytest.param(NOW + timedelta(milliseconds=1), 0, id="not yet"),
    ],
)
def test_a_run_is_due_from_its_instant_on(control, due_at, found):
    control.promise(DueRun(a_key(), due_at, "readiness"))

    assert len(every_due(control)) == found


def test_what_has_been_due_longest_comes_first_and_no_more_than_asked_for(control):
    for minute in (3, 1, 2):
        control.promise(
            DueRun(a_key(date=f"2026-03-0{minute}"), OPENED_AT + timedelta(minutes=minute), "job")
        )

    assert [due.key.date for due in every_due(control, limit=2)] == ["2026-03-01", "2026-03-02"]


def test_a_quiet_ledger_has_nothing_due(control, stored):
    stored(a_run())

    assert every_due(control) == []


ODD_PROMISES = [
    {"waitsFor": "readiness", "PK": "not-a-pipeline"},
    {"waitsFor": "readiness", "SK": "DUE#check#odd"},
    {},
    {"waitsFor": "readiness", "tries": "many"},
    {"waitsFor": Decimal(1)},
    {"waitsFor": "readiness", "dueAt": Decimal("1E+30")},
    {"waitsFor": "readiness", "dueAt": Decimal(-(10**20))},
]


@pytest.mark.parametrize("odd", ODD_PROMISES)
def test_a_promise_that_somebody_wrote_over_hides_no_other(control, table, odd):
    ours = DueRun(a_key(), NOW, "readiness")
    control.promise(ours)
    shard = keys.due_partition(keys.due_shard(a_key()))

    table.put(
        {"PK": PIPELINE, "SK": "DUE#check#cron#2026-03-02", "dueShard": shard, "dueAt": Decimal(1), **odd}
    )

    assert every_due(control) == [ours]
    assert control.due_runs_of("gold-revenue") == [ours]


def test_a_page_of_rows_that_nobody_can_read_does_not_hide_what_is_due_behind_them(control, table):
    ours = DueRun(a_key(), NOW, "readiness")
    control.promise(ours)
    shard = keys.due_shard(a_key())
    for name in ("a", "b"):
        row = {"PK": PIPELINE, "SK": f"DUE#{name}", "dueAt": Decimal(1)}
        table.put({**row, "dueShard": keys.due_partition(shard)})

    assert control.due(shard, NOW, 2) == []
    assert control.due(shard, NOW, 2) == [ours]


# ---------------------------------------------------------------- notices


def a_notice(message="hour is 24", at=NOW):
    return Announcement(EventType.SENSOR_INVALID, message, at)


def notices(table):
    return [
        (row["version"], row["events"][0]["message"]) for row in table.query(PIPELINE, keys.RowKind.NOTICE)
    ]


def test_a_fact_is_announced_once_however_often_it_is_noticed(control, table):
    for minute in range(3):
        control.notice("gold-revenue", "orders", "hour", a_notice(at=NOW + timedelta(minutes=minute)))

    assert notices(table) == [(1, "hour is 24")]


def test_another_fact_of_the_same_subject_is_announced_in_its_place(control, table):
    control.notice("gold-revenue", "orders", "hour", a_notice())
    control.notice("gold-revenue", "orders", "date", a_notice("date is x"))

    assert notices(table) == [(2, "date is x")]


def test_subjects_are_announced_apart(control, table):
    for subject in ("orders", "stock"):
        control.notice("gold-revenue", subject, "hour", a_notice())

    assert len(notices(table)) == 2


def test_a_notice_of_a_date_says_so_and_is_forgotten_after_ninety_days(control, table):
    control.notice("gold-revenue", "x", "y", a_notice(), a_key(schedule_id="cron"))

    (row,) = table.query(PIPELINE)
    assert (row["scheduleId"], row["date"]) == ("cron", "2026-03-02")
    assert row["ttl"] == int((NOW + timedelta(days=90)).timestamp())


class Overtaken:
    """A table on which another worker announces something between our look and our write."""

    def __init__(self, table, fact):
        self._table, self._fact = table, fact

    def __getattr__(self, name):
        return getattr(self._table, name)

    def put(self, item, only_if=()):
        fact, self._fact = self._fact, None
        if fact is not None:
            DynamoControlTable(self._table).notice("gold-revenue", "orders", fact, a_notice(fact))
        self._table.put(item, only_if)


def test_a_fact_that_another_worker_announces_at_this_instant_is_announced_once(table):
    DynamoControlTable(Overtaken(table, "hour")).notice("gold-revenue", "orders", "hour", a_notice("hour"))

    assert notices(table) == [(1, "hour")]


def test_a_fact_is_not_lost_to_another_of_the_same_instant(table):
    control = DynamoControlTable(Overtaken(table, "date"))

    with pytest.raises(Lost):
        control.notice("gold-revenue", "orders", "hour", a_notice("hour"))
    control.notice("gold-revenue", "orders", "hour", a_notice("hour"))  # the record is delivered again

    assert notices(table) == [(2, "hour")]


@pytest.mark.parametrize("odd", [{}, {"version": "first"}, {"version": Decimal(3), "createdAt": Decimal(5)}])
def test_a_fact_is_announced_although_somebody_wrote_over_its_notice(control, table, odd):
    key = keys.notice_key("gold-revenue", "orders")
    table.put({"PK": key[0], "SK": key[1], **odd})

    before = table.get(key)

    control.notice("gold-revenue", "orders", "hour", a_notice())

    change = Change("control", *key, ChangeKind.MODIFY, before, table.get(key), NOW, "1")
    assert [event.message for event in events_of(change)] == ["hour is 24"]


# ---------------------------------------------------------------- rerun requests

REQUEST = {
    "reason": "again",
    "requestedBy": "ana",
    "force": True,
    "tags": {"x", "y"},
    "list": [Decimal(1), None],
}


def a_request(table, **attributes):
    partition, sort = keys.rerun_request_key(a_key())
    table.put({"PK": partition, "SK": sort, **attributes})
    return table.get((partition, sort))


def test_a_request_that_was_decided_is_forgotten(control, table):
    decided = a_request(table, **REQUEST)

    control.forget_rerun_request(a_key(), decided)
    control.forget_rerun_request(a_key(), decided)

    assert control.rerun_request(a_key()) is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (REQUEST, REQUEST | {"reason": "and again"}),
        ({"reason": "again"}, {"reason": "again", "force": True}),
        ({}, {"requestedBy": "ana"}),
    ],
)
def test_a_newer_request_in_its_place_stays(control, table, first, second):
    decided = a_request(table, **first)
    newer = a_request(table, **second)

    control.forget_rerun_request(a_key(), decided)

    assert control.rerun_request(a_key()) == newer


class Strict:
    """A table that counts a condition's operators: neither implementation does, and DynamoDB refuses more than 300."""

    def __init__(self, table):
        self._table = table

    def __getattr__(self, name):
        return getattr(self._table, name)

    def delete(self, key, only_if=()):
        assert 2 * len(only_if) <= 300
        self._table.delete(key, only_if)


@pytest.mark.parametrize("attributes", [0, 1, 100, 500])
def test_a_request_of_any_size_can_be_forgotten(table, attributes):
    control = DynamoControlTable(Strict(table))
    decided = a_request(table, **{f"attribute{number:03}": "x" * 700 for number in range(attributes)})

    control.forget_rerun_request(a_key(), decided)

    assert control.rerun_request(a_key()) is None


# ---------------------------------------------------------------- configs


def a_config(pipeline, **changes):
    values = {"source": "gold.yaml", "etag": "e1", "version": 1} | changes
    return StoredConfig(pipeline.id, encode_pipeline(pipeline), **values)


def test_a_stored_config_is_the_pipeline_it_was_made_from(control):
    control.put_config(a_config(a_pipeline()), LOADED)

    assert control.pipeline("gold-revenue") == a_pipeline()
    assert control.config("gold-revenue") == a_config(a_pipeline())


def test_a_config_that_is_removed_is_gone(control):
    control.put_config(a_config(a_pipeline()), LOADED)

    control.remove_config("gold-revenue")
    control.remove_config("gold-revenue")

    assert (control.pipeline("gold-revenue"), control.config("gold-revenue")) == (None, None)


@pytest.mark.parametrize(
    "written", [{}, {"config": ""}, {"config": "{}"}, {"config": Decimal(1)}, {"config": {"a": 1}}]
)
def test_a_config_that_somebody_wrote_over_is_named(control, table, written):
    table.put({"PK": PIPELINE, "SK": "CONFIG", **written})

    with pytest.raises(BadInput, match="the stored config is not one of ours"):
        control.pipeline("gold-revenue")


def test_calendars_that_exist_are_found_by_name(control, table):
    table.put({"PK": "CALENDAR#company", "SK": "CALENDAR", "dates": ["2026-12-25"], "days": ["sunday"]})

    found = control.calendars(["company", "nobody's"])

    assert list(found) == ["company"]
    assert at("2026-12-25T00:00").date() in found["company"]


@pytest.mark.parametrize("written", [{"dates": "2026-12-25"}, {"days": ["someday"]}, {"dates": [Decimal(1)]}])
def test_a_calendar_that_cannot_be_read_is_bad_input(control, table, written):
    table.put({"PK": "CALENDAR#company", "SK": "CALENDAR", **written})

    with pytest.raises(BadInput, match="calendar company"):
        control.calendars(["company"])


# ---------------------------------------------------------------- rows that somebody wrote over


@pytest.mark.parametrize(
    "use",
    [
        lambda control: control.run(a_key()),
        lambda control: control.runs_of_date("gold-revenue", "stream", "2026-03"),
        lambda control: control.snapshot(a_key(), ["orders"]),
        lambda control: control.open_run(a_run()),
        lambda control: control.move(RUN, moved(RUN, RunStatus.EXPIRED, NOW)),
    ],
    ids=["run", "runs_of_date", "snapshot", "open_run", "move"],
)
def test_a_run_that_somebody_wrote_over_is_named_by_whoever_reads_it(control, table, use):
    table.put(run_item(a_run()) | {"status": "SLEEPING"})

    with pytest.raises(RowInvalid, match="RUN#stream#2026-03-02"):
        use(control)


# ---------------------------------------------------------------- promises


def a_promise(**values):
    return promised(PromiseKind.SLA, a_key(), NOW + WINDOW, NOW, **values)


def test_a_promise_reads_back_as_it_was_made(control):
    promise = a_promise(since=NOW, warned=True)

    control.make_promise(promise)

    assert control.promise_of(PromiseKind.SLA, a_key()) == promise
    assert control.promises_of("gold-revenue", PromiseKind.SLA) == [promise]
    assert control.promises_of("gold-revenue", PromiseKind.FIRE) == []


def test_a_promise_is_made_once(control):
    control.make_promise(a_promise())

    with pytest.raises(Lost) as lost:
        control.make_promise(a_promise(warned=True))

    assert lost.value.current == a_promise()


def test_a_due_promise_is_found_beside_due_runs_until_it_is_settled(control):
    promise = a_promise()
    control.make_promise(promise)
    assert every_due(control, NOW) == []
    assert every_due(control, NOW + WINDOW) == [DuePromise(PromiseKind.SLA, a_key(), NOW + WINDOW)]

    breach = Announcement(EventType.SLA_BREACH, "late", NOW + WINDOW)
    after = settled(promise, "breached", [breach])
    control.change_promise(promise, after)

    assert every_due(control, NOW + WINDOW) == []
    assert control.promise_of(PromiseKind.SLA, a_key()) == after


def test_only_one_of_two_workers_changes_a_promise(control):
    promise = a_promise()
    control.make_promise(promise)
    control.change_promise(promise, settled(promise, "met"))

    with pytest.raises(Lost) as lost:
        control.change_promise(promise, settled(promise, "breached"))

    assert lost.value.current.verdict == "met"


def test_a_promise_that_changed_meanwhile_is_not_dropped(control):
    promise = a_promise()
    control.make_promise(promise)
    warned = changed(promise, warned=True)
    control.change_promise(promise, warned)

    control.drop_promise(promise)
    assert control.promise_of(PromiseKind.SLA, a_key()) == warned

    control.drop_promise(warned)
    assert control.promise_of(PromiseKind.SLA, a_key()) is None


def test_a_promise_that_was_dropped_and_made_anew_is_not_the_one_that_was_read(control):
    former = a_promise()
    anew = promised(PromiseKind.SLA, a_key(), NOW + WINDOW, NOW + timedelta(minutes=1))
    control.make_promise(anew)

    control.drop_promise(former)

    assert control.promise_of(PromiseKind.SLA, a_key()) == anew


def test_a_baseline_reads_back_as_it_was_captured(control):
    baseline = Baseline(a_key(), 2, NOW, {"row-count": {"count": 1000, "ratio": 0.5, "state": "ready"}})

    control.put_baseline(baseline)

    assert control.baseline(a_key()) == baseline
    assert control.baseline(a_key("silver")) is None


def test_a_promise_is_put_off_whatever_its_row_holds(control, table):
    control.make_promise(a_promise())
    table.update(keys.promise_key(PromiseKind.SLA, a_key()), {"createdAt": "long ago"})
    (due,) = every_due(control, NOW + WINDOW)

    control.put_off(due, NOW + 2 * WINDOW)

    assert every_due(control, NOW + WINDOW) == []
    assert every_due(control, NOW + 2 * WINDOW) == [DuePromise(PromiseKind.SLA, a_key(), NOW + 2 * WINDOW)]


def test_what_was_put_off_twice_is_still_promised_for_the_same_time(control):
    promise = a_promise()
    control.make_promise(promise)

    for later in (NOW + WINDOW, NOW + 2 * WINDOW):
        (due,) = every_due(control, later)
        control.put_off(due, later + WINDOW)

    assert control.promise_of(PromiseKind.SLA, a_key()) == promise


def test_a_promise_that_was_settled_meanwhile_is_not_put_off(control):
    promise = a_promise()
    control.make_promise(promise)
    (due,) = every_due(control, NOW + WINDOW)
    control.change_promise(promise, settled(promise, "met"))

    control.put_off(due, NOW + WINDOW)

    assert every_due(control, NOW + 2 * WINDOW) == []


def test_a_promise_that_went_meanwhile_is_not_put_off(control):
    control.put_off(DuePromise(PromiseKind.SLA, a_key(), NOW), NOW + WINDOW)

    assert control.promise_of(PromiseKind.SLA, a_key()) is None


def test_the_promises_of_all_kinds_are_listed_without_the_checks_among_them(control):
    promise = a_promise()
    control.make_promise(promise)
    control.promise(DueRun(a_key(), NOW, "readiness"))

    assert control.promises_of("gold-revenue") == [promise]


def test_recent_rows_are_of_later_dates_alone(control, stored):
    for day in ("2026-02-28", "2026-03-01", "2026-03-02"):
        stored(a_run(key=a_key(date=day)))
    control.promise(DueRun(a_key(date="2026-03-01"), NOW, "readiness"))
    control.make_promise(a_promise())

    rows = control.recent_rows("gold-revenue", "stream", "2026-02-28~")

    assert [run.key.date for run in rows.runs] == ["2026-03-01", "2026-03-02"]
    assert rows.watched == {a_key(date="2026-03-01")}
    assert rows.promises == [a_promise()]


def test_recent_rows_tell_what_they_announced_last_under_the_ids_of_the_stream(control):
    opening = Announcement(EventType.RUN_OPENED, "opened", NOW)
    control.open_run(replace(opened(a_key(), "trigger", NOW, WINDOW), events=(opening,)))
    control.notice(
        "gold-revenue", "PIPELINE_EXCLUDED#x", "f", Announcement(EventType.PIPELINE_EXCLUDED, "e", NOW)
    )
    promise = a_promise()
    control.make_promise(promise)
    control.change_promise(promise, settled(promise, "met", [Announcement(EventType.SLA_MET, "m", NOW)]))

    told = control.recent_rows("gold-revenue", "stream", "").events

    assert [event.type for event in told] == ["RUN_OPENED", "SLA_MET", "PIPELINE_EXCLUDED"]
    created = opened(a_key(), "trigger", NOW, WINDOW).created_at
    assert told[0].event_id == event_id(PIPELINE, "RUN#stream#2026-03-02", created, 1, 0)


def test_recent_rows_that_somebody_wrote_over_are_left_out(control, table, stored):
    stored(a_run(key=a_key(date="2026-03-01")))
    for sort_key in ("RUN#stream#2026-03-02", "DUE#fire#stream#2026-03-02", "NOTICE#x"):
        table.put({"PK": PIPELINE, "SK": sort_key, "version": 1, "events": [{"type": 7}]})

    rows = control.recent_rows("gold-revenue", "stream", "")

    assert [run.key.date for run in rows.runs] == ["2026-03-01"]
    assert (rows.promises, rows.events) == ([], [])


# ---------------------------------------------------------------- slots

SHARED = Pool("warehouse")


def with_holder(pool, name="gold-revenue"):
    return asked(pool, ticket_of(a_run(key=a_key(name))), 1)


def test_a_pool_without_a_row_is_empty(control):
    assert control.pool("warehouse") == SHARED


def test_a_changed_pool_is_read_back_with_its_next_version(control):
    control.change_pool(SHARED, with_holder(SHARED), NOW)
    before = control.pool("warehouse")

    control.change_pool(before, with_holder(before, "silver"), NOW)

    assert before == replace(with_holder(SHARED), version=1)
    assert control.pool("warehouse") == replace(with_holder(before, "silver"), version=2)


@pytest.mark.parametrize("known", [True, False], ids=["changed", "made"])
def test_of_two_who_change_a_pool_at_once_one_learns_of_the_other(control, known):
    if known:
        control.change_pool(SHARED, with_holder(SHARED, "silver"), NOW)
    before = control.pool("warehouse")
    control.change_pool(before, with_holder(before), NOW)

    with pytest.raises(Lost) as lost:
        control.change_pool(before, with_holder(before, "bronze"), NOW)

    assert lost.value.current == control.pool("warehouse") == replace(with_holder(before), version=1 + known)


def test_a_pool_that_nobody_uses_goes_in_a_day_and_one_that_is_used_again_stays(control, table):
    control.change_pool(SHARED, with_holder(SHARED), NOW)
    control.change_pool(control.pool("warehouse"), SHARED, NOW)
    empty = table.get(keys.pool_key("warehouse"))

    control.change_pool(control.pool("warehouse"), with_holder(SHARED), NOW)

    assert empty["ttl"] == int((NOW + timedelta(days=1)).timestamp())
    assert "ttl" not in table.get(keys.pool_key("warehouse"))


def test_a_pool_that_somebody_wrote_over_is_named(control, table):
    table.put(dict(zip(("PK", "SK"), keys.pool_key("warehouse"), strict=True)) | {"holders": "all"})

    with pytest.raises(RowInvalid, match="the row of the pool warehouse is not one of ours"):
        control.pool("warehouse")


INTENT = an_intent(1, NOW)


@pytest.mark.parametrize(
    "changes",
    [{"intent": INTENT}, {"slots_at": NOW}, {"pools": ("lake",)}, {"slot_turn": 1, "pools": ("lake",)}],
    ids=["to start", "to have slots", "to ask", "to give them back again"],
)
def test_whoever_had_slots_that_were_given_back_meanwhile_notes_nothing_of_them(control, stored, changes):
    seen = stored(a_run(pools=("warehouse",)))
    current = control.note(seen, replace(seen, slot_turn=1))

    with pytest.raises(Lost) as lost:
        control.note(seen, replace(seen, **changes))

    assert lost.value.current == control.run(a_key()) == current


def test_slots_are_not_given_back_by_whoever_does_not_know_of_the_start(control, stored):
    seen = stored(a_run(pools=("warehouse",)))
    current = control.note(seen, replace(seen, intent=INTENT))

    with pytest.raises(Lost):
        control.note(seen, replace(seen, slot_turn=1))

    assert control.run(a_key()) == current


def test_a_row_from_before_there_were_slots_can_be_started(control, table):
    run = a_run()
    table.put({name: value for name, value in run_item(run).items() if name != "slotTurn"})

    assert control.note(run, replace(run, intent=INTENT)).intent == INTENT


def test_reasons_are_noted_whoever_gave_slots_back(control, stored):
    seen = stored(a_run(pools=("warehouse",)))
    control.note(seen, replace(seen, slot_turn=1))

    assert control.note(seen, replace(seen, refusal="busy")).slot_turn == 1


@pytest.mark.parametrize(
    ("ended", "execution_count", "stays"),
    [
        pytest.param("workflow ABORTED", 1, True, id="nobody else would learn that it is gone"),
        pytest.param("workflow FAILED", 1, True, id="however it ended"),
        pytest.param("workflow ABORTED", 2, False, id="of an execution before"),
        pytest.param("job", 1, False, id="a poll is replaced by the next"),
    ],
)
def test_a_check_row_that_says_that_the_execution_is_gone_stays(control, ended, execution_count, stays):
    run = a_run("RUNNING", execution_count=execution_count)
    control.promise(DueRun(run.key, NOW, ended, 1))

    control.promise(DueRun(run.key, NOW, "job", 7), run)

    (due,) = control.due_runs_of(run.key.pipeline_id)
    assert (due.waits_for, due.tries) == ((ended, 1) if stays else ("job", 7))


def test_whoever_knows_of_no_run_replaces_any_check_row(control):
    run = a_run("RUNNING")
    control.promise(DueRun(run.key, NOW, "workflow ABORTED", 1))

    control.promise(DueRun(run.key, NOW, "readiness"))

    assert [due.waits_for for due in control.due_runs_of(run.key.pipeline_id)] == ["readiness"]

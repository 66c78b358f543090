"""What only the table in memory shows: what it costs, what its stream would tell, where faults strike."""

from decimal import Decimal

import pytest

from interlock.aws.table import Clause, Op, equals
from interlock.ports import CallFailed, Lost
from interlock.simulation.memory_table import MemoryTable

NAME = "test-interlock-control"
KEY = ("PIPELINE#gold", "RUN#cron#2026-03-01")
KILOBYTE = "x" * 1024


def no_fault(_call):
    pass


class RecordedCalls:
    """Every call with its units; `on_before` and `on_after` stand for a scenario's faults."""

    def __init__(self, on_before=no_fault, on_after=no_fault):
        self.calls = []
        self._on_before, self._on_after = on_before, on_after

    def before(self, call, pipeline, target=""):  # noqa: ARG002  (the protocol's)
        self.calls.append((call, pipeline))
        self._on_before(call)

    def after(self, call, pipeline, *, read_units=0, write_units=0):
        self.calls[-1] = (call, pipeline, read_units, write_units)
        self._on_after(call)

    def answers_stale(self, pipeline):  # noqa: ARG002
        return False

    @property
    def last(self):
        return self.calls[-1]


def a_table(calls=None, changes=None):
    changes = [] if changes is None else changes
    return MemoryTable(
        "test-interlock-control", calls or RecordedCalls(), lambda *change: changes.append(change)
    )


def row(key=KEY, **attributes):
    return {"PK": key[0], "SK": key[1], **attributes}


def sensor(number):
    return "PIPELINE#gold", f"SENSOR#{number:04}"


# ---------------------------------------------------------------- changes


def test_every_write_that_changes_something_tells_of_both_images():
    changes = []
    table = a_table(changes=changes)

    table.put(row(attempt=1))
    table.update(KEY, {"attempt": 2})
    table.delete(KEY)

    one, two = row(attempt=Decimal(1)), row(attempt=Decimal(2))
    assert changes == [(NAME, KEY, None, one), (NAME, KEY, one, two), (NAME, KEY, two, None)]


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda table: table.put(row(attempt=1, tags={"a"})), id="the same item"),
        pytest.param(lambda table: table.put(row(tags=frozenset("a"), attempt=1.0)), id="another type"),
        pytest.param(lambda table: table.update(KEY, {"attempt": 1}, ["never"]), id="the same value"),
        pytest.param(lambda table: table.update(KEY, {}, add_to_set={"tags": "a"}), id="a member it has"),
        pytest.param(lambda table: table.delete(sensor(1)), id="deleting nothing"),
    ],
)
def test_a_write_that_changes_nothing_tells_nothing(write):
    changes = []
    table = a_table(changes=changes)
    table.put(row(attempt=1, tags={"a"}))

    write(table)

    assert len(changes) == 1


def test_a_change_of_type_alone_is_a_change():
    changes = []
    table = a_table(changes=changes)
    table.put(row(value={"ok": True}))

    table.put(row(value={"ok": 1}))

    assert len(changes) == 2


def test_whoever_changes_an_image_does_not_change_the_row():
    changes = []
    table = a_table(changes=changes)
    table.put(row(tags=["a"]))

    changes[0][3]["tags"].append("b")

    assert table.get(KEY) == row(tags=["a"])


# ---------------------------------------------------------------- conditions that compare types


@pytest.mark.parametrize(
    "clause",
    [
        pytest.param(equals("flag", 1), id="one is not true"),
        pytest.param(equals("outcome", None), id="what is absent is not null"),
        pytest.param(Clause("status", Op.LESS, 3), id="a text is not less than a number"),
        pytest.param(Clause("flag", Op.LESS, True), id="there is no order of truth"),
    ],
)
def test_conditions_never_mix_types_up(clause):
    table = a_table()
    table.put(row(status="WAITING", flag=True))

    with pytest.raises(Lost):
        table.delete(KEY, only_if=(clause,))


@pytest.mark.parametrize("attributes", [{"dueAt": "soon"}, {"dueShard": 3, "dueAt": 5}, {"dueShard": ""}])
def test_an_index_key_of_another_type_is_refused(attributes):
    table = a_table()

    with pytest.raises(CallFailed) as refused:
        table.put(row() | attributes)

    assert refused.value.code == "ValidationException"


# ---------------------------------------------------------------- faults


def crash_at(wanted):
    def crash(call):
        if call == wanted:
            raise KeyboardInterrupt

    return crash


def test_a_crash_before_a_write_leaves_no_trace():
    changes = []
    table = a_table(RecordedCalls(on_before=crash_at("dynamodb.PutItem")), changes)

    with pytest.raises(KeyboardInterrupt):
        table.put(row())

    assert changes == []
    assert table.get(KEY) is None


def test_a_crash_after_a_write_leaves_the_row_and_its_change():
    changes = []
    table = a_table(RecordedCalls(on_after=crash_at("dynamodb.PutItem")), changes)

    with pytest.raises(KeyboardInterrupt):
        table.put(row())

    assert len(changes) == 1
    assert table.get(KEY) == row()


def test_what_others_write_is_neither_counted_nor_made_to_fail_but_seen_and_told():
    calls, changes = RecordedCalls(on_before=crash_at("dynamodb.PutItem")), []
    table = a_table(calls, changes)

    table.from_outside().put(row())

    assert calls.calls == []
    assert len(changes) == 1
    assert table.get(KEY) == row()


def test_a_call_names_its_pipeline():
    calls = RecordedCalls()
    table = a_table(calls)

    table.put(row())
    table.query_due("due#1", Decimal(1), 5)

    assert [call[:2] for call in calls.calls] == [("dynamodb.PutItem", "gold"), ("dynamodb.Query", None)]


# ---------------------------------------------------------------- units


@pytest.mark.parametrize(
    ("text", "units"),
    [
        pytest.param("", 1, id="next to nothing"),
        pytest.param(KILOBYTE * 5, 2, id="5 KB"),
        pytest.param(KILOBYTE * 12, 4, id="a little over 12 KB"),
    ],
)
def test_a_read_costs_a_unit_for_each_4_kb(text, units):
    calls = RecordedCalls()
    table = a_table(calls)
    table.from_outside().put(row(text=text))

    table.get(KEY)
    get = calls.last
    table.snapshot([KEY])

    assert get == ("dynamodb.GetItem", "gold", units, 0)
    assert calls.last == ("dynamodb.TransactGetItems", "gold", 2 * units, 0)


def test_reading_nothing_costs_a_unit_all_the_same():
    calls = RecordedCalls()
    table = a_table(calls)

    table.get(KEY)
    table.snapshot([KEY, sensor(1)])
    table.query("PIPELINE#gold")
    table.query_due("due#0", Decimal(9), 5)

    assert [call[2] for call in calls.calls] == [1, 4, 1, 0.5]


def test_a_query_costs_its_rows_together():
    calls = RecordedCalls()
    table = a_table(calls)
    for number in range(8):
        table.from_outside().put(row(sensor(number), text=KILOBYTE[:900]))

    table.query("PIPELINE#gold")

    assert calls.last == ("dynamodb.Query", "gold", 2, 0)


def test_a_query_makes_one_call_for_each_megabyte():
    calls = RecordedCalls()
    table = a_table(calls)
    for number in range(8):
        table.from_outside().put(row(sensor(number), text="x" * 250_000))

    table.query("PIPELINE#gold")

    assert [call[0] for call in calls.calls] == ["dynamodb.Query"] * 2


def test_a_write_costs_a_unit_for_each_kilobyte_of_the_larger_image():
    calls = RecordedCalls()
    table = a_table(calls)

    table.put(row(text=KILOBYTE * 3))
    table.update(KEY, {"text": ""})
    table.update(KEY, {"text": "a"})
    table.put(row(text=KILOBYTE))
    table.delete(KEY)
    table.delete(KEY)

    assert [call[3] for call in calls.calls] == [4, 4, 1, 2, 2, 1]


def test_a_lost_write_costs_too():
    calls = RecordedCalls()
    table = a_table(calls)
    table.from_outside().put(row(text=KILOBYTE * 3))

    with pytest.raises(Lost):
        table.update(KEY, {"a": 1}, only_if=(equals("text", "other"),))

    assert calls.last == ("dynamodb.UpdateItem", "gold", 0, 4)


def test_the_index_costs_a_write_for_what_enters_or_leaves_it_and_two_for_what_moves():
    calls = RecordedCalls()
    table = a_table(calls)
    due = row(dueShard="due#0", dueAt=100)

    table.put(due)
    table.put(due)
    table.update(KEY, {"tries": 1})
    table.update(KEY, {"dueAt": 200})
    table.update(KEY, {}, remove=["dueAt"])
    table.update(KEY, {"tries": 2})

    assert [call[3] for call in calls.calls] == [2, 1, 2, 3, 2, 1]


# ---------------------------------------------------------------- snapshots in parts


def test_a_snapshot_in_parts_never_mixes_instants():
    """A pair of rows is always written together; each part holds one of them."""
    pair = [sensor(0), sensor(100)]
    writes = iter(range(1, 4))

    def write_between_parts(_call):
        if (value := next(writes, None)) is not None:
            for key in pair:
                table.from_outside().put(row(key, count=value))

    table = a_table(RecordedCalls(on_after=write_between_parts))
    for key in pair:
        table.from_outside().put(row(key, count=0))

    found = table.snapshot([sensor(number) for number in range(101)])

    assert {item["count"] for item in found.values()} == {3}


def test_a_snapshot_gives_up_when_the_rows_never_come_to_rest():
    count = 0

    def write_always(_call):
        nonlocal count
        count += 1
        table.from_outside().put(row(sensor(0), count=count))

    calls = RecordedCalls(on_after=write_always)
    table = a_table(calls)

    with pytest.raises(CallFailed) as failed:
        table.snapshot([sensor(number) for number in range(101)])

    assert failed.value.code == "SnapshotUnsettled"
    assert len(calls.calls) == 10


def test_a_snapshot_over_4_mb_is_read_in_parts():
    calls = RecordedCalls()
    table = a_table(calls)
    keys = [sensor(number) for number in range(12)]
    for key in keys:
        table.from_outside().put(row(key, text="x" * 400_000))

    found = table.snapshot(keys)

    assert list(found) == keys
    # All at once, refused; then both halves, twice.
    assert [call[0] for call in calls.calls] == ["dynamodb.TransactGetItems"] * 5

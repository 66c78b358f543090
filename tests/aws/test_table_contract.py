"""What the stores rely on, shown of DynamoDB (moto) and of the table in memory alike."""

import contextlib
from decimal import Decimal

import pytest

from aws.tables import a_dynamo_table, a_memory_table
from interlock.aws.table import Clause, Either, Op, absent, equals
from interlock.ports import CallFailed, Lost

KEY = ("PIPELINE#gold", "RUN#cron#2026-03-01")


@pytest.fixture(params=["dynamodb", "memory"])
def table(request):
    if request.param == "memory":
        return a_memory_table()
    return a_dynamo_table(request.getfixturevalue("aws")("dynamodb"))


def row(key=KEY, **attributes):
    return {"PK": key[0], "SK": key[1], **attributes}


def sensor(number):
    return "PIPELINE#gold", f"SENSOR#{number:04}"


# ---------------------------------------------------------------- get, put, delete


def test_what_was_put_is_got_back(table):
    table.put(row(status="WAITING", attempt=1))

    assert table.get(KEY) == row(status="WAITING", attempt=1)


def test_an_absent_row_is_none(table):
    assert table.get(KEY) is None


def test_a_put_replaces_the_whole_row(table):
    table.put(row(status="WAITING", attempt=1))
    table.put(row(status="RUNNING"))

    assert table.get(KEY) == row(status="RUNNING")


def test_a_deleted_row_is_gone_and_deleting_it_again_is_no_error(table):
    table.put(row())
    table.delete(KEY)
    table.delete(KEY)

    assert table.get(KEY) is None


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param(True, id="true"),
        pytest.param("", id="an empty text"),
        pytest.param("héllo ✓ 😀", id="beyond ASCII"),
        pytest.param(b"\x00\xff", id="binary"),
        pytest.param(Decimal("-12.345"), id="a fraction"),
        pytest.param(Decimal("9" * 38), id="38 digits"),
        pytest.param(Decimal("1E-130"), id="the smallest number"),
        pytest.param(Decimal("9.9E+125"), id="the largest number"),
        pytest.param({"a", "b"}, id="a set of texts"),
        pytest.param({Decimal(1), Decimal("2.5")}, id="a set of numbers"),
        pytest.param({b"\x00", b"\x01"}, id="a set of binaries"),
        pytest.param([], id="an empty list"),
        pytest.param({}, id="an empty map"),
        pytest.param({"a": [{"b": None, "c": [True, {"d": b"\x07"}]}]}, id="nested"),
        pytest.param("x" * 300_000, id="300 KB of text"),
    ],
)
def test_any_value_that_an_outsider_can_write_comes_back_unharmed(table, value):
    table.put(row(value=value))

    assert_same(table.get(KEY)["value"], value)


@pytest.mark.parametrize(
    ("given", "comes_back"),
    [
        pytest.param(3, Decimal(3), id="an int"),
        pytest.param(0.1, Decimal("0.1"), id="a float, as it is written"),
        pytest.param(Decimal("100.00"), Decimal(100), id="trailing zeros"),
        pytest.param((1, "a"), [Decimal(1), "a"], id="a tuple"),
        pytest.param(frozenset({"a"}), {"a"}, id="a frozenset"),
        pytest.param(bytearray(b"a"), b"a", id="a bytearray"),
        pytest.param(Op.LESS, "less", id="a member of a StrEnum"),
    ],
)
def test_a_python_value_comes_back_as_the_attribute_it_became(table, given, comes_back):
    table.put(row(value=given))

    assert_same(table.get(KEY)["value"], comes_back)


def nested(levels):
    value = "deep"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({"value": "x" * 410_000}, id="an item over 400 KB"),
        pytest.param({"value": set()}, id="an empty set"),
        pytest.param({"value": {"a", 1}}, id="a set of two kinds"),
        pytest.param({"value": float("nan")}, id="not a number"),
        pytest.param({"value": float("inf")}, id="infinity"),
        pytest.param({"value": 10**38 + 1}, id="39 digits"),
        pytest.param({"value": Decimal("1E-131")}, id="too small a number"),
        pytest.param({"value": Decimal("1E126")}, id="too large a number"),
        pytest.param({"value": "\ud800"}, id="half a surrogate pair"),
        pytest.param({"value": {1: "a"}}, id="a map with a key that is no text"),
        pytest.param({"value": object()}, id="an object"),
        pytest.param({"value": nested(33)}, id="33 levels"),
        pytest.param({"PK": ""}, id="an empty partition key"),
        pytest.param({"SK": ""}, id="an empty sort key"),
        pytest.param({"SK": 7}, id="a sort key that is a number"),
        pytest.param({"PK": "p" * 2049}, id="a partition key over 2048 bytes"),
        pytest.param({"SK": "s" * 1025}, id="a sort key over 1024 bytes"),
    ],
)
def test_what_cannot_be_stored_is_refused(table, attributes):
    with pytest.raises(CallFailed) as refused:
        table.put(row() | attributes)

    assert refused.value.code == "ValidationException"
    assert not refused.value.unknown_outcome


def test_32_levels_can_be_stored(table):
    table.put(row(value=nested(32)))

    assert table.get(KEY)["value"] == nested(32)


def test_a_key_without_text_cannot_be_read(table):
    with pytest.raises(CallFailed) as refused:
        table.get(("PIPELINE#gold", ""))

    assert refused.value.code == "ValidationException"


def test_a_caller_that_changes_what_it_gave_or_got_does_not_change_the_row(table):
    given = row(handle={"ids": ["a"]}, tags={"x"})
    table.put(given)

    given["handle"]["ids"].append("b")
    got = table.get(KEY)
    got["handle"]["ids"].append("c")
    got["tags"].add("y")

    assert table.get(KEY) == row(handle={"ids": ["a"]}, tags={"x"})


# ---------------------------------------------------------------- update


def test_an_update_sets_and_removes_and_returns_the_whole_row(table):
    table.put(row(status="WAITING", attempt=1, taskToken="t"))

    after = table.update(KEY, {"status": "RUNNING", "attempt": 2}, remove=["taskToken", "never"])

    assert after == table.get(KEY) == row(status="RUNNING", attempt=2)


def test_an_update_of_an_absent_row_makes_it(table):
    assert table.update(KEY, {"attempt": 1}) == row(attempt=1)


def test_a_string_set_grows_by_each_member_once(table):
    table.update(KEY, {"reference": "r"}, add_to_set={"delivered": "a"})
    table.update(KEY, {}, add_to_set={"delivered": "b"})

    assert table.update(KEY, {}, add_to_set={"delivered": "a"})["delivered"] == {"a", "b"}


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"changes": {}, "add_to_set": {"attempt": "a"}}, id="a member for what is no set"),
        pytest.param({"changes": {"SK": "other"}}, id="another key"),
        pytest.param({"changes": {"attempt": 2}, "remove": ["attempt"]}, id="one attribute twice"),
        pytest.param({"changes": {}}, id="nothing to do"),
    ],
)
def test_an_update_that_makes_no_sense_is_refused_and_changes_nothing(table, arguments):
    table.put(row(attempt=1))

    with pytest.raises(CallFailed) as refused:
        table.update(KEY, **arguments)

    assert refused.value.code == "ValidationException"
    assert table.get(KEY) == row(attempt=1)


def test_an_update_cannot_grow_a_row_beyond_400_kb(table):
    table.put(row(old="x" * 300_000))

    with pytest.raises(CallFailed) as refused:
        table.update(KEY, {"new": "x" * 200_000})

    assert refused.value.code == "ValidationException"


# ---------------------------------------------------------------- conditions

HERE = {"status": "WAITING", "attempt": 2, "flag": True, "nothing": None, "tags": {"a"}}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        pytest.param((), True, id="none"),
        pytest.param((absent("outcome"),), True, id="absent"),
        pytest.param((absent("status"),), False, id="not absent"),
        pytest.param((absent("nothing"),), False, id="null is not absent"),
        pytest.param((equals("status", "WAITING"),), True, id="equal"),
        pytest.param((equals("status", "RUNNING"),), False, id="not equal"),
        pytest.param((equals("attempt", 2),), True, id="equal number"),
        pytest.param((equals("attempt", "2"),), False, id="a text is not a number"),
        pytest.param((equals("nothing", None),), True, id="equal to null"),
        pytest.param((equals("tags", {"a"}),), True, id="equal set"),
        pytest.param((Clause("status", Op.NOT_EQUALS, "RUNNING"),), True, id="other than"),
        pytest.param((Clause("status", Op.NOT_EQUALS, "WAITING"),), False, id="not other than"),
        pytest.param((Clause("outcome", Op.NOT_EQUALS, "x"),), True, id="absent is other than anything"),
        pytest.param((Clause("attempt", Op.LESS, 3),), True, id="less"),
        pytest.param((Clause("attempt", Op.LESS, 2),), False, id="not less than itself"),
        pytest.param((Clause("outcome", Op.LESS, 3),), False, id="absent is not less"),
        pytest.param((Clause("status", Op.LESS, "X"),), True, id="less as text"),
        pytest.param((equals("attempt", 2), equals("status", "RUNNING")), False, id="both must hold"),
        pytest.param((Either((equals("attempt", 9), equals("flag", True))),), True, id="either, the second"),
        pytest.param((Either((equals("attempt", 9), absent("flag"))),), False, id="neither"),
        pytest.param(
            (equals("attempt", 9), Either((absent("outcome"),))), False, id="a clause and an either"
        ),
    ],
)
def test_a_write_takes_place_only_if_its_condition_holds(table, condition, holds):
    table.put(row(**HERE))

    with contextlib.nullcontext() if holds else pytest.raises(Lost):
        table.update(KEY, {"written": True}, only_if=condition)

    assert ("written" in table.get(KEY)) is holds


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        pytest.param((absent("PK"),), True, id="absent"),
        pytest.param((equals("attempt", 1),), False, id="equal"),
        pytest.param((Clause("attempt", Op.NOT_EQUALS, 1),), True, id="other than"),
        pytest.param((Clause("attempt", Op.LESS, 1),), False, id="less"),
    ],
)
def test_a_condition_on_an_absent_row(table, condition, holds):
    with contextlib.nullcontext() if holds else pytest.raises(Lost) as lost:
        table.put(row(attempt=1), only_if=condition)

    assert (table.get(KEY) is not None) is holds
    assert holds or lost.value.current is None


WRITES = [
    pytest.param(lambda table, **condition: table.put(row(attempt=9), **condition), id="put"),
    pytest.param(lambda table, **condition: table.update(KEY, {"attempt": 9}, **condition), id="update"),
    pytest.param(lambda table, **condition: table.delete(KEY, **condition), id="delete"),
]


@pytest.mark.parametrize("write", WRITES)
def test_who_loses_is_told_what_stands_there(table, write):
    table.put(row(attempt=2, tags={"a"}))

    with pytest.raises(Lost) as lost:
        write(table, only_if=(equals("attempt", 1),))

    assert lost.value.current == table.get(KEY) == row(attempt=2, tags={"a"})


@pytest.mark.parametrize("write", WRITES)
def test_who_expects_a_row_where_there_is_none_loses_to_nothing(table, write):
    with pytest.raises(Lost) as lost:
        write(table, only_if=(equals("attempt", 1),))

    assert lost.value.current is None
    assert table.get(KEY) is None


# ---------------------------------------------------------------- query


def test_a_query_finds_the_rows_of_its_prefix_in_order(table):
    for sort_key in ("RUN#b", "RUN#a", "RUN", "SENSOR#a", "RUN#é", "RUN#Z", "RUO"):
        table.put(row(("PIPELINE#gold", sort_key)))
    table.put(row(("PIPELINE#golden", "RUN#c")))

    found = [item["SK"] for item in table.query("PIPELINE#gold", "RUN#")]

    assert found == ["RUN#Z", "RUN#a", "RUN#b", "RUN#é"]


def test_a_query_without_prefix_finds_the_whole_partition(table):
    for sort_key in ("B", "A"):
        table.put(row(("PIPELINE#gold", sort_key)))

    assert [item["SK"] for item in table.query("PIPELINE#gold")] == ["A", "B"]


def test_a_query_stops_at_its_limit(table):
    for number in range(5):
        table.put(row(sensor(number)))

    assert [item["SK"] for item in table.query("PIPELINE#gold", limit=2)] == ["SENSOR#0000", "SENSOR#0001"]


@pytest.mark.parametrize(
    ("after", "found"), [("RUN#a", ["RUN#b", "RUN#c"]), ("RUN#aa", ["RUN#b", "RUN#c"]), ("RUN#c", [])]
)
def test_a_query_goes_on_after_a_key_that_need_not_exist(table, after, found):
    for sort_key in ("RUN#a", "RUN#b", "RUN#c", "SENSOR#a"):
        table.put(row(("PIPELINE#gold", sort_key)))

    assert [item["SK"] for item in table.query("PIPELINE#gold", "RUN#", after=after)] == found


def test_a_query_for_nothing_is_empty(table):
    assert table.query("PIPELINE#gold", "RUN#") == []


def test_a_query_goes_on_beyond_the_megabyte_of_one_page(table):
    for number in range(10):
        table.put(row(sensor(number), text="x" * 250_000))

    assert [item["SK"] for item in table.query("PIPELINE#gold")] == [
        sensor(number)[1] for number in range(10)
    ]
    assert len(table.query("PIPELINE#gold", limit=7)) == 7


def test_sort_keys_are_found_from_the_first_to_the_last(table):
    for sort_key in ("0", "1", "2#b", "2#a", "3", "3#a", "THREAD#a"):
        table.put(row(("PIPELINE#gold", sort_key)))
    table.put(row(("PIPELINE#golden", "2")))

    assert table.sort_keys("PIPELINE#gold", "1", "3") == ["1", "2#a", "2#b", "3"]
    assert table.sort_keys("PIPELINE#gold", "2", "2#a") == ["2#a"]
    assert table.sort_keys("PIPELINE#silver", "0", "3") == []


def test_sort_keys_are_found_beyond_the_megabyte_of_one_page(table):
    wanted = [sensor(number) for number in range(10)]
    for key in wanted:
        table.put(row(key, text="x" * 250_000))

    assert table.sort_keys("PIPELINE#gold", wanted[0][1], wanted[-1][1]) == [key[1] for key in wanted]


# ---------------------------------------------------------------- the index of what is due


def due(name, at, shard="due#0"):
    return row(("PIPELINE#gold", f"DUE#{name}"), dueShard=shard, dueAt=at)


def names(items):
    return [item["SK"].removeprefix("DUE#") for item in items]


def test_what_is_due_is_found_oldest_first_up_to_and_with_the_instant(table):
    for item in (due("late", 300), due("first", 100), due("second", 200), due("other", 100, "due#1")):
        table.put(item)

    assert names(table.query_due("due#0", Decimal(200), 10)) == ["first", "second"]
    assert names(table.query_due("due#0", Decimal(99), 10)) == []
    assert names(table.query_due("due#0", Decimal(300), 2)) == ["first", "second"]


def test_a_row_moves_in_the_index_when_its_instant_changes_and_leaves_it_with_the_attribute(table):
    table.put(due("a", 100))
    table.put(due("b", 200))

    table.update(("PIPELINE#gold", "DUE#a"), {"dueAt": 300})
    moved = names(table.query_due("due#0", Decimal(999), 10))
    table.update(("PIPELINE#gold", "DUE#b"), {}, remove=["dueAt"])
    table.delete(("PIPELINE#gold", "DUE#a"))

    assert moved == ["b", "a"]
    assert table.query_due("due#0", Decimal(999), 10) == []


def test_rows_without_a_due_instant_are_not_in_the_index(table):
    table.put(row(dueShard="due#0"))
    table.put(due("a", 100))

    assert names(table.query_due("due#0", Decimal(999), 10)) == ["a"]


# ---------------------------------------------------------------- snapshot


def test_a_snapshot_has_the_rows_that_exist(table):
    table.put(row(attempt=1))
    table.put(row(sensor(1), count=5))

    found = table.snapshot([KEY, sensor(1), sensor(2), KEY])

    assert found == {KEY: row(attempt=1), sensor(1): row(sensor(1), count=5)}


def test_a_snapshot_of_nothing_is_empty(table):
    assert table.snapshot([]) == {}


def test_a_snapshot_of_250_keys(table):
    for number in range(250):
        table.put(row(sensor(number), count=number))

    found = table.snapshot([sensor(number) for number in range(260)])

    assert {key: item["count"] for key, item in found.items()} == {
        sensor(number): number for number in range(250)
    }


def assert_same(seen, wanted):
    """Equal, and of the same type at every depth: in Python true equals 1."""
    assert seen == wanted
    assert type(seen) is type(wanted)
    if isinstance(wanted, dict):
        for name in wanted:
            assert_same(seen[name], wanted[name])
    if isinstance(wanted, list):
        for one, other in zip(seen, wanted, strict=True):
            assert_same(one, other)

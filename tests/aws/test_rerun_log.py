"""The rerun table: who had which partition run again, and why."""

from datetime import timedelta

from builders import OPENED_AT, a_key
from interlock.aws.rerun_log import DynamoRerunLog


def test_a_rerun_is_kept_with_who_wanted_it_and_why_for_thirty_days(table):
    DynamoRerunLog(table).put(a_key(), 1, "manual", "source was corrected", "ana", OPENED_AT)

    (row,) = table.query("PIPELINE#gold-revenue")
    assert row == {
        "PK": "PIPELINE#gold-revenue",
        "SK": "RERUN#stream#2026-03-02#000001",
        "source": "manual",
        "reason": "source was corrected",
        "requestedBy": "ana",
        "at": "2026-03-02T08:00:00.000Z",
        "ttl": int((OPENED_AT + timedelta(days=30)).timestamp()),
    }


def test_reruns_are_in_the_order_of_their_numbers(table):
    log = DynamoRerunLog(table)
    for number in (10, 2, 1):
        log.put(a_key(), number, "manual", str(number), "", OPENED_AT)

    assert [row["reason"] for row in table.query("PIPELINE#gold-revenue")] == ["1", "2", "10"]


def test_a_rerun_that_is_written_again_is_one_row(table):
    log = DynamoRerunLog(table)
    log.put(a_key(), 1, "manual", "", "", OPENED_AT)
    log.put(a_key(), 1, "manual", "", "", OPENED_AT)

    assert len(table.query("PIPELINE#gold-revenue")) == 1

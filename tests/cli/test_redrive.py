"""`interlock redrive`: what it takes, and what it says of each queue and of each letter that is left."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO

import boto3
import pytest
from moto import mock_aws

from dead_letter_box import DeadLetterBox, RecordingDoor
from interlock.cli.cloud import WrongUsage
from interlock.cli.main import main
from interlock.cli.redrive import LONGEST_INVOCATION_SECONDS, PostOffice, limit_of, queues_of, redrive_all
from interlock.cli.redrive_telling import Telling
from interlock.domain.bad_input import BadInput
from interlock.domain.dead_letter import Contents, DeadLetter, DeadLetterQueue, Errand, SendAlert
from interlock.local.stack import LONG_FUNCTION_SECONDS

SINCE = "since 2026-03-02 08:00:00 UTC"


def read(letter: DeadLetter) -> Errand:
    if letter.body == "garbage":
        raise BadInput("the message is no JSON")
    return Errand(Contents("JOB_FAILED", "gold", "2026-03-01", "channel_not_found"), SendAlert(letter.body))


def office(*alerts: str, answers: Callable[[str], str | None] = lambda _: None) -> PostOffice:
    filled, empty = DeadLetterBox(read), DeadLetterBox(read)
    filled.add(*alerts)
    boxes = [(DeadLetterQueue.RULE_FAILURES, empty), (DeadLetterQueue.ALERTS, filled)]
    return PostOffice(boxes, RecordingDoor(answers))


def told(at: PostOffice, *, dry_run: bool = False, as_json: bool = False, limit: int | None = None):
    out = StringIO()
    code = redrive_all(at, Telling(out, dry_run=dry_run, as_json=as_json), limit, dry_run=dry_run)
    return code, out.getvalue()


def test_each_queue_is_a_line():
    assert told(office("a", "b")) == (
        0,
        "rule-failures: nothing waits\nalerts: 2 found, 2 went back, 0 left\n",
    )


def test_what_is_left_is_a_line_with_its_reason():
    assert told(office("a", "garbage")) == (
        1,
        "rule-failures: nothing waits\n"
        "alerts: 2 found, 1 went back, 1 left\n"
        f"  message m2, {SINCE}: the message is no JSON\n",
    )


def test_a_dry_run_shows_what_waits_and_why_it_was_given_up():
    at = office("a")

    assert told(at, dry_run=True) == (
        1,
        "rule-failures: nothing waits\n"
        "alerts: 1 waits, alert-dispatcher's log says why\n"
        f"  JOB_FAILED of gold 2026-03-01, {SINCE}: given up for channel_not_found\n",
    )
    assert told(at)[0] == 0


def test_a_limit_leaves_the_rest_and_says_so():
    code, text = told(office("a", "b", "c"), limit=1)

    assert code == 1
    assert "alerts: 1 found, 1 went back, 0 left, about 2 more not looked at" in text


def test_letters_in_other_hands_are_no_clean_end():
    at = office("a")
    at.boxes[1][1].take()

    code, text = told(at)

    assert code == 1
    assert "alerts: nothing waits, 1 in other hands (another redrive has them" in text


def test_a_person_is_shown_fifty_letters_at_most():
    lines = told(office(*["garbage"] * 60))[1].splitlines()

    assert lines[-1] == "  and 10 more; --json lists all"
    assert len(lines) == 53


def test_json_is_one_object():
    code, text = told(office("a", "garbage"), as_json=True)

    queues = json.loads(text)["queues"]
    assert code == 1
    assert list(queues) == ["rule-failures", "alerts"]
    assert {name: queues["alerts"][name] for name in ("found", "wentBack")} == {
        "found": 2,
        "wentBack": 1,
    }
    assert queues["alerts"]["left"] == [
        {
            "messageId": "m2",
            "since": "2026-03-02T08:00:00Z",
            "what": None,
            "pipeline": None,
            "date": None,
            "error": None,
            "why": "the message is no JSON",
        }
    ]


def test_without_a_name_it_is_all_queues_alerts_last():
    assert queues_of([]) == ["stream-failures", "invocation-failures", "rule-failures", "alerts"]
    assert queues_of(["alerts", "stream-failures", "alerts"]) == ["stream-failures", "alerts"]


def test_an_unknown_queue_is_wrong_usage():
    with pytest.raises(WrongUsage, match="'alert' is no dead-letter queue; there are stream-failures, "):
        queues_of(["alert"])


def test_a_limit_of_none_is_wrong_usage():
    with pytest.raises(WrongUsage, match="a number from 1 on"):
        limit_of(0)


def test_it_waits_for_an_answer_for_longer_than_any_function_may_run():
    assert max(LONG_FUNCTION_SECONDS.values()) < LONGEST_INVOCATION_SECONDS


@pytest.fixture
def _account(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield


HERE = ["--environment", "prod", "--region", "eu-west-1"]


@pytest.mark.usefixtures("_account")
def test_an_environment_without_queues_is_one_line(capsys: pytest.CaptureFixture[str]):
    code = main(["redrive", *HERE])

    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert said.err.count("\n") == 1
    assert "is 'prod' the environment's name, and is this its account and region?" in said.err


@pytest.mark.usefixtures("_account")
def test_alerts_go_from_their_dead_letter_queue_to_their_queue(capsys: pytest.CaptureFixture[str]):
    sqs = boto3.client("sqs", region_name="eu-west-1")
    alerts, dead = (
        sqs.create_queue(QueueName=f"prod-interlock-{name}")["QueueUrl"] for name in ("alerts", "alerts-dead")
    )
    sqs.send_message(QueueUrl=dead, MessageBody="no alert")

    code = main(["redrive", "alerts", *HERE])

    assert code == 1
    assert capsys.readouterr().out.startswith("alerts: 1 found, 0 went back, 1 left\n  message ")
    assert "Messages" in sqs.receive_message(QueueUrl=dead)
    assert "Messages" not in sqs.receive_message(QueueUrl=alerts)

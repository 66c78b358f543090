"""CloudWatch's own events, as its documentation shows them: an alarm that goes off is read, everything else passed over."""

from __future__ import annotations

from typing import Any

import pytest

from builders import at
from interlock.aws.alarm_event import gone_off, infra_alarm
from interlock.domain.alarm import Alarm
from interlock.domain.bad_input import BadInput
from interlock.domain.event import Event

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
WENT_OFF: dict[str, Any] = {
    "version": "0",
    "id": "c4c1c1c9-6542-e61b-6ef0-8c4d36933a92",
    "detail-type": "CloudWatch Alarm State Change",
    "source": "aws.cloudwatch",
    "account": "123456789012",
    "time": "2019-10-02T17:04:40Z",
    "region": "us-east-1",
    "resources": ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:ServerCpuTooHigh"],
    "detail": {
        "alarmName": "ServerCpuTooHigh",
        "configuration": {"description": "Goes into alarm when server CPU utilization is too high!"},
        "previousState": {
            "reason": "Threshold Crossed: 1 out of the last 1 datapoints was not greater than the threshold",
            "timestamp": "2019-10-02T17:03:34.001+0000",
            "value": "OK",
        },
        "state": {
            "reason": "Threshold Crossed: 1 out of the last 1 datapoints was greater than the threshold",
            "timestamp": "2019-10-02T17:04:40.985+0000",
            "value": "ALARM",
        },
    },
}


def with_detail(**changes: Any) -> dict[str, Any]:
    return WENT_OFF | {"detail": WENT_OFF["detail"] | changes}


def test_an_alarm_that_goes_off_is_read_with_its_reason():
    assert gone_off(WENT_OFF) == Alarm(
        name="ServerCpuTooHigh",
        since=at("2019-10-02T17:04:40.985"),
        reason="Threshold Crossed: 1 out of the last 1 datapoints was greater than the threshold",
        description="Goes into alarm when server CPU utilization is too high!",
        previous_state="OK",
    )


def test_an_alarm_without_words_is_read_all_the_same():
    state = {"value": "ALARM", "timestamp": "2019-10-02T17:04:40.985+0000"}

    alarm = gone_off(WENT_OFF | {"detail": {"alarmName": "Silent", "state": state}})

    assert alarm == Alarm("Silent", at("2019-10-02T17:04:40.985"), "no reason given", None, None)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(with_detail(state={"value": "OK"}), id="an alarm that is over"),
        pytest.param(with_detail(state={"value": "INSUFFICIENT_DATA"}), id="an alarm that knows nothing"),
        pytest.param(WENT_OFF | {"source": "mine"}, id="somebody's event of that name"),
        pytest.param(
            WENT_OFF | {"detail-type": "CloudWatch Alarm Configuration Change"}, id="a changed alarm"
        ),
    ],
)
def test_what_is_no_alarm_that_goes_off_is_passed_over(event: dict[str, Any]):
    assert gone_off(event) is None


OFF = WENT_OFF["detail"]["state"]


@pytest.mark.parametrize(
    "detail",
    [
        pytest.param({"alarmName": None}, id="no name"),
        pytest.param({"alarmName": ["a"]}, id="a name that is no text"),
        pytest.param({"alarmName": "x" * 256}, id="a name longer than CloudWatch gives"),
        pytest.param({"state": OFF | {"timestamp": "soon"}}, id="an unreadable instant"),
        pytest.param({"state": OFF | {"timestamp": "0001-01-01T00:00:00Z"}}, id="the year 1"),
        pytest.param({"state": {"value": "ALARM"}}, id="no instant: redelivered, it would be another one"),
    ],
)
def test_an_alarm_that_cannot_be_read_is_bad_input(detail: dict[str, Any]):
    with pytest.raises(BadInput, match=r"alarmName or state\.timestamp"):
        gone_off(with_detail(**detail))


def told(**changes: Any) -> Event:
    event = infra_alarm(with_detail(**changes))
    assert event is not None
    return event


def test_an_alarm_is_an_event_of_no_pipeline_that_says_what_is_wrong():
    event = told()

    assert (event.type, event.severity, event.at) == (
        "INFRA_ALARM",
        "critical",
        at("2019-10-02T17:04:40.985"),
    )
    assert (event.pipeline_id, event.schedule_id, event.date, event.attempt) == (None, None, None, None)
    assert (
        event.message == "ServerCpuTooHigh went off: Goes into alarm when server CPU utilization is too high!"
    )
    assert event.detail == {
        "alarmName": "ServerCpuTooHigh",
        "reason": "Threshold Crossed: 1 out of the last 1 datapoints was greater than the threshold",
        "description": "Goes into alarm when server CPU utilization is too high!",
        "previousState": "OK",
    }


def test_an_alarm_that_is_delivered_again_is_the_same_event():
    again = infra_alarm(WENT_OFF | {"id": "another", "time": "2019-10-02T18:00:00Z"})

    assert again == told()


def test_an_alarm_that_goes_off_again_and_another_one_at_the_same_instant_are_other_events():
    ids = {
        told().event_id,
        told(alarmName="ServerMemory").event_id,
        told(state=OFF | {"timestamp": "2019-10-02T17:14:40.985+0000"}).event_id,
    }

    assert len(ids) == 3


def test_what_is_no_alarm_that_goes_off_is_no_event():
    assert infra_alarm(with_detail(state={"value": "OK"})) is None

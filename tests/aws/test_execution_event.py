"""Which of Step Functions' events are of our own executions."""

import pytest

from interlock.aws.execution_event import OwnEnd, own_end

OURS = "arn:aws:states:eu-west-1:123456789012:stateMachine:prod-interlock-pipeline-run"
DETAIL = {"stateMachineArn": OURS, "name": "gold-1", "status": "ABORTED", "input": '{"run": {}}'}
EVENT = {
    "source": "aws.states",
    "detail-type": "Step Functions Execution Status Change",
    "detail": DETAIL,
}


def is_ours(arn):
    return arn == OURS


def test_an_execution_of_ours_says_whose_it_was():
    assert own_end(EVENT, is_ours) == OwnEnd("gold-1", "ABORTED", '{"run": {}}')


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({**EVENT, "detail": {**DETAIL, "stateMachineArn": OURS + "-2"}}, id="another machine"),
        pytest.param({**EVENT, "detail": {}}, id="a detail without a machine"),
        pytest.param({**EVENT, "detail": "ABORTED"}, id="no mapping"),
        pytest.param({**EVENT, "source": "aws.glue"}, id="another service"),
        pytest.param({**EVENT, "detail-type": "Something Else"}, id="another event"),
        pytest.param({}, id="nothing"),
    ],
)
def test_whatever_else_is_told_is_not_ours(event):
    assert own_end(event, is_ours) is None

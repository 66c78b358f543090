"""EMR on the wire: requests as the service's own model wants them, and each of its states and errors."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber
from moto import mock_aws

from interlock.domain.run import FailureCategory, JobEnd
from interlock.ports import TriggerError
from interlock.triggers.emr import EmrTrigger
from interlock.triggers.outside import Outside
from triggers.aws_services import a_client
from triggers.requests_for import RUN_ID, a_request

HANDLE = {"clusterId": "j-1", "stepId": "s-1"}
STEP = {"ClusterId": "j-1", "StepId": "s-1"}
ETL = {"clusterId": "j-1", "jar": "s3://b/j.jar"}
SINCE = datetime(2026, 3, 1, 19, 0, tzinfo=UTC)
FULL = (
    "Maximum number of active steps(State = 'Running', 'Pending' or 'Cancel_Pending') for cluster exceeded."
)


@pytest.fixture
def emr():
    """A stub that checks each request against the service model, and that all it expects is asked."""
    with Stubber(a_client("emr")) as stub:
        yield stub
        stub.assert_no_pending_responses()


def trigger_of(client):
    return EmrTrigger(Outside(clients=lambda _: client, http=None, processes=None, in_background=None))


def expect_start(stub, jar_step, name=f"gold-revenue {RUN_ID}"):
    step = {"Name": name, "ActionOnFailure": "CONTINUE", "HadoopJarStep": jar_step}
    stub.add_response("add_job_flow_steps", {"StepIds": ["s-1"]}, {"JobFlowId": "j-1", "Steps": [step]})


def expect_state(stub, state, **status):
    stub.add_response("describe_step", {"Step": {"Id": "s-1", "Status": {"State": state, **status}}}, STEP)


def expect_cancel(stub, status, **told):
    answer = {"CancelStepsInfoList": [{"StepId": "s-1", "Status": status, **told}]}
    stub.add_response("cancel_steps", answer, {"ClusterId": "j-1", "StepIds": ["s-1"]})


def a_step(step_id, name, created_at=SINCE):
    return {"Id": step_id, "Name": name, "Status": {"Timeline": {"CreationDateTime": created_at}}}


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        pytest.param(
            {"jar": "s3://b/j.jar", "args": ["--day", "2026-03-01"]},
            {"Jar": "s3://b/j.jar", "Args": ["--day", "2026-03-01"]},
            id="a jar and its arguments, with nothing added",
        ),
        pytest.param({"jar": "s3://b/j.jar"}, {"Jar": "s3://b/j.jar", "Args": []}, id="a jar alone"),
        pytest.param(
            {"command": ["spark-submit", "a b.py"]},
            {"Jar": "command-runner.jar", "Args": ["spark-submit", "a b.py"]},
            id="a command as a list keeps its blanks",
        ),
        pytest.param(
            {"command": "spark-submit  s3://b/j.py\n --day 2026-03-01"},
            {"Jar": "command-runner.jar", "Args": ["spark-submit", "s3://b/j.py", "--day", "2026-03-01"]},
            id="a command as one text is split at blanks",
        ),
    ],
)
def test_a_start_adds_one_step_whose_failure_leaves_the_cluster_alone(emr, written, sent):
    expect_start(emr, sent)

    started = trigger_of(emr.client).start(a_request({"clusterId": "j-1", **written}))

    assert (started.handle, started.remote_id) == (HANDLE, "s-1")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("compact logs", f"compact logs {RUN_ID}"),
        ("n" * 300, "n" * (255 - len(RUN_ID)) + f" {RUN_ID}"),
    ],
)
def test_a_steps_name_ends_in_the_run_id_and_is_never_too_long(emr, written, name):
    expect_start(emr, {"Jar": "s3://b/j.jar", "Args": []}, name)

    trigger_of(emr.client).start(a_request({**ETL, "stepName": written}))

    assert len(name) <= 256


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"clusterId": "j-1"},
        {"clusterId": 7, "jar": "j"},
        {**ETL, "args": "--day"},
        {**ETL, "args": [7]},
        {**ETL, "stepName": 7},
        {"clusterId": "j-1", "command": " "},
        {"clusterId": "j-1", "command": []},
        {"clusterId": "j-1", "command": {"a": "b"}},
    ],
)
def test_a_config_that_no_request_can_be_made_of_is_a_permanent_error(emr, config):
    with pytest.raises(TriggerError, match=r"job\.config\.") as error:
        trigger_of(emr.client).start(a_request(config))

    assert error.value.permanent


@pytest.mark.parametrize(
    ("code", "status", "says", "permanent", "unknown"),
    [
        ("ValidationException", 400, "Specified job flow ID does not exist.", True, False),
        ("ValidationException", 400, "A job flow that is terminated may not be modified.", True, False),
        ("ValidationException", 400, FULL, False, False),
        ("InvalidRequestException", 400, "Cluster id 'j-1' is not valid.", True, False),
        ("AccessDeniedException", 400, "not authorized", True, False),
        ("ThrottlingException", 400, "Rate exceeded", False, False),
        ("ExpiredTokenException", 400, "expired", False, False),
        ("InternalServerError", 400, "not completed", False, True),
        ("InternalServerException", 400, "an internal failure", False, True),
        ("InternalFailure", 500, "unknown", False, True),
        ("SomethingNew", 503, "busy", False, True),
        ("SomethingNew", 400, "wrong", True, False),
    ],
)
def test_what_a_refused_start_means(emr, code, status, says, permanent, unknown):
    emr.add_client_error("add_job_flow_steps", code, says, http_status_code=status)

    with pytest.raises(TriggerError, match=f"EMR cluster j-1: {code}: ") as error:
        trigger_of(emr.client).start(a_request(ETL))

    assert (error.value.permanent, error.value.unknown_outcome) == (permanent, unknown)


class Broken:
    """A client whose every call ends in the same error."""

    def __init__(self, error):
        self.add_job_flow_steps = self.list_steps = self._fail
        self._error = error

    def _fail(self, **_):
        raise self._error


@pytest.mark.parametrize(
    ("error", "unknown"),
    [
        (ReadTimeoutError(endpoint_url="https://emr"), True),
        (EndpointConnectionError(endpoint_url="https://emr"), False),
    ],
)
def test_a_time_out_is_looked_into_before_the_next_start_and_a_refused_connection_need_not_be(error, unknown):
    with pytest.raises(TriggerError) as failed:
        trigger_of(Broken(error)).start(a_request(ETL))

    assert (failed.value.permanent, failed.value.unknown_outcome) == (False, unknown)


def test_a_look_up_that_fails_leaves_it_unknown_whether_the_step_was_added():
    with pytest.raises(TriggerError, match="may have started") as failed:
        trigger_of(Broken(EndpointConnectionError(endpoint_url="https://emr"))).find(a_request(ETL))

    assert (failed.value.permanent, failed.value.unknown_outcome) == (False, True)


def test_a_throttled_look_up_is_tried_again(emr):
    emr.add_client_error("list_steps", "ThrottlingException", "Rate exceeded", http_status_code=400)

    with pytest.raises(TriggerError) as failed:
        trigger_of(emr.client).find(a_request(ETL))

    assert (failed.value.permanent, failed.value.unknown_outcome) == (False, True)


def test_the_step_of_an_earlier_try_is_found_on_a_later_page(emr):
    first = [a_step("s-9", "somebody's"), {"Id": "s-8"}]
    emr.add_response("list_steps", {"Steps": first, "Marker": "more"}, {"ClusterId": "j-1"})
    ours = [a_step("s-1", f"renamed since {RUN_ID}")]
    emr.add_response("list_steps", {"Steps": ours, "Marker": "more"}, {"ClusterId": "j-1", "Marker": "more"})

    assert trigger_of(emr.client).find(a_request(ETL, since=SINCE)).handle == HANDLE


@pytest.mark.parametrize(
    "name",
    [f"gold-revenue x{RUN_ID}", f"gold-revenue {RUN_ID}0", f"{RUN_ID} gold-revenue", "gold-revenue", ""],
)
def test_a_step_that_only_resembles_it_is_not_taken_for_ours(emr, name):
    emr.add_response("list_steps", {"Steps": [a_step("s-9", name)]})

    assert trigger_of(emr.client).find(a_request(ETL, since=SINCE)) is None


def test_steps_of_long_before_the_earlier_try_end_the_search(emr):
    old = SINCE - timedelta(minutes=6)
    steps = [a_step("s-9", "somebody's"), a_step("s-8", f"gold-revenue {RUN_ID}", old)]
    emr.add_response("list_steps", {"Steps": steps, "Marker": "more"}, {"ClusterId": "j-1"})

    assert trigger_of(emr.client).find(a_request(ETL, since=SINCE)) is None


def test_a_step_is_found_although_the_clusters_clock_is_some_minutes_slow(emr):
    steps = [a_step("s-1", f"gold-revenue {RUN_ID}", SINCE - timedelta(minutes=4))]
    emr.add_response("list_steps", {"Steps": steps})

    assert trigger_of(emr.client).find(a_request(ETL, since=SINCE)).handle == HANDLE


def test_more_steps_than_can_be_looked_through_leave_it_unknown(emr):
    for _ in range(20):
        emr.add_response("list_steps", {"Steps": [a_step("s-9", "somebody's")], "Marker": "more"})

    with pytest.raises(TriggerError, match=f"unknown outcome.*{RUN_ID}") as unknown:
        trigger_of(emr.client).find(a_request(ETL, since=SINCE))

    assert (unknown.value.permanent, unknown.value.unknown_outcome) == (True, True)


@pytest.mark.parametrize(
    ("state", "end", "category"),
    [
        ("COMPLETED", JobEnd.SUCCESS, None),
        ("FAILED", JobEnd.FAIL, None),
        ("CANCELLED", JobEnd.FAIL, FailureCategory.PERMANENT),
        ("INTERRUPTED", JobEnd.FAIL, None),
    ],
)
def test_how_a_step_ended(emr, state, end, category):
    expect_state(emr, state, StateChangeReason={"Message": "Shut down"})

    outcome = trigger_of(emr.client).status(HANDLE)

    assert (outcome.end, outcome.category) == (end, category)
    assert outcome.error == (None if end is JobEnd.SUCCESS else f"EMR step {state}: Shut down")


def test_a_failure_says_its_cause_and_where_the_log_is(emr):
    failure = {"Reason": "Unknown Error", "Message": "No such file", "LogFile": "s3://logs/stderr.gz"}
    expect_state(emr, "FAILED", FailureDetails=failure)

    error = trigger_of(emr.client).status(HANDLE).error

    assert error == "EMR step FAILED: Unknown Error: No such file: s3://logs/stderr.gz"


@pytest.mark.parametrize("state", ["PENDING", "RUNNING", "CANCEL_PENDING"])
def test_a_step_goes_on(emr, state):
    expect_state(emr, state)

    assert trigger_of(emr.client).status(HANDLE) is None


def test_every_state_of_the_service_model_is_known():
    states = a_client("emr").meta.service_model.shape_for("StepState").enum

    for state in states:
        with Stubber(a_client("emr")) as stub:
            expect_state(stub, state)
            trigger_of(stub.client).status(HANDLE)


@pytest.mark.parametrize(
    ("code", "permanent"), [("InvalidRequestException", True), ("ThrottlingException", False)]
)
def test_a_step_that_cannot_be_asked_about_says_whether_it_ever_can(emr, code, permanent):
    emr.add_client_error("describe_step", code, "no", http_status_code=400)

    with pytest.raises(TriggerError, match="EMR cluster j-1, step s-1") as error:
        trigger_of(emr.client).status(HANDLE)

    assert error.value.permanent is permanent


def test_a_step_is_cancelled_by_one_call(emr):
    expect_cancel(emr, "SUBMITTED")

    trigger_of(emr.client).cancel(HANDLE)


@pytest.mark.parametrize(
    ("state", "fails"),
    [("RUNNING", True), ("PENDING", True), ("CANCEL_PENDING", False), ("COMPLETED", False)],
)
def test_a_cancel_that_stopped_nothing_is_an_error_only_while_the_step_goes_on(emr, state, fails):
    expect_cancel(emr, "FAILED", Reason="too old a release")
    expect_state(emr, state)

    if fails:
        with pytest.raises(TriggerError, match="too old a release") as error:
            trigger_of(emr.client).cancel(HANDLE)
        assert not error.value.permanent
    else:
        trigger_of(emr.client).cancel(HANDLE)


@pytest.mark.parametrize(("state", "fails"), [("RUNNING", True), ("CANCELLED", False)])
def test_a_cancel_that_a_terminated_cluster_refuses_is_an_error_only_while_the_step_goes_on(
    emr, state, fails
):
    emr.add_client_error("cancel_steps", "InvalidRequestException", "terminated", http_status_code=400)
    expect_state(emr, state)

    if fails:
        with pytest.raises(TriggerError, match="InvalidRequestException") as error:
            trigger_of(emr.client).cancel(HANDLE)
        assert error.value.permanent
    else:
        trigger_of(emr.client).cancel(HANDLE)


def test_a_throttled_cancel_is_tried_again(emr):
    emr.add_client_error("cancel_steps", "ThrottlingException", "Rate exceeded", http_status_code=400)

    with pytest.raises(TriggerError) as error:
        trigger_of(emr.client).cancel(HANDLE)

    assert not error.value.permanent


@mock_aws
def test_a_crash_after_the_start_is_followed_by_the_same_step_on_motos_cluster():
    # moto answers truthfully for AddJobFlowSteps, ListSteps and DescribeStep of a cluster that it knows. It has no
    # CancelSteps, breaks over a cluster that it does not know, and ends no step.
    client = a_client("emr", None)
    cluster = client.run_job_flow(
        Name="etl",
        Instances={
            "InstanceCount": 1,
            "MasterInstanceType": "m5.xlarge",
            "KeepJobFlowAliveWhenNoSteps": True,
        },
    )["JobFlowId"]
    trigger, request = trigger_of(client), a_request({**ETL, "clusterId": cluster}, since=datetime.now(UTC))

    assert trigger.find(request) is None
    started = trigger.start(request)
    other = trigger.start(a_request({**ETL, "clusterId": cluster}, run_id="another"))

    assert trigger.find(request) == started
    assert other.remote_id != started.remote_id
    assert trigger.status(started.handle) is None

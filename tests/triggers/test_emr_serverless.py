"""EMR Serverless on the wire: requests as the service's own model wants them, and each of its states and errors.

Not moto: there a client token used twice starts two job runs, each has succeeded at once, and was created at midnight.
"""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from interlock.domain.run import FailureCategory, JobEnd
from interlock.ports import TriggerError
from interlock.triggers.emr_serverless import EmrServerlessTrigger
from interlock.triggers.outside import Outside
from triggers.aws_services import a_client
from triggers.requests_for import RUN_ID, a_request

APPLICATION, RUN = "00f1r1exampleid9", "00f1cbn5g4bb0c01"
HANDLE = {"applicationId": APPLICATION, "jobRunId": RUN}
ROLE = "arn:aws:iam::123456789012:role/emr-job"
DRIVER = {"sparkSubmit": {"entryPoint": "s3://b/j.py", "entryPointArguments": ["20260301"]}}
ETL = {"applicationId": APPLICATION, "executionRoleArn": ROLE, "jobDriver": DRIVER}
SINCE = datetime(2026, 3, 1, 19, 0, tzinfo=UTC)
RUN_ARN = f"arn:aws:emr-serverless:eu-west-1:123456789012:/applications/{APPLICATION}/jobruns/{RUN}"
LISTED = {"applicationId": APPLICATION, "maxResults": 50, "createdAtAfter": SINCE - timedelta(minutes=5)}


@pytest.fixture
def emr():
    """A stub that checks each request against the service model, and that all it expects is asked."""
    with Stubber(a_client("emr-serverless")) as stub:
        yield stub
        stub.assert_no_pending_responses()


def trigger_of(client):
    return EmrServerlessTrigger(
        Outside(clients=lambda _: client, http=None, processes=None, in_background=None)
    )


def expect_start(stub, **more):
    answer = {"applicationId": APPLICATION, "jobRunId": RUN, "arn": RUN_ARN}
    stub.add_response("start_job_run", answer, {**ETL, "clientToken": RUN_ID, "name": RUN_ID, **more})


def a_run(state="RUNNING", details="as EMR puts it"):
    """Without what listing and asking have names of their own for."""
    return {
        "applicationId": APPLICATION,
        "arn": RUN_ARN,
        "createdBy": ROLE,
        "createdAt": SINCE,
        "updatedAt": SINCE,
        "executionRole": ROLE,
        "state": state,
        "stateDetails": details,
        "releaseLabel": "emr-7.0.0",
    }


def listed(run_id, name):
    return {**a_run(), "id": run_id, **({"name": name} if name else {})}


def expect_state(stub, state, details="as EMR puts it"):
    run = {**a_run(state, details), "jobRunId": RUN, "jobDriver": DRIVER}
    stub.add_response("get_job_run", {"jobRun": run}, HANDLE)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {
            "configurationOverrides": {
                "monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://l"}}
            }
        },
        {"executionTimeoutMinutes": 1440},
        {"executionTimeoutMinutes": 0},
    ],
)
def test_a_start_carries_the_run_id_as_token_and_name_and_what_the_user_wrote(emr, more):
    expect_start(emr, **more)

    started = trigger_of(emr.client).start(a_request({**ETL, **more}))

    assert (started.handle, started.remote_id) == (HANDLE, RUN)


@pytest.mark.parametrize(
    "wrong",
    [
        {"applicationId": None},
        {"executionRoleArn": 7},
        {"jobDriver": None},
        {"jobDriver": {}},
        {"jobDriver": "spark"},
        {"configurationOverrides": "s3://logs"},
    ],
)
def test_a_config_that_no_request_can_be_made_of_is_a_permanent_error(emr, wrong):
    with pytest.raises(TriggerError, match=r"job\.config\.") as error:
        trigger_of(emr.client).start(a_request({**ETL, **wrong}))

    assert error.value.permanent


def test_a_driver_that_the_service_model_does_not_know_is_named_without_what_it_holds():
    odd = {"sparkSubmit": {"entryPoint": "s3://b/j.py", "entryPointArguments": ["hunter2", 7]}}

    with pytest.raises(TriggerError, match="entryPointArguments") as error:
        trigger_of(a_client("emr-serverless")).start(a_request({**ETL, "jobDriver": odd}))

    assert error.value.permanent
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("code", "status", "permanent", "unknown"),
    [
        ("ValidationException", 400, True, False),
        ("ResourceNotFoundException", 404, True, False),
        ("AccessDeniedException", 403, True, False),
        ("ServiceQuotaExceededException", 402, False, False),
        ("ThrottlingException", 400, False, False),
        ("TooManyRequestsException", 429, False, False),
        ("ExpiredTokenException", 403, False, False),
        ("ConflictException", 409, False, True),
        ("InternalServerException", 500, False, True),
        ("SomethingNew", 503, False, True),
        ("SomethingNew", 400, True, False),
    ],
)
def test_what_a_refused_start_means(emr, code, status, permanent, unknown):
    emr.add_client_error("start_job_run", code, "in other words", http_status_code=status)

    with pytest.raises(TriggerError, match=f"application {APPLICATION}: {code}: in other words") as error:
        trigger_of(emr.client).start(a_request(ETL))

    assert (error.value.permanent, error.value.unknown_outcome) == (permanent, unknown)


class Broken:
    """A client whose every call ends in the same error."""

    def __init__(self, error):
        self.start_job_run = self.list_job_runs = self._fail
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


@pytest.mark.parametrize(
    ("code", "status", "permanent"), [("ThrottlingException", 400, False), ("ValidationException", 400, True)]
)
def test_a_look_up_that_is_refused_leaves_it_unknown_whether_the_job_was_started(
    emr, code, status, permanent
):
    emr.add_client_error("list_job_runs", code, http_status_code=status)

    with pytest.raises(TriggerError, match="may have started") as failed:
        trigger_of(emr.client).find(a_request(ETL))

    assert (failed.value.permanent, failed.value.unknown_outcome) == (permanent, True)


def test_the_job_run_of_an_earlier_try_is_found_on_a_later_page(emr):
    others = [listed("00f9", None), listed("00f8", f"x{RUN_ID}"), listed("00f7", f"{RUN_ID}0")]
    emr.add_response("list_job_runs", {"jobRuns": others, "nextToken": "more"}, LISTED)
    ours = [listed(RUN, RUN_ID)]
    emr.add_response("list_job_runs", {"jobRuns": ours, "nextToken": "yet"}, {**LISTED, "nextToken": "more"})

    found = trigger_of(emr.client).find(a_request(ETL, since=SINCE))

    assert (found.handle, found.remote_id) == (HANDLE, RUN)


def test_an_application_that_has_no_such_job_run_was_not_asked_for_one(emr):
    emr.add_response("list_job_runs", {"jobRuns": [listed("00f9", "another")]}, LISTED)

    assert trigger_of(emr.client).find(a_request(ETL, since=SINCE)) is None


def test_more_job_runs_than_can_be_looked_through_leave_it_unknown(emr):
    for _ in range(20):
        emr.add_response("list_job_runs", {"jobRuns": [listed("00f9", "another")], "nextToken": "more"})

    with pytest.raises(TriggerError, match=f"unknown outcome.*{RUN_ID}") as unknown:
        trigger_of(emr.client).find(a_request(ETL, since=SINCE))

    assert (unknown.value.permanent, unknown.value.unknown_outcome) == (True, True)


@pytest.mark.parametrize(
    ("state", "end", "category"),
    [
        ("SUCCESS", JobEnd.SUCCESS, None),
        ("FAILED", JobEnd.FAIL, None),
        ("CANCELLED", JobEnd.FAIL, FailureCategory.PERMANENT),
    ],
)
def test_how_a_job_run_ended(emr, state, end, category):
    expect_state(emr, state, "Job failed, please check complete logs")

    outcome = trigger_of(emr.client).status(HANDLE)

    assert (outcome.end, outcome.category) == (end, category)
    told = f"EMR Serverless run {state}: Job failed, please check complete logs"
    assert outcome.error == (None if end is JobEnd.SUCCESS else told)


@pytest.mark.parametrize("state", ["SUBMITTED", "QUEUED", "PENDING", "SCHEDULED", "RUNNING", "CANCELLING"])
def test_a_job_run_goes_on(emr, state):
    expect_state(emr, state)

    assert trigger_of(emr.client).status(HANDLE) is None


def test_every_state_of_the_service_model_is_known():
    states = a_client("emr-serverless").meta.service_model.shape_for("JobRunState").enum

    for state in states:
        with Stubber(a_client("emr-serverless")) as stub:
            expect_state(stub, state)
            trigger_of(stub.client).status(HANDLE)


def test_a_job_run_is_cancelled_by_one_call(emr):
    emr.add_response("cancel_job_run", HANDLE, HANDLE)

    trigger_of(emr.client).cancel(HANDLE)


@pytest.mark.parametrize(("code", "status"), [("ValidationException", 400), ("ConflictException", 409)])
@pytest.mark.parametrize(("state", "fails"), [("RUNNING", True), ("CANCELLING", False), ("FAILED", False)])
def test_a_refused_cancel_is_an_error_only_while_the_job_run_goes_on(emr, code, status, state, fails):
    emr.add_client_error("cancel_job_run", code, http_status_code=status)
    expect_state(emr, state)

    if fails:
        with pytest.raises(TriggerError, match=code):
            trigger_of(emr.client).cancel(HANDLE)
    else:
        trigger_of(emr.client).cancel(HANDLE)


def test_a_throttled_cancel_is_tried_again(emr):
    emr.add_client_error("cancel_job_run", "ThrottlingException", http_status_code=400)

    with pytest.raises(TriggerError) as error:
        trigger_of(emr.client).cancel(HANDLE)

    assert not error.value.permanent


def test_cancelling_a_job_run_of_a_deleted_application_is_no_error(emr):
    emr.add_client_error("cancel_job_run", "ResourceNotFoundException", http_status_code=404)

    trigger_of(emr.client).cancel(HANDLE)

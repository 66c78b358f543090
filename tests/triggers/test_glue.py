"""Glue on the wire: requests as the service's own model wants them, and each of its states and errors."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from interlock.domain.run import FailureCategory, JobEnd
from interlock.ports import TriggerError
from interlock.triggers import glue_states
from interlock.triggers.glue import TAG, GlueTrigger
from interlock.triggers.outside import Outside
from triggers.aws_services import a_client
from triggers.requests_for import RUN_ID, a_request

HANDLE = {"jobName": "etl", "jobRunId": "jr_1", "verifyInsights": True}
ETL = {"jobName": "etl"}
NOW = datetime(2026, 3, 1, 18, 40, tzinfo=UTC)


REFUSALS = [
    ("EntityNotFoundException", 400, True, False),
    ("IdempotentParameterMismatchException", 400, True, False),
    ("InvalidInputException", 400, True, False),
    ("AccessDeniedException", 400, True, False),
    ("UnrecognizedClientException", 400, True, False),
    ("ConcurrentRunsExceededException", 400, False, False),
    ("ResourceNumberLimitExceededException", 400, False, False),
    ("ThrottlingException", 400, False, False),
    ("ExpiredTokenException", 400, False, False),
    ("OperationTimeoutException", 400, False, True),
    ("InternalServiceException", 500, False, True),
    ("SomethingNew", 503, False, True),
    ("SomethingNew", 429, False, False),
    ("SomethingNew", 400, True, False),
]


@pytest.fixture
def glue():
    """A stub that checks each request against the service model, and that all it expects is asked."""
    with Stubber(a_client("glue")) as stub:
        yield stub
        stub.assert_no_pending_responses()


def trigger_of(client):
    return GlueTrigger(Outside(clients=lambda _: client, http=None, processes=None, in_background=None))


def expect_start(stub, arguments):
    stub.add_response("start_job_run", {"JobRunId": "jr_1"}, {"JobName": "etl", "Arguments": arguments})


def expect_status(stub, state, **run):
    answer = {"JobRun": {"Id": "jr_1", "JobRunState": state, **run}}
    stub.add_response("get_job_run", answer, {"JobName": "etl", "RunId": "jr_1"})


@pytest.mark.parametrize(
    ("date", "written", "sent"),
    [
        pytest.param(
            "2026-03-01T18", None, {"--par_day": "20260301", "--par_hour": "18"}, id="an hour, told by us"
        ),
        pytest.param("2026-03-01", {}, {"--par_day": "20260301"}, id="a day has no hour"),
        pytest.param(
            "2026-03-01",
            {"--source": "s3://raw", "full": True, "--rows": 7, "--par_day": "mine"},
            {"--source": "s3://raw", "--full": "true", "--rows": "7", "--par_day": "mine"},
            id="what the user wrote counts, as text, under a name with two dashes",
        ),
        pytest.param("2026-03-01", {TAG: "mine"}, {"--par_day": "20260301"}, id="the tag is ours"),
    ],
)
def test_a_start_tells_the_period_the_users_arguments_and_the_tag(glue, date, written, sent):
    expect_start(glue, {**sent, TAG: RUN_ID})

    started = trigger_of(glue.client).start(a_request({**ETL, "arguments": written}, date=date))

    assert (started.handle, started.remote_id) == (HANDLE, "jr_1")


@pytest.mark.parametrize(
    "config", [{}, {"jobName": ""}, {"jobName": 7}, {"jobName": "etl", "arguments": "--a b"}]
)
def test_a_config_that_no_request_can_be_made_of_is_a_permanent_error(glue, config):
    with pytest.raises(TriggerError, match=r"job\.config\.") as error:
        trigger_of(glue.client).start(a_request(config))

    assert error.value.permanent


@pytest.mark.parametrize(("code", "status", "permanent", "unknown"), REFUSALS)
def test_what_a_refused_start_means(glue, code, status, permanent, unknown):
    glue.add_client_error("start_job_run", code, "in other words", http_status_code=status)

    with pytest.raises(TriggerError, match=f"Glue job etl: {code}: in other words") as error:
        trigger_of(glue.client).start(a_request(ETL))

    assert (error.value.permanent, error.value.unknown_outcome) == (permanent, unknown)


def test_every_refusal_that_the_service_model_names_is_among_them():
    operation = a_client("glue").meta.service_model.operation_model("StartJobRun")

    assert {shape.name for shape in operation.error_shapes} <= {code for code, *_ in REFUSALS}


@pytest.mark.parametrize(
    ("code", "permanent"),
    [
        ("EntityNotFoundException", True),
        ("InvalidInputException", True),
        ("AccessDeniedException", False),
        ("UnrecognizedClientException", False),
        ("ThrottlingException", False),
        ("OperationTimeoutException", False),
    ],
)
def test_a_status_that_is_refused_to_us_says_nothing_of_the_run(glue, code, permanent):
    glue.add_client_error("get_job_run", code, http_status_code=400)

    with pytest.raises(TriggerError, match=code) as refused:
        trigger_of(glue.client).status(HANDLE)

    assert refused.value.permanent is permanent


class Broken:
    """A client whose every call ends in the same error."""

    def __init__(self, error):
        self.start_job_run = self.get_job_runs = self._fail
        self._error = error

    def _fail(self, **_):
        raise self._error


@pytest.mark.parametrize(
    ("error", "unknown"),
    [
        (ReadTimeoutError(endpoint_url="https://glue"), True),
        (EndpointConnectionError(endpoint_url="https://glue"), False),
    ],
)
def test_a_time_out_is_looked_into_before_the_next_start_and_a_refused_connection_need_not_be(error, unknown):
    with pytest.raises(TriggerError) as failed:
        trigger_of(Broken(error)).start(a_request(ETL))

    assert (failed.value.permanent, failed.value.unknown_outcome) == (False, unknown)


def test_a_look_up_that_fails_leaves_it_unknown_whether_the_job_was_started():
    with pytest.raises(TriggerError, match="may have started") as failed:
        trigger_of(Broken(EndpointConnectionError(endpoint_url="https://glue"))).find(a_request(ETL))

    assert (failed.value.permanent, failed.value.unknown_outcome) == (False, True)


def test_the_job_of_an_earlier_try_is_found_on_a_later_page(glue):
    page = {"JobName": "etl", "MaxResults": 200}
    others = [{"Id": "jr_9"}, {"Id": "jr_8", "Arguments": {TAG: "another run"}}]
    glue.add_response("get_job_runs", {"JobRuns": others, "NextToken": "more"}, page)
    ours = {"Id": "jr_1", "Arguments": {TAG: RUN_ID}}
    glue.add_response("get_job_runs", {"JobRuns": [ours], "NextToken": "more"}, {**page, "NextToken": "more"})

    assert trigger_of(glue.client).find(a_request(ETL)).handle == HANDLE


def test_runs_of_before_the_earlier_try_show_that_it_started_none(glue):
    of_before = {"Id": "jr_8", "StartedOn": NOW - timedelta(minutes=6)}
    runs = [{"Id": "jr_9", "StartedOn": NOW}, {"Id": "jr_0"}, of_before]
    glue.add_response("get_job_runs", {"JobRuns": runs, "NextToken": "more"})

    assert trigger_of(glue.client).find(a_request(ETL, since=NOW)) is None


def test_a_run_that_glues_clock_puts_before_the_earlier_try_is_found(glue):
    ours = {"Id": "jr_1", "StartedOn": NOW - timedelta(minutes=4), "Arguments": {TAG: RUN_ID}}
    glue.add_response("get_job_runs", {"JobRuns": [ours]})

    assert trigger_of(glue.client).find(a_request(ETL, since=NOW)).handle == HANDLE


def test_too_many_runs_to_look_through_leave_it_unknown_whether_one_is_ours(glue):
    for _ in range(5):
        glue.add_response("get_job_runs", {"JobRuns": [{"Id": "jr_9"}], "NextToken": "more"})

    with pytest.raises(TriggerError, match=f"unknown outcome: .*{RUN_ID}") as unknown:
        trigger_of(glue.client).find(a_request(ETL, since=NOW))

    assert (unknown.value.permanent, unknown.value.unknown_outcome) == (True, True)


def test_a_retry_of_glues_own_is_not_taken_for_the_run_we_started(glue):
    retry = {"Id": "jr_1_attempt_1", "PreviousRunId": "jr_1", "Arguments": {TAG: RUN_ID}}
    glue.add_response("get_job_runs", {"JobRuns": [retry, {"Id": "jr_1", "Arguments": {TAG: RUN_ID}}]})

    assert trigger_of(glue.client).find(a_request(ETL)).handle == HANDLE


@pytest.mark.parametrize(
    ("state", "end", "category"),
    [
        ("SUCCEEDED", JobEnd.SUCCESS, None),
        ("FAILED", JobEnd.FAIL, None),
        ("TIMEOUT", JobEnd.TIMEOUT, FailureCategory.TIMEOUT),
        ("STOPPED", JobEnd.FAIL, FailureCategory.PERMANENT),
        ("ERROR", JobEnd.FAIL, FailureCategory.PERMANENT),
        ("EXPIRED", JobEnd.FAIL, FailureCategory.TRANSIENT),
    ],
)
def test_how_a_run_ended(glue, state, end, category):
    expect_status(glue, state, ErrorMessage="No space left")

    outcome = trigger_of(glue.client).status(HANDLE)

    assert (outcome.end, outcome.category) == (end, category)
    assert outcome.error == (None if end is JobEnd.SUCCESS else f"Glue run {state}: No space left")


@pytest.mark.parametrize("state", ["STARTING", "RUNNING", "STOPPING", "WAITING"])
def test_a_run_goes_on(glue, state):
    expect_status(glue, state)

    assert trigger_of(glue.client).status(HANDLE) is None


def test_the_states_are_those_of_the_service_model():
    states = a_client("glue").meta.service_model.shape_for("JobRunState").enum

    assert set(states) == glue_states.RUNNING | set(glue_states.ENDED)


@pytest.mark.parametrize(
    ("state", "fails"), [("RUNNING", True), ("WAITING", True), ("STOPPING", False), ("FAILED", False)]
)
def test_a_cancel_that_stopped_nothing_is_an_error_only_while_the_run_goes_on(glue, state, fails):
    failure = {"JobRunId": "jr_1", "ErrorDetail": {"ErrorCode": "JobRunNotStopped"}}
    glue.add_response("batch_stop_job_run", {"Errors": [failure]}, {"JobName": "etl", "JobRunIds": ["jr_1"]})
    expect_status(glue, state)

    if fails:
        with pytest.raises(TriggerError, match="JobRunNotStopped") as error:
            trigger_of(glue.client).cancel(HANDLE)
        assert not error.value.permanent
    else:
        trigger_of(glue.client).cancel(HANDLE)


def test_cancelling_a_run_of_a_deleted_job_is_no_error(glue):
    glue.add_client_error("batch_stop_job_run", "EntityNotFoundException", http_status_code=400)

    trigger_of(glue.client).cancel(HANDLE)

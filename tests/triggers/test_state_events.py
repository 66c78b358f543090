"""What AWS publishes when a job's state changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile import hostile_values
from interlock.domain.run import FailureCategory, JobEnd, Outcome
from interlock.triggers.state_events import InvalidStateEvent, remote_end

EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:etl:gold-cron-1"


def glue_event(state="SUCCEEDED", **detail):
    # https://docs.aws.amazon.com/glue/latest/dg/automating-awsglue-with-cloudwatch-events.html
    return {
        "version": "0",
        "id": "5b1d3ec1-4d0f-4d54-8f4b-6f2d6a9b8f1f",
        "detail-type": "Glue Job State Change",
        "source": "aws.glue",
        "account": "123456789012",
        "time": "2026-03-01T18:20:00Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": {
            "jobName": "etl",
            "severity": "INFO",
            "state": state,
            "jobRunId": "jr_1",
            "message": "as Glue puts it",
            **detail,
        },
    }


def execution_event(status="SUCCEEDED", **detail):
    # https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
    return {
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "detail": {
            "executionArn": EXECUTION,
            "stateMachineArn": "arn:aws:states:eu-west-1:123456789012:stateMachine:etl",
            "name": "gold-cron-1",
            "status": status,
            "startDate": 1772389200000,
            "stopDate": None,
            "input": "{}",
            "output": None,
            **detail,
        },
    }


def step_event(state="COMPLETED", **detail):
    # https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-service-limits-cloudwatch-events.html
    return {
        "detail-type": "EMR Step Status Change",
        "source": "aws.emr",
        "detail": {
            "severity": "ERROR",
            "actionOnFailure": "CONTINUE",
            "stepId": "s-ZYXWVUTSRQPON",
            "name": "CustomJAR",
            "clusterId": "j-123456789ABCD",
            "state": state,
            "message": "as EMR puts it",
            **detail,
        },
    }


def job_run_event(state="SUCCESS", **detail):
    # https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/using-eventbridge.html
    return {
        "detail-type": "EMR Serverless Job Run State Change",
        "source": "aws.emr-serverless",
        "detail": {
            "jobRunId": "00f1cbn5g4bb0c01",
            "jobRunName": "gold-cron-1",
            "applicationId": "00f1982r1uukb925",
            "arn": "arn:aws:emr-serverless:us-east-1:123456789012:/applications/00f1982r1uukb925/jobruns/00f1cbn5g4bb0c01",
            "releaseLabel": "emr-6.6.0",
            "state": state,
            "previousState": "RUNNING",
            "createdBy": "arn:aws:sts::123456789012:assumed-role/orchestrator/session",
            "updatedAt": "2026-03-01T18:20:00.299487Z",
            "createdAt": "2026-03-01T18:10:00.325900Z",
            **detail,
        },
    }


@pytest.mark.parametrize(
    ("state", "end", "category"),
    [
        ("FAILED", JobEnd.FAIL, None),
        ("TIMEOUT", JobEnd.TIMEOUT, FailureCategory.TIMEOUT),
        ("STOPPED", JobEnd.FAIL, FailureCategory.PERMANENT),
    ],
)
def test_a_glue_run_that_ended_badly_says_how_and_why(state, end, category):
    told = remote_end(glue_event(state))

    assert (told.job_type, told.remote_id) == ("glue", "jr_1")
    assert (told.outcome.end, told.outcome.category) == (end, category)
    assert told.outcome.error == f"Glue run {state}: as Glue puts it"


@pytest.mark.parametrize(
    ("status", "end", "category"),
    [
        ("FAILED", JobEnd.FAIL, None),
        ("TIMED_OUT", JobEnd.TIMEOUT, FailureCategory.TIMEOUT),
        ("ABORTED", JobEnd.FAIL, FailureCategory.PERMANENT),
    ],
)
def test_an_execution_that_ended_badly_says_how_and_why(status, end, category):
    told = remote_end(execution_event(status, error="Boom", cause="it broke"))

    assert (told.job_type, told.remote_id) == ("step-function", EXECUTION)
    assert (told.outcome.end, told.outcome.category) == (end, category)
    assert told.outcome.error == f"execution {status}: Boom: it broke"


@pytest.mark.parametrize(
    ("state", "category"),
    [("FAILED", None), ("CANCELLED", FailureCategory.PERMANENT), ("INTERRUPTED", None)],
)
def test_an_emr_step_that_ended_badly_says_how_and_why(state, category):
    told = remote_end(step_event(state))

    assert (told.job_type, told.remote_id) == ("emr", "s-ZYXWVUTSRQPON")
    assert (told.outcome.end, told.outcome.category) == (JobEnd.FAIL, category)
    assert told.outcome.error == f"EMR step {state}: as EMR puts it"


@pytest.mark.parametrize(("state", "category"), [("FAILED", None), ("CANCELLED", FailureCategory.PERMANENT)])
def test_a_job_run_of_emr_serverless_that_ended_badly_says_where_to_look_for_the_reason(state, category):
    told = remote_end(job_run_event(state))

    assert (told.job_type, told.remote_id) == ("emr-serverless", "00f1cbn5g4bb0c01")
    assert (told.outcome.end, told.outcome.category) == (JobEnd.FAIL, category)
    where = "see job run 00f1cbn5g4bb0c01 of application 00f1982r1uukb925"
    assert told.outcome.error == f"EMR Serverless run {state}: {where}"


@pytest.mark.parametrize("event", [glue_event(), execution_event(), step_event(), job_run_event()])
def test_a_success_carries_no_error(event):
    assert remote_end(event).outcome == Outcome(JobEnd.SUCCESS)


@pytest.mark.parametrize(
    "event",
    [
        glue_event("STARTING"),
        glue_event("RUNNING"),
        glue_event("STOPPING"),
        execution_event("RUNNING"),
        *(step_event(state) for state in ("PENDING", "RUNNING", "CANCEL_PENDING")),
        *(job_run_event(state) for state in ("SUBMITTED", "QUEUED", "PENDING", "SCHEDULED", "CANCELLING")),
        {**step_event(), "detail-type": "EMR Cluster State Change"},
        {**job_run_event(), "detail-type": "EMR Serverless Application State Change"},
        {**glue_event(), "detail-type": "Glue Job Run Status"},
        {**glue_event(), "source": "somebody.else"},
        {"source": "aws.s3", "detail-type": "Object Created", "detail": {}},
        {},
    ],
)
def test_what_is_no_end_of_a_job_says_nothing(event):
    assert remote_end(event) is None


@pytest.mark.parametrize(
    ("event", "wrong"),
    [
        (glue_event("DREAMING"), "DREAMING"),
        (glue_event(jobRunId=None), "jobRunId"),
        (glue_event(jobRunId=""), "jobRunId"),
        (glue_event(state=7), "state"),
        (execution_event("DREAMING"), "DREAMING"),
        (execution_event(executionArn=["x"]), "executionArn"),
        (step_event("DREAMING"), "DREAMING"),
        (step_event(stepId=None), "stepId"),
        (job_run_event("DREAMING"), "DREAMING"),
        (job_run_event(jobRunId=7), "jobRunId"),
        ({**glue_event(), "detail": "text"}, "detail"),
        ({**glue_event(), "detail": None}, "detail"),
    ],
)
def test_an_event_that_does_not_say_what_is_documented_is_an_error(event, wrong):
    with pytest.raises(InvalidStateEvent, match=wrong):
        remote_end(event)


@given(
    st.fixed_dictionaries(
        {
            "source": st.sampled_from(["aws.glue", "aws.states", "aws.emr", "aws.emr-serverless"])
            | hostile_values(),
            "detail-type": st.sampled_from(
                [
                    "Glue Job State Change",
                    "Step Functions Execution Status Change",
                    "EMR Step Status Change",
                    "EMR Serverless Job Run State Change",
                ]
            )
            | hostile_values(),
            "detail": hostile_values()
            | st.dictionaries(
                st.sampled_from(
                    [
                        "state",
                        "status",
                        "jobRunId",
                        "stepId",
                        "applicationId",
                        "executionArn",
                        "message",
                        "error",
                    ]
                ),
                hostile_values(),
            ),
        }
    )
)
def test_any_event_is_read_or_refused_by_name(event):
    told, refused = None, ""
    try:
        told = remote_end(event)
    except InvalidStateEvent as error:
        refused = str(error)

    assert told is None or isinstance(told.outcome, Outcome)
    assert len(refused) < 500

"""What botocore raises, and what a simulated client may raise in its place."""

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
    SSLError,
)

from interlock.ports import CallFailed
from interlock.triggers.aws_refusal import AWS_ERRORS, look_up_failed, not_told, refusal
from triggers.aws_services import a_client

WHERE = {"endpoint_url": "https://glue.example"}
CERTAIN, UNKNOWN = (False, False), (False, True)
PERMANENT = (True, False)


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (EndpointConnectionError(**WHERE), CERTAIN),
        (ConnectTimeoutError(**WHERE), CERTAIN),
        (ReadTimeoutError(**WHERE), UNKNOWN),
        (ConnectionClosedError(**WHERE), UNKNOWN),
        (SSLError(error="eof", **WHERE), UNKNOWN),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), UNKNOWN),
        (NoCredentialsError(), PERMANENT),
        (BotoCoreError(), PERMANENT),
        (CallFailed("glue.StartJobRun", "ThrottlingException"), CERTAIN),
        (CallFailed("glue.StartJobRun", "InternalServiceException"), UNKNOWN),
        (CallFailed("glue.StartJobRun", "timeout", unknown_outcome=True), UNKNOWN),
        (CallFailed("glue.StartJobRun", "EntityNotFoundException"), PERMANENT),
        (CallFailed("glue.StartJobRun", "Busy"), CERTAIN),
    ],
)
def test_what_an_error_means(error, meaning):
    refused = refusal("Glue job etl", error, passing={"Busy"})

    assert isinstance(error, AWS_ERRORS)
    assert (refused.permanent, refused.unknown_outcome) == meaning
    assert str(refused).startswith("Glue job etl: ")


def test_a_code_that_lasts_is_permanent_whatever_its_status():
    error = CallFailed("lambda.Invoke", "InternalError", unknown_outcome=True)

    refused = refusal("Lambda function etl", error, lasting={"InternalError"})

    assert (refused.permanent, refused.unknown_outcome) == PERMANENT


@pytest.mark.parametrize("permanent", [False, True])
def test_a_look_up_that_fails_leaves_it_unknown_whether_there_is_a_job(permanent):
    code = "AccessDeniedException" if permanent else "ThrottlingException"

    failed = look_up_failed("Glue job etl", CallFailed("glue.GetJobRuns", code))

    assert (failed.permanent, failed.unknown_outcome) == (permanent, True)


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (CallFailed("glue.GetJobRun", "AccessDeniedException"), False),
        (NoCredentialsError(), False),
        (CallFailed("glue.GetJobRun", "ThrottlingException"), False),
        (ReadTimeoutError(**WHERE), False),
        (CallFailed("glue.GetJobRun", "EntityNotFoundException"), True),
    ],
)
def test_a_status_is_not_told_for_good_only_where_nobody_could_be_told_it(error, permanent):
    untold = not_told("Glue job etl", error)

    assert (untold.permanent, untold.unknown_outcome) == (permanent, False)


def test_a_request_that_is_not_valid_names_the_parameters_and_not_their_values():
    with pytest.raises(ParamValidationError) as invalid:
        a_client("glue").start_job_run(JobName=7, Arguments={"--password": ["hunter2"]}, Oops="hunter2")

    refused = refusal("Glue job etl", invalid.value)

    assert refused.permanent
    assert "JobName, Arguments.--password" in str(refused)
    assert "hunter2" not in str(refused)


def test_a_message_without_end_is_cut():
    assert len(str(refusal("Glue job etl", CallFailed("glue.StartJobRun", "Oops", "x" * 100_000)))) < 600

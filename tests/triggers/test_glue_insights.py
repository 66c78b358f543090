"""A Glue success against its job run insights: requests as the service models want them, and what counts as a failure."""

import json
import time

import pytest
from botocore.stub import Stubber
from moto import mock_aws

from interlock.ports import TriggerError
from interlock.triggers.glue import GlueTrigger
from interlock.triggers.outside import Outside
from triggers.aws_services import a_client
from triggers.requests_for import a_request

RUN = {"jobName": "etl", "jobRunId": "jr_1", "verifyInsights": True}
ENABLED = {"--enable-job-insights": "true"}
FULL = "No space left on device"
STREAM = "jr_1-job-insights-rca-driver"


@pytest.fixture
def glue():
    with Stubber(a_client("glue")) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def logs():
    with Stubber(a_client("logs")) as stub:
        yield stub
        stub.assert_no_pending_responses()


def trigger_of(**clients):
    return GlueTrigger(Outside(clients=clients.__getitem__, http=None, processes=None, in_background=None))


def disproof(glue, logs, handle=RUN):
    return trigger_of(glue=glue.client, logs=logs.client).disproof(handle)


def expect_job(stub, defaults=ENABLED, lasting=None, **run):
    known = {"Id": "jr_1", "JobRunState": "SUCCEEDED", "GlueVersion": "5.0", **run}
    stub.add_response("get_job_run", {"JobRun": known}, {"JobName": "etl", "RunId": "jr_1"})
    job = {"Name": "etl", "DefaultArguments": defaults, "NonOverridableArguments": lasting or {}}
    stub.add_response("get_job", {"Job": job}, {"JobName": "etl"})


def expect_look(stub, *messages, group="/aws-glue/jobs/error", more=None, token=None):
    asked = {
        "logGroupName": group,
        "logStreamNames": [STREAM],
        "filterPattern": '"GlueExceptionAnalysisJobFailed"',
    }
    answer = {"events": [{"message": message, "logStreamName": STREAM} for message in messages]}
    stub.add_response(
        "filter_log_events",
        answer | ({"nextToken": more} if more else {}),
        asked | ({"nextToken": token} if token else {}),
    )


def a_record(event="GlueExceptionAnalysisJobFailed", **told):
    return "26/03/01 18:40:12 ERROR GlueExceptionAnalysisListener: [Glue Exception Analysis] " + json.dumps(
        {"Event": event, "Timestamp": 1772390412000, "Failure Reason": FULL, **told}
    )


def test_a_record_that_a_spark_job_failed_disproves_a_success(glue, logs):
    expect_job(glue)
    expect_look(logs, a_record())

    assert disproof(glue, logs) == (
        f"called a success, but its Glue job run insights record a failed Spark job: {FULL}"
    )


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("26/03/01 ERROR GlueExceptionAnalysisJobFailed: disk full", id="plain text"),
        pytest.param('"GlueExceptionAnalysisJobFailed"', id="text in JSON"),
        pytest.param("ERROR {GlueExceptionAnalysisJobFailed} FATAL", id="braces around plain text"),
        pytest.param(
            a_record("GlueExceptionAnalysisTaskFailed", note="GlueExceptionAnalysisJobFailed"), id="a task"
        ),
        pytest.param(
            a_record("GlueExceptionAnalysisStageFailed", note="GlueExceptionAnalysisJobFailed"), id="a stage"
        ),
        pytest.param(
            a_record("GlueETLJobExceptionEvent", note="GlueExceptionAnalysisJobFailed"), id="the script"
        ),
        pytest.param('["GlueExceptionAnalysisJobFailed"] {"Event": []}', id="another record"),
        pytest.param('{"a": ["GlueExceptionAnalysisJobFailed"', id="a record that was cut off"),
        pytest.param('{"a":' * 100_000, id="a record without a bottom"),
    ],
)
def test_nothing_else_turns_a_good_run_bad(glue, logs, message):
    expect_job(glue)
    expect_look(logs, message)

    assert disproof(glue, logs) is None


def test_a_record_is_found_behind_others_and_pages_without_any(glue, logs):
    expect_job(glue)
    expect_look(logs, "plain GlueExceptionAnalysisJobFailed", more="2")
    expect_look(logs, more="3", token="2")
    expect_look(logs, "plain again", a_record(), token="3")

    assert FULL in disproof(glue, logs)


def test_a_record_without_a_reason_disproves_all_the_same(glue, logs):
    expect_job(glue)
    expect_look(logs, a_record(**{"Failure Reason": None}))

    assert disproof(glue, logs).endswith("no reason given")


def test_a_reason_is_told_in_one_line_that_a_message_can_hold(glue, logs):
    expect_job(glue)
    expect_look(logs, a_record(**{"Failure Reason": "Traceback\n  File 1\n" + "x" * 5000}))

    told = disproof(glue, logs)

    assert "\n" not in told
    assert len(told) < 1000


def test_a_run_without_a_stream_has_nothing_against_it(glue, logs):
    expect_job(glue)
    logs.add_client_error("filter_log_events", "ResourceNotFoundException", http_status_code=400)

    assert disproof(glue, logs) is None


def test_a_run_that_was_started_before_there_was_a_choice_is_verified(glue, logs):
    expect_job(glue)
    expect_look(logs, a_record())

    assert disproof(glue, logs, {"jobName": "etl", "jobRunId": "jr_1"}) is not None


@pytest.mark.parametrize(
    ("config", "verified"), [({}, True), ({"verifyInsights": True}, True), ({"verifyInsights": False}, False)]
)
def test_the_choice_goes_with_the_run_that_is_started(glue, config, verified):
    glue.add_response("start_job_run", {"JobRunId": "jr_1"})

    started = trigger_of(glue=glue.client).start(a_request({"jobName": "etl", **config}))

    assert started.handle["verifyInsights"] is verified


def test_a_run_that_is_not_to_be_verified_costs_no_call(glue, logs):
    assert disproof(glue, logs, RUN | {"verifyInsights": False}) is None


@pytest.mark.parametrize(
    ("defaults", "run", "lasting"),
    [
        pytest.param({}, {}, {}, id="never asked for"),
        pytest.param({"--enable-job-insights": "false"}, {}, {}, id="switched off"),
        pytest.param(ENABLED, {"--enable-job-insights": "False"}, {}, id="off for this run"),
        pytest.param({}, ENABLED, {"--enable-job-insights": "false"}, id="off for good"),
    ],
)
def test_a_run_without_insights_is_not_looked_for(glue, logs, defaults, run, lasting):
    expect_job(glue, defaults, lasting, Arguments=run)

    assert disproof(glue, logs) is None


@pytest.mark.parametrize(
    ("run", "arguments", "group"),
    [
        pytest.param({"GlueVersion": "4.0"}, {}, "/aws-glue/jobs/logs-v2", id="until 4.0"),
        pytest.param({"GlueVersion": "5.1"}, {}, "/aws-glue/jobs/error", id="since 5.0"),
        pytest.param({"GlueVersion": "10.0"}, {}, "/aws-glue/jobs/error", id="some day"),
        pytest.param({"GlueVersion": "3.0"}, {"--continuous-log-logGroup": "/etl"}, "/etl", id="named, 3.0"),
        pytest.param({}, {"--custom-logGroup-prefix": "/etl"}, "/etl/error", id="named, 5.0"),
        pytest.param({"SecurityConfiguration": "kms"}, {}, "/aws-glue/jobs/error-kms", id="encrypted, 5.0"),
        pytest.param(
            {"GlueVersion": "4.0", "SecurityConfiguration": "kms"},
            {"--continuous-log-logGroup": "/etl"},
            "/etl-kms",
            id="named and encrypted, 4.0",
        ),
    ],
)
def test_where_the_insights_of_a_run_stand(glue, logs, run, arguments, group):
    expect_job(glue, ENABLED | arguments, **run)
    expect_look(logs, a_record(), group=group)

    assert FULL in disproof(glue, logs)


@pytest.mark.parametrize("name", ["--continuous-log-logStreamPrefix", "--custom-logStream-prefix"])
def test_insights_in_a_stream_that_runs_share_cannot_be_told_apart(glue, logs, name):
    expect_job(glue, ENABLED | {name: "etl"})

    with pytest.raises(TriggerError, match="log stream that other runs share"):
        disproof(glue, logs)


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "ThrottlingException", "ServiceUnavailableException"]
)
def test_logs_that_cannot_be_read_say_so(glue, logs, code):
    expect_job(glue)
    logs.add_client_error("filter_log_events", code, http_status_code=400)

    with pytest.raises(TriggerError, match=f"job run insights of Glue run jr_1: {code}"):
        disproof(glue, logs)


@pytest.mark.parametrize("code", ["AccessDeniedException", "EntityNotFoundException"])
def test_a_job_that_cannot_be_asked_where_they_stand_says_so(glue, logs, code):
    glue.add_response("get_job_run", {"JobRun": {"Id": "jr_1"}})
    glue.add_client_error("get_job", code, http_status_code=400)

    with pytest.raises(TriggerError, match=f"job run insights of Glue run jr_1: {code}"):
        disproof(glue, logs)


def test_a_stream_without_end_is_given_up(glue, logs):
    expect_job(glue)
    expect_look(logs, more="1")
    for page in range(1, 10):
        expect_look(logs, "plain", more=str(page + 1), token=str(page))

    with pytest.raises(TriggerError, match="does not end within 10 pages"):
        disproof(glue, logs)


# moto answers truthfully for log streams, filter patterns in quotes included; it writes no insights, and for Glue it needs
# a library that nothing else here does.
@mock_aws
@pytest.mark.parametrize(
    ("written", "disproved"),
    [
        pytest.param(None, False, id="no stream"),
        pytest.param(["26/03/01 ERROR FATAL Exception"], False, id="nothing but text"),
        pytest.param([a_record("GlueExceptionAnalysisTaskFailed")], False, id="a task"),
        pytest.param([a_record("GlueExceptionAnalysisTaskFailed"), a_record()], True, id="a job"),
    ],
)
def test_insights_are_read_from_log_streams_on_moto(glue, written, disproved):
    logs, group = a_client("logs", url=None), "/aws-glue/jobs/error"
    logs.create_log_group(logGroupName=group)
    if written is not None:
        logs.create_log_stream(logGroupName=group, logStreamName=STREAM)
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": message} for message in written]
        logs.put_log_events(logGroupName=group, logStreamName=STREAM, logEvents=events)
    expect_job(glue)

    told = trigger_of(glue=glue.client, logs=logs).disproof(RUN)

    assert (told is not None) is disproved

"""What AWS services bring on the embedded stack, if they may: rules and buckets by the policy of what they bring it to,
Step Functions, Scheduler and Lambda's own queues and pollers by the role they act under.

Runs inside the emulator's process; `emulator_patches` puts some of these in place of ministack's own.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from interlock.local.emulator_permissions import AccessDenied, allows, check, check_service
from interlock.local.iam_policy import Need

lambdas: Any = import_module("ministack.services.lambda_svc")
events: Any = import_module("ministack.services.eventbridge")
sqs: Any = import_module("ministack.services.sqs")
s3: Any = import_module("ministack.services.s3")
states: Any = import_module("ministack.services.stepfunctions")
logs: Any = import_module("ministack.services.cloudwatch_logs")

log = logging.getLogger("interlock.emulator")

JsonObject = dict[str, Any]

_to_target = events._invoke_target
_to_function = s3._deliver_event_to_lambda
_to_log = lambdas._emit_lambda_logs

_ACTIONS = {"lambda": "lambda:InvokeFunction", "sqs": "sqs:SendMessage"}


def bring_to_target(target: JsonObject, event: JsonObject, rule: JsonObject, view: Any = None) -> None:
    """A rule's event. Scheduler's go this way too, by their role (`fire`)."""
    by_rule = rule["Arn"].split(":")[2] == "events"
    code = _obstacle(rule["Arn"], target["Arn"]) if by_rule else None
    if code is None:
        _to_target(target, event, rule, view)
        return
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    if queue and _may("events.amazonaws.com", rule["Arn"], queue):
        whole = (view or events._pattern_event_view(event)).event_with_detail()
        keep_undelivered(queue, whole, rule["Arn"], target["Arn"], code)


def _obstacle(rule: str, target: str) -> str | None:
    """What EventBridge does not try a second time."""
    if not _is_there(target):
        return "NO_RESOURCE"
    return None if _may("events.amazonaws.com", rule, target) else "NO_PERMISSIONS"


def _is_there(target: str) -> bool:
    match target.split(":")[2]:
        case "sqs":
            return sqs._queue_by_arn(target) is not None
        case "lambda":
            return lambdas._get_func_record_for_ref(target)[0] is not None
    return True


def keep_undelivered(queue: str, event: JsonObject, rule: str, target: str, code: str) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html"""
    message = f"{target} is not there, or may not be used by {rule}"
    attributes = {"RULE_ARN": rule, "TARGET_ARN": target, "ERROR_CODE": code, "ERROR_MESSAGE": message}
    found = sqs._queue_by_arn(queue)
    if found is None:
        log.error("an event of %s is lost: %s is not there", rule, queue)
        return
    sent = {
        "QueueUrl": found["url"],
        "MessageBody": json.dumps(event),
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()
        },
    }
    sqs._act_send_message(sent, "")


def bring_to_function(arn: str, payload: JsonObject, region: str) -> None:
    """A bucket's notification."""
    bucket = payload["Records"][0]["s3"]["bucket"]["name"]
    if _may("s3.amazonaws.com", f"arn:aws:s3:::{bucket}", arn):
        _to_function(arn, payload, region)


def _may(service: str, source: str, target: str) -> bool:
    _, _, kind, _, account, *_ = target.split(":")
    if kind not in _ACTIONS:  # a state machine or another bus, which takes a role
        return True
    need = Need(_ACTIONS[kind], target, {"aws:SourceArn": source, "aws:SourceAccount": account})
    try:
        check_service(service, need, _policy_of(kind, target))
    except AccessDenied as denied:
        log.error("what %s sends is lost: %s", source, denied)
        return False
    return True


def _policy_of(kind: str, arn: str) -> str | None:
    if kind == "sqs":
        queue = sqs._queue_by_arn(arn)
        return (queue["attributes"].get("Policy") or None) if queue else None
    function, _, _ = lambdas._get_func_record_for_ref(arn)
    return json.dumps(function["policy"]) if function else None


def check_step(execution: JsonObject, resource: str, arguments: Any) -> None:
    """A step that calls a function, under the machine's role. Fails as Step Functions fails it."""
    if "lambda:invoke" not in resource:
        return
    machine = execution["stateMachineArn"]
    need = Need(_ACTIONS["lambda"], _full_arn(arguments["FunctionName"], machine))
    try:
        check(machine.rpartition(":")[2], states._state_machines[machine]["roleArn"], need)
    except AccessDenied as denied:
        # https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
        raise states._ExecutionError("Lambda.AWSLambdaException", str(denied)) from denied


def _full_arn(function: str, near: str) -> str:
    if function.startswith("arn:"):
        return function
    partition, region, account = (near.split(":")[part] for part in (1, 3, 4))
    return f"arn:{partition}:lambda:{region}:{account}:function:{function}"


def may_fire(schedule: JsonObject) -> bool:
    """Scheduler acts under the role that the schedule was given."""
    target, who = schedule["Target"], f"schedules of {schedule['GroupName']}"
    action = _ACTIONS.get(target["Arn"].split(":")[2])
    if action is None:
        return True
    try:
        check(who, target["RoleArn"], Need(action, target["Arn"]))
    except AccessDenied as denied:
        log.error("%s fires and nobody hears it: %s", schedule["Name"], denied)
        return False
    return True


# https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
_READING = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")


def may_read(function: JsonObject, stream: str) -> bool:
    """Lambda reads a stream under its function's role."""
    needs = [Need("dynamodb:ListStreams", "*"), *(Need(action, stream) for action in _READING)]
    return _may_under_role(function, needs)


def write_log(function: JsonObject, *told: Any, **more: Any) -> None:
    """What an invocation printed. A log group that is not there is made only under a role that may: ours may not.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
    """
    config = function.get("config") or function
    near, group = config["FunctionArn"].split(":"), f"/aws/lambda/{config['FunctionName']}"
    arn = f"arn:{near[1]}:logs:{near[3]}:{near[4]}:log-group:{group}"
    if group not in logs._log_groups and not allows(config["Role"], Need("logs:CreateLogGroup", arn)):
        return
    needs = [
        Need(action, f"{arn}:log-stream:any") for action in ("logs:CreateLogStream", "logs:PutLogEvents")
    ]
    if _may_under_role({"config": config}, needs):
        _to_log(function, *told, **more)


def may_keep(function: JsonObject, destination: str, key: str = "") -> bool:
    """And keeps what failed under it: in a queue, or in a bucket under a key."""
    if ":s3:" in destination:
        needs = [Need("s3:PutObject", f"{destination}/{key}"), Need("s3:ListBucket", destination)]
    else:
        needs = [Need("sqs:SendMessage", destination)]
    return _may_under_role(function, needs)


def _may_under_role(function: JsonObject, needs: Iterable[Need]) -> bool:
    config = function["config"]
    try:
        for need in needs:
            check(config["FunctionName"], config["Role"], need)
    except AccessDenied as denied:
        log.error("Lambda may not act for %s: %s", config["FunctionName"], denied)
        return False
    return True

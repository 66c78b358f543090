"""Which permissions functions on the embedded stack use, and whether their roles have them.

Runs inside the emulator's process. Each call of a function is noted with what it takes of IAM; once `enforce` was called,
what the function's own role does not allow is refused, as AWS refuses it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from interlock.local.emulator_worker import SESSION
from interlock.local.iam_actions import Place, UnknownCall, needs_of
from interlock.local.iam_policy import Need, PolicyNotUnderstood, Statement, Verdict, judge, statements_of
from interlock.local.sdk_request import SdkRequest

log = logging.getLogger("interlock.emulator")

# Every client of AWS's own runtime speaks TLS; the emulator alone does not.
_ALWAYS = {"aws:SecureTransport": "true"}


class AccessDenied(Exception):
    """The message is AWS's."""


@dataclass(frozen=True, slots=True)
class Used:
    """One permission that somebody used, or was refused."""

    who: str  # a function, or whoever acts under another role
    action: str
    resource: str


_used: dict[Used, bool] = {}  # whether it was granted each time
_enforced = False


def enforce() -> None:
    """From here on roles count. Before, a stack may be deployed whose roles nobody made."""
    global _enforced
    _enforced = True


def used() -> list[dict[str, Any]]:
    """Every permission that was used so far, once."""
    return [
        {"who": one.who, "action": one.action, "resource": one.resource, "granted": granted}
        for one, granted in list(_used.items())  # others are at work
    ]


def caller_of(headers: Mapping[str, str]) -> str | None:
    """The function that a request is of; None for everybody else's."""
    token = headers.get("x-amz-security-token", "")
    return token.removeprefix(SESSION) if token.startswith(SESSION) else None


def check_request(function: str, request: SdkRequest) -> None:
    """Raises `AccessDenied` for what the function's role does not allow."""
    config = _config_of(function)
    if config is None:
        return  # deleted, while a process of it was still at work
    _, _, _, region, account, *_ = config["FunctionArn"].split(":")
    place = Place(account, region)
    try:
        asked = _resolved(request)
        needs = [] if asked is None else needs_of(request.call, asked, place)
    except UnknownCall as unknown:
        needs = [Need(request.call, f"unknown: {unknown}")]
    for need in needs:
        check(function, config["Role"], need)


def _config_of(function: str) -> dict[str, Any] | None:
    functions = import_module("ministack.services.lambda_svc")._functions
    known = list(functions._data.items())  # others make functions meanwhile
    return next((record["config"] for key, record in known if key[2] == function), None)


def check(who: str, role_arn: str, need: Need) -> None:
    """What somebody does under a role. Raises `AccessDenied`."""
    granted = allows(role_arn, need)
    _note(who, need, granted=granted)
    if not granted:
        raise AccessDenied(f"{role_arn.rpartition('/')[2]} is not authorized to perform: {need}")


def allows(role_arn: str, need: Need) -> bool:
    """Whether a role would do for it; nothing is noted."""
    somebody = {"aws:PrincipalArn": role_arn, "aws:PrincipalIsAWSService": "false"}
    context = {**_ALWAYS, **somebody, **need.context}
    asked = Need(need.action, need.resource, context)
    return not _enforced or _verdict(lambda: _statements_of_role(role_arn), asked) is Verdict.ALLOWED


def check_service(service: str, need: Need, policy: str | None) -> None:
    """What a service does because the resource's own policy lets it. Raises `AccessDenied`."""
    asked = Need(need.action, need.resource, {**_ALWAYS, "principal": service, **need.context})
    granted = (
        not _enforced or _verdict(lambda: statements_of(policy) if policy else (), asked) is Verdict.ALLOWED
    )
    _note(service, need, granted=granted)
    if not granted:
        raise AccessDenied(f"{service} is not authorized to perform: {need}, by the resource's policy")


def _verdict(statements: Callable[[], Iterable[Statement]], need: Need) -> Verdict:
    try:
        return judge(statements(), need)
    except PolicyNotUnderstood as error:
        log.error("a policy is not understood: %s", error)
        return Verdict.DENIED


def _statements_of_role(role_arn: str) -> Iterator[Statement]:
    iam = import_module("ministack.services.iam")
    account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    role = iam._roles.get_scoped(account, None, name) or {}
    if role.get("AttachedPolicies") or role.get("PermissionsBoundary"):
        raise PolicyNotUnderstood(f"{name} has more than policies of its own")
    for policy in (role.get("InlinePolicies") or {}).values():
        yield from statements_of(policy)


def _resolved(request: SdkRequest) -> Mapping[str, Any] | None:
    """A name of a secret stands for its ARN, a task's token for the machine that it came from.

    None when it came from none: nothing is there that a permission could be of.
    """
    asked = request.arguments()
    if "SecretId" in asked:
        _, secret = import_module("ministack.services.secretsmanager")._resolve(asked["SecretId"])
        return {**asked, "SecretId": secret["ARN"] if secret else asked["SecretId"]}
    if "taskToken" in asked:
        tokens = import_module("interlock.local.emulator_tokens")
        machine = tokens.machine_of(asked["taskToken"])
        return None if machine is None else {**asked, "stateMachineArn": machine}
    return asked


def _note(who: str, need: Need, *, granted: bool) -> None:
    one = Used(who, need.action, need.resource)
    _used[one] = granted and _used.get(one, True)
    if not granted:
        log.error("%s is refused %s", who, need)

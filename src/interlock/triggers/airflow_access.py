"""How Airflow knows us: the API of one call, with the credentials that `auth` names. No token outlives its call."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from interlock.ports import TriggerError
from interlock.triggers.http_calls import HttpCalls
from interlock.triggers.job_config import optional_mapping, required_text
from interlock.triggers.json_api import JsonAnswer, JsonApi

# Airflow 3 answers 401 to a wrong password and to a token that has expired, 403 to one that is not its own; Airflow 2 says
# 403 to all of these.
_REFUSED = frozenset({401, 403})
_VERSIONS = ("v2", "v1")


def airflow_api(http: HttpCalls, config: Mapping[str, Any], *, starting: bool = False) -> JsonApi:
    """Signs in where a token must be fetched first, which starts nothing.

    The credentials of a start are those that it was written with; those of a job that runs may be rotating just now.
    """
    url, version = _base_url(config), config.get("apiVersion") or "v2"
    if version not in _VERSIONS:
        raise TriggerError(f"job.config.apiVersion must be one of {', '.join(_VERSIONS)}", permanent=True)
    auth = optional_mapping(config, "auth")
    plain = JsonApi(http, "Airflow", f"{url}/api/{version}", {})
    match auth.get("type"):
        case None if not auth:
            return plain
        case "bearer":
            token = _text(auth, "token")
            return _bearing(plain, f"Bearer {token}", token)
        case "basic":
            pair = f"{_text(auth, 'username')}:{_text(auth, 'password')}"
            encoded = base64.b64encode(pair.encode()).decode()
            return _bearing(plain, f"Basic {encoded}", encoded, _text(auth, "password"))
        case "jwt":
            token = _fetched_token(replace(plain, url=url, hidden=[_text(auth, "password")]), auth, starting)
            return _bearing(plain, f"Bearer {token}", token, _text(auth, "password"))
    raise TriggerError("job.config.auth.type must be one of basic, bearer, jwt", permanent=True)


def refused(api: JsonApi, answer: JsonAnswer, *, starting: bool = False) -> TriggerError:
    """What an answer that is no success means; an answer of 500 or more to a start may have started it."""
    if answer.status not in _REFUSED:
        return api.refusal(answer, may_have_worked=starting)
    error = api.refusal(answer, passes=not starting)
    message = f"{error}; check job.config.auth, and what its user may do"
    return TriggerError(message, permanent=error.permanent)


def _bearing(plain: JsonApi, authorization: str, *hidden: str) -> JsonApi:
    return replace(plain, headers={"Authorization": authorization}, hidden=hidden)


def _fetched_token(api: JsonApi, auth: Mapping[str, Any], starting: bool) -> str:
    # https://airflow.apache.org/docs/apache-airflow/stable/security/api.html
    known = {"username": _text(auth, "username"), "password": _text(auth, "password")}
    try:
        answer = api.call("POST", "/auth/token", known)
        if not answer.succeeded:
            raise refused(api, answer, starting=starting)
    except TriggerError as error:
        # Whatever became of this call, it has started no DAG run.
        raise TriggerError(f"signing in: {error}", permanent=error.permanent) from None
    token = answer.body.get("access_token")
    if not isinstance(token, str) or not token:
        message = (
            "signing in: Airflow took username and password and gave no access_token; check job.config.url"
        )
        raise TriggerError(message, permanent=starting)
    return token


def _base_url(config: Mapping[str, Any]) -> str:
    url = required_text(config, "url")
    try:
        parts = urlsplit(url)
        written_into = parts.query or parts.fragment or parts.username
    except ValueError:
        raise TriggerError("job.config.url cannot be read; write https://host/path", permanent=True) from None
    if written_into:
        message = "job.config.url must end with host or path; user and password belong into job.config.auth"
        raise TriggerError(message, permanent=True)
    return url.rstrip("/")


def _text(auth: Mapping[str, Any], key: str) -> str:
    value = required_text({f"auth.{key}": auth.get(key)}, f"auth.{key}")
    try:
        value.encode()  # half a surrogate pair is nothing that could be sent
    except UnicodeEncodeError:
        raise TriggerError(
            f"job.config.auth.{key} holds something that cannot be sent", permanent=True
        ) from None
    return value

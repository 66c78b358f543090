"""HTTP endpoints: a 2xx is the job's end, or with `callback: true` only its start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from interlock.domain.expansion import without_secrets
from interlock.domain.plain_text import one_line
from interlock.domain.run import FailureCategory, JobEnd, Outcome
from interlock.ports import JobRequest, JobTrigger, StartedJob, TriggerError
from interlock.triggers.background import begin
from interlock.triggers.http_calls import AnswerLost, HttpAnswer, NotSent, basic_credentials
from interlock.triggers.job_config import optional_mapping, required_text, scalar_text, text_or_json
from interlock.triggers.status_code import failure_category
from interlock.triggers.unknown_outcome import answer_lost, found_nowhere

if TYPE_CHECKING:
    from interlock.triggers.outside import Outside

# An endpoint that only takes the job on answers at once.
_ACCEPTED_WITHIN_SECONDS = 30.0
_WITHOUT_BODY = frozenset({"GET", "HEAD"})


class HttpTrigger(JobTrigger):
    """Config: `url`, `method` (POST), `headers`, `body` (without one: the period as JSON), `callback`."""

    can_be_asked = False

    def __init__(self, outside: Outside) -> None:
        self._http, self._in_background = outside.http, outside.in_background
        self._answer_seconds = outside.answer_seconds

    def start(self, request: JobRequest) -> StartedJob:
        host = _host(required_text(request.config, "url"))
        handle = {"host": host, "runId": request.run_id}
        if request.config.get("callback"):
            self._ask(request, min(_ACCEPTED_WITHIN_SECONDS, self._answer_seconds))
            return StartedJob(handle)
        call = partial(self._ask, request, self._answer_seconds)
        return StartedJob(handle, answer=begin(call, self._in_background))

    def find(self, request: JobRequest) -> None:
        return found_nowhere(request, f"HTTP request to {_host(required_text(request.config, 'url'))}")

    def status(self, handle: Mapping[str, Any]) -> Outcome | None:
        raise TriggerError(f"the HTTP job at {handle['host']} cannot be asked for its end", permanent=True)

    def cancel(self, handle: Mapping[str, Any]) -> None:
        raise TriggerError(f"the HTTP job at {handle['host']} cannot be stopped", permanent=True)

    def _ask(self, request: JobRequest, within_seconds: float) -> Outcome:
        url = required_text(request.config, "url")
        method = required_text({"method": "POST", **request.config}, "method").upper()
        unasked = method in _WITHOUT_BODY and not request.config.get("body")
        body = None if unasked else text_or_json(request, "body")
        headers = _headers(request, body)
        what = f"HTTP {method}"
        try:
            answer = self._http.request(method, url, headers, body, within_seconds)
        except NotSent as error:
            raise TriggerError(f"{what}: {error}", permanent=error.permanent) from None
        except AnswerLost as error:
            if error.status is not None and request.config.get("callback"):
                return Outcome(JobEnd.SUCCESS)  # the status says that the job was taken on
            raise answer_lost(request, what, str(error)) from None
        if not 200 <= answer.status <= 299:
            raise _refused(f"{what} to {_host(url)}", answer, _credentials(url, headers))
        return Outcome(JobEnd.SUCCESS)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "nowhere"
    except ValueError:
        raise TriggerError("job.config.url cannot be read; write https://host/path", permanent=True) from None


def _headers(request: JobRequest, body: str | None) -> dict[str, str]:
    known = {"Idempotency-Key": request.run_id}
    if body is not None:
        known["Content-Type"] = "application/json" if _is_json(body) else "text/plain; charset=utf-8"
    headers = optional_mapping(request.config, "headers")
    written = {name: scalar_text(value) for name, value in headers.items()}
    names = {name.lower() for name in written}
    return {name: value for name, value in known.items() if name.lower() not in names} | written


def _is_json(body: str) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _refused(what: str, answer: HttpAnswer, credentials: list[str]) -> TriggerError:
    # An error page may repeat what it was sent.
    said = one_line(without_secrets(answer.body, credentials), 500)
    passes = failure_category(answer.status) is FailureCategory.TRANSIENT
    return TriggerError(f"{what}: answered {answer.status}: {said}", permanent=not passes)


def _credentials(url: str, headers: Mapping[str, str]) -> list[str]:
    """Where credentials travel: every header's value and its last word, path and query, user and password.

    As they are written, as they are meant (`%40`), and as they are sent (Base64).
    """
    parts = urlsplit(url)
    ours = {"content-type", "idempotency-key"}
    values = [value for name, value in headers.items() if name.lower() not in ours]
    words = [value.split()[-1] for value in values if value.split()]
    query = [value for _, value in parse_qsl(parts.query)]
    named = [parts.query, parts.path, parts.username or "", parts.password or ""]
    basic = basic_credentials(url) or ""
    return [*values, *words, *query, *named, *map(unquote, named), basic.removeprefix("Basic ")]

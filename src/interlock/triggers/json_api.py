"""A service that is spoken to in JSON over HTTP (Databricks, Airflow): one call, and what its refusals mean.

Whatever it answers may quote the credentials that it was sent; whoever raises its words has them hidden.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from interlock.domain.expansion import without_secrets
from interlock.domain.plain_text import one_line
from interlock.domain.run import FailureCategory
from interlock.ports import TriggerError
from interlock.triggers.http_calls import AnswerLost, HttpCalls, NotSent
from interlock.triggers.status_code import failure_category

_SECONDS = 30.0  # a call of an API; none of them waits for a job
_MOST_BYTES = 4 * 1024 * 1024  # of an answer: a run of a hundred tasks is some hundred kilobytes


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """Any answer; `body` is empty unless it is a JSON object, which that of a success is unless it has none."""

    status: int
    body: Mapping[str, Any]
    text: str  # in one line, without credentials: for messages

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status <= 299


@dataclass(frozen=True, slots=True)
class JsonApi:
    """One service at one address. `what` names it in messages, `hidden` are its credentials."""

    http: HttpCalls
    what: str
    url: str
    headers: Mapping[str, str]
    hidden: Iterable[str] = ()

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> JsonAnswer:
        """Whatever it answers. Raises `TriggerError` where there is no answer: of unknown outcome unless nothing was sent.

        A success that is no JSON object comes from somebody else on the way, a sign-in page for one.
        """
        url = f"{self.url.rstrip('/')}{path}"
        headers = {"Accept": "application/json", **self.headers}
        text = None if body is None else self._json(body)
        if text is not None:
            headers["Content-Type"] = "application/json"
        try:
            answer = self.http.request(method, url, headers, text, _SECONDS, most_body_bytes=_MOST_BYTES)
        except NotSent as error:
            raise TriggerError(self._said(str(error)), permanent=error.permanent) from None
        except AnswerLost as error:
            raise TriggerError(self._said(str(error)), permanent=False, unknown_outcome=True) from None
        if not answer.whole and answer.status < 300:
            raise TriggerError(
                self._said(f"its answer is longer than {_MOST_BYTES} bytes"),
                permanent=True,
                unknown_outcome=True,
            )
        # Hidden first: a credential that is cut in two is not recognised any more.
        said = one_line(self._hide(answer.body), 500)
        found = _object(answer.body)
        if found is None and answer.status < 300:
            raise TriggerError(
                self._said(f"answered something else than JSON: {said}"),
                permanent=False,
                unknown_outcome=True,
            )
        return JsonAnswer(answer.status, found or {}, said)

    def refusal(
        self, answer: JsonAnswer, *, may_have_worked: bool = False, passes: bool = False
    ) -> TriggerError:
        """What an answer that is no success means.

        `may_have_worked`: one of 500 or more comes from a call that may have. `passes`: the service says that it does,
        whatever the status.
        """
        passes = passes or failure_category(answer.status) is FailureCategory.TRANSIENT
        unknown = may_have_worked and answer.status >= 500
        message = self._said(f"answered {answer.status}: {answer.text}")
        return TriggerError(message, permanent=not passes, unknown_outcome=unknown)

    def misunderstood(self, why: str) -> TriggerError:
        """A success that does not say what it must; what the call did is not known."""
        return TriggerError(self._said(f"unknown outcome: {why}"), permanent=True, unknown_outcome=True)

    def _json(self, body: Mapping[str, Any]) -> str:
        try:
            return json.dumps(body, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise TriggerError(
                self._said("job.config holds something that cannot be sent"), permanent=True
            ) from None

    def _said(self, words: str) -> str:
        return self._hide(f"{self.what} at {_host(self.url)}: {words}")

    def _hide(self, text: str) -> str:
        return without_secrets(text, self.hidden)


def look_up_failed(error: TriggerError) -> TriggerError:
    """The service did not say whether an earlier try started the job: that stays unknown, whatever the reason."""
    message = f"looking for the job that an earlier try may have started: {error}"
    return TriggerError(message, permanent=error.permanent, unknown_outcome=True)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "nowhere"
    except ValueError:
        return "an address that cannot be read"


def _object(text: str) -> Mapping[str, Any] | None:
    try:
        value = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None

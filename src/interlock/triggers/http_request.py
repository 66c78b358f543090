"""What one request is: where it goes and what it carries, checked before anything is sent, and again after a redirect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, urljoin, urlsplit

from interlock.triggers.http_calls import AnswerLost, NotSent, basic_credentials

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# These two alone say "the same request, elsewhere"; after any other a POST would turn into a GET that starts nothing.
# https://www.rfc-editor.org/rfc/rfc9110#section-15.4
_REPEATED_ELSEWHERE = frozenset({307, 308})
# Many an endpoint does what a POST asks and then sends its caller to a page about it.
# https://www.rfc-editor.org/rfc/rfc9110#section-15.4.4
_DONE_PERHAPS = frozenset({302, 303})
_SAFE_METHODS = frozenset({"GET", "HEAD"})
DEFAULT_PORTS = {"https": 443, "http": 80}
_OURS = frozenset({"content-length", "transfer-encoding", "connection"})  # headers that frame the message
_KEPT_ACROSS_ORIGINS = frozenset({"content-type", "idempotency-key", "user-agent"})
# What `http.client` lets through (a blank after a name, a folded line) some servers read as another header.
# https://www.rfc-editor.org/rfc/rfc9110#section-5.1
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_IN_NO_HOST = re.compile(r"[\x00-\x20%\x7f]")  # what is written as %61 is nowhere made an `a`


@dataclass(frozen=True, slots=True)
class Target:
    """Where one request goes."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        return (self.scheme, self.host, self.port)

    def __str__(self) -> str:
        # For messages: paths and queries may hold tokens.
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Request:
    """Fit to be sent, once to each place that it is redirected to."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None


def checked_request(method: str, url: str, headers: Mapping[str, str], body: str | None) -> Request:
    """With the headers that are ours, unless they were given. `NotSent` for what would be read as another request."""
    if method not in _METHODS:
        raise NotSent(f"the HTTP method is not one of {', '.join(sorted(_METHODS))}", permanent=True)
    target_of(url)
    credentials = basic_credentials(url)
    names = _checked_names(headers)
    known = {"Accept-Encoding": "identity", "User-Agent": "interlock"}
    if credentials is not None:
        known["Authorization"] = credentials
    ours = {name: value for name, value in known.items() if name.lower() not in names}
    return Request(method, url, {**ours, **headers}, None if body is None else body.encode())


def _checked_names(headers: Mapping[str, str]) -> set[str]:
    """The headers' names in lower case. No message quotes a value."""
    names: set[str] = set()
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise NotSent("the name of a header has characters HTTP cannot carry", permanent=True)
        if not _HEADER_VALUE.fullmatch(value):
            raise NotSent(f"the header {name} has characters HTTP cannot carry", permanent=True)
        if name.lower() in _OURS:
            raise NotSent(f"the header {name} cannot be set", permanent=True)
        if name.lower() in names:
            raise NotSent(f"the header {name} is set twice", permanent=True)
        names.add(name.lower())
    return names


def target_of(url: str) -> Target:
    """`NotSent` for what is no address of an HTTP server."""
    try:
        url.encode()  # half a surrogate pair is nothing that could be sent
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NotSent("the URL cannot be read; write https://host/path", permanent=True) from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or _IN_NO_HOST.search(parts.hostname):
        raise NotSent("the URL does not begin with https://host or http://host", permanent=True)
    if port == 0:
        raise NotSent("the URL names port 0, where nothing can be reached", permanent=True)
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        path += "?" + quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]")
    return Target(parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme], path)


def redirected(asked: Request, status: int, location: str) -> Request:
    """The request that follows this answer; `NotSent` or `AnswerLost` where none may."""
    target = target_of(asked.url)
    if status not in _REPEATED_ELSEWHERE and asked.method not in _SAFE_METHODS:
        said = f"{target} answered {status} to a {asked.method}, which is not repeated elsewhere; "
        said += "write the address that it redirects to"
        if status in _DONE_PERHAPS:
            raise AnswerLost(f"{said}, unless that only shows what was done")
        raise NotSent(said, permanent=True)
    url = _joined(asked.url, location)
    elsewhere = target_of(url)
    if target.scheme == "https" and elsewhere.scheme == "http":
        raise NotSent(f"{target} redirects to a connection without TLS", permanent=True)
    if elsewhere.origin == target.origin:
        return replace(asked, url=url)
    kept = {name: value for name, value in asked.headers.items() if name.lower() in _KEPT_ACROSS_ORIGINS}
    return replace(asked, url=url, headers={"Accept-Encoding": "identity", **kept})


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise NotSent(f"{target_of(url)} redirects to something that is not a URL", permanent=True) from None

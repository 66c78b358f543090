"""The one HTTP client for addresses that users write: it reaches public addresses only, and never for longer than asked.

The address is checked on the socket that is then used, so a name that resolves differently a moment later gains
nothing. Proxies and credentials of the environment are not looked at.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from threading import Timer
from time import monotonic
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from interlock.triggers.http_calls import BODY_BYTES, AnswerLost, HttpAnswer, NotSent
from interlock.triggers.keep_alive import KEEP_ALIVE
from interlock.triggers.public_address import AddressRules

CONNECT_SECONDS = 5.0
MOST_REDIRECTS = 5
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# These two alone say "the same request, elsewhere"; after any other a POST would turn into a GET that starts nothing.
# https://www.rfc-editor.org/rfc/rfc9110#section-15.4
_REPEATED_ELSEWHERE = frozenset({307, 308})
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_DEFAULT_PORTS = {"https": 443, "http": 80}
_OURS = frozenset({"content-length", "transfer-encoding", "connection"})  # headers that frame the message
_KEPT_ACROSS_ORIGINS = frozenset({"content-type", "idempotency-key", "user-agent"})


@dataclass(frozen=True, slots=True)
class _Target:
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
        return f"{self.scheme}://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None


class HttpClient:
    """`HttpCalls` on the network."""

    def __init__(
        self, rules: AddressRules, tls: Callable[[], ssl.SSLContext] = ssl.create_default_context
    ) -> None:
        self._rules = rules
        self._tls = cache(tls)  # reading the certificate bundle takes longer than many a request

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: str | None,
        within_seconds: float,
        *,
        most_body_bytes: int = BODY_BYTES,
    ) -> HttpAnswer:
        """One request with its redirects, all within `within_seconds`."""
        ends_at = monotonic() + within_seconds
        asked = _checked(method, url, headers, body)
        for _ in range(MOST_REDIRECTS + 1):
            answer, location = self._once(asked, ends_at, most_body_bytes)
            if answer.status not in _REDIRECTS or location is None:
                return answer
            asked = _redirected(asked, answer.status, location)
        raise NotSent(f"{_target(url)} redirects more than {MOST_REDIRECTS} times", permanent=True)

    def _once(self, asked: _Request, ends_at: float, most: int) -> tuple[HttpAnswer, str | None]:
        target = _target(asked.url)
        with self._connected(target, ends_at) as connection, _cut_off(connection.sock, ends_at):
            try:
                _send(connection, asked, target)
                response = connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                raise AnswerLost(f"{target} did not answer: {_why(error, ends_at)}") from None
            if not 200 <= response.status <= 599:
                raise AnswerLost(f"{target} answered with the status {response.status}, which ends nothing")
            body, broken = _read(response, ends_at, most)
            # A refusal stands however its explanation ends. A success that breaks off may be a job that broke.
            if response.status < 300 and broken:
                raise AnswerLost(f"{target} broke off its answer {response.status}")
            whole = not broken and len(body) < most
            text = body.decode(errors="replace")
            return HttpAnswer(response.status, text, whole), response.getheader("location")

    @contextmanager
    def _connected(self, target: _Target, ends_at: float) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.auto_open = 0  # it must never open a connection itself: that one would not be checked
        connection.default_port = _DEFAULT_PORTS[target.scheme]
        try:
            connection.sock = self._socket(target, ends_at)
            yield connection
        finally:
            connection.close()

    def _socket(self, target: _Target, ends_at: float) -> socket.socket:
        failure: OSError | None = None
        for family, kind, protocol, address in self._allowed_addresses(target):
            try:
                plain = _connect(family, kind, protocol, address, min(CONNECT_SECONDS, ends_at - monotonic()))
                return self._secured(plain, target)
            except OSError as error:
                failure = error
        permanent = isinstance(failure, ssl.SSLCertVerificationError)
        raise NotSent(f"{target} cannot be reached: {_why(failure, ends_at)}", permanent=permanent) from None

    def _secured(self, plain: socket.socket, target: _Target) -> socket.socket:
        if target.scheme == "http":
            return plain
        try:
            return self._tls().wrap_socket(plain, server_hostname=target.host)
        except BaseException:
            plain.close()
            raise

    def _allowed_addresses(
        self, target: _Target
    ) -> list[tuple[socket.AddressFamily, socket.SocketKind, int, Any]]:
        try:
            found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            impossible = isinstance(error, UnicodeError)  # not a name at all
            raise NotSent(f"{target.host} cannot be resolved: {_why(error)}", permanent=impossible) from None
        allowed: list[tuple[socket.AddressFamily, socket.SocketKind, int, Any]] = [
            (family, kind, protocol, address)
            for family, kind, protocol, _, address in found
            if self._rules.allow(str(address[0]))
        ]
        if not allowed:
            raise NotSent(
                f"{target.host} is not a public address ({found[0][4][0]}); to allow it, add its network to "
                "allowedPrivateCidrs of the installation",
                permanent=True,
            )
        return allowed


def _connect(
    family: socket.AddressFamily, kind: socket.SocketKind, protocol: int, address: Any, seconds: float
) -> socket.socket:
    connected = socket.socket(family, kind, protocol)
    try:
        for option in KEEP_ALIVE:
            connected.setsockopt(*option)
        connected.settimeout(max(0.001, seconds))
        connected.connect(address)
    except BaseException:
        connected.close()
        raise
    return connected


def _checked(method: str, url: str, headers: Mapping[str, str], body: str | None) -> _Request:
    if method not in _METHODS:
        raise NotSent(f"the HTTP method is not one of {', '.join(sorted(_METHODS))}", permanent=True)
    _target(url)
    credentials = _credentials(url)
    names = {name.lower() for name in headers}
    if names & _OURS:
        raise NotSent(f"the header {sorted(names & _OURS)[0]} cannot be set", permanent=True)
    known = {"Accept-Encoding": "identity", "User-Agent": "interlock"}
    if credentials is not None:
        known["Authorization"] = credentials
    ours = {name: value for name, value in known.items() if name.lower() not in names}
    return _Request(method, url, {**ours, **headers}, None if body is None else body.encode())


def _target(url: str) -> _Target:
    try:
        url.encode()  # half a surrogate pair is nothing that could be sent
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NotSent("the URL cannot be read; write https://host/path", permanent=True) from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise NotSent("the URL does not begin with https://host or http://host", permanent=True)
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        path += "?" + quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]")
    return _Target(parts.scheme, parts.hostname, port or _DEFAULT_PORTS[parts.scheme], path)


def _credentials(url: str) -> str | None:
    parts = urlsplit(url)
    if parts.username is None:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _redirected(asked: _Request, status: int, location: str) -> _Request:
    target = _target(asked.url)
    if status not in _REPEATED_ELSEWHERE and asked.method not in _SAFE_METHODS:
        raise NotSent(
            f"{target} answered {status} to a {asked.method}, which is not repeated elsewhere; "
            "write the address that it redirects to",
            permanent=True,
        )
    url = _joined(asked.url, location)
    elsewhere = _target(url)
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
        raise NotSent(f"{_target(url)} redirects to something that is not a URL", permanent=True) from None


def _send(connection: http.client.HTTPConnection, asked: _Request, target: _Target) -> None:
    try:
        connection.request(asked.method, target.path, asked.body, dict(asked.headers))
    except (ValueError, UnicodeError):
        # The message would quote the header's value.
        raise NotSent(
            f"a header or the path for {target} has characters HTTP cannot carry", permanent=True
        ) from None
    except (BrokenPipeError, ConnectionResetError):
        # A server may answer 413 and close before it has read everything: its answer is still there to be read.
        return


@contextmanager
def _cut_off(sock: socket.socket, ends_at: float) -> Iterator[None]:
    """A server that sends a byte now and then outlasts every time-out of a single read; this ends it."""
    remaining = max(0.001, ends_at - monotonic())
    sock.settimeout(remaining)
    timer = Timer(remaining, _shut, [sock])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # closed already


def _read(response: http.client.HTTPResponse, ends_at: float, most: int) -> tuple[bytes, bool]:
    """At most so much of the body, and whether it broke off before that or its end."""
    kept, broken = b"", False
    try:
        while len(kept) < most and (piece := response.read1(min(8192, most - len(kept)))):
            kept += piece
    except (OSError, http.client.HTTPException):
        broken = True
    short = len(kept) < most and bool(response.length)
    # A body without a length ends where the connection does, also where `_cut_off` ended it.
    return kept, broken or short or monotonic() >= ends_at


def _why(error: BaseException | None, ends_at: float | None = None) -> str:
    if isinstance(error, TimeoutError) or (ends_at is not None and monotonic() >= ends_at):
        return "time-out"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__

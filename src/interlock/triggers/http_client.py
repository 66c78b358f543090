"""The one HTTP client for addresses that users write: it reaches public addresses only, and never for longer than asked.

The address is checked on the socket that is then used, so a name that resolves differently a moment later gains
nothing. Proxies and credentials of the environment are not looked at.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from threading import Timer
from time import monotonic
from typing import Any

from interlock.triggers.background import on_a_thread
from interlock.triggers.http_calls import BODY_BYTES, AnswerLost, HttpAnswer, NotSent
from interlock.triggers.http_request import (
    DEFAULT_PORTS,
    REDIRECTS,
    Request,
    Target,
    checked_request,
    redirected,
    target_of,
)
from interlock.triggers.keep_alive import KEEP_ALIVE
from interlock.triggers.public_address import AddressRules

RESOLVE_SECONDS, CONNECT_SECONDS = 10.0, 5.0
MOST_REDIRECTS = 5
_Address = tuple[socket.AddressFamily, socket.SocketKind, int, Any]


class _FinalResponse(http.client.HTTPResponse):
    """The response after any interim ones (102, 103), of which `http.client` skips 100 alone."""

    # https://www.rfc-editor.org/rfc/rfc9110#section-15.2
    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]  # the stubs leave it out
        interim = 100 <= status <= 199 and status != http.client.SWITCHING_PROTOCOLS
        return version, http.client.CONTINUE if interim else status, reason


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
        asked = checked_request(method, url, headers, body)
        for _ in range(MOST_REDIRECTS + 1):
            answer, location = self._once(asked, ends_at, most_body_bytes)
            if answer.status not in REDIRECTS or location is None:
                return answer
            asked = redirected(asked, answer.status, location)
        raise NotSent(f"{target_of(url)} redirects more than {MOST_REDIRECTS} times", permanent=True)

    def _once(self, asked: Request, ends_at: float, most: int) -> tuple[HttpAnswer, str | None]:
        target = target_of(asked.url)
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
                raise AnswerLost(f"{target} broke off its answer {response.status}", status=response.status)
            whole = not broken and len(body) < most
            text = body.decode(errors="replace")
            return HttpAnswer(response.status, text, whole), response.getheader("location")

    @contextmanager
    def _connected(self, target: Target, ends_at: float) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.auto_open = 0  # it must never open a connection itself: that one would not be checked
        connection.default_port = DEFAULT_PORTS[target.scheme]
        connection.response_class = _FinalResponse
        try:
            connection.sock = self._socket(target, ends_at)
            yield connection
        finally:
            connection.close()

    def _socket(self, target: Target, ends_at: float) -> socket.socket:
        failures: list[OSError] = []
        for family, kind, protocol, address in self._allowed_addresses(target, ends_at):
            try:
                plain = _connect(family, kind, protocol, address, min(CONNECT_SECONDS, ends_at - monotonic()))
                return self._secured(plain, target)
            except OSError as error:
                failures.append(error)
            if monotonic() >= ends_at:
                break
        # Where one address could not be asked, or not for its certificate, another time it may answer.
        permanent = all(isinstance(failure, ssl.SSLCertVerificationError) for failure in failures)
        raise NotSent(
            f"{target} cannot be reached: {_why(failures[-1], ends_at)}", permanent=permanent
        ) from None

    def _secured(self, plain: socket.socket, target: Target) -> socket.socket:
        if target.scheme == "http":
            return plain
        try:
            # A certificate names its host without the dot that ends an absolute name.
            return self._tls().wrap_socket(plain, server_hostname=target.host.removesuffix("."))
        except BaseException:
            plain.close()
            raise

    def _allowed_addresses(self, target: Target, ends_at: float) -> list[_Address]:
        found = _resolved(target, min(RESOLVE_SECONDS, ends_at - monotonic()))
        allowed = [address for address in found if self._rules.allow(str(address[3][0]))]
        if not allowed:
            raise NotSent(self._rules.refusal(target.host, str(found[0][3][0])), permanent=True)
        return allowed


def _resolved(target: Target, seconds: float) -> list[_Address]:
    # On a thread, because the system's resolver knows no time-out but its own.
    asked = on_a_thread(lambda: socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM))
    if not asked.ended_within(max(0.0, seconds)):
        raise NotSent(f"{target.host} cannot be resolved: time-out", permanent=False)
    try:
        found = asked.result()
    except (OSError, UnicodeError) as error:
        impossible = isinstance(error, UnicodeError)  # not a name at all
        raise NotSent(f"{target.host} cannot be resolved: {_why(error)}", permanent=impossible) from None
    return [(family, kind, protocol, address) for family, kind, protocol, _, address in found]


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


def _send(connection: http.client.HTTPConnection, asked: Request, target: Target) -> None:
    try:
        connection.request(asked.method, target.path, asked.body, dict(asked.headers))
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
        # The connection alone: `SSLSocket.shutdown` would also take the TLS layer away from the thread that reads.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        return  # closed already


def _read(response: http.client.HTTPResponse, ends_at: float, most: int) -> tuple[bytes, bool]:
    """At most so much of the body, and whether it broke off before that or its end."""
    kept, broken = bytearray(), False
    try:
        while len(kept) < most and (piece := response.read1(min(8192, most - len(kept)))):
            kept += piece
    except (OSError, http.client.HTTPException):
        broken = True
    short = len(kept) < most and bool(response.length)
    # A body without a length ends where the connection does, also where `_cut_off` ended it.
    return bytes(kept[:most]), broken or short or monotonic() >= ends_at


def _why(error: BaseException | None, ends_at: float | None = None) -> str:
    if isinstance(error, TimeoutError) or (ends_at is not None and monotonic() >= ends_at):
        return "time-out"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__

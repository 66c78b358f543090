"""A server on loopback for what a polite one never does: to hang, to drop the line, to answer byte by byte."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request as it came in; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Exchange:
    """One request and what the test does about it."""

    def __init__(self, handler: BaseHTTPRequestHandler, received: Received, over: threading.Event) -> None:
        self._handler, self.received, self._over = handler, received, over

    def answer(self, status: int, body: str | bytes = b"", **headers: str) -> None:
        content = body.encode() if isinstance(body, str) else body
        self._handler.send_response_only(status)
        for name, value in headers.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.send_header("Content-Length", str(len(content)))
        self._handler.end_headers()
        self._handler.wfile.write(content)

    def drop(self) -> None:
        self._handler.close_connection = True

    def hang(self) -> None:
        self._over.wait(10)
        self.drop()

    def drip(self, content: bytes, every_seconds: float) -> None:
        """One byte at a time, until all is sent, nobody listens or the test is over."""
        for byte in content:
            self._handler.wfile.write(bytes([byte]))
            if self._over.wait(every_seconds):
                break
        self.drop()


@dataclass
class Loopback:
    url: str
    received: list[Received] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is what some tests are about."""


@contextmanager
def loopback(respond: Callable[[Exchange], None], tls: ssl.SSLContext | None = None) -> Iterator[Loopback]:
    """Serve until the test is over; `respond` gets each request on a thread of its own."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            received = Received(self.command, self.path, headers, body)
            served.received.append(received)
            respond(Exchange(self, received, over))

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _take

        def log_message(self, *_: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    scheme = "http" if tls is None else "https"
    served = Loopback(f"{scheme}://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()

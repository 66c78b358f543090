"""A Slack of our own on 127.0.0.1: takes `chat.postMessage` as strictly as Slack does, shows messages in the terminal."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, TextIO

from interlock.domain.plain_text import one_line

# https://docs.slack.dev/reference/methods/chat.postMessage and .../block-kit/blocks/section-block
_LONGEST_TEXT, _MOST_BLOCKS, _LONGEST_SECTION = 40_000, 50, 3000
_LONGEST_BLOCKS = 10_000  # all together; not documented, see alerts/mrkdwn.py
_LARGEST_REQUEST = 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """A message that was taken."""

    ts: str
    thread_ts: str | None  # of a reply: the `ts` of the message it replies to
    fallback: str  # `text`, which notifications show
    paragraphs: tuple[str, ...]  # the blocks' texts, in Slack's markup

    @property
    def text(self) -> str:
        """As a person reads it, without markup."""
        return "\n".join(plain(paragraph) for paragraph in self.paragraphs or (self.fallback,))


@dataclass(frozen=True, slots=True)
class _Failure:
    status: int
    retry_after: int | None
    error: str


class SlackEndpoint:
    """Serves from `start` (or `with`) until `stop`, on a free port. Messages stay in the order of their coming."""

    def __init__(self, token: str, channel_id: str, out: TextIO | None = None) -> None:
        self.token = token  # the one that is accepted; setting another is a rotation
        self._channel_id, self._out = channel_id, out
        self._lock = threading.Lock()
        self._messages: list[SlackMessage] = []
        self._failures: list[_Failure] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self), bind_and_activate=True)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """What `SLACK_API_URL` is set to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/api"

    @property
    def messages(self) -> list[SlackMessage]:
        with self._lock:
            return list(self._messages)

    def threads(self) -> list[list[SlackMessage]]:
        """Each thread with its replies, in the order in which they were opened."""
        threads: dict[str, list[SlackMessage]] = {}
        for message in self.messages:
            threads.setdefault(message.thread_ts or message.ts, []).append(message)
        return list(threads.values())

    def fail_next(self, count: int, status: int, retry_after: int | None = None, error: str = "") -> None:
        """Refuse the next requests; with status 200 and an `error` as Slack does: `{"ok": false, ...}`."""
        with self._lock:
            self._failures += [_Failure(status, retry_after, error)] * count

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def take(self, authorization: str, body: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
        """One `chat.postMessage`: status, headers and answer."""
        with self._lock:
            if self._failures:
                return _failed(self._failures.pop(0))
            error = self._token_error(authorization)
            request = _object(body)
            error = error or ("invalid_arguments" if request is None else self._request_error(request))
            if error or request is None:
                return 200, {}, {"ok": False, "error": error}
            message = self._keep(request)
        return (
            200,
            {},
            {
                "ok": True,
                "channel": self._channel_id,
                "ts": message.ts,
                "message": {"text": message.fallback},
            },
        )

    def _token_error(self, authorization: str) -> str | None:
        if not authorization.startswith("Bearer "):
            return "not_authed"
        return None if authorization == f"Bearer {self.token}" else "invalid_auth"

    def _request_error(self, request: Mapping[str, Any]) -> str | None:
        thread_ts = request.get("thread_ts")
        if request.get("channel") != self._channel_id:
            return "channel_not_found"
        if thread_ts is not None and all(thread_ts != message.ts for message in self._messages):
            return "thread_not_found"
        return _content_error(request.get("text", ""), request.get("blocks", []))

    def _keep(self, request: Mapping[str, Any]) -> SlackMessage:
        message = SlackMessage(
            ts=f"{int(time.time())}.{len(self._messages) + 1:06}",
            thread_ts=request.get("thread_ts"),
            fallback=request.get("text", ""),
            paragraphs=tuple(block["text"]["text"] for block in request.get("blocks", []) if "text" in block),
        )
        self._messages.append(message)
        if self._out is not None:
            print(_rendered(message), file=self._out, flush=True)
        return message


def render_thread(messages: Sequence[SlackMessage]) -> str:
    """A thread as it looks in a terminal: replies are set in below the message that opened it."""
    return "\n\n".join(_rendered(message) for message in messages)


def _rendered(message: SlackMessage) -> str:
    first, *others = message.text.splitlines() or [""]
    indent = "  " if message.thread_ts is None else "     "
    opening = first if message.thread_ts is None else f"  ↳ {first}"
    return "\n".join([opening, *(f"{indent} {line}" for line in others)])


_LINK = re.compile(r"<([^|>\s]+)(?:\|([^>]*))?>")
_BOLD = re.compile(r"(?<!\w)\*(?!\s)([^*\n]+)(?<!\s)\*(?!\w)")
_ITALIC = re.compile(r"^_(.+)_$", re.MULTILINE)


def plain(markup: str) -> str:
    """Slack's markup as a terminal can show it."""
    text = _LINK.sub(lambda link: f"{link[2]}: {link[1]}" if link[2] else link[1], markup)
    text = _ITALIC.sub(r"\1", _BOLD.sub(r"\1", text)).replace("`", "")
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return "\n".join(one_line(line, _LONGEST_SECTION) for line in text.splitlines())


def _content_error(text: Any, blocks: Any) -> str | None:
    if not isinstance(text, str) or not isinstance(blocks, list):
        return "invalid_arguments"
    if not text and not blocks:
        return "no_text"
    if len(text) > _LONGEST_TEXT:
        return "msg_too_long"
    if len(blocks) > _MOST_BLOCKS or not all(_is_section(block) for block in blocks):
        return "invalid_blocks"
    return "msg_blocks_too_long" if _length(blocks) > _LONGEST_BLOCKS else None


def _is_section(block: Any) -> bool:
    if (
        not isinstance(block, dict)
        or block.get("type") != "section"
        or not isinstance(block.get("text"), dict)
    ):
        return False
    text = block["text"].get("text")
    known = block["text"].get("type") in ("mrkdwn", "plain_text")
    return known and isinstance(text, str) and 1 <= len(text) <= _LONGEST_SECTION


def _length(blocks: Iterable[Any]) -> int:
    return sum(len(block["text"]["text"]) for block in blocks)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _failed(failure: _Failure) -> tuple[int, dict[str, str], dict[str, Any]]:
    headers = {} if failure.retry_after is None else {"Retry-After": str(failure.retry_after)}
    error = failure.error or ("ratelimited" if failure.status == 429 else "fatal_error")
    return failure.status, headers, {"ok": False, "error": error}


def _handler(endpoint: SlackEndpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # keeps the connection, as Slack does
        timeout = 30

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > _LARGEST_REQUEST:
                self.close_connection = True
                self._answer(413, {}, {"ok": False, "error": "request_too_large"})
                return
            body = self.rfile.read(int(length))
            if self.path != "/api/chat.postMessage":
                self._answer(200, {}, {"ok": False, "error": "unknown_method"})
                return
            self._answer(*endpoint.take(self.headers.get("Authorization", ""), body))

        def _answer(self, status: int, headers: Mapping[str, str], answer: Mapping[str, Any]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the messages themselves are what the terminal shows."""

    return Handler

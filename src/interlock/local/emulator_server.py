"""The emulator's process: ministack with our patches, on one loopback port.

`python -m interlock.local.emulator_server` serves the port in GATEWAY_PORT (4566); `Emulator` starts it with
a socket that is bound already.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import Any
from xml.sax.saxutils import escape

from interlock.local import emulator_permissions as permissions
from interlock.local.emulator_delivered import lose_answers, take_batches
from interlock.local.emulator_functions import count_call, counts, kill_busy
from interlock.local.emulator_patches import apply_patches
from interlock.local.sdk_request import SdkRequest

# The side listeners of ministack heed no BIND_HOST, so they stay off.
SETTINGS = {
    "BIND_HOST": "127.0.0.1",
    "MINISTACK_HOST": "127.0.0.1",
    "GATEWAY_PORT": "4566",
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
    "LAMBDA_EXECUTOR": "local",
}

# AWS services publish their own events on the default bus; PutEvents refuses `aws.*` to everybody else, on
# AWS and here, so stand-ins for services come in by this door.
SERVICE_EVENTS_PATH = "/_interlock/service-events"
COUNTS_PATH = "/_interlock/counts"  # of the functions' calls and invocations
KILL_PATH = "/_interlock/kill-function"  # the name follows in the body
PERMISSIONS_PATH = "/_interlock/permissions"  # those that were used
ENFORCE_PATH = "/_interlock/enforce-permissions"
CHECK_PATH = "/_interlock/check-request"  # of a function to a stand-in, which follows in the body
BATCHES_PATH = "/_interlock/stream-batches"  # those that functions took since the last question
LOSE_PATH = "/_interlock/lose-answers"  # of functions to streams; share and seed follow in the body

ACCESS_DENIED = "AccessDeniedException"

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def gateway(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """ministack's application with a few paths more."""
    own = OWN_PATHS.get(scope["path"]) if scope["type"] == "http" else None
    if own is not None:
        await answer(send, *own(await body_of(receive)))
        return
    if scope["type"] == "http":
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        function = permissions.caller_of(headers)
        if function is not None:
            body = await body_of(receive)
            query = scope["query_string"].decode()
            request = SdkRequest(scope["method"], scope["path"], query, headers, body)
            count_call(request.call)
            refused = refusal(function, request)
            if refused is not None:
                await answer(send, 403, refused, {"x-amzn-errortype": ACCESS_DENIED})
                return
            receive = once_more(body, receive)
    await import_module("ministack.app").app(scope, receive, send)


def refusal(function: str, request: SdkRequest) -> bytes | None:
    """What AWS answers a function that may not do this; None when it may."""
    try:
        permissions.check_request(function, request)
    except permissions.AccessDenied as denied:
        if request.service == "s3":
            return (
                f"<Error><Code>AccessDenied</Code><Message>{escape(str(denied))}</Message></Error>".encode()
            )
        return json.dumps({"__type": ACCESS_DENIED, "message": str(denied)}).encode()
    return None


def once_more(body: bytes, receive: Receive) -> Receive:
    """The request's body again, for whoever reads it next."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def read() -> dict[str, Any]:
        return waiting.pop() if waiting else await receive()

    return read


async def body_of(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


async def answer(send: Send, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
    named = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": named})
    await send({"type": "http.response.body", "body": body})


def take_service_events(body: bytes) -> tuple[int, bytes]:
    events = import_module("ministack.services.eventbridge")
    status, _, answer = events._put_events(json.loads(body), allow_aws_source=True)
    return status, answer


def enforce(_: bytes) -> tuple[int, bytes]:
    permissions.enforce()
    return 200, b"{}"


def check_request(body: bytes) -> tuple[int, bytes]:
    """Of a call that a function makes to a stand-in: the words it is refused with, or null."""
    told = json.loads(body)
    function = permissions.caller_of(told["headers"])
    request = SdkRequest(**{**told, "body": told["body"].encode()})
    refused = None if function is None else refusal(function, request)
    return 200, json.dumps(refused and json.loads(refused)["message"]).encode()


OWN_PATHS: dict[str, Callable[[bytes], tuple[int, bytes]]] = {
    SERVICE_EVENTS_PATH: take_service_events,
    COUNTS_PATH: lambda _: (200, json.dumps(counts()).encode()),
    KILL_PATH: lambda body: (200, json.dumps(kill_busy(body.decode())).encode()),
    PERMISSIONS_PATH: lambda _: (200, json.dumps(permissions.used()).encode()),
    ENFORCE_PATH: enforce,
    CHECK_PATH: check_request,
    BATCHES_PATH: take_batches,
    LOSE_PATH: lose_answers,
}


async def serve(bind: str) -> None:
    hypercorn = import_module("hypercorn.asyncio")
    config = import_module("hypercorn.config").Config()
    config.bind = [bind]
    config.keep_alive_timeout = 75
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    await hypercorn.serve(gateway, config, shutdown_trigger=asyncio.Event().wait)


def end() -> None:
    """Save what is to be kept and end this process with all it started."""
    persistence = import_module("ministack.core.persistence")
    if persistence.PERSIST_STATE:
        persistence.save_all(import_module("ministack.app")._build_persistence_save_dict())
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(0)  # without a group of its own: functions end by themselves when their stdin closes


def end_with_parent(folder: str) -> None:
    """Wait for the end of stdin, which only the parent's end closes; then leave nothing behind."""
    while sys.stdin.buffer.read(1):
        pass
    import_module("ministack.core.lambda_runtime").reset()  # ends the functions, which write there too
    shutil.rmtree(folder, ignore_errors=True)
    end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", type=int, help="number of a bound socket handed down by the parent")
    parser.add_argument("--folder", help="the parent's folder for this server: removed when the parent dies")
    options = parser.parse_args()
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    apply_patches()
    if options.folder:
        threading.Thread(target=end_with_parent, args=(options.folder,), daemon=True).start()
    address = f"{SETTINGS['BIND_HOST']}:{os.environ['GATEWAY_PORT']}"
    asyncio.run(serve(f"fd://{options.socket}" if options.socket else address))


if __name__ == "__main__":
    main()

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
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from interlock.local.emulator_functions import count_request, counts, kill_busy
from interlock.local.emulator_patches import apply_patches

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

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def gateway(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """ministack's application with a few paths more."""
    own = OWN_PATHS.get(scope["path"]) if scope["type"] == "http" else None
    if own is not None:
        await answer(send, *own(await body_of(receive)))
        return
    if scope["type"] == "http":
        count_request(scope)
    await import_module("ministack.app").app(scope, receive, send)


async def body_of(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


async def answer(send: Send, status: int, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})


def take_service_events(body: bytes) -> tuple[int, bytes]:
    events = import_module("ministack.services.eventbridge")
    status, _, answer = events._put_events(json.loads(body), allow_aws_source=True)
    return status, answer


OWN_PATHS: dict[str, Callable[[bytes], tuple[int, bytes]]] = {
    SERVICE_EVENTS_PATH: take_service_events,
    COUNTS_PATH: lambda _: (200, json.dumps(counts()).encode()),
    KILL_PATH: lambda body: (200, json.dumps(kill_busy(body.decode())).encode()),
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

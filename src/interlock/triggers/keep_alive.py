"""Socket options that keep a connection open over which nothing is said for minutes: a job at work is silent."""

from __future__ import annotations

import socket

# NAT gateways drop a silent connection after 350 s, and the kernel's own first probe would come after two hours.
# https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
_SECONDS = 60
_PROBES = tuple(
    # macOS names them otherwise.
    (socket.IPPROTO_TCP, getattr(socket, name), _SECONDS)
    for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL")
    if hasattr(socket, name)
)
KEEP_ALIVE = ((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *_PROBES)

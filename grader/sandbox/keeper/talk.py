"""What keeper and check say to each other: one small JSON message each way, in bounded packets.

    check → keeper   {"ask": "sandbox", "like": LIKENESS}
    keeper → check   {"way": {…}, "socket": "grader-warm-…/socket"}    or {} where they differ
    check → keeper   {"ask": "state"}
    keeper → check   {"pid", "lent", "seconds"}
    check → keeper   {"ask": "held"}
    keeper → check   {"held": true}                                    the server lives

The check stays connected for as long as it uses the server. Nothing of a submission is said.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from typing import Any

SIZE = 1 << 14
PEER = struct.Struct("iII")


def say(connection: socket.socket, message: dict[str, Any]) -> None:
    """Send a message. Raises OSError."""
    connection.send(json.dumps(message).encode())


def hear(connection: socket.socket) -> dict[str, Any] | None:
    """The next message; None when the other end has hung up. Raises OSError and ValueError."""
    packet = connection.recv(SIZE)
    if not packet:
        return None
    message = json.loads(packet)
    if not isinstance(message, dict):
        raise ValueError("a message is an object")
    return message


def peer(connection: socket.socket) -> tuple[int, int]:
    """The process and the user at the other end, as the kernel names them."""
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size)
    pid, uid, _ = PEER.unpack(packed)
    return pid, uid


def is_ours(connection: socket.socket) -> bool:
    """Whether the other end belongs to this user."""
    return peer(connection)[1] == os.geteuid()

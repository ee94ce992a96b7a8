"""Where the student's process begins: confine, say hello, then serve the grader's requests.

Started as `python -I -B -c "…main()" CONFIG`, with CONFIG a JSON object that holds no secret:
`channel` (the number of the inherited descriptor), `entry`, and what `confine` reads.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

from .confine import confine

if TYPE_CHECKING:
    from .serve import Server


def main() -> None:
    """Run one process of a submission, as the JSON in the last argument says.

    `entry` is "serve" for a submission. "canary" only reports what holds, without the imports of
    a real run; a `{"source": …, "given": {name: value}}` is run
    instead, for the proofs of the sandbox.
    """
    config: dict[str, Any] = json.loads(sys.argv[-1])
    sys.argv = [""]
    number = config["channel"]
    close_all_but(number)
    sys.path.extend(config.get("paths", []))
    become_submission(config, socket.socket(fileno=number))


def close_all_but(*kept: int) -> None:
    """Close every inherited descriptor but the standard three and those that are `kept`."""
    first = 3
    for number in sorted(kept):
        os.closerange(first, number)
        first = number + 1
    os.closerange(first, 1024)


def become_submission(
    config: dict[str, Any], channel: socket.socket, server: Server | None = None
) -> None:
    """Give up all rights, then do what `entry` says; `server` is one that has been prepared."""
    channel.set_inheritable(False)
    folders = [folder for folder in sys.path if os.path.isdir(folder)]
    confined = confine(config)
    entry = config["entry"]
    if entry == "canary":
        facts = confined | {"unreadable": [path for path in folders if not _readable(path)]}
        channel.sendall(json.dumps(facts).encode() + b"\n")
    elif entry == "serve":
        _serve(channel, confined, server)
    else:
        exec(
            compile(entry["source"], "<probe>", "exec"),
            {"__name__": "__main__", "channel": channel, **entry.get("given", {})},
        )


def _serve(channel: socket.socket, confined: dict[str, Any], server: Server | None) -> None:
    from . import wire

    channel.sendall(wire.encode({"hello": {"confined": confined}}))
    if server is None:
        from .serve import Server

        server = Server()
    server.serve(channel)


def _readable(folder: str) -> bool:
    return os.access(folder, os.R_OK | os.X_OK)

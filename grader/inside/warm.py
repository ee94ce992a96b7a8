"""The warm server: TensorFlow imported once, a sandboxed process forked for each submission.

It runs no student code and holds no submission, no answer and no label. Each connection to its
listening socket is one submission: a request with two descriptors, then

    child → grader   "ready"              sent by the submission's first process, with its number
    child → grader   "furnished"          once its namespaces are made
    grader → child   "go"                 once it stands in its control group, which takes as long
    child → grader   "ended CODE"         128 + n where signal n ended it, as bubblewrap has it
    child → grader   "failed WHY"         in place of "ready" or "furnished"

When the grader hangs up, the first process ends, and with it all of its namespace.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

from . import confine, main, namespaces, pages
from .preload import preload
from .serve import Server

REQUEST_SIZE = 1 << 17
REAP_MILLISECONDS = 500


def listen() -> NoReturn:
    """Import what the JSON in the last argument names, then fork for every connection.

    `listener` is the number of the inherited socket; `lifeline` that of a pipe which ends with the
    grader, and this server with it. `data` is the folder that submissions see (or null), `preload`
    the modules to import, `paths` the folders to import from besides.
    """
    config: dict[str, Any] = json.loads(sys.argv[-1])
    sys.argv = [""]
    lifeline = config["lifeline"]
    main.close_all_but(config["listener"], lifeline)
    listener = socket.socket(fileno=config["listener"])
    sys.path.extend(config.get("paths", []))
    server = Server()
    namespaces.begin_own_processes()
    # While this process is small: each submission would fork a large one to find out.
    apart = "proven" if confine.may_have_user_namespace(config["uid"]) else False
    if config["preload"]:
        server.prepare(config["data"])
        preload(config["preload"])
    # The kernel buries the children: nobody asks how they ended.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for connection in _connections(listener, lifeline):
        try:
            if namespaces.fork_first() == 0:
                listener.close()
                os.close(lifeline)
                _be_first(connection, server, apart)
        except OSError as error:
            _say(connection, f"failed {error}")
        connection.close()
    os._exit(0)


def _connections(listener: socket.socket, lifeline: int) -> Iterator[socket.socket]:
    """Every connection until the grader is gone. While none comes, memory is gathered."""
    gathering: Iterator[bool] | None = pages.gathering()
    awaited = [listener.fileno(), lifeline]
    while True:
        ready = select.select(awaited, [], [], 0 if gathering else None)[0]
        if lifeline in ready:
            return
        if ready:
            yield listener.accept()[0]
        elif gathering and next(gathering, None) is None:
            gathering = None


def _be_first(connection: socket.socket, server: Server, apart: str | bool) -> NoReturn:
    """Take the request, furnish the namespaces, fork the submission's process, and see it off."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        text, passed, _, _ = socket.recv_fds(connection, REQUEST_SIZE, 2)
        if not text:
            os._exit(0)
        request: dict[str, Any] = json.loads(text)
        _say(connection, "ready")
        namespaces.leave_shared()
        os.setsid()
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")
        namespaces.furnish(request["places"], request["kept"])
        os.chdir(request["home"])
        confine.guard_memory()
        _say(connection, "furnished")
        if connection.recv(16) != b"go":
            os._exit(0)
        child = os.fork()
        if child == 0:
            connection.close()
            _be_submission(request["config"] | {"user_namespace": apart}, passed, server)
        for descriptor in passed:
            os.close(descriptor)
        code = _wait(child, connection)
        _say(connection, f"ended {code}")
    except BaseException as error:
        _say(connection, f"failed {error}")
    os._exit(code)


def _be_submission(config: dict[str, Any], passed: list[int], server: Server) -> NoReturn:
    """Become the process that `main` starts in a cold sandbox."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        confine.guard_memory(False)
        channel, output = passed
        for standard in (1, 2):
            os.dup2(output, standard)
        main.close_all_but(channel)
        main.become_submission(config, socket.socket(fileno=channel), server)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode(errors="replace"))
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
        os._exit(code & 0xFF)


def _wait(child: int, connection: socket.socket) -> int:
    """The end of `child`, while orphans are reaped. All ends here when the grader hangs up."""
    held = os.pidfd_open(child)
    poll = select.poll()
    poll.register(held, select.POLLIN)
    poll.register(connection, select.POLLIN | select.POLLHUP)
    while True:
        ready = dict(poll.poll(REAP_MILLISECONDS))
        if connection.fileno() in ready:
            os._exit(0)
        status = _reap(child)
        if status is not None:
            number = os.waitstatus_to_exitcode(status)
            return number if number >= 0 else 128 - number


def _reap(awaited: int | None = None) -> int | None:
    """Bury all ended children; the status of `awaited` if it was among them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while True:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                break
            if child == awaited:
                found = status
    return found


def _say(connection: socket.socket, text: str) -> None:
    with contextlib.suppress(OSError):
        connection.send(text.encode(errors="replace")[:4_000])

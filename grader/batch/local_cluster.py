"""A Dask cluster on this machine for one batch: a scheduler and workers, in a session of their own.

It is a process beside the batch, so that it hears no interrupt, and can be ended at any moment, as
a whole. Its connections are encrypted with keys that only the batch has: else everybody on this
machine could have it run what he likes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection, Pipe
from typing import Any

import dask
from distributed import LocalCluster, Security

from grader.batch.worker import hung_up
from grader.errors import SandboxError
from grader.interrupts import undisturbed

START_SECONDS = 60.0
TIDY_SECONDS = 0.6
"""How long what is being graded may take to end by itself."""
END_SECONDS = 1.0


class LocalDask:
    """The cluster, from the batch's side. `end` must be called after `start`, however it went."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Any = None
        self._folder: str | None = None

    def start(self) -> tuple[str, Security]:
        """The scheduler's address, and the keys to it. Raises SandboxError."""
        with undisturbed():
            self._folder = _own_folder()
            self._connection, theirs = Pipe()
            with theirs:
                self._process = subprocess.Popen(
                    [
                        *(sys.executable, "-P", "-m", "grader.batch.local_cluster"),
                        *(str(theirs.fileno()), str(self._jobs), self._folder),
                    ],
                    env={**os.environ, "DASK_TEMPORARY_DIRECTORY": self._folder},
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
        try:
            if self._connection.poll(START_SECONDS):
                address, security = self._connection.recv()
                return address, security
        except (EOFError, OSError):
            pass
        raise SandboxError(
            "the Dask cluster on this machine does not start",
            hint="--executor local does without; --jobs 1 asks for less.",
        )

    def end(self) -> None:
        """End all of it, with what is being graded."""
        if self._process is not None:
            self._connection.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _own_folder() -> str:
    """A new folder for what Dask leaves behind when it is killed. Raises SandboxError."""
    try:
        return tempfile.mkdtemp(prefix="grader-dask-", dir=dask.config.get("temporary-directory"))
    except OSError as error:
        raise SandboxError(
            f"the Dask cluster on this machine has no temporary folder: {error.strerror or error}",
            hint="TMPDIR names where one can be made.",
        ) from None


def main() -> None:
    """Be the cluster until the batch hangs up."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    with Connection(int(sys.argv[1])) as connection:
        cluster = LocalCluster(
            n_workers=int(sys.argv[2]),
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            security=True,
            silence_logs=logging.CRITICAL,
        )
        with contextlib.suppress(OSError):
            connection.send((cluster.scheduler_address, cluster.security))
        hung_up(connection)
    os.killpg(0, signal.SIGTERM)
    time.sleep(TIDY_SECONDS)
    shutil.rmtree(sys.argv[3], ignore_errors=True)  # where the batch was killed, nobody else does
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()

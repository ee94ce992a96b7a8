"""Real Dask clusters for tests: the package's own commands, in processes that end with the test."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from grader.sandbox import usage

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent


class DaskProcesses:
    """A scheduler, and workers of one thread that may be added."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._file = folder / "scheduler.json"
        self._folder = folder
        self._stack = stack
        self.workers: list[subprocess.Popen[bytes]] = []
        words = ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        self.scheduler = self._start([*words, "--scheduler-file", str(self._file)])
        while not self._file.exists():
            assert self.scheduler.poll() is None
            time.sleep(0.05)
        self.address = str(json.loads(self._file.read_text())["address"])

    def add_worker(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start one worker, without a nanny: what is killed stays away."""
        words = ["worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        process = self._start([*words, "--local-directory", str(self._folder)], environment)
        self.workers.append(process)
        return process

    def _start(
        self, words: list[str], environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *words],
            env={**os.environ, "PYTHONPATH": path, **(environment or {})},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            start_new_session=True,
        )
        self._stack.callback(end, process)
        return process

    def grading(self) -> list[int]:
        """The processes below the workers, each of which grades or serves one that does."""
        return [pid for worker in self.workers for pid in usage.family(worker.pid)[1:]]


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all of its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def dask_processes(folder: Path, workers: int) -> Iterator[DaskProcesses]:
    """A scheduler and so many workers, which are there soon."""
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        cluster = DaskProcesses(folder, stack)
        for _ in range(workers):
            cluster.add_worker()
        yield cluster


def in_time(condition: Callable[[], T], seconds: float = 60.0) -> T:
    """What a condition gives when it comes true; the time is an end to waiting, no measure."""
    end_ = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end_:
        time.sleep(0.02)
    return found

"""Answer the grader's requests, one at a time, over the channel that it left open.

The messages are described in the frame format's terms in `grader/session.py`, the other end.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import socket
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from . import faults, legacy, seeds, wire
from .answers import AnswerTooLarge, Encoder
from .deadline import TimeUp, deadline, held
from .recorder import Recorder
from .runner import OutputEnds, Runner

REQUEST_BOUNDS = wire.Bounds(header=64 << 20, payload=512 << 20, parts=64 << 20)
ANSWER_BOUNDS = wire.Bounds()
PACKAGES = ("numpy", "tensorflow", "keras", "scikit-learn")


class Server:
    """One submission's end of the conversation."""

    def __init__(self) -> None:
        self._channel: socket.socket | None = None
        self._sending = threading.Lock()
        self._runner: Runner | None = None
        self._recorder: Recorder | None = None

    def prepare(self, data: str | None) -> None:
        """Have the recorder and the old spellings in place before a library is imported.

        `data` is the folder of the public data. What is noticed before `serve` is told to nobody.
        """
        self._recorder = Recorder(self._emit, faults.where, data)
        versions()  # asked for now, they cost no submission anything
        self._recorder.install()
        legacy.install(self._recorder.hooks, self._recorder.note_old)

    def serve(self, channel: socket.socket) -> None:
        """Answer until the grader hangs up."""
        self._channel = channel
        if hasattr(os, "register_at_fork"):
            # A copy of this process that went on would say everything a second time.
            os.register_at_fork(after_in_child=channel.close)
        answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "run": self._run,
            "call": self._call,
            "predict": self._predict,
            "probe": self._probe,
        }
        while True:
            try:
                request = wire.read(self._receive, REQUEST_BOUNDS)
            except (EOFError, OSError):
                return
            answer = self._guarded(answers[request["do"]], request)
            self._reply(request["nonce"], answer)

    def _guarded(
        self, work: Callable[[dict[str, Any]], dict[str, Any]], request: dict[str, Any]
    ) -> dict[str, Any]:
        try:
            return work(request)
        except TimeUp as error:
            return {"fault": faults.describe(error), "limit": "time"}
        except (AnswerTooLarge, OutputEnds) as error:
            return {"fault": faults.describe(error), "limit": "output"}
        except BaseException as error:
            return {"fault": faults.describe(error), "limit": faults.limit_of(error)}

    def _run(self, request: dict[str, Any]) -> dict[str, Any]:
        job = request["job"]
        runner = self._runner = Runner(job, self._send)
        runner.prepare()
        if self._recorder is None:
            self.prepare(job["data"])
        recorder = self._recorder
        assert recorder is not None
        runner.after_cell = recorder.after_cell
        limits = job["limits"]
        recorder.allow(limits["training_work"], limits["trainings"])
        seeds.plant(job["seed"])
        self._send({"starts": True})
        limit = runner.run()
        self._send({"ran": True})
        with contextlib.suppress(TimeUp), deadline(20):
            recorder.finish(runner.variables())
        self._send({"versions": versions()})
        return {"limit": limit}

    def _call(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._runner is not None
        function = self._runner.namespace.get(request["function"])
        if not callable(function):
            return {"missing": True}
        with deadline(request["seconds"]):
            args, kwargs = _own(request["args"]), _own(request["kwargs"])
            value = function(*args, **kwargs)
            return {"value": Encoder().encode(value)}

    def _predict(self, request: dict[str, Any]) -> dict[str, Any]:
        model = self._model(request["model"])
        assert self._recorder is not None
        x = self._recorder.kept[request["kept"]] if "kept" in request else request["x"]
        with deadline(request["seconds"]):
            keras = hasattr(model, "predict_on_batch")
            output = model.predict(x, verbose=0, batch_size=500) if keras else model.predict(x)
            return {"value": Encoder().encode(_numbers(output))}

    def _probe(self, request: dict[str, Any]) -> dict[str, Any]:
        from . import probes

        model = self._model(request["model"])
        with deadline(request["seconds"]):
            return {
                "value": probes.run_probe(
                    request["probe"], model, request["options"], self._recorder
                )
            }

    def _model(self, number: int) -> Any:
        assert self._recorder is not None
        return self._recorder.models[number]

    def _emit(self, kind: str, fields: dict[str, Any]) -> None:
        """Tell the grader; what is beyond the bounds is left untold."""
        if self._channel is None:
            return
        with contextlib.suppress(wire.FrameError):
            self._send({kind: fields}, wire.STREAMED)

    def _reply(self, nonce: str, answer: dict[str, Any]) -> None:
        try:
            self._send({"reply": nonce, **answer})
        except wire.FrameError as error:
            self._send({"reply": nonce, "fault": faults.describe(error), "limit": "output"})

    def _send(self, message: dict[str, Any], bounds: wire.Bounds = ANSWER_BOUNDS) -> None:
        assert self._channel is not None
        frame = wire.encode(message, bounds)
        with held(), self._sending:
            self._channel.sendall(frame)

    def _receive(self, size: int) -> bytearray:
        assert self._channel is not None
        parts = bytearray()
        while len(parts) < size:
            part = self._channel.recv(min(size - len(parts), 1 << 20))
            if not part:
                raise EOFError
            parts += part
        return parts


def _numbers(output: Any) -> Any:
    """Classes named by text, '0' to '9' as OpenML has them, as the numbers that they name."""
    if isinstance(output, np.ndarray) and output.dtype.kind in "OSU":
        with contextlib.suppress(TypeError, ValueError):
            return output.astype(np.float64)
    return output


def _own(value: Any) -> Any:
    """The value with copies of its arrays, so that the student's function owns what it is given."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, (list, tuple)):
        return type(value)(map(_own, value))
    if isinstance(value, dict):
        return {key: _own(item) for key, item in value.items()}
    return value


@cache
def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that a verdict may depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found

"""The conversation with the student's process, seen from the trusted side.

One request at a time, each with a nonce and a deadline:

    {"do": "run", "nonce", "job"}                          streams cells, events, models, values
    {"do": "call", "nonce", "function", "args", "kwargs", "seconds"}
    {"do": "predict", "nonce", "model", "x" or "kept", "seconds"}
    {"do": "probe", "nonce", "probe", "model", "options", "seconds"}

and one reply, `{"reply": nonce, ...}`. What comes back is checked here, field by field: plain
values, NumPy arrays of plain numbers, evidence records. Anything else ends the session with the
limit `protocol`. No student code and no TensorFlow is ever imported on this side.
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from pydantic import ValidationError

from grader.collected import Collected
from grader.errors import SandboxError, SessionClosed
from grader.inside import wire
from grader.records.evidence import Evidence, Fault
from grader.records.lab import Limits
from grader.records.submission import Submission

HELLO_SECONDS = 60.0
GRACE_SECONDS = 1.5
FINISH_SECONDS = 25.0
HEADER_WEIGHT = 8
"""Bytes of memory for a byte of JSON in a header; a byte of payload weighs one."""


def whole_seconds(limits: Limits) -> float:
    """How long a submission may take in all: the bound, and the time to tell what happened."""
    return limits.total_seconds + FINISH_SECONDS


class Child(Protocol):
    """The part of a sandboxed process that a session needs."""

    channel: socket.socket
    limit: str | None

    def kill(self, limit: str | None, reason: str | None = None) -> None:
        """End the process and all it started."""

    def wait_ended(self, timeout: float) -> bool:
        """Wait for the process to end by itself."""

    def close(self) -> None:
        """Kill, reap, and remove what it left."""


class StudentFault(Exception):
    """The student's code raised while it was asked: `fault` has its type, message and place."""

    def __init__(self, fault: Fault, limit: str | None = None) -> None:
        super().__init__(f"{fault.type}: {fault.message}")
        self.fault = fault
        self.limit = limit


class MissingFunction(Exception):
    """The submission has no function of that name."""


@dataclass(frozen=True)
class Batches:
    """A dataset or generator that a student's function returned, read to its end.

    `batches` holds a tuple of parts for each batch; `cut` says that it went on beyond the bound.
    """

    batches: tuple[tuple[Any, ...], ...]
    cut: bool


@dataclass(frozen=True)
class Unreadable:
    """A returned object that has no plain form; `type` is its class name."""

    type: str


@dataclass(frozen=True)
class Answer:
    """What a call returned, rebuilt from plain parts; `type` is its class name over there."""

    value: Any
    type: str


class Session:
    """A live student process: run the submission in it once, then ask."""

    def __init__(self, child: Child, limits: Limits, *, ends: float = float("inf")) -> None:
        """Wait for the greeting. `ends` is when it must be over, by the monotonic clock."""
        self._child = child
        self._limits = limits
        self._ends = ends
        self._weight = 0
        self.limit: str | None = None
        """The first bound that was hit."""
        hello = self._read(time.monotonic() + HELLO_SECONDS)
        if "hello" not in hello:
            raise self._broken("the first message is no greeting")

    def run(self, submission: Submission, *, seed: int, data: str | None) -> Evidence:
        """Run the submission from top to bottom and collect the evidence.

        A run that is ended by a bound yields the evidence up to there, with `limit` set and
        `finished` false where the process did not survive it.
        """
        began = time.monotonic()
        self._ends = min(self._ends, began + whole_seconds(self._limits))
        collected, started, ran = Collected(), False, False
        try:
            job = _job(submission, seed, data, self._limits)
            nonce = self._ask("run", began + HELLO_SECONDS, job=job)
            deadline = min(time.monotonic() + self._limits.run_seconds + GRACE_SECONDS, self._ends)
            while True:
                message = self._read(deadline, wire.STREAMED)
                if "reply" in message:
                    self._check_nonce(message, nonce)
                    break
                if "starts" in message:
                    started = True
                    continue
                if "ran" in message and not ran:
                    ran, deadline = True, min(time.monotonic() + FINISH_SECONDS, self._ends)
                    continue
                self._collect(collected, message)
        except SessionClosed:
            return collected.evidence(self.limit, finished=False)
        if "fault" in message and not started:
            raise SandboxError(f"the runner failed before the submission ran: {message['fault']}")
        limit = message.get("limit")
        if limit is None and "fault" in message:
            limit = "crash"
        if limit is not None:
            self._note(str(limit))
        return collected.evidence(self.limit, finished=True)

    def call(self, function: str, *args: Any, **kwargs: Any) -> Answer:
        """Call a function of the submission with plain values and NumPy arrays.

        Raises MissingFunction, StudentFault (it raised, or took longer than its deadline) and
        SessionClosed (its process did not survive).
        """
        reply = self._exchange(
            "call", self._limits.call_seconds, function=function, args=list(args), kwargs=kwargs
        )
        if reply.get("missing") is True:
            raise MissingFunction(function)
        return self._answer(reply)

    def predict(self, model: int, x: np.ndarray, *, seconds: float | None = None) -> np.ndarray:
        """The model's output for a batch `x`, shaped and scaled as the submission feeds it."""
        reply = self._exchange("predict", seconds or self._limits.call_seconds, model=model, x=x)
        return self._output(reply)

    def predict_kept(self, model: int, fingerprint: str, *, seconds: float) -> np.ndarray:
        """The model's output for an array of the submission's own, by the array's fingerprint."""
        return self._output(self._exchange("predict", seconds, model=model, kept=fingerprint))

    def _output(self, reply: dict[str, Any]) -> np.ndarray:
        answer = self._answer(reply)
        if not isinstance(answer.value, np.ndarray):
            raise StudentFault(
                Fault(type=answer.type, message="predict returned something other than an array")
            )
        return answer.value

    def probe(self, probe: str, model: int, **options: Any) -> Mapping[str, Any]:
        """Ask a probe of a model: a few numbers, texts and truth values by name."""
        seconds = self._limits.call_seconds * 2
        reply = self._exchange("probe", seconds, probe=probe, model=model, options=options)
        value = self._value_of(reply)
        plain = (bool, int, float, str)
        if not isinstance(value, dict) or not all(isinstance(v, plain) for v in value.values()):
            raise self._broken("a probe's answer is not plain")
        return value

    def grant(self, seconds: float) -> None:
        """Put off when it must be over."""
        self._ends += seconds

    def close(self) -> None:
        """End the student's process and all it started."""
        self._child.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _exchange(self, do: str, seconds: float, **fields: Any) -> dict[str, Any]:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self._late()
        seconds = min(seconds, left)
        deadline = time.monotonic() + seconds + GRACE_SECONDS
        nonce = self._ask(do, deadline, seconds=seconds, **fields)
        reply = self._read(deadline)
        while "event" in reply or "model" in reply:
            reply = self._read(deadline)
        self._check_nonce(reply, nonce)
        return reply

    def _ask(self, do: str, deadline: float, **fields: Any) -> str:
        nonce = secrets.token_hex(8)
        frame = wire.encode({"do": do, "nonce": nonce, **fields})
        try:
            self._child.channel.settimeout(max(deadline - time.monotonic(), 0.01))
            self._child.channel.sendall(frame)
        except TimeoutError:
            raise self._late() from None
        except OSError:
            raise self._closed() from None
        return nonce

    def _read(self, deadline: float, bounds: wire.Bounds | None = None) -> dict[str, Any]:
        sizes: list[int] = []

        def receive(size: int) -> bytearray:
            sizes.append(size)
            return self._receive(size, deadline)

        try:
            message = wire.read(receive, bounds)
            self._weight = HEADER_WEIGHT * sizes[1] + sizes[2]
            return message
        except TimeoutError:
            raise self._late() from None
        except (EOFError, OSError):
            self._child.wait_ended(GRACE_SECONDS)
            raise self._closed() from None
        except wire.FrameError as error:
            raise self._broken(str(error)) from None

    def _receive(self, size: int, deadline: float) -> bytearray:
        parts = bytearray()
        while len(parts) < size:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._child.channel.settimeout(left)
            part = self._child.channel.recv(min(size - len(parts), 1 << 20))
            if not part:
                raise EOFError
            parts += part
        return parts

    def _check_nonce(self, reply: dict[str, Any], nonce: str) -> None:
        said = reply.get("reply")
        if not isinstance(said, str) or said != nonce:
            raise self._broken("a reply to a question that was not asked")

    def _collect(self, collected: Collected, message: dict[str, Any]) -> None:
        try:
            collected.add(message, self._weight)
        except (ValidationError, ValueError, TypeError, LookupError, AttributeError) as error:
            raise self._broken(f"evidence that is none: {type(error).__name__}") from None

    def _value_of(self, reply: dict[str, Any]) -> Any:
        if "fault" not in reply:
            return reply.get("value")
        limit = reply.get("limit")
        if limit is not None:
            self._note(str(limit))
        try:
            fault = Fault.model_validate(reply["fault"])
        except ValidationError:
            raise self._broken("a fault that is none") from None
        raise StudentFault(fault, None if limit is None else str(limit))

    def _answer(self, reply: dict[str, Any]) -> Answer:
        value = self._value_of(reply)
        try:
            return Answer(decode(value), str(value["c"])[:200])
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
            raise self._broken("an answer that is none") from None

    def _note(self, limit: str) -> None:
        known = ("time", "memory", "output", "disk", "processes", "crash", "protocol")
        self.limit = self.limit or (limit if limit in known else "protocol")

    def _late(self) -> SessionClosed:
        self._note("time")
        self._child.kill("time")
        return self._closed()

    def _closed(self) -> SessionClosed:
        self._note(self._child.limit or "crash")
        return SessionClosed("the submission's process has ended", limit=self.limit or "crash")

    def _broken(self, what: str) -> SessionClosed:
        self._child.kill("protocol", what)
        self._note("protocol")
        return SessionClosed(f"the submission broke the conversation: {what}", limit="protocol")


def decode(encoded: Any) -> Any:
    """Rebuild a plain value from its encoded form. Raises KeyError, TypeError or ValueError."""
    tag = encoded["t"]
    if tag == "other":
        return Unreadable(str(encoded["c"])[:200])
    value = encoded["v"]
    if tag == "plain":
        if value is not None and not isinstance(value, (bool, int, float, str)):
            raise TypeError("not plain")
        return value
    if tag == "array":
        if not isinstance(value, np.ndarray):
            raise TypeError("not an array")
        return value if value.ndim else value[()].item()
    if tag == "list":
        return [decode(item) for item in value]
    if tag == "tuple":
        return tuple(decode(item) for item in value)
    if tag == "dict":
        return {_key(decode(key)): decode(item) for key, item in value}
    if tag == "batches":
        batches = tuple(tuple(decode(part) for part in batch) for batch in value)
        return Batches(batches, bool(encoded["cut"]))
    raise ValueError("an unknown kind of value")


def _key(value: Any) -> Any:
    hash(value)
    return value


def _job(submission: Submission, seed: int, data: str | None, limits: Limits) -> dict[str, Any]:
    return {
        "kind": submission.kind,
        "cells": [asdict(cell) for cell in submission.cells],
        "files": [
            {"path": file.path, "content": np.frombuffer(file.content, dtype=np.uint8)}
            for file in submission.files
        ],
        "seed": seed,
        "data": data,
        "limits": asdict(limits),
    }


__all__ = [
    "Answer",
    "Batches",
    "MissingFunction",
    "SandboxError",
    "Session",
    "StudentFault",
    "Unreadable",
    "decode",
]

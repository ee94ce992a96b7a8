"""What a student's process says, broken on purpose: frame by frame, and through a whole session."""

from __future__ import annotations

import copy
import json
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from diagnosis_cases import compile_event, evidence, fit, metric, use, warning
from fuzzing import Outcomes, changed, damaged, many
from hypothesis import example, given
from hypothesis import strategies as st

from grader.batch.files import json_text
from grader.batch.saved import finite
from grader.diagnosis import diagnose
from grader.errors import SandboxError
from grader.inside import wire
from grader.records.evidence import (
    AxesFacts,
    CellRun,
    DataLoaded,
    Fault,
    FigureEvent,
    LegacyEvent,
    LineFacts,
    SaveEvent,
    ValueFacts,
)
from grader.records.lab import Limits
from grader.records.submission import Cell, Submission
from grader.session import MissingFunction, Session, StudentFault

HELLO = wire.encode({"hello": {"confined": {}}})
WORK = Submission("a", "a.ipynb", "", "notebook", (Cell(1, "x = 1"),))
BODY = {
    "body": {
        "a": {"$array": 0},
        "b": [{"$array": 1}, {"$tuple": [1, {"$float": "nan"}, "x"]}, None, True, 2.5],
        "c": {"d": {"$array": 2}},
    },
    "$arrays": [
        {"dtype": "float32", "shape": [2, 3], "at": 0},
        {"dtype": "uint8", "shape": [4], "at": 24},
        {"dtype": "int64", "shape": [], "at": 28},
    ],
}
ARRAYS = st.sampled_from([np.zeros(3), np.zeros((2, 0)), np.array(1.5), (1, "a")])
ODD_LENGTHS = st.sampled_from([0, 1, 2**16, 2**31 - 1, 2**32 - 1]) | st.integers(0, 2**32 - 1)


def frame(header: Any, payload: bytes = bytes(36)) -> bytes:
    text = json.dumps(header).encode()
    return wire.HEAD.pack(wire.MAGIC, len(text), len(payload)) + text + payload


class Peer:
    """The other end of a session: `answer` makes the bytes that follow on a request."""

    def __init__(self, answer: Callable[[str], bytes], first: bytes = HELLO) -> None:
        self._answer = answer
        self._said = bytearray(first)
        self.channel = self
        self.limit: str | None = None

    def settimeout(self, seconds: float) -> None:
        """A peer that never waits."""

    def sendall(self, request: bytes) -> None:
        rest = memoryview(request)

        def receive(size: int) -> bytes:
            nonlocal rest
            part, rest = rest[:size], rest[size:]
            return bytes(part)

        self._said += self._answer(wire.read(receive)["nonce"])

    def recv(self, size: int) -> bytes:
        part = bytes(self._said[:size])
        del self._said[:size]
        return part

    def kill(self, _limit: str | None, _reason: str | None = None) -> None:
        self._said.clear()

    def wait_ended(self, _seconds: float) -> bool:
        return True

    def close(self) -> None:
        self._said.clear()


def session(answer: Callable[[str], bytes], first: bytes = HELLO) -> Session:
    return Session(Peer(answer, first), Limits())  # type: ignore[arg-type]


def sent(messages: Sequence[Any]) -> bytes:
    return b"".join(map(encoded, messages))


def encoded(message: Any) -> bytes:
    """A frame, also of what the grader's own side would not send."""
    try:
        return wire.encode(message)
    except (wire.FrameError, KeyError):
        return frame(json.loads(json.dumps({"body": message, "$arrays": []}, default=str)), b"")


def receiving(content: bytes) -> dict[str, Any]:
    at = 0

    def receive(size: int) -> bytes:
        nonlocal at
        part = content[at : at + size]
        at += size
        if len(part) < size:
            raise EOFError
        return part

    return wire.read(receive)


@many(400)
@given(changed(BODY), st.binary(max_size=40) | st.just(bytes(36)))
def test_a_changed_header_is_a_message_or_no_frame(
    fuzzed: Outcomes, header: Any, payload: bytes
) -> None:
    content = frame(header, payload)
    told = fuzzed.attempt("frames, header changed", lambda: receiving(content), wire.FrameError)
    if told is not None:
        wire.encode(told)


@many(300)
@given(damaged(frame(BODY)), ODD_LENGTHS, ODD_LENGTHS, st.integers(0, 4))
def test_damaged_bytes_and_lengths_are_a_message_or_no_frame(
    fuzzed: Outcomes, content: bytes, header: int, payload: int, lied: int
) -> None:
    if lied == 0 and len(content) > wire.HEAD.size:
        content = struct.pack("<4sII", wire.MAGIC, header, payload) + content[wire.HEAD.size :]
    wrong = (wire.FrameError, EOFError)
    fuzzed.attempt("frames, bytes damaged", lambda: receiving(content), wrong)  # type: ignore[arg-type]


FIGURE = FigureEvent(
    number=40,
    title="loss",
    axes=(AxesFacts(title="a", lines=(LineFacts(label="l", y=(1.0, 2.0), points=2),)),),
)
FULL_RUN: dict[str, Any] = evidence(
    DataLoaded(number=0, source="keras", name="mnist"),
    compile_event(),
    fit(),
    use(),
    metric(),
    warning("careful"),
    FIGURE,
    SaveEvent(number=50, how="save", model=1, path="m.keras", bytes=10),
    LegacyEvent(number=60, code="legacy-name", used="np.float"),
    cells=(CellRun(number=1, ok=False, fault=Fault(type="ValueError", message="no")),),
    values=(ValueFacts(name="x", type="list", table=({"a": 1.0, "b": "c"},)),),
).model_dump(mode="json")
RUN: list[Any] = [
    {"starts": True},
    {"versions": {"python": "3.11.7", "keras": "3.15.0"}},
    *({"event": event} for event in FULL_RUN["events"]),
    *({"model": model} for model in FULL_RUN["models"]),
    *({"cell": {**cell, "text": None}} for cell in FULL_RUN["cells"]),
    {"values": {"values": FULL_RUN["values"]}},
    {"ran": True},
]


def with_text(message: Any) -> Any:
    """Printed text travels as bytes."""
    cell = message.get("cell") if isinstance(message, dict) else None
    if isinstance(cell, dict) and cell.get("text", "") is None:
        cell["text"] = np.frombuffer(b"loss: 0.1\n", np.uint8)
    return message


@many(200)
@given(
    changed(RUN, most=3, more=ARRAYS), changed({"reply": "", "limit": None}, most=1) | st.just({})
)
def test_what_a_run_tells_becomes_evidence_that_can_be_judged_and_saved(
    fuzzed: Outcomes, told: Any, end: Any
) -> None:
    def answer(nonce: str) -> bytes:
        return sent([*map(with_text, told), {**end, "reply": nonce}])

    def judged() -> bool:
        told_us = session(answer).run(WORK, seed=0, data=None)
        diagnose(WORK, told_us, 1, {})
        json.loads(json_text(finite(told_us.model_dump(mode="json"))))
        if told_us.limit == "protocol":
            raise SandboxError("refused", hint="as a broken conversation")
        return True

    fuzzed.attempt("a run's messages", judged)


@pytest.mark.parametrize("odd", [np.zeros(3), {"a": [1]}, [[np.zeros(2)]], "x" * 301, [0] * 9])
def test_an_option_of_a_layer_that_no_file_could_hold_ends_the_run(odd: Any) -> None:
    told = copy.deepcopy(RUN)
    for message in told:
        for layer in message.get("model", {}).get("layers", ()):
            layer["options"]["units"] = odd
    found = session(lambda nonce: sent([*map(with_text, told), {"reply": nonce}]))
    assert found.run(WORK, seed=0, data=None).limit == "protocol"


ANSWER = {
    "t": "tuple",
    "c": "tuple",
    "v": [
        {"t": "plain", "c": "int", "v": 3},
        {"t": "array", "c": "ndarray", "v": {"$array": 0}},
        {"t": "list", "c": "list", "v": [{"t": "plain", "c": "str", "v": "a"}]},
        {
            "t": "dict",
            "c": "dict",
            "v": [[{"t": "plain", "c": "str", "v": "k"}, {"t": "other", "c": "X"}]],
        },
        {
            "t": "batches",
            "c": "generator",
            "v": [[{"t": "plain", "c": "int", "v": 1}]],
            "cut": True,
        },
    ],
}
REPLY = {
    "body": {"reply": "", "value": ANSWER},
    "$arrays": [{"dtype": "float32", "shape": [2, 3], "at": 0}],
}
FAULT = {"type": "ValueError", "message": "no", "cell": 1, "line": 2, "trace": ["cell 1, line 2"]}
FAULTY = {"body": {"reply": "", "fault": FAULT, "limit": "memory"}, "$arrays": []}


@many(300)
@given(changed(REPLY, most=2) | changed(FAULTY, most=2))
def test_what_a_call_answers_is_a_value_a_fault_or_the_end(fuzzed: Outcomes, reply: Any) -> None:
    def answer(nonce: str) -> bytes:
        if isinstance(reply.get("body"), dict) and "reply" in reply["body"]:
            reply["body"]["reply"] = nonce
        return frame(reply)

    def asked() -> None:
        repr(session(answer).call("f", 1))

    told = (SandboxError, StudentFault, MissingFunction)
    fuzzed.attempt("a call's answer", asked, told)  # type: ignore[arg-type]


@many(100)
@given(damaged(HELLO))
@example(b"")
def test_a_broken_greeting_ends_the_session(fuzzed: Outcomes, first: bytes) -> None:
    def greeted() -> None:
        session(lambda _: b"", first)

    fuzzed.attempt("the greeting", greeted, SandboxError)

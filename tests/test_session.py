"""The conversation with a student's process that may be broken or hostile."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from grader.errors import SandboxError, SessionClosed
from grader.inside import wire
from grader.records.lab import Limits
from grader.session import (
    Answer,
    Batches,
    MissingFunction,
    Session,
    StudentFault,
    Unreadable,
    decode,
)
from tests.sessions import QUICK, module, notebook, running

ANSWERS = """
import numpy as np
def double(x): return 2 * x
def several(): return (1, 2.5, "three", None, True, [1, 2], {"k": np.zeros(2)})
def nested(): return [[1, 2], [3, 4]]
def thing(): return object()
def stream():
    for i in range(3):
        yield np.full(2, i), i
def spoil(x):
    x[:] = 0
    return x
class Sly(float):
    def __float__(self): return 1.0
    def __eq__(self, other): return True
    def __repr__(self): return "1.0"
def sly(): return Sly(0.25)
class Agree(np.ndarray):
    def __array_function__(self, *args, **kwargs): return True
def agree(): return np.zeros(3).view(Agree)
class Hang:
    shape = ()
    def __array__(self, *a, **k):
        while True: pass
    numpy = __array__
    dtype = "float32"
def hang_while_encoded(): return Hang()
def forever():
    while True: pass
def stubborn():
    import signal
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    while True: pass
def leave(): raise SystemExit(0)
def huge(): return np.zeros(20_000_000)
def endless_generator():
    while True: yield np.zeros(100_000)
def broken():
    return 1 / 0
class Loud(Exception):
    def __str__(self): raise RuntimeError
def loud(): raise Loud
class Long(Exception):
    def __str__(self): return "x" * 10_000_000
def long(): raise Long
def deep():
    x = []
    for _ in range(100_000): x = [x]
    return x
def kind_of(value, **more): return type(value).__name__, [type(v).__name__ for v in value]
def fill(parts, table):
    parts[0][:] = 1
    table["k"][:] = 2
    return float(parts[0].sum() + table["k"].sum())
def counted(): return range(3, 9, 2)
def precise(): return np.longdouble(1) / 4
def odd_keys():
    class Key:
        def __hash__(self): return 1
    return {Key(): 1, (1, 2): 2, np.int64(3): 3}
def printed_bytes():
    import sys
    return sys.stdout.buffer.write(b"abc")
def copied():
    import os
    if os.fork() == 0: return 1
    os.wait()
    return 2
class Disguised(Exception):
    __class__ = MemoryError
def disguised(): raise Disguised("0xdeadbeef00 is here")
class Misled(SyntaxError):
    filename = property(lambda self: 1 / 0)
    lineno = "three"
def misled(): raise Misled("no")
"""


@pytest.fixture(scope="module")
def session() -> Session:
    with running(module(ANSWERS)) as (session, evidence):
        assert evidence.limit is None
        yield session


def test_an_array_goes_in_and_comes_out(session: Session) -> None:
    answer = session.call("double", np.arange(6).reshape(2, 3))
    assert answer.type == "numpy.ndarray"
    np.testing.assert_array_equal(answer.value, 2 * np.arange(6).reshape(2, 3))


def test_plain_values_come_back_as_plain_values(session: Session) -> None:
    number, real, text, nothing, truth, short, table = session.call("several").value
    assert (number, real, text, nothing, truth, short) == (1, 2.5, "three", None, True, [1, 2])
    assert table["k"].shape == (2,)


def test_a_nested_list_comes_back_as_an_array_that_names_its_type(session: Session) -> None:
    answer = session.call("nested")
    assert answer.type == "list"
    np.testing.assert_array_equal(answer.value, [[1, 2], [3, 4]])


def test_a_generator_comes_back_as_batches(session: Session) -> None:
    batches = session.call("stream").value
    assert isinstance(batches, Batches)
    assert not batches.cut
    assert [part[1] for part in batches.batches] == [0, 1, 2]


def test_an_object_without_a_plain_form_is_named_only(session: Session) -> None:
    assert session.call("thing").value == Unreadable("object")


def test_what_a_function_does_to_its_argument_stays_there(session: Session) -> None:
    mine = np.ones(3)
    session.call("spoil", mine)
    np.testing.assert_array_equal(mine, np.ones(3))


def test_a_float_that_lies_about_itself_is_read_as_it_is(session: Session) -> None:
    value = session.call("sly").value
    assert type(value) is float
    assert value == 0.25


def test_an_array_that_agrees_with_everything_is_read_as_plain_numbers(session: Session) -> None:
    value = session.call("agree").value
    assert type(value) is np.ndarray
    assert not np.array_equal(value, np.ones(3))


def test_a_tuple_and_a_list_arrive_as_what_they_are(session: Session) -> None:
    assert session.call("kind_of", ([1], (2, 3))).value == ("tuple", ["list", "tuple"])


def test_arrays_within_arguments_may_be_written_to(session: Session) -> None:
    assert session.call("fill", [np.zeros(3)], {"k": np.zeros(2)}).value == 7


def test_a_range_and_a_long_double_are_read_as_numbers(session: Session) -> None:
    np.testing.assert_array_equal(session.call("counted").value, [3, 5, 7])
    assert session.call("precise").value == 0.25


def test_keys_without_a_plain_form_are_named_only(session: Session) -> None:
    value = session.call("odd_keys").value
    assert value[(1, 2)] == 2
    assert [key.type for key in value if isinstance(key, Unreadable)] == [
        "__main__.odd_keys.<locals>.Key"
    ]


def test_bytes_may_be_printed(session: Session) -> None:
    assert session.call("printed_bytes").value == 3


def test_a_copy_of_the_process_says_nothing(session: Session) -> None:
    assert session.call("copied").value == 2
    assert session.call("double", 2).value == 4


def test_an_exception_in_disguise_is_no_bound_and_its_address_is_blanked(session: Session) -> None:
    with pytest.raises(StudentFault) as caught:
        session.call("disguised")
    assert caught.value.limit is None
    assert caught.value.fault.message == "0x… is here"


def test_a_syntax_error_that_lies_about_its_place_is_told_like_any_other(session: Session) -> None:
    with pytest.raises(StudentFault) as caught:
        session.call("misled")
    assert caught.value.fault.type == "Misled"


def test_a_missing_function_is_said_to_be_missing(session: Session) -> None:
    with pytest.raises(MissingFunction):
        session.call("nowhere")


def test_an_exception_comes_back_with_its_line(session: Session) -> None:
    with pytest.raises(StudentFault) as caught:
        session.call("broken")
    assert caught.value.fault.type == "ZeroDivisionError"
    assert caught.value.fault.line == ANSWERS.splitlines().index("    return 1 / 0") + 1


def test_leaving_a_graded_function_leaves_the_session_alive(session: Session) -> None:
    with pytest.raises(StudentFault, match="SystemExit"):
        session.call("leave")
    assert session.call("double", 2).value == 4


@pytest.mark.parametrize("function", ["loud", "long"])
def test_an_exception_with_an_evil_message_is_bounded(session: Session, function: str) -> None:
    with pytest.raises(StudentFault) as caught:
        session.call(function)
    assert len(caught.value.fault.message) <= 2_000


@pytest.mark.parametrize("function", ["huge", "endless_generator", "deep"])
def test_an_answer_larger_than_any_honest_one_is_refused(session: Session, function: str) -> None:
    with pytest.raises(StudentFault) as caught:
        session.call(function)
    assert caught.value.limit == "output"
    assert session.call("double", 2).value == 4


@pytest.mark.parametrize("function", ["forever", "hang_while_encoded"])
def test_an_endless_call_is_interrupted_and_the_session_lives(function: str) -> None:
    with running(module(ANSWERS), replace(QUICK, call_seconds=0.5)) as (session, _):
        with pytest.raises(StudentFault) as caught:
            session.call(function)
        assert caught.value.limit == "time"
        assert session.call("double", 2).value == 4
        assert session.limit == "time"


def test_a_call_that_ignores_every_interruption_is_killed() -> None:
    with running(module(ANSWERS), replace(QUICK, call_seconds=0.5)) as (session, _):
        started = time.monotonic()
        with pytest.raises(SessionClosed) as caught:
            session.call("stubborn")
        assert caught.value.limit == "time"
        assert time.monotonic() - started < 0.5 + 2


def test_an_endless_loop_in_one_cell_leaves_what_came_before_callable() -> None:
    cells = ("def f(): return 1", "while True: pass", "def g(): return 2")
    with running(notebook(*cells), replace(QUICK, run_seconds=1.5)) as (session, evidence):
        assert evidence.limit == "time"
        assert [cell.ok for cell in evidence.cells] == [True, False]
        assert session.call("f").value == 1


def test_a_process_that_exits_at_once_is_a_crash() -> None:
    with running(module("import os; os._exit(0)")) as (session, evidence):
        assert evidence.limit == "crash"
        assert not evidence.finished
        with pytest.raises(SessionClosed):
            session.call("anything")


def test_a_segfault_is_a_crash() -> None:
    with running(module("import ctypes; ctypes.string_at(0)")) as (_, evidence):
        assert evidence.limit == "crash"


def test_printing_without_end_is_stopped() -> None:
    limits = replace(QUICK, text_ends_run=1 << 20, text_kept=1 << 10)
    with running(module("while True: print('x' * 10_000)"), limits) as (_, evidence):
        assert evidence.limit == "output"
        assert len(evidence.text) <= 1 << 10


def test_a_memory_bomb_is_an_error_or_a_limit_not_an_outage() -> None:
    limits = replace(QUICK, memory=300 << 20)
    with running(module("x = bytearray(2 << 30)\ny = bytes(x)"), limits) as (_, evidence):
        fault = evidence.cells[0].fault if evidence.cells else None
        assert evidence.limit == "memory" or (fault and fault.type == "MemoryError")


@pytest.mark.parametrize(
    ("source", "limit"),
    [
        ("with open('big', 'wb') as f:\n    while True: f.write(bytes(1 << 20))", "disk"),
        ("x = bytearray(1 << 40)", "memory"),
        ("raise MemoryError", "memory"),
        ("import os, errno\nraise OSError(errno.EAGAIN, 'no more')", "processes"),
        ('raise RuntimeError("can\'t start new thread")', "processes"),
        ("try: bytearray(1 << 40)\nexcept MemoryError: pass", None),
        ("raise OSError(2, 'not there')", None),
    ],
)
def test_an_error_that_a_bound_caused_names_the_bound(source: str, limit: str | None) -> None:
    limits = replace(QUICK, work_folder=8 << 20)
    with running(notebook(source, "def f(): return 1"), limits) as (session, evidence):
        assert evidence.limit == limit
        assert session.call("f").value == 1


CHANNEL = "import os\nfd = next(f for f in range(3, 200) if _is(f))\n"
FIND = """
import os, stat
def _is(f):
    try: return stat.S_ISSOCK(os.fstat(f).st_mode)
    except OSError: return False
"""


@pytest.mark.parametrize(
    "attack",
    [
        "os.write(fd, b'not a frame at all, but long enough to be read as a head')",
        "import struct; os.write(fd, struct.pack('<4sII', b'GRF1', 10, 0xFFFFFFFF))",
        "import struct; os.write(fd, struct.pack('<4sII', b'GRF1', 5, 0) + b'[1,2]')",
        'import struct; h = b\'{"body":{"reply":"00"},"$arrays":[]}\'; '
        "os.write(fd, struct.pack('<4sII', b'GRF1', len(h), 0) + h)",
        'import struct; h = b\'{"body":{"event":{"kind":"fit"}},"$arrays":[]}\'; '
        "os.write(fd, struct.pack('<4sII', b'GRF1', len(h), 0) + h)",
        'import struct; h = b\'{"body":{"cell":5},"$arrays":[]}\'; '
        "os.write(fd, struct.pack('<4sII', b'GRF1', len(h), 0) + h)",
        "import struct; "
        'h = b\'{"body":{"cell":{"number":1,"ok":true,"text":90000000000}},"$arrays":[]}\'; '
        "os.write(fd, struct.pack('<4sII', b'GRF1', len(h), 0) + h)",
    ],
    ids=["noise", "length", "list", "early reply", "bad event", "bad cell", "vast text"],
)
def test_forged_frames_end_the_session_as_protocol(attack: str) -> None:
    source = FIND + CHANNEL + attack + "\nimport time; time.sleep(5)"
    with running(module(source)) as (session, evidence):
        assert evidence.limit == "protocol"
        with pytest.raises(SessionClosed):
            session.call("anything")


def test_closing_every_descriptor_is_a_crash() -> None:
    with running(module("import os; os.closerange(0, 300)")) as (_, evidence):
        assert evidence.limit == "crash"


class FakeChild:
    """The other end of a channel in this process, for bytes that no runner sends."""

    def __init__(self, talk: Callable[[socket.socket], None]) -> None:
        self.channel, other = socket.socketpair()
        self.limit: str | None = None
        self.killed: str | None = None

        def say() -> None:
            with other:
                talk(other)

        threading.Thread(target=say, daemon=True).start()

    def kill(self, limit: str | None, reason: str | None = None) -> None:  # noqa: ARG002
        self.killed = limit
        self.channel.close()

    def wait_ended(self, timeout: float) -> bool:  # noqa: ARG002
        return True

    def close(self) -> None:
        self.channel.close()


def test_a_first_message_that_is_no_greeting_ends_the_session() -> None:
    child = FakeChild(lambda end: end.sendall(wire.encode({"bye": 1})))
    with pytest.raises(SessionClosed) as caught:
        Session(child, Limits())
    assert caught.value.limit == "protocol"
    assert child.killed == "protocol"


def test_a_runner_that_fails_before_the_submission_is_our_fault() -> None:
    def talk(end: socket.socket) -> None:
        end.sendall(wire.encode({"hello": {}}))
        request = wire.read(lambda size: end.recv(size, socket.MSG_WAITALL))
        end.sendall(wire.encode({"reply": request["nonce"], "fault": {"type": "X"}}))

    with pytest.raises(SandboxError, match="before the submission ran") as caught:
        Session(FakeChild(talk), Limits()).run(module(""), seed=0, data=None)
    assert not isinstance(caught.value, SessionClosed)


def test_a_peer_that_sends_a_byte_a_second_does_not_outlast_the_deadline() -> None:
    def talk(end: socket.socket) -> None:
        end.sendall(wire.encode({"hello": {}}))
        try:
            for byte in wire.HEAD.pack(wire.MAGIC, 1000, 0) + b" " * 1000:
                end.sendall(struct.pack("B", byte))
                time.sleep(0.2)
        except OSError:
            return

    session = Session(FakeChild(talk), Limits(run_seconds=0.5))
    started = time.monotonic()
    evidence = session.run(module(""), seed=0, data=None)
    assert evidence.limit == "time"
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    "encoded",
    [None, [], {}, {"t": "plain"}, {"t": "plain", "v": []}, {"t": "array", "v": 3},
     {"t": "dict", "v": [[{"t": "list", "v": []}, {"t": "plain", "v": 1}]]}, {"t": "new", "v": 1}],
    ids=str,
)  # fmt: skip
def test_an_answer_in_no_known_form_is_refused(encoded: object) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        decode(encoded)


def test_answers_are_plain_records() -> None:
    assert Answer(1, "int") == Answer(1, "int")
    assert os.getpid() > 0

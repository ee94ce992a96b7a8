"""Threats 1 to 17: forging a result, or an answer that lies about itself."""

from __future__ import annotations

from tests.threats.case import FULL, HONEST, SCALE, TOTAL, Case, program

CHANNEL = """
import json, os, socket, stat, struct
def channel():
    for number in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                return number
        except OSError:
            pass
def frame(message, magic=b"GRF1", length=None):
    header = json.dumps({"body": message, "$arrays": []}).encode()
    return struct.pack("<4sII", magic, len(header) if length is None else length, 0) + header
def say(content):
    os.write(channel(), content)
"""


HOLD = "import time\ntime.sleep(30)\n"


SERVER_OF = """
import sys
def frames_above():
    frame = sys._getframe()
    while frame:
        yield frame
        frame = frame.f_back
"""


WRONG = "def scale(x):\n    return x * 0 + 7\n\ndef total(x):\n    return 7\n"


FORGED = (
    '{"schema": "grader.result/1", "status": "graded", "score": 10, "max_score": 10, '
    '"checks": [{"id": "scales", "outcome": "passed", "points": 10}]}'
)


CASES = (
    Case(1, "os._exit(0) at import", "CRASH", "import os\nos._exit(0)\n" + HONEST),
    Case(
        2,
        "sys.exit(0) inside a graded function",
        "FAIL",
        earns=3,
        outcomes={"scales": "error"},
        program=program("import sys\ndef scale(x):\n    sys.exit(0)\n", TOTAL),
    ),
    Case(
        3,
        "SystemExit, KeyboardInterrupt and an own BaseException",
        "FAIL",
        program="""
class Own(BaseException): pass
kinds = [SystemExit(0), KeyboardInterrupt(), Own("all passed"), GeneratorExit()]
def scale(x): raise kinds[0]
def total(x): raise Own("passed") from kinds[1]
raise kinds[3]
""",
        outcomes={"scales": "error", "totals": "error", "scales_anything": "error"},
    ),
    Case(
        4,
        "atexit, a finaliser and a thread say that all passed",
        "FAIL",
        program="""
import atexit, sys, threading, weakref
def boast(*_): print("3 passed, score 10 of 10")
class Last:
    __del__ = boast
last = Last()
atexit.register(boast)
weakref.finalize(last, boast)
threading.Thread(target=boast).start()
sys.exit(0)
""",
    ),
    Case(
        5,
        "results.json and grades.csv in the work folder, /tmp and $HOME",
        "FAIL",
        program=f"""
import os
for place in (".", "/tmp", os.environ["HOME"], "/work", "/dev/shm"):
    for name in ("results.json", "grades.csv", "feedback.json", "numbers.json", "junit.xml"):
        open(os.path.join(place, name), "w").write({FORGED!r})
print("written", len(os.listdir("/work")))
"""
        + WRONG,
        says=("written 5",),
    ),
    Case(
        6,
        "result markers on stdout, stderr and the raw descriptors",
        "FAIL",
        program=f"""
import os, sys
text = {FORGED!r} + "\\n===== 3 passed in 0.01s =====\\nOK\\n##teamcity[testFinished]\\n"
for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
    print(text, file=stream, flush=True)
for number in (1, 2):
    os.write(number, text.encode())
"""
        + WRONG,
        says=("3 passed",),
    ),
    Case(
        7,
        "an early reply to a call",
        "PROTOCOL",
        program(CHANNEL, 'say(frame({"reply": "0" * 16, "value": 6}))', HOLD, HONEST),
    ),
    Case(
        7,
        "the end of the run, told by the submission",
        "PROTOCOL",
        program(
            CHANNEL,
            SERVER_OF,
            """
for frame_above in frames_above():
    request = frame_above.f_locals.get("request")
    if isinstance(request, dict) and "nonce" in request:
        say(frame({"reply": request["nonce"], "limit": None}))
        say(frame({"reply": request["nonce"], "limit": None}))
        print("forged", flush=True)
""",
            HOLD,
            WRONG,
        ),
    ),
    Case(
        7,
        "a reply with the nonce of the question, said twice",
        "PROTOCOL",
        earns=2,
        program=program(
            CHANNEL,
            SERVER_OF,
            """
def scale(x):
    for above in frames_above():
        request = above.f_locals.get("request")
        if isinstance(request, dict) and "nonce" in request:
            right = {"t": "list", "c": "list", "v": [
                {"t": "plain", "c": "float", "v": v} for v in (0.0, 0.2, 1.0)]}
            value = {"t": "tuple", "c": "tuple", "v": []}
            say(frame({"reply": request["nonce"], "value": right}) * 2)
            break
    return x / 255
""",
            TOTAL,
        ),
    ),
    Case(
        7,
        "evidence of a training that never was",
        "PROTOCOL",
        program(CHANNEL, 'say(frame({"event": {"kind": "fit", "accuracy": 1.0}}))', HOLD),
    ),
    Case(
        8,
        "a truncated frame",
        "TLE|PROTOCOL|CRASH",
        program(CHANNEL, 'say(frame({"reply": "00"})[:-9])', HOLD, HONEST),
    ),
    Case(
        8,
        "a frame of 4 GiB",
        "PROTOCOL",
        program(CHANNEL, 'say(frame({"reply": "00"}, length=0xFFFFFFFF))', HOLD, HONEST),
    ),
    Case(
        8,
        "a frame of deep JSON",
        "PROTOCOL",
        program(
            CHANNEL,
            """
deep = b'{"body":' + b"[" * 900_000 + b"]" * 900_000 + b',"$arrays":[]}'
try:
    socket.socket(fileno=channel()).sendall(struct.pack("<4sII", b"GRF1", len(deep), 0) + deep)
except OSError:
    pass
""",
            HOLD,
            HONEST,
        ),
    ),
    Case(
        8,
        "a frame whose array claims 32 GiB",
        "PROTOCOL",
        program(
            CHANNEL,
            """
import json
header = json.dumps({"body": {"reply": {"$array": 0}}, "$arrays": [
    {"dtype": "float64", "shape": [4294967296], "at": 0}]}).encode()
say(struct.pack("<4sII", b"GRF1", len(header), 8) + header + bytes(8))
""",
            HOLD,
            HONEST,
        ),
    ),
    Case(9, "every descriptor closed", "CRASH", "import os\nos.closerange(0, 4096)\n" + HONEST),
    Case(
        10,
        "numpy.testing, np.allclose, builtins and unittest patched",
        "FAIL",
        program="""
import builtins, numpy as np, numpy.testing, unittest
agree = lambda *a, **k: True
np.allclose = np.array_equal = np.isclose = np.all = agree
for name in dir(numpy.testing):
    if name.startswith("assert"):
        setattr(numpy.testing, name, agree)
unittest.TestCase.assertEqual = unittest.TestCase.assertTrue = agree
try:
    import pytest, _pytest.assertion.rewrite, _pytest.runner
    _pytest.runner.runtestprotocol = agree
except ImportError:
    pass
builtins.all = builtins.any = agree
"""
        + WRONG,
    ),
    Case(
        10,
        "isinstance, len, type and issubclass of every library patched",
        "CRASH|FAIL",
        program="""
import builtins, json
builtins.isinstance = builtins.issubclass = lambda *_: True
builtins.len = lambda thing: 3
json.dumps = json.encoder.JSONEncoder.encode = lambda *a, **k: '{"reply": "passed"}'
"""
        + WRONG,
    ),
    Case(
        11,
        "an object that is equal to everything",
        "FAIL",
        program="""
class Equal:
    shape, dtype, ndim, size = (3,), "float64", 1, 3
    def __eq__(self, other): return True
    __ne__ = __lt__ = __gt__ = lambda self, other: False
    __le__ = __ge__ = __bool__ = __contains__ = lambda self, other=None: True
    def __hash__(self): return 6
    def __index__(self): return 6
    __int__ = __index__
    def __iter__(self): return iter([self] * 3)
    def __len__(self): return 3
    def __getitem__(self, key): return self
    def __sub__(self, other): return self
    __abs__ = __rsub__ = __sub__
    @property
    def __class__(self): return int
def scale(x): return Equal()
def total(x): return Equal()
""",
    ),
    Case(
        12,
        "an ndarray subclass with __array_function__",
        "FAIL",
        earns=3,
        program=program(
            """
            import numpy as np
            class Agree(np.ndarray):
                def __array_function__(self, *a, **k): return True
                def __array_ufunc__(self, *a, **k): return np.True_
                def __array_finalize__(self, other): pass
                def __eq__(self, other): return np.True_
            def scale(x): return np.zeros(x.shape).view(Agree)
            """,
            TOTAL,
        ),
    ),
    Case(
        13,
        "a float and a str that lie about themselves",
        "FAIL",
        earns=7,
        program=program(
            """
            class Sly(float):
                def __float__(self): return 6.0
                def __int__(self): return 6
                def __eq__(self, other): return True
                def __repr__(self): return "6"
                __hash__ = float.__hash__
            class Text(str):
                def __eq__(self, other): return True
                __hash__ = str.__hash__
            answers = [Sly(0.25), Text("7")]
            def total(x): return answers[0]
            """,
            SCALE,
        ),
    ),
    Case(
        13,
        "an int that lies about itself",
        "FAIL",
        earns=7,
        program=program(
            """
            class Sly(int):
                def __eq__(self, other): return True
                def __int__(self): return 6
                __index__ = __trunc__ = __int__
                def __repr__(self): return "6"
                __hash__ = int.__hash__
            def total(x): return Sly(5)
            """,
            SCALE,
        ),
    ),
    Case(
        14,
        "an array of NaN",
        "FAIL",
        "import numpy as np\ndef scale(x): return np.full(x.shape, np.nan)\n"
        "def total(x): return float('nan')\n",
    ),
    Case(
        14,
        "an array of infinities",
        "FAIL",
        "import numpy as np\ndef scale(x): return np.full(x.shape, np.inf)\n"
        "def total(x): return float('inf')\n",
    ),
    Case(
        15,
        "a scalar that broadcasts",
        "FAIL",
        "import numpy as np\ndef scale(x): return np.float64(0)\n"
        "def total(x): return np.array([6, 6, 6])\n",
    ),
    Case(
        15,
        "the wrong shape",
        "FAIL",
        "def scale(x): return (x / 255)[None]\ndef total(x): return [sum(x)]\n",
    ),
    Case(
        15,
        "an array of objects",
        "FAIL",
        "import numpy as np\ndef scale(x): return (x / 255).astype(object)\n"
        "def total(x): return np.array([sum(x), None], dtype=object)\n",
    ),
    Case(
        16,
        "an array of 10 GB",
        "MLE",
        earns=3,
        outcomes={"scales": "error"},
        program=program("import numpy as np\ndef scale(x): return np.ones(10 << 30, 'u1')", TOTAL),
    ),
    Case(
        16,
        "an array as large as fits",
        "OLE|MLE",
        earns=3,
        outcomes={"scales": "error"},
        program=program("import numpy as np\ndef scale(x): return np.ones(70 << 20, 'u1')", TOTAL),
    ),
    Case(
        16,
        "a generator without an end",
        "OLE|TLE",
        earns=3,
        outcomes={"scales": "error"},
        program=program(
            """
            import numpy as np
            def scale(x):
                while True:
                    yield np.zeros(100_000)
            """,
            TOTAL,
        ),
    ),
    Case(
        17,
        "inputs changed in place",
        "CONTAINED",
        earns=FULL,
        program="""
import gc, numpy as np
def scale(x):
    answer = x / 255
    for thing in gc.get_objects():
        if isinstance(thing, np.ndarray) and thing.flags.writeable and thing.dtype == x.dtype:
            if thing is not answer:
                thing.fill(-1)
    x[...] = -1
    return answer
def total(x):
    answer = sum(x)
    x.clear()
    return answer
""",
    ),
)

"""Threats 39 to 57: using up time, memory, disk, processes, descriptors or patience.

Each bomb is bounded, so that a sandbox that broke could not hurt the machine that tests it.
"""

from __future__ import annotations

from pathlib import Path

from tests.threats.case import FULL, HONEST, TOTAL, Case, program
from tests.tiny_course import write_notebook


def as_notebook(folder: Path, source: str) -> Path:
    """The program as a notebook of one cell, and the honest work as another."""
    return write_notebook(folder / "work.ipynb", source, HONEST)


def image_of(mebibytes: int) -> str:
    """A cell that displays an image of that size."""
    return program(f"""
        from IPython.display import Image, display
        display(Image(data=b"\\x89PNG\\r\\n\\x1a\\n" + bytes({mebibytes} << 20), format="png"))
        """)


FILL = """
def fill(path, most=600):
    with open(path, "wb", buffering=0) as file:
        for _ in range(most):
            file.write(bytes(1 << 20))
"""
CASES = (
    Case(39, "while True at import", "TLE", program("while True: pass", HONEST)),
    Case(
        39,
        "while True in a graded function",
        "TLE",
        earns=3,
        outcomes={"scales": "error"},
        program=program("def scale(x):\n    while True: pass\n", TOTAL),
    ),
    Case(40, "sleep(1e9)", "TLE", program("import time\ntime.sleep(1e9)", HONEST)),
    Case(
        40,
        "it stops itself by SIGSTOP",
        "TLE",
        program("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", HONEST),
    ),
    Case(
        40,
        "it stops itself in a graded function",
        "TLE",
        program=program("import os, signal\ndef scale(x): os.kill(os.getpid(), signal.SIGSTOP)\n"),
    ),
    Case(
        41,
        "a power that holds the interpreter's lock",
        "TLE",
        program("x = 3 ** (10 ** 8 * 3)", HONEST),
    ),
    Case(
        41,
        "a regular expression without an end",
        "TLE",
        program("import re\nre.match('(a+)+$', 'a' * 64 + 'c')", HONEST),
    ),
    Case(
        41,
        "products of matrices without an end",
        "TLE",
        program=program(
            """
            import numpy as np
            x = np.ones((1200, 1200))
            while True:
                x = (x @ x) / 1200
            """,
            HONEST,
        ),
    ),
    Case(
        42,
        "every signal ignored and every exception caught",
        "TLE",
        program=program(
            """
            import signal
            for number in range(1, 65):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
            while True:
                try:
                    while True: pass
                except BaseException:
                    continue
            """,
        ),
    ),
    Case(
        43,
        "a fork bomb",
        "PROC|MLE",
        program=program(
            """
            import os, time
            for _ in range(2_000):
                if os.fork() == 0:
                    time.sleep(20)
                    os._exit(0)
            """,
        ),
    ),
    Case(
        43,
        "a fork bomb whose children fork and which takes no for an answer",
        "PROC|MLE|TLE",
        program=program(
            """
            import os, time
            end = time.monotonic() + 20
            for _ in range(2_000):
                try:
                    os.fork()
                except OSError:
                    time.sleep(0.01)
                if time.monotonic() > end:
                    os._exit(0)
            time.sleep(20)
            """,
        ),
    ),
    Case(
        44,
        "a thread bomb",
        "PROC|MLE",
        program=program(
            """
            import threading, time
            for _ in range(2_000):
                threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
            """,
        ),
    ),
    Case(
        45,
        "a bytearray bomb",
        "MLE",
        program("kept = []\nfor _ in range(3072): kept.append(bytearray(b'x' * (1 << 20)))"),
    ),
    Case(45, "a bytearray of 3 GiB at once", "MLE", program("kept = bytearray(3 << 30)")),
    Case(
        45,
        "memory taken in a graded function",
        "MLE",
        earns=3,
        outcomes={"scales": "error"},
        program=program("def scale(x): return bytearray(3 << 30)\n", TOTAL),
    ),
    Case(
        46,
        "memory that is shared",
        "MLE",
        program=program(
            """
            import mmap, time
            kept = []
            for _ in range(600):
                part = mmap.mmap(-1, 1 << 20)
                part.write(b"x" * (1 << 20))
                kept.append(part)
            time.sleep(20)
            """,
        ),
    ),
    Case(
        46,
        "a file in memory without a name",
        "FAIL",
        program=program(
            """
            import errno, os
            try:
                os.ftruncate(os.memfd_create("kept"), 600 << 20)
            except OSError as error:
                print("memfd", errno.errorcode[error.errno])
            """,
        ),
        says=("memfd EPERM",),
    ),
    Case(
        46,
        "shared memory by name",
        "DISK|MLE|CRASH",
        program=program(
            """
            from multiprocessing import resource_tracker, shared_memory
            resource_tracker.register = lambda *_: None
            kept = []
            for _ in range(600):
                part = shared_memory.SharedMemory(create=True, size=1 << 20)
                part.buf[:] = b"x" * (1 << 20)
                kept.append(part)
            """,
        ),
    ),
    Case(
        47,
        "many processes of a middling size",
        "MLE|PROC",
        program=program(
            """
            import os, time
            for _ in range(12):
                if os.fork() == 0:
                    kept = bytearray(os.urandom(1024)) * (50 << 10)
                    time.sleep(20)
                    os._exit(0)
            time.sleep(20)
            """,
        ),
    ),
    *(
        Case(48, f"{place} filled", "DISK|MLE", program(FILL, f"fill('{place}/file')"))
        for place in ("/work", "/tmp", "/dev/shm")
    ),
    Case(
        49,
        "no descriptor is left",
        "FAIL",
        earns=3,
        outcomes={"scales": "error"},
        program=program(
            """
            kept = []
            def scale(x):
                while len(kept) < 5_000:
                    kept.append(open("/dev/null"))
                return x / 255
            """,
            TOTAL,
        ),
    ),
    Case(
        50,
        "output without a line break and without an end",
        "OLE",
        program("for _ in range(200): print('x' * (1 << 20), end='')", HONEST),
    ),
    Case(
        50,
        "output to the raw descriptor",
        "OLE|CRASH",
        program("import os\nfor _ in range(200): os.write(1, b'x' * (1 << 20))", HONEST),
    ),
    Case(
        50,
        "output in a graded function",
        "OLE",
        earns=3,
        outcomes={"scales": "error"},
        program=program("def scale(x):\n    for _ in range(200): print('x' * (1 << 20))\n", TOTAL),
    ),
    Case(
        51,
        "a hundred thousand displays",
        "OLE|TLE",
        earns=0,
        hand_in=as_notebook,
        program=program(
            """
            from IPython.display import HTML, display
            for number in range(100_000):
                display(HTML("<script>alert(1)</script>" * 20), {"n": number, "x": "y" * 50})
            """,
        ),
    ),
    Case(
        51, "an image of 500 MB", "MLE|OLE", earns=FULL, hand_in=as_notebook, program=image_of(500)
    ),
    Case(
        51, "an image of 40 MB", "CONTAINED", earns=FULL, hand_in=as_notebook, program=image_of(40)
    ),
    Case(52, "a null pointer read", "CRASH", program("import ctypes\nctypes.string_at(0)", HONEST)),
    Case(52, "os.abort()", "CRASH", program("import os\nos.abort()", HONEST)),
    Case(
        52,
        "a crash in a graded function",
        "CRASH",
        earns=3,
        outcomes={"scales": "error"},
        program=program("import ctypes\ndef scale(x): ctypes.string_at(0)\n", TOTAL),
    ),
    Case(
        52,
        "TensorFlow aborts, as where a CHECK of its own fails",
        "CRASH",
        lab="heavy",
        program=program(
            """
            import ctypes
            import tensorflow as tf
            print("sum", int(tf.reduce_sum(tf.ones(3))), flush=True)
            ctypes.CDLL(None).abort()
            """,
            HONEST,
        ),
    ),
    Case(
        53,
        "recursion without an end",
        "FAIL",
        earns=3,
        outcomes={"scales": "error"},
        program=program("def scale(x): return scale(x)\n", TOTAL),
    ),
    Case(
        53,
        "recursion that overflows the stack of C",
        "CRASH|FAIL",
        earns=3,
        program=program(
            """
            import sys
            sys.setrecursionlimit(1 << 30)
            class Deep:
                def __repr__(self): return repr(self)
            def scale(x): return repr(Deep())
            """,
            TOTAL,
        ),
    ),
    Case(
        54,
        "a daemon in a session of its own",
        "CONTAINED",
        earns=FULL,
        program=program(
            """
            import os, signal, time
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                        signal.signal(number, signal.SIG_IGN)
                    os.closerange(0, 256)
                    time.sleep(120)
                os._exit(0)
            """,
            HONEST,
        ),
    ),
    Case(
        54,
        "a daemon that outlives its dead parent",
        "CRASH",
        program=program(
            """
            import os, time
            if os.fork() == 0:
                os.setsid()
                time.sleep(120)
            os._exit(0)
            """,
        ),
    ),
    Case(
        55,
        "a grandchild keeps stdout open",
        "CONTAINED",
        earns=FULL,
        program=program(
            """
            import subprocess, sys
            subprocess.Popen(["sh", "-c", "sleep 120 & sleep 120 &"], stdout=1, stderr=2)
            print("left", flush=True)
            """,
            HONEST,
        ),
        says=("left",),
    ),
    Case(
        56,
        "__array__ that hangs while it is encoded",
        "TLE",
        earns=3,
        outcomes={"scales": "error"},
        program=program(
            """
            class Hang:
                shape, dtype = (), "float32"
                def __array__(self, *a, **k):
                    while True: pass
                numpy = __array__
            def scale(x): return Hang()
            """,
            TOTAL,
        ),
    ),
    Case(
        56,
        "__getattr__ that hangs",
        "TLE|FAIL",
        earns=3,
        program=program(
            """
            class Hang:
                def __getattribute__(self, name):
                    while True: pass
                __getattr__ = __len__ = __iter__ = __getattribute__
            def scale(x): return Hang()
            """,
            TOTAL,
        ),
    ),
    Case(
        57,
        "an exception whose __str__ raises",
        "FAIL",
        earns=3,
        outcomes={"scales": "error"},
        program=program(
            """
            class Own(Exception):
                def __str__(self): raise Own
                __repr__ = __str__
            def scale(x): raise Own
            """,
            TOTAL,
        ),
    ),
    Case(
        57,
        "an exception whose __str__ hangs",
        "TLE|CRASH",
        earns=3,
        outcomes={"scales": "error"},
        program=program(
            """
            class Own(Exception):
                def __str__(self):
                    while True: pass
                __repr__ = __str__
            def scale(x): raise Own
            """,
            TOTAL,
        ),
    ),
    Case(
        57,
        "an exception of 10 MB",
        "FAIL",
        earns=3,
        outcomes={"scales": "error"},
        program=program("def scale(x): raise ValueError('x' * 10_000_000)\n", TOTAL),
    ),
)

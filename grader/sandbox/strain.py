"""Runs inside, as the entry of a child: uses up one thing until it is stopped.

Its text is sent to the sandbox. `channel` and `STRAIN`, the name of a function here, are given.
"""

from __future__ import annotations

import contextlib
import errno
import json
import mmap
import os
import signal
import socket
import time
from typing import Any

channel: socket.socket = globals()["channel"]
STRAIN: str = globals()["STRAIN"]

MIB = 1 << 20


def private_memory() -> dict[str, Any]:
    """Ask for more than a process may have."""
    try:
        bytearray(4096 * MIB)
    except MemoryError:
        return {"stopped": True}
    return {"stopped": False}


def shared_memory() -> dict[str, Any]:
    """Fill shared pages, which no limit on a process counts."""
    kept = []
    for _ in range(64):
        block = mmap.mmap(-1, 64 * MIB)
        kept.append(block)
        for at in range(0, 64 * MIB, 4096):
            block[at] = 1
    return {"stopped": False, "mib": 64 * len(kept)}


def processes() -> dict[str, Any]:
    """Fork until it fails. The children sleep."""
    made = 0
    with contextlib.suppress(OSError):
        for _ in range(400):
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
            made += 1
    return {"made": made}


def files() -> dict[str, Any]:
    """Open files until it fails."""
    kept = []
    try:
        for _ in range(4096):
            kept.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        return {"made": len(kept), "error": errno.errorcode[error.errno or 0]}
    return {"made": len(kept)}


def disk() -> dict[str, Any]:
    """Fill each place that can be written to, in several files; bytes that fitted, by place."""
    fitted: dict[str, int] = {}
    for place in (os.environ["HOME"], os.environ["TMPDIR"], "/dev/shm"):
        fitted[place] = 0
        with contextlib.suppress(OSError):
            for number in range(96):
                with open(f"{place}/strain-{number}", "wb", buffering=0) as file:
                    for _ in range(4):
                        fitted[place] += file.write(bytes(MIB // 2))
            # All of it fitted: where only a watch looks now and then, it has to lie there a while.
            time.sleep(2)
        for number in range(96):
            with contextlib.suppress(OSError):
                os.unlink(f"{place}/strain-{number}")
    return fitted


def output() -> dict[str, Any]:
    """Write to the raw descriptor without end."""
    while True:
        os.write(1, b"x" * 65536)


def linger() -> dict[str, Any]:
    """Leave a daemon behind that ignores every signal it can, then loop likewise."""
    for number in range(1, 32):
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            channel.sendall(b"{}\n")
            while True:
                time.sleep(0.01)
        os._exit(0)
    while True:
        pass


def train() -> dict[str, Any]:
    """Import TensorFlow and take one training step."""
    import numpy as np
    import tensorflow as tf

    layers = [tf.keras.Input((4,)), tf.keras.layers.Dense(2, activation="softmax")]
    model = tf.keras.Sequential(layers)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(np.ones((8, 4), "float32"), np.zeros(8, "int64"), verbose=0)
    model.save("/work/model.keras" if os.path.isdir("/driver") else "model.keras")
    return {"version": tf.__version__}


channel.sendall(json.dumps(globals()[STRAIN]()).encode() + b"\n")
time.sleep(60)

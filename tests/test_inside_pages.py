"""Memory in large pages: as it was, and larger where the kernel can."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import hashlib, json, os, re
from grader.inside import pages

def large():
    return int(re.search(r"AnonHugePages: +(\\d+)", open("/proc/self/smaps_rollup").read())[1])

blob = bytearray(os.urandom(64 << 20))
before, at_first = hashlib.sha256(blob).digest(), large()
steps = list(pages.gathering())
same = hashlib.sha256(blob).digest() == before
print(json.dumps([same, steps.count(True), steps.count(False), large() - at_first]))
"""


def test_memory_holds_what_it_held_and_lies_in_as_many_large_pages_as_was_said() -> None:
    words = [sys.executable, "-c", PROGRAM]
    answer = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    same, gathered, refused, kib = json.loads(answer)
    assert same
    assert gathered + refused >= 31  # of the 64 MiB alone
    assert kib <= gathered << 11
    if gathered:
        assert kib > 0

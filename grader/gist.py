"""The one line of an error's message that says what is wrong."""

from __future__ import annotations

import re

MOST = 240
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
NOISE = re.compile(
    r"""",\sline\s\d+(,\sin\s|\s|$)        # a traceback's places
    | ^\s*File\s"
    | ^(Graph\sexecution\serror|in\suser\scode):
    | ^Exception\sencountered\swhen\scalling
    | ^(Detected\sat\snode|Arguments\sreceived\sby|Call\sarguments\sreceived|Stack\strace)
    | ^\s*(•|\^|~|\[\[\{\{node)
    | ^[IWEF]\d{4}\s\d\d:|^\d{4}-\d\d-\d\d\s\d\d:\d\d:\d\d\.\d+:\s[IWEF]\s   # TensorFlow's log
    | ^WARNING:\sAll\slog\smessages\sbefore\sabsl
    | ^\d+\ssuccessful\soperations|^\d+\sderived\serrors
    | /(driver|site-packages|dist-packages)/
    """,
    re.VERBOSE,
)
NAMED = re.compile(r"^[A-Za-z_][\w.]*(Error|Exception): (?P<said>.+)")
PREFIX = re.compile(r"^(\{\{function_node [^}]*\}\}\s*|\(\d+\) [A-Z_ ]+:\s*|=+\s)+")
SUFFIX = re.compile(r"\s*\[Op:[^\]]*\](\s*name:.*)?\s*$")


STOPPED = {"TimeUp": "took too long and was stopped", "OutputEnds": "printed too much"}
"""What our own exceptions in a submission's process mean; their names say nothing to a student."""


def how_it_stopped(kind: str, message: str = "") -> str:
    """What happened to code that raised an exception: `stopped with ValueError: …`."""
    if kind in STOPPED:
        return STOPPED[kind]
    said = gist(message)
    return f"stopped with {kind}: {said}" if said else f"stopped with {kind}"


def gist(message: str) -> str:
    """The line that matters, without the library's traces, logs, paths and marks; may be empty."""
    lines = [COLOURS.sub("", line) for line in message.splitlines()]
    kept = [line.strip() for line in lines if line.strip() and not NOISE.search(line)]
    if message.lstrip().startswith("in user code:"):
        said = [match["said"] for match in map(NAMED.match, kept) if match]
        kept = said[-1:] or kept
    if message.lstrip().startswith("Graph execution error") and "…" in kept:
        kept = kept[kept.index("…") + 1 :]
    line = kept[0] if kept else ""
    line = SUFFIX.sub("", PREFIX.sub("", line))
    return line if len(line) <= MOST else line[: MOST - 1].rstrip() + "…"

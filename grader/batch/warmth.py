"""When a batch starts a warm server: where there is enough to fork from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from grader.batch.entries import glance
from grader.errors import SubmissionError
from grader.grading import sight_of
from grader.records.lab import Lab
from grader.sandbox import Sandbox, kept_warm
from grader.sandbox.warm import PRELOAD, wanted_by
from grader.submissions import read
from grader.submissions.bounds import SOURCE_BYTES
from grader.submissions.choice import SOURCES
from grader.submissions.files import read_bounded

FEWEST = 4
"""Submissions to grade below which no server is started."""
LOOKED_AT = 12
"""So many submissions are looked at to see what the lab's work imports."""
LIGHT = ("IPython.core.interactiveshell", "numpy")
"""What a server imports where nobody needs a network."""


def preload_for(lab: Lab, folder: Path, new: Iterable[str]) -> tuple[str, ...]:
    """What a warm server imports for submissions at the paths `new` below `folder`.

    Nothing where they are so few that none is started.
    """
    first = list(islice(new, LOOKED_AT))
    if len(first) < FEWEST:
        return ()
    own = read(lab.reference or lab.starter, kind=lab.kind).source
    heavy = wanted_by(own) or any(_imports_much(folder / path) for path in first)
    return PRELOAD if heavy else LIGHT


@contextmanager
def kept_ready(
    sandbox: Sandbox | None, lab: Lab, preload: tuple[str, ...]
) -> Iterator[Sandbox | None]:
    """The sandbox, warm where there is something to import beforehand."""
    if sandbox is None or not preload:
        yield sandbox
        return
    with kept_warm(sandbox, [sight_of(lab)], preload) as warm:
        yield warm


def _imports_much(path: Path) -> bool:
    """Whether the words of a submission speak of TensorFlow. It is looked through, never parsed."""
    inside = [entry.path for entry in glance(path) if entry.is_file]
    for file in inside or [path]:
        if file.suffix.lower() in SOURCES["code"]:
            try:
                text = read_bounded(str(file), SOURCE_BYTES).decode("utf-8", "replace")
            except SubmissionError:
                continue
            if wanted_by(text):
                return True
    return False

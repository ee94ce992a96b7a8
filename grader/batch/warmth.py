"""When a batch starts a warm server: where there is enough to fork from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from grader.errors import SubmissionError
from grader.grading import sight_of
from grader.records.lab import Lab
from grader.sandbox import Sandbox, kept_warm
from grader.sandbox.warm import PRELOAD, wanted_by
from grader.submissions import read

FEWEST = 4
"""Submissions to grade below which no server is started."""
LOOKED_AT = 12
"""So many submissions are looked at to see what the lab's work imports."""
LIGHT = ("IPython.core.interactiveshell", "numpy")
"""What a server imports where nobody needs a network."""


@contextmanager
def kept_ready(
    sandbox: Sandbox | None, lab: Lab, folder: Path, new: Iterable[str]
) -> Iterator[Sandbox | None]:
    """The sandbox for submissions at the paths `new` below `folder`, warm where that pays."""
    first = list(islice(new, LOOKED_AT))
    if sandbox is None or len(first) < FEWEST:
        yield sandbox
        return
    heavy = any(wanted_by(source) for source in _sources(lab, folder, first))
    with kept_warm(sandbox, [sight_of(lab)], PRELOAD if heavy else LIGHT) as warm:
        yield warm


def _sources(lab: Lab, folder: Path, paths: list[str]) -> Iterator[str]:
    for path in [lab.reference or lab.starter, *(folder / path for path in paths)]:
        try:
            yield read(path, lab_id=lab.id, kind=lab.kind, settled=True).source
        except SubmissionError:
            continue

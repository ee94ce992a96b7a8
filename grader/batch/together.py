"""Files that a course system took apart: what a student sent with the notebook comes along."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from grader.batch.layouts import Beside
from grader.errors import SubmissionError
from grader.records.submission import ExtraFile, Submission
from grader.submissions.bounds import FILES_BYTES
from grader.submissions.files import hash_of_list, read_bounded
from grader.submissions.names import printable, sendable

_RENAMED = re.compile(r"-\d+(?=\.py$)", re.IGNORECASE)
"""What Canvas adds to a file that is sent again; no module can be imported by such a name."""


def together(
    submission: Submission, own_name: str, folder: Path, beside: Iterable[Beside]
) -> Submission:
    """The submission with the files beside it, by the names that they had on the student's disk.

    `own_name` is that of the submission's own file. The hash is that of a folder with all of them.
    A file that cannot be read is left out and noted, as in a folder.
    """
    files: dict[str, bytes] = {}
    notes = []
    for item in beside:
        name = sendable(_RENAMED.sub("", item.name))
        room = FILES_BYTES - sum(map(len, files.values()))
        try:
            content = read_bounded(str(folder / item.path), room)
        except SubmissionError as error:
            notes.append(f"{printable(item.path)} was left out: {error.message}")
            continue
        if name not in files and name != own_name:
            files[name] = content
            notes.append(f"{printable(item.path)} came along as {printable(name)}.")
    if not files:
        return replace(submission, notes=(*submission.notes, *notes))
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    hashes[sendable(own_name)] = submission.sha256
    return replace(
        submission,
        sha256=hash_of_list(sorted(hashes.items())),
        files=(*submission.files, *(ExtraFile(name, files[name]) for name in sorted(files))),
        notes=(*submission.notes, *notes),
    )

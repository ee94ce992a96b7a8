"""Reading a submission: a notebook, a module, or a folder or zip that holds one."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader.errors import NothingToGrade, SubmissionError
from grader.records.submission import ExtraFile, Submission
from grader.submissions import bounds
from grader.submissions.archive import read_archive
from grader.submissions.files import Tree, read_bounded, read_folder, special, too_big
from grader.submissions.module import read_module
from grader.submissions.names import printable, sendable
from grader.submissions.notebook import Source, read_notebook

_SOURCES = (".ipynb", ".py")


@dataclass(frozen=True)
class _Content:
    """The file with the code, its bytes, and what came along."""

    main: str
    source: bytes
    sha256: str
    files: tuple[ExtraFile, ...] = ()
    notes: tuple[str, ...] = ()


def read(
    path: Path, *, id: str | None = None, relative_to: Path | None = None, lab_id: str | None = None
) -> Submission:
    """Read what lies at `path`, without executing or trusting any of it.

    `id` is by default the file's stem or the folder's name; `Submission.path` is relative to
    `relative_to` where that is given. In a folder or archive with several notebooks, the one
    called after `lab_id` is taken. Raises SubmissionError with the reason when it cannot be read.
    """
    content = _content_at(path, lab_id)
    is_notebook = content.main.lower().endswith(".ipynb")
    reader = read_notebook if is_notebook else read_module
    source: Source = reader(content.source, printable(PurePosixPath(content.main).name))
    return Submission(
        id=id if id is not None else default_id(path),
        path=shown_path(path, relative_to),
        sha256=content.sha256,
        kind="notebook" if is_notebook else "module",
        cells=tuple(source.cells),
        markdown=tuple(source.markdown),
        files=content.files,
        notes=(*content.notes, *source.notes),
    )


def _content_at(path: Path, lab_id: str | None) -> _Content:
    """The bytes of a submission of any form. Raises SubmissionError."""
    status = _status(path)
    if stat.S_ISDIR(status.st_mode):
        return _from_folder(path, lab_id)
    if not stat.S_ISREG(status.st_mode):
        raise special(path.name, status.st_mode)
    if path.suffix.lower() == ".zip":
        return _from_archive(path, lab_id)
    if path.suffix.lower() in _SOURCES:
        data = read_bounded(str(path), bounds.SOURCE_BYTES)
        return _Content(path.name, data, hashlib.sha256(data).hexdigest())
    raise SubmissionError(
        f"{printable(path.name)} is neither a notebook nor a module.",
        hint="A submission is a .ipynb or .py file, or a folder or .zip that holds one.",
    )


def unreadable(path: Path, *, id: str | None = None, relative_to: Path | None = None) -> Submission:
    """The record of a submission that `read` refused: its id, path and hash, no cells.

    The hash is empty for links, special files, folders that are refused, and files beyond
    200 MiB.
    """
    try:
        status = _status(path)
        if stat.S_ISDIR(status.st_mode):
            sha256 = read_folder(path).sha256
        else:
            sha256 = hashlib.sha256(read_bounded(str(path), bounds.FILES_BYTES)).hexdigest()
    except SubmissionError:
        sha256 = ""
    return Submission(
        id=id if id is not None else default_id(path),
        path=shown_path(path, relative_to),
        sha256=sha256,
        kind="module" if path.suffix.lower() == ".py" else "notebook",
        cells=(),
    )


def default_id(path: Path) -> str:
    """The file's stem or the folder's name, printable."""
    absolute = Path(os.path.abspath(path))
    is_source = absolute.suffix.lower() in (*_SOURCES, ".zip") and not absolute.is_dir()
    return printable(absolute.stem if is_source else absolute.name)


def shown_path(path: Path, relative_to: Path | None) -> str:
    """The path as results have it: relative where that is asked for, with `/`, printable."""
    if relative_to is not None:
        absolute, base = Path(os.path.abspath(path)), Path(os.path.abspath(relative_to))
        if absolute.is_relative_to(base):
            path = absolute.relative_to(base)
    return printable(path.as_posix())


def _status(path: Path) -> os.stat_result:
    try:
        return os.lstat(path)
    except (OSError, ValueError):
        raise NothingToGrade(
            f"There is no file {printable(str(path))}.", hint="Check the name and the folder."
        ) from None


def _from_folder(path: Path, lab_id: str | None) -> _Content:
    tree = read_folder(path)
    main = _choose(tree, lab_id)
    if main is None:
        raise NothingToGrade(
            f"There is no notebook and no module in {printable(path.name or str(path))}.",
            hint="Put the .ipynb file into the folder.",
        )
    return _content(tree, main, tree.sha256)


def _from_archive(path: Path, lab_id: str | None) -> _Content:
    packed = read_bounded(str(path), bounds.PACKED_BYTES)
    tree = read_archive(packed, printable(path.name))
    main = _choose(tree, lab_id)
    if main is None:
        raise SubmissionError(
            f"There is no notebook and no module in {printable(path.name)}.",
            hint="Pack the .ipynb file itself, not another archive.",
        )
    return _content(tree, main, hashlib.sha256(packed).hexdigest())


def _choose(tree: Tree, lab_id: str | None) -> str | None:
    """The file that holds the work: on the topmost level, a notebook before a module.

    The one called after the lab settles a doubt. Raises SubmissionError where a doubt is left.
    """
    for suffix in _SOURCES:
        found = [name for name in tree.files if name.lower().endswith(suffix)]
        if not found:
            continue
        top = min(name.count("/") for name in found)
        found = [name for name in found if name.count("/") == top]
        named = [name for name in found if lab_id and PurePosixPath(name).stem == lab_id]
        if len(found) == 1 or len(named) == 1:
            return (named or found)[0]
        listed = ", ".join(printable(name) for name in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise SubmissionError(
            f"Which file is the submission? It holds {listed}{more}.",
            hint="Keep the one that counts, or call it after the lab.",
        )
    return None


def _content(tree: Tree, main: str, sha256: str) -> _Content:
    """The main file, and beside it what lies in its folder and below."""
    if (size := len(tree.files[main])) > bounds.SOURCE_BYTES:
        raise too_big(f"{printable(main)} has", size, bounds.SOURCE_BYTES)
    base = main[: main.rfind("/") + 1]
    extras, notes = [], list(tree.notes)
    for path in sorted(tree.files):
        if path == main:
            continue
        if not path.startswith(base) or path.lower().endswith(".ipynb"):
            why = "another notebook" if path.lower().endswith(".ipynb") else "outside its folder"
            notes.append(f"{printable(path)} was left out: it is {why}.")
        else:
            extras.append(ExtraFile(sendable(path[len(base) :]), tree.files[path]))
    return _Content(main, tree.files[main], sha256, tuple(extras), tuple(notes))

"""Reading a submission: a notebook, a module, answers, or a folder or zip that holds one."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from grader.errors import NothingToGrade, SubmissionError
from grader.records.lab import Kind
from grader.records.submission import ExtraFile, Submission
from grader.submissions import bounds
from grader.submissions.answers import NAME, read_answers
from grader.submissions.archive import read_archive
from grader.submissions.choice import SOURCES, choose, settle
from grader.submissions.files import Tree, read_bounded, read_folder, special, too_big
from grader.submissions.module import read_module
from grader.submissions.names import listed, printable, sendable
from grader.submissions.notebook import Source, read_notebook

_STEMS = {suffix for suffixes in SOURCES.values() for suffix in suffixes} | {".zip"}
_WANTED: dict[Kind, str] = {"code": "notebook and no module", "answers": "file of answers"}
_KINDS: dict[str, Literal["module", "answers"]] = {".py": "module", ".toml": "answers"}
_FILE: dict[Kind, str] = {"code": "the .ipynb file", "answers": NAME}


@dataclass(frozen=True)
class _Content:
    """The file with the code, its bytes, and what came along.

    `taken` is the file that counts, relative to the folder that was read, where one had to be found
    in it; `rivals` are those that could have been meant instead.
    """

    main: str
    source: bytes
    sha256: str
    files: tuple[ExtraFile, ...] = ()
    notes: tuple[str, ...] = ()
    taken: str = ""
    rivals: tuple[str, ...] = ()


def read(
    path: Path,
    *,
    id: str | None = None,
    relative_to: Path | None = None,
    lab_id: str | None = None,
    kind: Kind = "code",
    settled: bool = False,
) -> Submission:
    """Read what lies at `path`, without executing or trusting any of it.

    `id` is by default the file's stem or the folder's name; `Submission.path` is relative to
    `relative_to` where that is given. In a folder or archive with several notebooks, the one
    called after `lab_id` is taken. `kind` is the lab's. Raises SubmissionError with the reason when
    it cannot be read.

    With `settled`, no doubt is left in a folder: one of several files is taken and the others
    become `rivals`, an archive in it is looked into where there is nothing else, `Submission.path`
    names the file that was taken, and NothingToGrade means that the folder is empty.
    """
    content = _content_at(path, lab_id, kind, settled)
    name = printable(PurePosixPath(content.main).name)
    if kind == "answers":
        answers, note = read_answers(content.source, name, lab_id)
        unread = Submission("", "", content.sha256, "answers", (), notes=(note,) if note else ())
        digest = hashlib.sha256(content.source).hexdigest()
        read_in = replace(unread, answers=answers, answers_sha256=digest)
    else:
        read_in = _read_code(content, name)
    return replace(
        read_in,
        id=id if id is not None else default_id(path),
        path=shown_path(path / content.taken, relative_to),
        notes=(*content.notes, *read_in.notes),
        rivals=content.rivals,
    )


def _read_code(content: _Content, name: str) -> Submission:
    is_notebook = content.main.lower().endswith(".ipynb")
    reader = read_notebook if is_notebook else read_module
    source: Source = reader(content.source, name)
    return Submission(
        id="",
        path="",
        sha256=content.sha256,
        kind="notebook" if is_notebook else "module",
        cells=tuple(source.cells),
        markdown=tuple(source.markdown),
        files=content.files,
        notes=tuple(source.notes),
    )


def _content_at(path: Path, lab_id: str | None, kind: Kind, settled: bool) -> _Content:
    """The bytes of a submission of any form. Raises SubmissionError."""
    status = _status(path)
    if stat.S_ISDIR(status.st_mode):
        return (_settled_folder if settled else _from_folder)(path, lab_id, kind)
    if not stat.S_ISREG(status.st_mode):
        raise special(path.name, status.st_mode)
    if path.suffix.lower() == ".zip":
        return _from_archive(path, lab_id, kind, settled=settled)
    if path.suffix.lower() in SOURCES[kind]:
        data = read_bounded(str(path), _allowed(kind))
        return _Content(path.name, data, hashlib.sha256(data).hexdigest())
    if kind == "answers":
        raise SubmissionError(
            f"{printable(path.name)} is no file of answers.",
            hint=f"Hand in {NAME}, as “grade start” writes it, with your answers in it.",
        )
    raise SubmissionError(
        f"{printable(path.name)} is neither a notebook nor a module.",
        hint="A submission is a .ipynb or .py file, or a folder or .zip that holds one.",
    )


def _allowed(kind: Kind) -> int:
    return bounds.ANSWERS_BYTES if kind == "answers" else bounds.SOURCE_BYTES


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
        kind=_KINDS.get(path.suffix.lower(), "notebook"),
        cells=(),
    )


def default_id(path: Path) -> str:
    """The file's stem or the folder's name, printable."""
    absolute = Path(os.path.abspath(path))
    is_source = absolute.suffix.lower() in _STEMS and not absolute.is_dir()
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


def _from_folder(path: Path, lab_id: str | None, kind: Kind) -> _Content:
    tree = read_folder(path)
    main = choose(tree.files, lab_id, kind)
    if main is None:
        raise NothingToGrade(
            f"There is no {_WANTED[kind]} in {printable(path.name or str(path))}.",
            hint=f"Put {_FILE[kind]} into the folder.",
        )
    return _content(tree, main, tree.sha256, kind)


def _settled_folder(path: Path, lab_id: str | None, kind: Kind) -> _Content:
    """The work in a folder, whatever it takes to find it."""
    tree = read_folder(path)
    main, rivals = settle(tree.files, lab_id, kind)
    if main is not None:
        content = _content(tree, main, tree.sha256, kind)
    else:
        archives = [name for name in sorted(tree.files) if name.lower().endswith(".zip")]
        if not archives:
            raise _without_work(path, tree, kind)
        main, name = archives[-1], printable(PurePosixPath(archives[-1]).name)
        content = _archived(tree.files[main], name, lab_id, kind, settled=True)
        rivals = (*archives[:-1], *content.rivals)
    if len(tree.files) == 1:
        content = replace(content, sha256=hashlib.sha256(tree.files[main]).hexdigest())
    return replace(
        content, taken=main, rivals=rivals, notes=(*_doubt(main, rivals), *content.notes)
    )


def _doubt(main: str, rivals: tuple[str, ...]) -> tuple[str, ...]:
    if not rivals:
        return ()
    return (f"{printable(main)} was taken; {listed(rivals)} could have been meant too.",)


def _without_work(path: Path, tree: Tree, kind: Kind) -> SubmissionError:
    name = printable(path.name or str(path))
    if not tree.files and not tree.notes:
        return NothingToGrade(f"{name} is empty.", hint=f"Put {_FILE[kind]} into the folder.")
    holds = [f"It holds {listed(sorted(tree.files))}."] if tree.files else []
    return SubmissionError(
        " ".join([f"There is no {_WANTED[kind]} in {name}.", *holds, *tree.notes[:5]]),
        hint=f"Hand in {_FILE[kind]}.",
    )


def _from_archive(path: Path, lab_id: str | None, kind: Kind, *, settled: bool) -> _Content:
    packed = read_bounded(str(path), bounds.PACKED_BYTES)
    content = _archived(packed, printable(path.name), lab_id, kind, settled=settled)
    return replace(content, notes=(*_doubt(content.main, content.rivals), *content.notes))


def _archived(
    packed: bytes, name: str, lab_id: str | None, kind: Kind, *, settled: bool
) -> _Content:
    def find(sizes: Mapping[str, int]) -> tuple[str, tuple[str, ...]]:
        main, rivals = settle(sizes, lab_id, kind) if settled else (choose(sizes, lab_id, kind), ())
        if main is None:
            raise SubmissionError(
                f"There is no {_WANTED[kind]} in {name}.",
                hint=f"Pack {_FILE[kind]} itself, not another archive.",
            )
        _must_fit(main, sizes[main], kind)
        return main, rivals

    tree = read_archive(packed, name, find)
    main, rivals = find({path: len(content) for path, content in tree.files.items()})
    content = _content(tree, main, hashlib.sha256(packed).hexdigest(), kind)
    return replace(content, rivals=rivals)


def _must_fit(main: str, size: int, kind: Kind) -> None:
    if size > _allowed(kind):
        raise too_big(f"{printable(main)} has", size, _allowed(kind))


def _content(tree: Tree, main: str, sha256: str, kind: Kind) -> _Content:
    """The main file, and beside it what lies in its folder and below."""
    _must_fit(main, len(tree.files[main]), kind)
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

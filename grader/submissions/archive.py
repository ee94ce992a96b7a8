"""Unpacking a zip in memory, entry by entry, by rules that a bomb or a traversal breaks."""

from __future__ import annotations

import io
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from grader.errors import SubmissionError
from grader.submissions import bounds
from grader.submissions.files import Tree, is_passed_over, kind_of, too_big, too_many_files
from grader.submissions.names import printable, sendable

_PACK_AGAIN = "Pack the notebook again as an ordinary zip, or hand in the .ipynb itself."
_DRIVE = re.compile(r"^[A-Za-z]:")
_ENTRY = b"PK\x01\x02"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# LZMA's header names the memory to take, up to 4 GiB: it is not opened.


def read_archive(
    content: bytes, what: str, look: Callable[[Mapping[str, int]], object] = dict
) -> Tree:
    """The files of a zip archive. Raises SubmissionError; nothing is written to the disk.

    `look` has the sizes in bytes, by path, before anything is unpacked, and may raise it, too.
    """
    if not content:
        raise SubmissionError(f"{what} is empty.", hint=_PACK_AGAIN)
    if content.count(_ENTRY) > bounds.ENTRIES:
        raise too_many_files()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _unpack(archive, look)
    except SubmissionError:
        raise
    except Exception:  # zipfile raises a dozen types on hostile bytes
        raise SubmissionError(
            f"{what} is not a zip archive, or a damaged one.", hint=_PACK_AGAIN
        ) from None


def _unpack(archive: zipfile.ZipFile, look: Callable[[Mapping[str, int]], object]) -> Tree:
    wanted = _checked(archive.infolist())
    # zipfile gives no more bytes than an entry declares, so the declared sum bounds the work.
    declared = sum(entry.file_size for entry in wanted.values())
    if declared > bounds.FILES_BYTES:
        raise too_big("Unpacked, the archive has", declared, bounds.FILES_BYTES)
    look({path: entry.file_size for path, entry in wanted.items()})
    tree = Tree()
    for path, entry in wanted.items():
        try:
            with archive.open(entry) as stream:
                content = stream.read(entry.file_size + 1)
            if len(content) != entry.file_size:
                raise EOFError
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError):
            raise SubmissionError(
                f"{printable(path)} in the archive is damaged.", hint=_PACK_AGAIN
            ) from None
        tree.add(path, content)
    return tree


def _checked(entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """The entries to unpack, by their path. Raises SubmissionError for an entry against a rule."""
    wanted: dict[str, zipfile.ZipInfo] = {}
    seen: dict[str, str] = {}
    for entry in entries:
        path = _safe_path(entry)
        _must_be_ordinary(entry, path)
        parts = PurePosixPath(path).parts
        if _is_folder(entry) or is_passed_over(parts):
            continue
        key = _folded(path)
        if key in seen:
            raise _refused(path, f"has the same name as {printable(seen[key])}")
        seen[key] = path
        wanted[path] = entry
        if len(wanted) > bounds.FILES:
            raise too_many_files()
    for path in wanted:
        for folder in PurePosixPath(path).parents:
            if _folded(str(folder)) in seen:
                raise _refused(path, "lies in a folder that has a file's name")
    return wanted


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.endswith(("/", "\\")) or stat.S_ISDIR(entry.external_attr >> 16)


def _folded(path: str) -> str:
    """Equal for paths that a file system without regard to case takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _safe_path(entry: zipfile.ZipInfo) -> str:
    name = sendable(entry.filename.encode("utf-8", "surrogatepass")).replace("\\", "/")
    if name.startswith("/") or _DRIVE.match(name):
        raise _refused(name, "has an absolute path")
    parts = name.rstrip("/").split("/")
    if ".." in parts:
        raise _refused(name, "points outside the archive")
    parts = [part for part in parts if part != "."]
    if not parts or not all(parts) or any("\0" in part for part in parts):
        raise _refused(name, "has no proper name")
    if any(len(part.encode()) > bounds.NAME_BYTES for part in parts) or len(parts) > bounds.DEPTH:
        raise _refused(name[:100], "has a path that is too long")
    return "/".join(parts)


def _must_be_ordinary(entry: zipfile.ZipInfo, path: str) -> None:
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(path, f"is {kind_of(mode)}")
    if entry.flag_bits & 0x1:
        raise SubmissionError("The archive is encrypted.", hint="Pack it again without a password.")
    if entry.compress_type not in _METHODS:
        raise _refused(path, "is packed by a rare method")


def _refused(path: str, reason: str) -> SubmissionError:
    return SubmissionError(f"{printable(path)} in the archive {reason}.", hint=_PACK_AGAIN)

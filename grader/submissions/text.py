"""Bytes to text: the encodings that editors write, and what is no text at all."""

from __future__ import annotations

import codecs
import re

from grader.errors import SubmissionError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with a byte order mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_MAGIC = (
    (b"PK\x03\x04", "a zip archive or an Office document"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x89HDF", "an HDF5 file, perhaps a saved model"),
    (b"\x93NUMPY", "a NumPy array"),
)
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_DECLARABLE = {"latin-1", "iso8859-1", "iso8859-15", "cp1252", "cp1251", "koi8-r", "gbk", "big5"}


def decode(content: bytes, what: str) -> tuple[str, str | None]:
    """The text of a notebook or module, lines ended by `\\n`, and a note on a rare encoding.

    Raises SubmissionError when the bytes are another kind of file or damaged.
    """
    if not content.strip():
        raise SubmissionError(
            f"{what} is empty.", hint="Save the notebook, look into the file, and hand it in again."
        )
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            raise SubmissionError(
                f"{what} is {kind}, whatever its name says.", hint="Hand in the notebook itself."
            )
    text, note = _decoded(content, what)
    return text.replace("\r\n", "\n").replace("\r", "\n"), note


def _decoded(content: bytes, what: str) -> tuple[str, str | None]:
    for mark, codec, name in _MARKS:
        if content.startswith(mark):
            try:
                return content.decode(codec), f"{what} was read as {name}."
            except UnicodeDecodeError:
                raise _damaged(what, f"starts as {name} and goes on as something else") from None
    if b"\0" in content:
        if (unmarked := _utf16_without_mark(content)) is not None:
            return content.decode(unmarked), f"{what} was read as UTF-16."
        raise _damaged(what, "holds NUL bytes, which no text has")
    try:
        return content.decode("utf-8"), None
    except UnicodeDecodeError:
        declared = _declared(content) or "cp1252"
    try:
        return content.decode(declared), f"{what} is not UTF-8; it was read as {declared}."
    except UnicodeDecodeError:
        return content.decode("latin-1"), f"{what} is not UTF-8; it was read as latin-1."


def _damaged(what: str, reason: str) -> SubmissionError:
    return SubmissionError(
        f"{what} {reason}: the file is damaged.",
        hint="Open it in Jupyter, save it again as UTF-8 and hand in the new file.",
    )


def _utf16_without_mark(content: bytes) -> str | None:
    """UTF-16 of mostly ASCII text has a NUL at every second byte."""
    head = content[:2000]
    for codec, nuls, letters in (
        ("utf-16-le", head[1::2], head[::2]),
        ("utf-16-be", head[::2], head[1::2]),
    ):
        if nuls.count(0) > 0.7 * len(nuls) and letters.count(0) == 0:
            try:
                content.decode(codec)
            except UnicodeDecodeError:
                return None
            return codec
    return None


def _declared(content: bytes) -> str | None:
    """The encoding that a module declares in its first two lines, of those worth reading."""
    for line in content.split(b"\n", 2)[:2]:
        if found := _CODING.match(line):
            try:
                name = codecs.lookup(found[1].decode("ascii", "replace")).name
            except LookupError:
                return None
            return name if name in _DECLARABLE else None
    return None


def encodable(text: str) -> str:
    """Text without lone surrogates, which cannot be sent or compiled."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text

"""Reading a module: one piece, or cells where `# %%` marks part it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, pairwise

from grader.errors import SubmissionError
from grader.submissions import bounds
from grader.submissions.notebook import Source, has_code
from grader.submissions.text import decode

_MARK = re.compile(r"# ?%%(?!%)[ \t]*(.*)")
_OPENING = re.compile(r"""\"{3}|'{3}|"|'|#""")
_ESCAPED = r"(?:\\.)+"
_CLOSING = {
    sign: re.compile(f"{_ESCAPED}|{end}", re.DOTALL)
    for sign, end in (('"""', '"""'), ("'''", "'''"), ('"', '["\n]'), ("'", "['\n]"))
}
_COMMENT_SIGN = re.compile(r"^# ?", re.MULTILINE)


def read_module(content: bytes, what: str) -> Source:
    """Read a module's bytes. `what` names the file in messages; raises SubmissionError."""
    text, note = decode(content, what)
    if text.lstrip().startswith("{") and '"nbformat"' in text:
        raise SubmissionError(
            f"{what} is a notebook under a module's name.", hint="Rename it to .ipynb."
        )
    source = Source(notes=[note] if note else [])
    marks = list(islice(_marks(text), bounds.CELLS + 1))
    if len(marks) > bounds.CELLS:
        raise SubmissionError(
            f"{what} has more than {bounds.CELLS:,} cells.", hint="Hand in the lab's module only."
        )
    if marks:
        _split(text, marks, source)
    else:
        source.add_code(text)
    source.must_have_code(what)
    return source


def _marks(text: str) -> Iterator[re.Match[str]]:
    """The comments `# %%` at the start of a line, to the line's end; not those inside strings."""
    if "%%" not in text:
        return
    position = 0
    while opening := _OPENING.search(text, position):
        start, position = opening.start(), _end(text, opening)
        if start == 0 or text[start - 1] == "\n":
            mark = _MARK.match(text, start)
            if mark:
                yield mark


def _end(text: str, opening: re.Match[str]) -> int:
    """Where the string or comment that begins there ends, as Python's lexer has it: one pass."""
    if opening[0] == "#":
        line_end = text.find("\n", opening.end())
        return len(text) if line_end < 0 else line_end
    for found in _CLOSING[opening[0]].finditer(text, opening.end()):
        if not found[0].startswith("\\"):
            return found.end()
    return len(text)


def _split(text: str, marks: list[re.Match[str]], source: Source) -> None:
    """Part the text at the marks; what stands before the first counts when it has code."""
    preamble = text[: marks[0].start()]
    if has_code(preamble):
        source.add_code(preamble)
    elif preamble.strip():
        source.markdown.append(_uncommented(preamble))
    line, counted = 1, 0
    ends = [*(mark.start() for mark in marks), len(text)]
    for mark, (_, end) in zip(marks, pairwise(ends), strict=True):
        body = min(mark.end() + 1, end)
        line += text.count("\n", counted, body)
        counted = body
        if mark[1].lower().startswith(("[markdown]", "[md]", "[raw]")):
            source.markdown.append(_uncommented(text[body:end]))
        else:
            source.add_code(text[body:end], line)


def _uncommented(text: str) -> str:
    return _COMMENT_SIGN.sub("", text.strip())

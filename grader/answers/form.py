"""A form to mark answers with: what was written, key points to look for, and room for points.

All but the head of the form is commented out. The key points and the words of them that occur in an
answer are a help in reading; the points are written by a person and by nobody else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from grader.answers.sheet import Sheet, blank, described
from grader.errors import LabError

HEAD = """\
# Marks for {path}. For each question take the # off points and write a number,
# and, where you like, a comment: the student reads it. What stays behind a # counts for nothing.
#
# [x] a word of this key point occurs in the answer, [ ] none does: a place to look, not a verdict.

lab = "{lab}"
sha256 = "{sha256}"
"""
_LINE_ENDS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_UNWRITABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def marking_form(sheet: Sheet, reference: Mapping[str, Any]) -> str:
    """The form for one submission, as TOML that gives no points yet.

    `reference` is the lab's reference file: a question's table may have `key_points`, each with
    `point` and `words`. Raises LabError where it has another form.
    """
    head = HEAD.format(
        path=_inert(sheet.submission.path),
        lab=sheet.lab.id,
        sha256=sheet.submission.answers_sha256,
    )
    return head + "".join(
        _entry(sheet, id, _points(id, reference.get(id))) for id in sheet.questions
    )


def _entry(sheet: Sheet, id: str, points: Sequence[tuple[str, Sequence[str]]]) -> str:
    value = sheet.submission.answers.get(id)
    text = value if isinstance(value, str) else f"({described(value)})"
    answer = ["(nothing is written)"] if blank(value) else _lines(text.strip())
    seen = _plain(text)
    hints = [
        f"[{'x' if any(_plain(word) in seen for word in words) else ' '}] {point}"
        for point, words in points
    ]
    worth = sheet.lab.rubric.points.get(id, 0.0)
    told = [*_lines(sheet.questions[id].text), "", *(f"> {line}" for line in answer), "", *hints]
    comments = "\n".join(f"# {_inert(line)}".rstrip() for line in told)
    return f'\n[{id}]\n{comments}\n# points = 0  # to {worth:g}\n# comment = ""\n'


def _points(id: str, entry: Any) -> list[tuple[str, list[str]]]:
    try:
        points = [(str(item["point"]), list(item["words"])) for item in entry["key_points"]]
        if not all(isinstance(word, str) for _, words in points for word in words):
            raise TypeError
    except (LookupError, TypeError):
        raise LabError(
            f"the key points of {id} cannot be read", hint="Give each a point and its words."
        ) from None
    return points


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _lines(text: str) -> list[str]:
    return _LINE_ENDS.split(text)


def _inert(text: str) -> str:
    """Text that cannot end a comment: no line break and no sign that TOML forbids there."""
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", _LINE_ENDS.sub(" ", text))

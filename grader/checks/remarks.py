"""What a student says of the results: in text cells, comments, strings or printed text.

A remark is judged for being there and for naming what was compared, in any language; whether it is
true is for a person to say.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Collection, Iterator

from grader.checks.expectations import expect
from grader.records.evidence import Evidence
from grader.records.submission import Submission

MOST_LETTERS = 200_000
"""Of each kind of text; nobody writes more."""
FEWEST_WORDS = 8
LOGS = re.compile(r"━|^\s*Epoch \d+/\d+|\bloss: |\d+/\d+ - \d+s")
WORD = re.compile(r"[^\W\d_]{2,}")
RESULTS = (
    r"accura|exactitud|précision|precisi|genauig|richtig|loss|verlust|perte|error|score",
    r"train|entr[aeî]|learn|lern|appris",
    r"held|valid|test|unseen|new (?:digit|picture|image)|neu|nouve|nuev",
    r"overfit|over-fit|sur-?app|sobreaj|überanp|overtrain|memori|by heart|generali|auswendig",
    r"gap|differ|higher|lower|better|worse|more|less|small|larg|bigger|close|same|equal|improv|"
    r"reduc|drop(?:s|ped)\b|f[ae]ll|rise|rose|grow|abstand|écart|diferen|besser|mieux|mejor",
    r"\d[.,]?\d*\s?%|\d[.,]\d",
)
"""What a remark about results speaks of; two of these are enough."""


def remarks(
    submission: Submission, evidence: Evidence, given: Submission | None = None
) -> tuple[str, ...]:
    """The paragraphs that the student wrote or printed, without the lines of `given`.

    `given` is the file that the student began with.
    """
    told = set() if given is None else {_plain(line) for line in _lines(given)}
    texts = [*_written(submission), _without_logs(evidence.text[:MOST_LETTERS])]
    found = []
    for paragraph in (part for text in texts for part in re.split(r"\n\s*\n", text)):
        own = [line for line in paragraph.splitlines() if _plain(line) not in told]
        if any(own):
            found.append("\n".join(own))
    return tuple(found)


def speaks_of(remark: str, names: Collection[str]) -> bool:
    """Whether a remark names what was compared (patterns, any of them) and says what came of it.

    In scripts that no pattern is written in, a remark of some length will do.
    """
    words = WORD.findall(remark)
    letters = "".join(words)
    foreign = sum(ord(letter) > 0x24F for letter in letters)
    if foreign > len(letters) / 2:
        return foreign >= 12
    plain = remark.lower()
    named = any(re.search(name, plain) for name in names)
    kinds = sum(re.search(pattern, plain) is not None for pattern in RESULTS)
    return named and kinds >= 2 and len(words) >= FEWEST_WORDS


def expect_remark(found: Collection[str], names: Collection[str], *, about: str) -> None:
    """Expect one of the remarks to say what was seen; `about` is what was compared, in words."""
    expect(
        any(speaks_of(remark, names) for remark in found),
        observed="nothing was found that says what came of the comparison",
        expected=f"a sentence or two about {about}",
        why="A comparison is made to learn something from it; that has to be said in words.",
        next="Write below your results, in a text cell or a comment, what you compared and what "
        "the numbers show.",
    )


def _written(submission: Submission) -> Iterator[str]:
    """Text cells, blocks of comments and strings."""
    yield from (text[:MOST_LETTERS] for text in submission.markdown)
    for cell in submission.cells:
        source = cell.source[:MOST_LETTERS]
        yield _comments(source)
        yield from _strings(source)


def _lines(given: Submission) -> Iterator[str]:
    for text in _written(given):
        yield from text.splitlines()


def _comments(source: str) -> str:
    """The comments of a cell, line under line; lines of code between them part paragraphs."""
    found: list[str] = []
    last = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                found += [""] if token.start[0] > last + 1 else []
                found.append(token.string.lstrip("#%! "))
                last = token.start[0]
    except (tokenize.TokenError, SyntaxError):
        pass
    return "\n".join(found)


def _strings(source: str) -> Iterator[str]:
    """The strings of a cell, those with values in them as well."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            parts = (getattr(part, "value", "") for part in node.values)
            yield "".join(part if isinstance(part, str) else " 0.0 " for part in parts)


def _without_logs(text: str) -> str:
    return "\n".join("" if LOGS.search(line[:400]) else line for line in text.splitlines())


def _plain(line: str) -> str:
    return " ".join(line.lstrip("#%! ").split()).lower()

"""Code that is alike, pair by pair and side by side: for a person to read, and no mark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from grader.report import words
from grader.report.html import content_policy, environment, source
from grader.similarity.passages import Passage, Piece

NAME = "similar.html"


@dataclass(frozen=True)
class Alike:
    """Two students whose code is alike. `share` is from 0 to 1, of the smaller one's own code.

    `first_name` and `second_name` are those of their files; `more` passages are not shown.
    """

    first: str
    second: str
    first_name: str
    second_name: str
    share: float
    passages: Sequence[Passage]
    more: int

    @property
    def students(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """Each id with the name of its files."""
        return (self.first, self.first_name), (self.second, self.second_name)


@dataclass(frozen=True)
class SimilarPage:
    """All that the page shows. `rest` are further pairs, without their passages; `more` the number
    of those that are not even named. `usual` and `bar` are shares from 0 to 1. `same` are groups
    whose code is the same, each student's id with the name of the files.
    """

    lab: str
    title: str
    compared: int
    usual: float
    bar: float
    pairs: Sequence[Alike]
    rest: Sequence[Alike] = ()
    more: int = 0
    same: Sequence[Sequence[tuple[str, str]]] = ()


def render_similar(page: SimilarPage) -> Iterator[str]:
    """The page, in pieces."""
    style = source("report.css") + source("similar.css")
    stream = (
        environment()
        .get_template("similar.html.j2")
        .stream(
            policy=content_policy(style),
            style=Markup(style),  # our own files
            page=page,
            where=where,
        )
    )
    stream.enable_buffering(64)
    return iter(stream)


def where(piece: Piece) -> str:
    """`cell 3, lines 2 to 9`, as the student numbers them."""
    known = [piece.file] if piece.file else []
    known += [f"cell {piece.cell}"] if piece.cell else []
    one = piece.first == piece.last
    known.append(f"line {piece.first}" if one else f"lines {piece.first} to {piece.last}")
    return ", ".join(known)


def notice(names: Sequence[str]) -> str:
    """What the class's page says of a student whose code is like that of others."""
    others = words.plural(len(names) - 1, "other")
    told = names[0] if len(names) == 1 else f"{names[0]} and {others}"
    return f"Much of this code is like that of {told}: a hint to look, no mark."


def notice_of_same(count: int) -> str:
    """What the class's page says of a student whose code is the same as that of so many others."""
    return f"This code is the same as that of {words.plural(count, 'other')}: a hint, no mark."


def pairs_in_words(number: int) -> str:
    """`2 pairs of submissions have code that is alike`."""
    have = "has" if number == 1 else "have"
    return f"{words.plural(number, 'pair')} of submissions {have} code that is alike"

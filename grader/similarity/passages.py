"""The passages that two codes share, side by side, for a person to read."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from grader.similarity.code import Code
from grader.similarity.tokens import Part, Token, tokens_of
from grader.similarity.winnowing import GRAM, grams

MOST_FOUND = 40
TRIED = 4
"""Places of one run in the other code that are tried for the longest match."""
NEAR = 24
"""Tokens between two matches that are still one passage: a statement that was put in."""
STRAY = 4
"""Fewer tokens of a line at the end of a passage are alike by chance."""
MOST_LINES = 30


@dataclass(frozen=True)
class Piece:
    """Lines `first` to `last` of one part of a code; `more` lines after `text` are left out."""

    file: str
    cell: int | None
    first: int
    last: int
    text: str
    more: int


@dataclass(frozen=True)
class Passage:
    """What stands in both codes; `tokens` of it are the same."""

    first: tuple[Piece, ...]
    second: tuple[Piece, ...]
    tokens: int


class _Match(NamedTuple):
    """Runs [first, first_end) and [second, second_end) of tokens, of which `tokens` are alike."""

    first: int
    first_end: int
    second: int
    second_end: int
    tokens: int


def passages(first: Code, second: Code, shared: np.ndarray) -> list[Passage]:
    """The passages around the fingerprints that both have, the longest first.

    Found as in greedy string tiling (Wise, String similarity via greedy string tiling, 1993), from
    the fingerprints on and each token once, and at most `MOST_FOUND` of them.
    """
    one, two = tokens_of(first.parts), tokens_of(second.parts)
    found = _joined(sorted(_matches(one, two, set(shared.tolist()))))
    told = [
        Passage(
            _pieces(first.parts, _run(one, match.first, match.first_end)),
            _pieces(second.parts, _run(two, match.second, match.second_end)),
            match.tokens,
        )
        for match in found
    ]
    return sorted(told, key=lambda passage: -passage.tokens)


def _matches(one: Sequence[Token], two: Sequence[Token], shared: set[int]) -> Iterator[_Match]:
    left, right = [token.symbol for token in one], [token.symbol for token in two]
    places: dict[int, list[int]] = {}
    for place, value in enumerate(grams(right).tolist()):
        if value in shared:
            places.setdefault(value, []).append(place)
    covered, taken = bytearray(len(left)), bytearray(len(right))
    found = 0
    for start, value in enumerate(grams(left).tolist()):
        if value not in places or any(covered[start : start + GRAM]):
            continue
        free = [at for at in places[value] if not any(taken[at : at + GRAM])][:TRIED]
        tried = [_extended(left, right, start, at, covered, taken) for at in free]
        if tried:
            match = max(tried, key=lambda item: item.tokens)
            covered[match.first : match.first_end] = b"\1" * match.tokens
            taken[match.second : match.second_end] = b"\1" * match.tokens
            yield match
            found += 1
            if found == MOST_FOUND:
                return


def _extended(
    left: Sequence[str],
    right: Sequence[str],
    start: int,
    at: int,
    covered: bytearray,
    taken: bytearray,
) -> _Match:
    """The longest run of equal tokens around two places, of tokens in no other match."""

    def same(here: int, there: int) -> bool:
        return left[here] == right[there] and not covered[here] and not taken[there]

    before = 0
    while before < min(start, at) and same(start - before - 1, at - before - 1):
        before += 1
    after = 0
    while after < min(len(left) - start, len(right) - at) and same(start + after, at + after):
        after += 1
    return _Match(start - before, start + after, at - before, at + after, before + after)


def _joined(matches: Sequence[_Match]) -> list[_Match]:
    """Matches that follow one another in both codes made one, over what was put between them."""
    joined: list[_Match] = []
    for match in matches:
        last = joined[-1] if joined else None
        if (
            last
            and match.first - last.first_end <= NEAR
            and 0 <= match.second - last.second_end <= NEAR
        ):
            tokens = last.tokens + match.tokens
            match = _Match(last.first, match.first_end, last.second, match.second_end, tokens)
            joined.pop()
        joined.append(match)
    return joined


def _pieces(parts: Sequence[Part], run: Sequence[Token]) -> tuple[Piece, ...]:
    """The lines that a run of tokens stands on, part by part."""
    lines: dict[int, list[int]] = {}
    for token in run:
        lines.setdefault(token.part, []).append(token.line)
    return tuple(_piece(parts[number], min(rows), max(rows)) for number, rows in lines.items())


def _run(tokens: Sequence[Token], start: int, end: int) -> Sequence[Token]:
    """The tokens from `start` to `end` without a few at either end, of a line that goes on."""
    places = [token[1:] for token in tokens]
    first, last = places[start], places[end - 1]
    if start and places[start - 1] == first and (few := places[start:end].count(first)) < STRAY:
        start += few
    if end < len(places) and places[end] == last and (few := places[start:end].count(last)) < STRAY:
        end -= few
    return tokens[start:end]


def _piece(part: Part, first: int, last: int) -> Piece:
    rows = part.source.split("\n")[first - 1 : last]
    return Piece(
        file=part.file,
        cell=part.cell,
        first=part.first_line + first - 1,
        last=part.first_line + last - 1,
        text=textwrap.dedent("\n".join(rows[:MOST_LINES])),
        more=max(len(rows) - MOST_LINES, 0),
    )

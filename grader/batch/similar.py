"""The class's code compared: what is kept of each submission, similar.html, and whom to look at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from grader.batch.files import Out, read_json, write_json, writing
from grader.errors import GraderError
from grader.records.lab import Lab
from grader.records.submission import Submission
from grader.report.class_page import Notice
from grader.report.similar_page import (
    NAME,
    Alike,
    SimilarPage,
    notice,
    notice_of_same,
    render_similar,
)
from grader.similarity.code import Code, code_of, given_to_all
from grader.similarity.pairs import Comparison, Pair, compare
from grader.similarity.passages import passages
from grader.submissions import read

SHOWN, NAMED, PASSAGES = 60, 500, 8
"""Pairs with their passages, pairs that are named after them, passages of a pair."""
_TWIN = re.compile(r"~\d+$")


class Compared(NamedTuple):
    """A notice for each student whose code is alike, and the number of pairs; None without any
    comparison."""

    notices: list[Notice]
    pairs: int | None


NOT_COMPARED = Compared([], None)


def keep_code(out: Out, name: str, submission: Submission) -> None:
    """Write the code that a submission is compared by, where it is not there yet.

    Raises OutputError.
    """
    path = out.code(name)
    found: Code | None = read_json(path, Code.from_json)
    if found is None or (found.id, found.sha256) != (submission.id, submission.sha256):
        write_json(path, code_of(submission).to_json())


def forget_code(out: Out, name: str) -> None:
    """Remove what was kept of a submission that cannot be read any more."""
    out.code(name).unlink(missing_ok=True)


def without_page(out: Out) -> None:
    """Remove similar.html: what it said may not hold for the verdicts that are there now."""
    (out.folder / NAME).unlink(missing_ok=True)


def write_similar(out: Out, lab: Lab) -> Compared:
    """Compare all that OUT holds and write similar.html, where a lab is answered in code.

    Raises OutputError.
    """
    if lab.kind != "code":
        return NOT_COMPARED
    names, prints = _fingerprints(out, lab)
    ids = list(names)
    found = compare(prints, [_TWIN.sub("", student) for student in ids])
    shown = [_alike(out, names, ids, pair, prints, found) for pair in found.pairs[:SHOWN]]
    rest = [_named(names, ids, pair) for pair in found.pairs[SHOWN : SHOWN + NAMED]]
    page = SimilarPage(
        lab.id, lab.title, found.compared, found.usual, found.bar, shown, rest,
        max(len(found.pairs) - SHOWN - NAMED, 0),
        [[(ids[at], names[ids[at]]) for at in group] for group in found.same],
    )  # fmt: skip
    with writing(out.folder / NAME) as file:
        file.writelines(render_similar(page))
    notices = [*_notices(ids, found.pairs), *_notices_of_same(ids, found)]
    return Compared(notices, len(found.pairs))


def compared_again(out: Out, lab: Lab) -> Compared:
    """Like `write_similar`, where the class was compared before. Raises OutputError."""
    return write_similar(out, lab) if (out.folder / NAME).is_file() else NOT_COMPARED


def _fingerprints(out: Out, lab: Lab) -> tuple[dict[str, str], list[np.ndarray]]:
    """The names of files by id, in the order of ids, and the fingerprints of each.

    What the lab gives to all is taken out.
    """
    given = _given(lab)
    codes: Iterator[tuple[str, Code | None]] = (
        (path.stem, read_json(out.code(path.stem), Code.from_json)) for path in out.results()
    )
    found = {
        code.id: (name, np.setdiff1d(code.fingerprints, given, assume_unique=True))
        for name, code in codes
        if code is not None
    }
    ids = sorted(found)
    return {student: found[student][0] for student in ids}, [found[each][1] for each in ids]


def _given(lab: Lab) -> np.ndarray:
    try:
        return given_to_all(read(lab.starter))
    except GraderError:  # a starter without code gives nothing
        return np.empty(0, np.uint64)


def _alike(
    out: Out,
    names: Mapping[str, str],
    ids: Sequence[str],
    pair: Pair,
    prints: Sequence[np.ndarray],
    found: Comparison,
) -> Alike:
    """A pair with its passages, which are looked for in the code itself."""
    both = np.intersect1d(prints[pair.first], prints[pair.second], assume_unique=True)
    own = np.setdiff1d(both, found.common, assume_unique=True)
    codes = [read_json(out.code(names[ids[at]]), Code.from_json) for at in pair[:2]]
    told = passages(codes[0], codes[1], own) if None not in codes else []
    named = _named(names, ids, pair)
    return Alike(
        named.first, named.second, named.first_name, named.second_name, named.share,
        told[:PASSAGES], max(len(told) - PASSAGES, 0),
    )  # fmt: skip


def _named(names: Mapping[str, str], ids: Sequence[str], pair: Pair) -> Alike:
    first, second = ids[pair.first], ids[pair.second]
    return Alike(first, second, names[first], names[second], pair.share, (), 0)


def _notices_of_same(ids: Sequence[str], found: Comparison) -> Iterator[Notice]:
    for group in found.same:
        said = notice_of_same(len(group) - 1)
        yield from (Notice(ids[at], said, f"{NAME}#same") for at in group)


def _notices(ids: Sequence[str], pairs: Sequence[Pair]) -> Iterator[Notice]:
    """One for each student of a pair, with the place of the first on the page."""
    others: dict[int, list[int]] = {}
    place: dict[int, int] = {}
    for number, pair in enumerate(pairs, start=1):
        for one, other in ((pair.first, pair.second), (pair.second, pair.first)):
            others.setdefault(one, []).append(other)
            place.setdefault(one, number)
    for one, alike in others.items():
        page = f"{NAME}#pair-{place[one]}" if place[one] <= SHOWN else f"{NAME}#rest"
        yield Notice(ids[one], notice([ids[other] for other in alike]), page)

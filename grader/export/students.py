"""Whose row a verdict belongs to: by numbers, logins and names that are equal, never by guess."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from grader.export.marks import Mark
from grader.submissions.names import printable

_MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)(?:_assignsubmission_.*)?", re.DOTALL)
_CANVAS = re.compile(r"(?P<name>[^_]+)(?:_LATE)?_(?P<number>\d+)(?:_\d+_.+)?", re.DOTALL)
_TWIN = re.compile(r".+~\d+", re.DOTALL)
_TRANSLITERATED = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "å": "aa", "œ": "oe"}
)
"""How letters are written out where only those of ASCII are to be had."""


@dataclass(frozen=True)
class Person:
    """What a row of a course system says of a student.

    `number` is the one that it puts into file names; `keys` are logins, e-mail addresses and other
    identifiers; `names` are full names, of which any will do.
    """

    row: int
    label: str
    number: str
    keys: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Matched:
    """Who is who. `open` are ids without a row, with why; `without` are rows without a mark."""

    pairs: tuple[tuple[Mark, int], ...]
    open: tuple[tuple[str, str], ...]
    without: tuple[str, ...]


def match(marks: Sequence[Mark], people: Sequence[Person], system: str) -> Matched:
    """Find the one row of each verdict; `system` (`canvas`, `moodle`) says how files are named."""
    rows: dict[int, list[Mark]] = {}
    left: list[tuple[str, str]] = []
    register = _Register(people, _CANVAS if system == "canvas" else _MOODLE)
    for mark in marks:
        found, why = register.find(mark.id)
        if found is None:
            left.append((mark.id, why))
        else:
            rows.setdefault(found.row, []).append(mark)
    pairs = []
    for row, claims in rows.items():
        if len(claims) == 1:
            pairs.append((claims[0], row))
        else:
            others = " and ".join(mark.id for mark in claims)
            left += [(mark.id, f"one row fits {others}") for mark in claims]
    taken = {row for _, row in pairs}
    without = tuple(person.label for person in people if person.row not in taken)
    return Matched(tuple(pairs), tuple(sorted(left)), without)


class _Register:
    """The people of a file by each thing that they are known by."""

    def __init__(self, people: Sequence[Person], pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self._numbers: dict[str, list[Person]] = {}
        self._known: dict[str, list[Person]] = {}
        self._named: dict[str, list[Person]] = {}
        for person in people:
            for name in {_letters(printable(own)) for own in person.names} - {""}:
                self._named.setdefault(name, []).append(person)
            if person.number:
                self._numbers.setdefault(person.number, []).append(person)
            for key in _known_by(person):
                self._known.setdefault(key, []).append(person)

    def find(self, student: str) -> tuple[Person | None, str]:
        """The one row of an id; None with the reason where there is not exactly one."""
        found = list(self._known.get(folded(student), ()))
        parts = self._pattern.fullmatch(student)
        if parts and not found and not self._numbers:
            found = list(self._named.get(_letters(parts["name"]), ()))
        for person in self._numbers.get(parts["number"], ()) if parts else ():
            if parts and any(_agree(name, person) for name in self._spelt(parts["name"])):
                found += [person] if person not in found else []
            elif not found:
                return None, f"its number is that of {person.label}"
        if not found and _TWIN.fullmatch(student):
            return None, "a second submission; which one counts is yours to say"
        if not found:
            return None, "no row has this id, e-mail address or name"
        if len(found) > 1:
            return None, f"{len(found)} rows fit: " + ", ".join(sorted(p.label for p in found)[:5])
        return found[0], ""

    def _spelt(self, name: str) -> Iterator[str]:
        """A name as a file has it, and what is left of it without the group that Moodle adds."""
        yield name
        if self._pattern is _MOODLE:
            rests = (name[dash.end() :] for dash in re.finditer("-", name))
            yield from (rest for rest in rests if _letters(rest))


def _known_by(person: Person) -> set[str]:
    keys = {folded(printable(key)) for key in (person.number, *person.keys)}
    stems = {key.partition("@")[0] for key in keys if "@" in key}
    names = {folded(printable(name)) for name in _both_ways(person.names)}
    return (keys | stems | names) - {""}


def _both_ways(names: Iterable[str]) -> Iterable[str]:
    """Names as they stand, and “Last, First” as “First Last” too."""
    for name in names:
        yield name
        last, comma, first = name.partition(",")
        if comma and "," not in first:
            yield f"{first.strip()} {last.strip()}"


def _agree(name: str, person: Person) -> bool:
    """Whether the name before a number can be that of its row: a course system alters signs."""
    if not any(person.names) or folded(name) in _known_by(person):
        return True
    if folded(f"{name} {person.number}") in _known_by(person):
        return True  # “Participant 12”, as long as Moodle kept the names secret
    names = [printable(name) for name in person.names]
    whole = _letters(name)
    dropped = whole.isascii()
    for own in (turned for name in names for turned in _turned(name)):
        spelt = (own, _unaccented(own), own.lower().translate(_TRANSLITERATED))
        if any(_letters(one) == whole for one in spelt):
            return True
        if dropped and any(_letters(one, ascii_only=True) == whole for one in spelt):
            return True
    return False


def _turned(name: str) -> Iterable[str]:
    """A name begun at each of its words: “First Last” is “Last, First” where names are sorted."""
    words = name.split()
    return (" ".join(words[index:] + words[:index]) for index in range(len(words)))


def _letters(name: str, *, ascii_only: bool = False) -> str:
    kept = (sign for sign in folded(name) if sign.isalnum() and (not ascii_only or sign < "\x7f"))
    return "".join(kept)


def _unaccented(name: str) -> str:
    parts = unicodedata.normalize("NFKD", name)
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def folded(text: str) -> str:
    """A text without what typing varies: composition of accents, case, white space."""
    return " ".join(unicodedata.normalize("NFC", text).lower().split())

"""What a student answered, held against the questions."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from grader.answers.marks import Mark, find_marks
from grader.answers.questions import Question, read_questions
from grader.records.lab import Lab
from grader.records.submission import Submission
from grader.submissions.names import printable

SHOWN = 40
"""Characters of a student's text that a message repeats."""
_TYPES = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a table",
}
_BETWEEN = re.compile(r"(?:[\s,;/&+|.()]|\band\b|\bor\b)+")


class Unclear(ValueError):
    """Something is written, but not one of the options; the message says what."""


@dataclass(frozen=True)
class Sheet:
    """One submission of a lab whose submissions are answers."""

    lab: Lab
    submission: Submission

    @cached_property
    def questions(self) -> Mapping[str, Question]:
        """The lab's questions by id. Raises LabError for a faulty starter."""
        return read_questions(self.lab.starter)

    @cached_property
    def marks(self) -> Mapping[str, Mark]:
        """The marks that a person gave, by question. Raises LabError for a faulty file."""
        return find_marks(self.lab, self.submission.answers_sha256) or {}

    @property
    def answered(self) -> tuple[str, ...]:
        """The questions for which something is written."""
        given = self.submission.answers
        return tuple(id for id in self.questions if not blank(given.get(id)))

    @property
    def strays(self) -> tuple[str, ...]:
        """What is answered and was never asked."""
        return tuple(id for id in self.submission.answers if id not in self.questions)

    @property
    def pending(self) -> tuple[str, ...]:
        """The questions that only a person can mark and nobody has marked."""
        return tuple(
            question.id
            for question in self.questions.values()
            if not question.options and question.id not in self.marks
        )

    @property
    def unmarked(self) -> bool:
        """Whether there are questions for a person, and not one of them has a mark."""
        return bool(self.pending) and not self.marks

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, and what it may have been meant for."""
        told = [
            f"“{_short(id)}” was left out: there is no such question{self._near(id)}."
            for id in self.strays[:3]
        ]
        if len(self.strays) > 3:
            told.append(f"{len(self.strays) - 3} more answers belong to no question.")
        return tuple(told)

    def standing(self) -> str | None:
        """How far a person has come with marking, in a sentence; None where nothing is open."""
        if not self.pending:
            return None
        if self.unmarked:
            answered = f"{len(self.answered)} of {len(self.questions)} questions are answered"
            return f"{answered}. A person marks them; nothing is marked yet."
        return f"{len(self.pending)} of {len(self.questions)} questions have no mark yet."

    def meant_for(self, id: str) -> str:
        """` (…)` with what may have been meant for a question that has no answer, or nothing."""
        near = [stray for stray in self.strays if id in self._nearest(stray)]
        return f" (the file has “{_short(near[0])}”: is it meant for “{id}”?)" if near else ""

    def _near(self, stray: str) -> str:
        near = self._nearest(stray)
        return f"; “{near[0]}” was meant, perhaps" if near else ""

    def _nearest(self, stray: str) -> list[str]:
        return difflib.get_close_matches(stray[:SHOWN].lower(), self.questions, n=1, cutoff=0.6)


def blank(value: Any) -> bool:
    """Whether nothing is written."""
    return value is None or (isinstance(value, str) and not value.strip())


def described(value: Any) -> str:
    """What stands in the place of a text, in a student's words."""
    return _TYPES.get(type(value), "a date or time")


def choose(value: Any, options: Mapping[str, str]) -> str:
    """The letter that was chosen: alone, with a bracket or dot, or by the option's own text.

    Raises Unclear for several options, for none of them, and for what is no text.
    """
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = ", ".join(value)
    if not isinstance(value, str):
        raise Unclear(f"the answer is {described(value)}, not a letter in quotes")
    text = unicodedata.normalize("NFKC", value[:2_000]).strip().casefold()
    for letter, option in options.items():
        if text == option.strip().casefold():
            return letter
    parts = [part for part in _BETWEEN.split(text) if part]
    if len(parts) == 1 and len(text) <= len(options):
        parts = list(dict.fromkeys(parts[0]))
    chosen = [part for part in dict.fromkeys(parts) if part in options]
    if len(chosen) == len(set(parts)) > 0:
        if len(chosen) == 1:
            return chosen[0]
        raise Unclear(f"{len(chosen)} options are chosen: {' and '.join(chosen)}")
    raise Unclear(f"“{_short(value.strip())}” is none of the options")


def _short(text: str) -> str:
    shown = printable(text[:SHOWN])
    return f"{shown}…" if len(text) > SHOWN else shown

"""The questions of a lab, as its starter asks them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from grader.course.lines import line_of
from grader.course.toml_files import parse, read_text
from grader.errors import LabError
from grader.submissions.answers import ANSWER, LAB

QUESTION = "question"


@dataclass(frozen=True)
class Question:
    """One question. `options` maps letters to answers to choose from; without any, it is open."""

    id: str
    text: str
    options: Mapping[str, str]


def read_questions(starter: Path) -> Mapping[str, Question]:
    """The questions by id, in their order. Raises LabError, with the line, for a faulty starter."""
    return _read(starter, read_text(starter))


@lru_cache(maxsize=8)
def _read(starter: Path, text: str) -> Mapping[str, Question]:
    questions = {}
    for id, table in parse(starter, text).items():
        if id == LAB:
            continue
        try:
            questions[id] = _question(id, table)
        except ValueError as error:
            raise LabError(
                f"{starter}:{line_of(text, (id,))}: [{id}] {error}.",
                hint="A question has its text, options a, b, … if it has any, and answer = “”.",
            ) from None
    if not questions:
        raise LabError(f"{starter} asks no question.", hint="Begin each with a table: [q1].")
    return questions


def _question(id: str, table: Any) -> Question:
    if not isinstance(table, dict):
        raise ValueError("is no table")
    options = {key: text for key, text in table.items() if key not in (QUESTION, ANSWER)}
    if not isinstance(table.get(QUESTION), str) or not isinstance(table.get(ANSWER), str):
        raise ValueError(f"needs the texts “{QUESTION}” and “{ANSWER}”")
    if table[ANSWER].strip():
        raise ValueError("has an answer already")
    for key, text in options.items():
        if not (len(key) == 1 and key.isascii() and key.islower() and isinstance(text, str)):
            raise ValueError(f"“{key}” is no option: a small letter with a text")
    if len(options) == 1:
        raise ValueError("has one option only")
    return Question(id, table[QUESTION].strip(), options)

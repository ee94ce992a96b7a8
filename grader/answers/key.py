"""A quiz's key, sealed: nobody reads the answers by opening a file, yet a laptop can mark at once.

A quiz that is marked offline needs its key where it is marked. What each choice means is
therefore kept choice by choice, scrambled under the question, the letter and the option's text: a
choice opens its own entry, and nothing lies open that a reader could stumble over. That is no
secret: whoever tries every letter learns what “grade check” would have said each time.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.answers.questions import Question
from grader.errors import LabError

SCHEMA = "grader.key/1"
BLOCK = 1024
"""Bytes to which each entry is filled up, so that its length tells nothing."""
_SEAL_AGAIN = "After a change to a question or its key: python scripts/seal_key.py LAB"


@dataclass(frozen=True)
class Verdict:
    """What choosing an option means. `next` says what to read again, where it is not right."""

    right: bool
    why: str
    next: str | None = None
    misconception: str | None = None


def seal(lab_id: str, questions: Mapping[str, Question], reference: Mapping[str, Any]) -> str:
    """The sealed key as text: always the same for the same input.

    `reference` is the lab's reference file: each question's table has `answer` (the letter),
    `concept` (what to read again), `why` (a text for each letter) and maybe `mistakes` (the
    misconception that a letter gives away). Raises LabError where something is missing.
    """
    sealed = {}
    for question in questions.values():
        verdicts = _verdicts(question, reference.get(question.id))
        sealed[question.id] = {
            letter: base64.b64encode(_scramble(lab_id, question, letter, _packed(verdict))).decode()
            for letter, verdict in verdicts.items()
        }
    document = {"schema": SCHEMA, "lab": lab_id, "questions": sealed}
    return json.dumps(document, indent=1) + "\n"


def read_key(path: Path, lab_id: str, question: Question, letter: str) -> Verdict:
    """What a choice means. Raises LabError for a key that does not fit the question."""
    try:
        document = json.loads(path.read_bytes())
        if document["schema"] != SCHEMA:
            raise ValueError(document["schema"])
        entry = base64.b64decode(document["questions"][question.id][letter], validate=True)
        return Verdict(**json.loads(_scramble(lab_id, question, letter, entry)))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        raise LabError(
            f"{path} does not fit the question {question.id} of {lab_id}.", hint=_SEAL_AGAIN
        ) from None


def _verdicts(question: Question, entry: Any) -> dict[str, Verdict]:
    try:
        right, why, concept = entry["answer"], entry["why"], entry["concept"]
        if right not in question.options or set(why) != set(question.options):
            raise LookupError
        mistakes = entry.get("mistakes", {})
        return {
            letter: Verdict(True, why[letter])
            if letter == right
            else Verdict(False, why[letter], concept, mistakes.get(letter))
            for letter in question.options
        }
    except (LookupError, TypeError, AttributeError):
        raise LabError(
            f"the key of {question.id} is not complete",
            hint="It needs answer, concept, and a why for each option.",
        ) from None


def _packed(verdict: Verdict) -> bytes:
    packed = json.dumps(verdict.__dict__).encode()
    return packed + b" " * (-len(packed) % BLOCK)


def _scramble(lab_id: str, question: Question, letter: str, content: bytes) -> bytes:
    """Scramble or unscramble: the same stream of bytes is laid over the content."""
    under = json.dumps([SCHEMA, lab_id, question.id, question.text, letter, question.options])
    stream = hashlib.shake_256(under.encode()).digest(len(content))
    return bytes(a ^ b for a, b in zip(content, stream, strict=True))

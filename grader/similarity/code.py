"""What is kept of a submission to compare it: its code, and the fingerprints of that."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.records.submission import Submission
from grader.similarity.tokens import Part, parts_of, tokens_of
from grader.similarity.winnowing import grams, winnowed

SCHEMA = "grader.code/1"


@dataclass(frozen=True)
class Code:
    """The code of a submission. `fingerprints` are uint64, sorted, each once."""

    id: str
    sha256: str
    parts: tuple[Part, ...]
    fingerprints: np.ndarray

    def to_json(self) -> dict[str, Any]:
        """What stands in its file."""
        packed = self.fingerprints.astype("<u8").tobytes()
        return {
            "schema": SCHEMA,
            "id": self.id,
            "sha256": self.sha256,
            "parts": [[part.file, part.cell, part.first_line, part.source] for part in self.parts],
            "fingerprints": base64.b64encode(packed).decode("ascii"),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Code:
        """The inverse of `to_json`. Raises ValueError, LookupError or TypeError."""
        if data["schema"] != SCHEMA:
            raise ValueError(f"code of schema {SCHEMA} is wanted")
        packed = base64.b64decode(data["fingerprints"], validate=True)
        parts = tuple(
            Part(str(file), cell, int(line), str(source))
            for file, cell, line, source in data["parts"]
        )
        return cls(str(data["id"]), str(data["sha256"]), parts, np.frombuffer(packed, dtype="<u8"))


def code_of(submission: Submission) -> Code:
    """The code of a submission that could be read. Nothing of it is run."""
    parts = parts_of(submission)
    found = winnowed(grams([token.symbol for token in tokens_of(parts)]))
    return Code(submission.id, submission.sha256, parts, found)


def given_to_all(submission: Submission) -> np.ndarray:
    """All hashes of code that everybody was given, such as the starter: uint64, sorted.

    All runs, not only fingerprints: which of them a window keeps depends on what stands around it.
    """
    return np.unique(grams([token.symbol for token in tokens_of(parts_of(submission))]))

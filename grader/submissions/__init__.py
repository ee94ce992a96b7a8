"""Finding and reading what was handed in: bounded, never executed, never trusted."""

from __future__ import annotations

from grader.submissions.find import find
from grader.submissions.read import read, unreadable

__all__ = ["find", "read", "unreadable"]

"""Labs whose submissions are answers in a file: the questions, the key, and marks by people."""

from __future__ import annotations

from grader.answers.key import Verdict, read_key, seal
from grader.answers.marks import Mark, find_marks
from grader.answers.questions import Question, read_questions

__all__ = ["Mark", "Question", "Verdict", "find_marks", "read_key", "read_questions", "seal"]

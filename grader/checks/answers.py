"""What a check asks of a file of answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from grader.answers.key import read_key
from grader.answers.questions import Question
from grader.answers.sheet import Sheet, Unclear, blank, choose, described
from grader.checks.expectations import Shortfall, fail
from grader.errors import LabError

WITHOUT_KEY = "answered; there is no key here, so it is marked when it is handed in"
WAITING = "answered; it waits for a person's mark"


class Answers:
    """The submission's answers: `answers.expect_right("q1")`, `answers.expect_marked("q1")`."""

    def __init__(self, sheet: Sheet, remark: Callable[[Shortfall], None]) -> None:
        self._sheet = sheet
        self._remark = remark

    def expect_right(self, id: str) -> None:
        """Expect the right option, and explain the one that was chosen, right or wrong.

        Without an answer, or without a key in this course, the check is skipped.
        """
        __tracebackhide__ = True
        question, value = self._asked(id)
        if blank(value):
            self._not_yet(id)
        letters = list(question.options)
        try:
            letter = choose(value, question.options)
        except Unclear as unclear:
            fail(
                observed=str(unclear),
                expected=f"one letter, {', '.join(letters[:-1])} or {letters[-1]}, in quotes",
                why="What was meant cannot be told, so it is not marked.",
                next="Write the letter of the one option that you choose.",
            )
        if self._sheet.lab.key is None:
            pytest.skip(WITHOUT_KEY)
        verdict = read_key(self._sheet.lab.key, self._sheet.lab.id, question, letter)
        chosen = f"you chose {letter}: {question.options[letter]}"
        if not verdict.right:
            fail(
                observed=chosen,
                expected="",
                misconception=verdict.misconception,
                why=verdict.why,
                next=verdict.next,
            )
        self._remark(Shortfall(chosen, "", verdict.why))

    def expect_marked(self, id: str) -> None:
        """Give the points that a person gave; without a mark, the check is skipped."""
        __tracebackhide__ = True
        _, value = self._asked(id)
        mark = self._sheet.marks.get(id)
        if mark is None:
            if blank(value):
                self._not_yet(id)
            if not isinstance(value, str):
                fail(
                    observed=f"the answer is {described(value)}, not a text",
                    expected="a text in quotes",
                    next="Put three quotes before your text and three after it.",
                )
            pytest.skip(WAITING)
        worth = self._sheet.lab.rubric.points[id]
        observed = f"marked by a person: {mark.points:g} of {worth:g} points"
        if mark.points < worth:
            fail(observed=observed, expected="", why=mark.comment, earned=mark.points / worth)
        self._remark(Shortfall(observed, "", mark.comment))

    def _asked(self, id: str) -> tuple[Question, object]:
        question = self._sheet.questions.get(id)
        if question is None or id not in self._sheet.lab.rubric.points:
            raise LabError(
                f"{self._sheet.lab.starter} and the rubric do not both have “{id}”.",
                hint="A question stands in both under one id.",
            )
        return question, self._sheet.submission.answers.get(id)

    def _not_yet(self, id: str) -> None:
        pytest.skip(f"not answered yet{self._sheet.meant_for(id)}")

"""Arguments that scikit-learn dropped."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

Note = Callable[[str, str], None]


def in_logistic(module: Any, note: Note) -> None:
    """Take `multi_class=` and `penalty='none'` of LogisticRegression."""
    original = module.LogisticRegression.__init__

    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        if "multi_class" in kwargs:
            del kwargs["multi_class"]
            note("removed-sklearn-argument", "multi_class is given")
        if kwargs.get("penalty") == "none":
            kwargs["penalty"] = None
            note("removed-sklearn-argument", "penalty='none'")
        original(self, *args, **kwargs)

    module.LogisticRegression.__init__ = __init__

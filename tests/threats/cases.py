"""The list: all cases, in the order of their numbers."""

from __future__ import annotations

import importlib

from tests.threats.case import Case

FAMILIES = {
    "Forging a result": "forging",
    "Fooling the judge": "fooling",
    "Learnt by heart": "by_heart",
    "Secrets": "spying",
    "Odd files": "odd_files",
    "Resources": "exhausting",
    "Escape": "escaping",
    "Model and data files": "model_files",
    "Submission files": "handed_in",
    "Reports": "reports",
    "Operation": "operation",
}


def all_cases() -> list[Case]:
    """Every case, by number."""
    modules = [importlib.import_module(f"tests.threats.{name}") for name in FAMILIES.values()]
    return sorted((case for one in modules for case in one.CASES), key=lambda case: case.number)

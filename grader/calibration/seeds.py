"""The same submission under another seed: the numbers that it plants itself are moved as well."""

from __future__ import annotations

import ast
from dataclasses import replace

from grader.records.submission import Cell, Submission

PLANTING = {"set_random_seed", "set_seed", "seed", "manual_seed", "default_rng", "RandomState"}
NAMED = {"seed", "random_state"}


def with_seed(submission: Submission, seed: int) -> Submission:
    """Add `seed` to every seed that the source plants; a cell that is no Python stays as it is."""
    return replace(submission, cells=tuple(_reseeded(cell, seed) for cell in submission.cells))


def _reseeded(cell: Cell, seed: int) -> Cell:
    try:
        tree = ast.parse(cell.source)
    except (SyntaxError, ValueError):
        return cell
    changed = False
    for call in [node for node in ast.walk(tree) if isinstance(node, ast.Call)]:
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        planted = [word.value for word in call.keywords if word.arg in NAMED]
        for value in [*planted, *(call.args[:1] if name in PLANTING else [])]:
            if isinstance(value, ast.Constant) and type(value.value) is int:
                value.value += seed
                changed = True
    return replace(cell, source=ast.unparse(tree)) if changed else cell

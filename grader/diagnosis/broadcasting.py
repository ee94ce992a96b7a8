"""Columns that meet flat arrays: the (n, n) tables that NumPy makes of them without a word."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.diagnosis.case import Case, Detector
from grader.diagnosis.facts import see
from grader.diagnosis.source import called, constant, keyword
from grader.records.misconception import Sighting

FEWEST = 2
"""Rows from which a column and a flat array make a table."""
REDUCERS = {"mean", "sum", "average", "reduce_mean", "reduce_sum", "count_nonzero"}
FLAT_CALLS = {"ravel", "flatten", "squeeze"}
COLUMN = "column"
FLAT = "flat"


def square_tables(case: Case) -> Iterator[Sighting]:
    """(n, 1) and (n,) compared or subtracted, and the table's mean or sum taken."""
    forms = _forms(case)
    seen: set[str] = set()
    for item, call in case.source.calls(*REDUCERS):
        for node in ast.walk(call):
            code = _crossing(node, forms)
            if code is None or code in seen:
                continue
            seen.add(code)
            doing = "compared with" if code == "broadcast-accuracy" else "subtracted from"
            observed = f"a column (n, 1) and a flat array (n,) are {doing} each other"
            expected = "the same shape on both sides, so that n pairs are left"
            yield see(code, observed, expected, item.place)


def _forms(case: Case) -> dict[str, str]:
    """Which variables are columns (n, 1) and which are flat (n,), as they were at the end."""
    forms = {}
    for value in case.evidence.values:
        shape = value.array.shape if value.array is not None else ()
        if len(shape) == 1 and shape[0] >= FEWEST:
            forms[value.name] = FLAT
        elif len(shape) == 2 and shape[1] == 1 and shape[0] >= FEWEST:
            forms[value.name] = COLUMN
    return forms


def _crossing(node: ast.AST, forms: dict[str, str]) -> str | None:
    """The mistake of a comparison or difference of a column and a flat array."""
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
        sides, code = (node.left, node.comparators[0]), "broadcast-accuracy"
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        sides, code = (node.left, node.right), "silent-broadcast"
    else:
        return None
    return code if {_form(side, forms) for side in sides} == {COLUMN, FLAT} else None


def _form(node: ast.expr, forms: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return forms.get(node.id)
    if not isinstance(node, ast.Call):
        return None
    name = called(node)
    if name == "reshape":
        sizes = [
            n for arg in node.args for n in (arg.elts if isinstance(arg, ast.Tuple) else [arg])
        ]
        last = constant(sizes[-1]) if sizes else None
        if last == 1:
            return COLUMN
        return FLAT if last == -1 and len(node.args) == 1 and len(sizes) == 1 else None
    if name == "argmax":
        axes = [constant(arg) for arg in (*node.args[-1:], keyword(node, "axis"))]
        return FLAT if {1.0, -1.0} & set(axes) and keyword(node, "keepdims") is None else None
    return FLAT if name in FLAT_CALLS else None


DETECTORS: tuple[Detector, ...] = (square_tables,)

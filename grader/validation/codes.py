"""Codes that a lab's checks name and that no mistake has: found before anything runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from grader import catalogue
from grader.errors import LabError
from grader.records.lab import Lab
from grader.validation.trees import called


def must_know_all_codes(lab: Lab) -> None:
    """Raise LabError (file and line) for a code in a check file that is none."""
    for path in sorted({*lab.public_checks, *lab.hidden_checks}):
        for line, code in _codes(path):
            _must_be_known(path, line, code)


def _must_be_known(path: Path, line: int, code: str) -> None:
    try:
        catalogue.get(code)
    except LabError as error:
        raise LabError(f"{path}:{line}: {error.message}.", hint=error.hint) from None


def _codes(path: Path) -> Iterator[tuple[int, str]]:
    """Codes where they can be told from other texts: `misconception="…"`, `mistakes={"…": …}`,
    and the arguments of `expect_none`.
    """
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.keyword) and node.arg == "misconception":
            yield from _texts([node.value])
        elif isinstance(node, ast.keyword) and node.arg == "mistakes":
            if isinstance(node.value, ast.Dict):
                yield from _texts([key for key in node.value.keys if key is not None])
        elif isinstance(node, ast.Call) and called(node) == "expect_none":
            yield from _texts(node.args)


def _texts(nodes: list[ast.expr]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), filename=str(path))

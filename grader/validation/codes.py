"""Codes and check ids that a lab's files name and that do not exist: found before anything runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set
from pathlib import Path

from grader import catalogue
from grader.errors import LabError
from grader.records.lab import Lab
from grader.validation.trees import called


def must_know_all_names(lab: Lab) -> None:
    """Raise LabError (file and line) for a mistake or a check that a check file names in vain."""
    for path in sorted({*lab.public_checks, *lab.hidden_checks}):
        for line, code in _codes(path):
            _must_be_known(path, line, code)
        for line, id in _needed(path):
            _must_be_a_check(path, line, id, set(lab.rubric.points))


def _must_be_known(path: Path, line: int, code: str) -> None:
    try:
        catalogue.get(code)
    except LabError as error:
        raise LabError(f"{path}:{line}: {error.message}.", hint=error.hint) from None


def _must_be_a_check(path: Path, line: int, id: str, known: Set[str]) -> None:
    if id not in known:
        raise LabError(
            f"{path}:{line}: the lab has no check “{id}” that could be needed.",
            hint=f"Its checks are {', '.join(sorted(known))}.",
        )


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


def _needed(path: Path) -> Iterator[tuple[int, str]]:
    """The ids in `pytest.mark.needs(…)`."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.needs"):
            yield from _texts(node.args)


def _texts(nodes: list[ast.expr]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), filename=str(path))

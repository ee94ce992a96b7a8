"""Which checks a lab's files define: read as source, never imported."""

from __future__ import annotations

import ast
import difflib
from dataclasses import dataclass
from pathlib import Path

from grader.errors import LabError
from grader.titles import title_in

_NO_PYTHON = "Checks are Python source, in UTF-8."


@dataclass(frozen=True)
class CheckFunction:
    """A function `test_<id>` of a check file; `title` is the head of its docstring."""

    id: str
    title: str
    hidden: bool
    path: Path
    line: int
    needs: tuple[str, ...] = ()


def _is_hidden_mark(node: ast.expr) -> bool:
    """Whether an expression is `pytest.mark.hidden`, called or not, alone or in a list."""
    if isinstance(node, ast.Call):
        return _is_hidden_mark(node.func)
    if isinstance(node, ast.List | ast.Tuple):
        return any(_is_hidden_mark(element) for element in node.elts)
    return ast.unparse(node).endswith("mark.hidden")


def _module_is_hidden(tree: ast.Module) -> bool:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if "pytestmark" in names and _is_hidden_mark(node.value):
                return True
    return False


def read_checks(path: Path) -> list[CheckFunction]:
    """The checks of one file, in its order. Raises LabError naming file and line."""
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except SyntaxError as error:
        raise LabError(f"{path}:{error.lineno or 1}: {error.msg}.", hint=_NO_PYTHON) from None
    except (OSError, ValueError) as error:
        raise LabError(f"{path} cannot be read: {error}.", hint=_NO_PYTHON) from None
    all_hidden = _module_is_hidden(tree)
    return [
        _read_check(path, node, all_hidden)
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    ]


def _read_check(
    path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef, all_hidden: bool
) -> CheckFunction:
    title = title_in(ast.get_docstring(node, clean=False) or "")
    if not title:
        raise LabError(
            f"{path}:{node.lineno}: the check {node.name} has no docstring.",
            hint="Its first line is what the student reads as the check's title.",
        )
    hidden = all_hidden or any(_is_hidden_mark(mark) for mark in node.decorator_list)
    needs = tuple(name for mark in node.decorator_list for name in _needed(mark))
    return CheckFunction(node.name.removeprefix("test_"), title, hidden, path, node.lineno, needs)


def _needed(mark: ast.expr) -> list[str]:
    """The names in `pytest.mark.needs("a", "b")`."""
    if not isinstance(mark, ast.Call) or not ast.unparse(mark.func).endswith("mark.needs"):
        return []
    names = [arg.value for arg in mark.args if isinstance(arg, ast.Constant)]
    return [name for name in names if isinstance(name, str)]


def unique_checks(paths: tuple[Path, ...]) -> dict[str, CheckFunction]:
    """All checks of a lab by id. Raises LabError when two have the same, or one needs none."""
    checks: dict[str, CheckFunction] = {}
    for path in paths:
        for check in read_checks(path):
            if (first := checks.get(check.id)) is not None:
                raise LabError(
                    f"{check.path}:{check.line}: a second check is called “{check.id}”; "
                    f"the first is at {first.path}:{first.line}.",
                    hint="Rename one of them: a check's id is what the rubric knows it by.",
                )
            checks[check.id] = check
    for check in checks.values():
        for unknown in set(check.needs) - set(checks):
            near = difflib.get_close_matches(unknown, checks, 1)
            raise LabError(
                f"{check.path}:{check.line}: the check {check.id} needs “{unknown}”, "
                "which the lab does not have.",
                hint=f"Did you mean “{near[0]}”?" if near else "Name a check of this lab.",
            )
    return checks

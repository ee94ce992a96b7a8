"""A reference that trains less, so that its mutants cost seconds and not minutes each."""

from __future__ import annotations

import ast
from dataclasses import replace

from grader.records.lab import Validation
from grader.records.submission import Cell, Submission
from grader.validation.operators import number_of
from grader.validation.trees import called


def shortened(reference: Submission, budget: Validation) -> Submission:
    """The reference with at most `budget.epochs` epochs, on the first `budget.images` pictures.

    Epochs are found where they are written as a number: an argument, a default or a variable
    called `epochs`. Cells that are not plain Python stay as they are, and so does the submission
    where the budget asks for nothing.
    """
    if budget.epochs is None and budget.images is None:
        return reference
    cells = tuple(_shortened(cell, budget) for cell in reference.cells)
    return replace(reference, cells=cells)


def _shortened(cell: Cell, budget: Validation) -> Cell:
    try:
        tree = ast.parse(cell.source)
    except SyntaxError:
        return cell
    before = ast.unparse(tree)
    if budget.epochs is not None:
        _cap_epochs(tree, budget.epochs)
    if budget.images is not None:
        _cap_images(tree, budget.images)
    after = ast.unparse(ast.fix_missing_locations(tree))
    return cell if after == before else replace(cell, source=after)


def _cap_epochs(tree: ast.Module, most: int) -> None:
    for node in ast.walk(tree):
        named_so = isinstance(node, ast.keyword) and node.arg == "epochs"
        if isinstance(node, ast.keyword | ast.Assign) and (named_so or _names_epochs(node)):
            node.value = _at_most(node.value, most)
        elif isinstance(node, ast.arguments) and node.defaults:
            named = node.args[-len(node.defaults) :]
            node.defaults = [
                _at_most(value, most) if argument.arg == "epochs" else value
                for argument, value in zip(named, node.defaults, strict=True)
            ]


def _names_epochs(node: ast.AST) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(name, ast.Name) and name.id.lower() == "epochs" for name in targets)


def _at_most(value: ast.expr, most: int) -> ast.expr:
    number = number_of(value)
    return ast.Constant(most) if isinstance(number, int) and number > most else value


def _cap_images(tree: ast.Module, most: int) -> None:
    """Keep the first pairs of the training half, or of `x, y = fetch_openml(…)`."""
    for place, node in reversed(list(enumerate(tree.body))):
        if isinstance(node, ast.Assign) and (names := _loaded(node)):
            cut = f"{', '.join(names)} = {', '.join(f'{name}[:{most}]' for name in names)}"
            tree.body[place + 1 : place + 1] = ast.parse(cut).body


def _loaded(node: ast.Assign) -> list[str]:
    """The pictures and labels that may be cut: x and y of `(x, y), (…) = ….load_data()`."""
    if not isinstance(node.value, ast.Call) or not isinstance(node.targets[0], ast.Tuple):
        return []
    halves: list[ast.expr] = node.targets[0].elts
    if called(node.value) == "load_data" and halves and isinstance(halves[0], ast.Tuple):
        return [ast.unparse(name) for name in halves[0].elts]
    return [ast.unparse(name) for name in halves] if called(node.value) == "fetch_openml" else []

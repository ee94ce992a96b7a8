"""The mutants of a reference: made in the order of its source, each with a name that lasts."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from grader.records.lab import Lab
from grader.records.submission import Submission
from grader.validation import training
from grader.validation.operators import OPERATORS
from grader.validation.trees import Edit, Slot, first_difference, slots, text_with

MOST_CHEAP = 150
MOST_TRAINED = 24


@dataclass(frozen=True)
class Mutant:
    """One changed reference.

    `id` is `<function or cell>/<operator>/<count>`, so that it stays what it is while other
    functions change. `line` counts in the cell; `change` is one line, before → after.
    """

    id: str
    operator: str
    cell: int
    line: int
    change: str
    submission: Submission


@dataclass(frozen=True)
class _Change:
    place: str
    operator: str
    cell: int
    slot: Slot
    edit: Edit


def make_mutants(lab: Lab, reference: Submission) -> list[Mutant]:
    """Every mutant of a reference, none twice and none that reads like the reference."""
    trees = _trees(reference)
    cells = {cell.number: cell for cell in reference.cells}
    made: list[Mutant] = []
    counts: Counter[str] = Counter()
    plain = {number: ast.unparse(tree) for number, tree in trees.items()}
    seen = set(plain.items())
    for change in _changes(lab, trees):
        text = text_with(trees[change.cell], change.edit)
        if text is None or (change.cell, text) in seen:
            continue
        seen.add((change.cell, text))
        kind = f"{change.place}/{change.operator}"
        counts[kind] += 1
        id = f"{kind}/{counts[kind]}"
        changed = tuple(
            replace(cell, source=text) if cell.number == change.cell else cell
            for cell in reference.cells
        )
        made.append(
            Mutant(
                id=id,
                operator=change.operator,
                cell=change.cell,
                line=change.slot.line + cells[change.cell].first_line - 1,
                change=first_difference(plain[change.cell], text),
                submission=replace(reference, id=id, cells=changed),
            )
        )
    return made


def choose(mutants: Sequence[Mutant], most: int) -> list[Mutant]:
    """At most so many, taken from each operator in turn and kept in their order.

    Within an operator they are spread over the source from its first to its last.
    """
    if len(mutants) <= most:
        return list(mutants)
    by_operator: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        by_operator[mutant.operator].append(mutant)
    shares = dict.fromkeys(by_operator, 0)
    left = most
    while left:
        for operator, found in by_operator.items():
            if left and shares[operator] < len(found):
                shares[operator] += 1
                left -= 1
    kept = {
        found[index * len(found) // share].id
        for operator, found in by_operator.items()
        if (share := shares[operator])
        for index in range(share)
    }
    return [mutant for mutant in mutants if mutant.id in kept]


def most_for(lab: Lab) -> int:
    """How many mutants of a lab are graded: as lab.toml says, else by what one costs."""
    asked = lab.validation.mutants
    return asked if asked is not None else MOST_CHEAP if lab.cheap else MOST_TRAINED


def _trees(reference: Submission) -> dict[int, ast.Module]:
    """The cells that are plain Python."""
    trees = {}
    for cell in reference.cells:
        try:
            trees[cell.number] = ast.parse(cell.source)
        except SyntaxError:
            continue
    return trees


def _changes(lab: Lab, trees: dict[int, ast.Module]) -> Iterator[_Change]:
    functions = {
        node.name: (number, node)
        for number, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }
    for name in _needed(lab.functions, functions):
        number, function = functions[name]
        for slot in slots(function, (trees[number],)):
            for operator, change in OPERATORS.items():
                for new in change(slot):
                    yield _Change(name, operator, number, slot, [(slot, new)])
    context = training.context_of(trees.values(), optimizer_asked=lab.validation.optimizer_asked)
    for number, tree in trees.items():
        places = list(slots(tree))
        for operator, find in training.OPERATORS.items():
            for edit in find(places, context):
                yield _Change(f"cell{number}", operator, number, edit[0][0], edit)


def _needed(asked: Sequence[str], functions: dict[str, tuple[int, ast.FunctionDef]]) -> list[str]:
    """The functions that a lab asks for, and those of the reference that they call."""
    needed = [name for name in asked if name in functions]
    for name in needed:
        for node in ast.walk(functions[name][1]):
            if isinstance(node, ast.Name) and node.id in functions and node.id not in needed:
                needed.append(node.id)
    return needed

"""The same submission under another seed: the numbers that it plants itself are moved as well.

Only those numbers change in the text, so that every line stays where it is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import replace

from grader.diagnosis.source import MAX_CELL, called, parse
from grader.records.submission import Cell, ExtraFile, Submission

PLANTING = {
    "set_random_seed",
    "set_seed",
    "seed",
    "manual_seed",
    "default_rng",
    "RandomState",
    "Random",
    "SeedGenerator",
}
NAMED = {"seed", "random_state"}
SEEDS = 1 << 32
"""NumPy takes seeds below this; a larger one comes round to 0."""


def with_seed(submission: Submission, seed: int) -> Submission:
    """Add `seed` to every seed that the source plants, as a number or by the name of one.

    What is no Python stays as it is.
    """
    modules = [file for file in submission.files if file.path.endswith(".py")]
    sources = [cell.source for cell in submission.cells] + [_text(file) for file in modules]
    numbers = _names_of_numbers(tree for source in sources if (tree := _tree(source)) is not None)

    def cell(one: Cell) -> Cell:
        return replace(one, source=_reseeded(one.source, numbers, seed))

    def file(one: ExtraFile) -> ExtraFile:
        before = _text(one)
        after = _reseeded(before, numbers, seed)
        return one if after == before else replace(one, content=after.encode())

    return replace(
        submission,
        cells=tuple(map(cell, submission.cells)),
        files=tuple(file(one) if one in modules else one for one in submission.files),
    )


def _text(file: ExtraFile) -> str:
    try:
        return file.content.decode()
    except UnicodeDecodeError:
        return ""


def _tree(source: str) -> ast.Module | None:
    return parse(source) if len(source) <= MAX_CELL else None


def _names_of_numbers(trees: Iterable[ast.Module]) -> frozenset[str]:
    """The names that hold whole numbers wherever they are given a value."""
    whole: dict[str, bool] = {}
    for tree in trees:
        for name, value in _given(tree):
            whole[name] = whole.get(name, True) and _is_whole(value)
    return frozenset(name for name, always in whole.items() if always)


def _given(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Every name that is given a value, or looped over values, with that value or the first."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield from ((to.id, node.value) for to in node.targets if isinstance(to, ast.Name))
        elif isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
            yield node.target.id, node.value
        elif isinstance(node, ast.arguments):
            placed = [*node.posonlyargs, *node.args][::-1]
            pairs = list(zip(placed, node.defaults[::-1], strict=False))
            pairs += [
                (name, value)
                for name, value in zip(node.kwonlyargs, node.kw_defaults, strict=True)
                if value is not None
            ]
            yield from ((name.arg, value) for name, value in pairs)
        elif isinstance(node, ast.For | ast.comprehension) and isinstance(node.target, ast.Name):
            yield node.target.id, _first_of(node.iter)


def _first_of(values: ast.expr) -> ast.expr:
    if isinstance(values, ast.List | ast.Tuple) and values.elts:
        return values.elts[0]
    if isinstance(values, ast.Call) and called(values) == "range":
        return ast.Constant(0)
    return values


def _is_whole(node: ast.expr) -> bool:
    value = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(value, ast.Constant) and type(value.value) is int


def _reseeded(source: str, numbers: frozenset[str], seed: int) -> str:
    tree = _tree(source)
    if tree is None:
        return source
    lines = source.split("\n")
    for node in sorted(_seeds(tree), key=lambda node: (node.lineno, node.col_offset), reverse=True):
        row = node.lineno - 1
        line = lines[row].encode(errors="surrogatepass") if row < len(lines) else b""
        written = line[node.col_offset : node.end_col_offset].decode(errors="replace")
        # Inside an f-string the places that Python tells are not those in the text.
        if node.end_lineno != node.lineno or not _stands_for(written, node):
            continue
        if isinstance(node, ast.Constant):
            new = str((int(written, 0) + seed) % SEEDS)
        elif node.id in numbers:
            new = f"({node.id} + {seed}) % {SEEDS}"
        else:
            continue
        before, after = line[: node.col_offset], line[node.end_col_offset :]
        lines[row] = (before + new.encode() + after).decode(errors="surrogatepass")
    return "\n".join(lines)


def _stands_for(written: str, node: ast.Constant | ast.Name) -> bool:
    if isinstance(node, ast.Name):
        return written == node.id
    try:
        return bool(int(written, 0) == node.value)
    except ValueError:
        return False


def _seeds(tree: ast.Module) -> Iterator[ast.Constant | ast.Name]:
    """What is given as a seed, if it is written as a whole number or a name."""
    for call in [node for node in ast.walk(tree) if isinstance(node, ast.Call)]:
        given = [word.value for word in call.keywords if word.arg in NAMED]
        for value in [*given, *(call.args[:1] if called(call) in PLANTING else [])]:
            if isinstance(value, ast.Name) or (
                isinstance(value, ast.Constant) and type(value.value) is int
            ):
                yield value

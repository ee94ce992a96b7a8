"""The submission's code as syntax trees, cell by cell, without ever running it.

IPython's magics are blanked out, a cell that does not parse is read up to its fault, and code
beyond any honest size is not read at all.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from grader.records.submission import Submission

MAX_CELL = 200_000
MAX_TOTAL = 1_000_000
PYTHON_CELL_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")
ASSIGNED_MAGIC = re.compile(r"^(\s*[\w, ]+=\s*)[!%].*$")

Place = tuple[int | None, int | None]


@dataclass(frozen=True)
class Node:
    """A syntax node and the place where the student finds it."""

    node: ast.AST
    cell: int | None
    line: int | None

    @property
    def place(self) -> Place:
        """(cell, line)."""
        return self.cell, self.line


@dataclass(frozen=True)
class Statement:
    """One statement (a compound one is followed by those inside it)."""

    node: ast.stmt
    cell: int | None
    line: int


class Source:
    """All code of a submission."""

    def __init__(self, submission: Submission) -> None:
        self._submission = submission

    @property
    def text(self) -> str:
        """All code as it was written."""
        return self._submission.source

    @cached_property
    def _trees(self) -> tuple[tuple[int | None, int, ast.Module], ...]:
        cells = self._submission.cells
        whole = self._submission.kind == "module" and len(cells) == 1
        trees: list[tuple[int | None, int, ast.Module]] = []
        total = 0
        for cell in cells:
            total += len(cell.source)
            if len(cell.source) > MAX_CELL or total > MAX_TOTAL:
                continue
            tree = parse(cell.source)
            if tree is not None:
                trees.append((None if whole else cell.number, cell.first_line - 1, tree))
        return tuple(trees)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every node, cell by cell."""
        return tuple(
            Node(node, cell, _line(node, shift))
            for cell, shift, tree in self._trees
            for node in ast.walk(tree)
        )

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Every statement in the order in which it is written."""
        found = [
            Statement(item.node, item.cell, item.line or 0)
            for item in self.nodes
            if isinstance(item.node, ast.stmt)
        ]
        order = {cell: rank for rank, (cell, _, _) in enumerate(self._trees)}
        return tuple(sorted(found, key=lambda s: (order.get(s.cell, 0), s.line)))

    def calls(self, *names: str) -> Iterator[tuple[Node, ast.Call]]:
        """Calls of functions or methods whose last name is one of `names` (any, without names)."""
        for item in self.nodes:
            if isinstance(item.node, ast.Call) and (not names or called(item.node) in names):
                yield item, item.node

    def at(self, cell: int | None, line: int | None) -> ast.stmt | None:
        """The innermost statement that covers a line of a cell."""
        best: ast.stmt | None = None
        shift = {number: before for number, before, _ in self._trees}.get(cell, 0)
        for item in self.statements:
            end = (item.node.end_lineno or item.node.lineno) + shift
            if item.cell == cell and line is not None and item.line <= line <= end:
                best = item.node
        return best

    def made_good(self, statement: ast.stmt, cell: int, sound: frozenset[int]) -> bool:
        """Whether a later cell that ran writes to the same names or makes the same call."""
        wanted = set(targets(statement))
        call = getattr(statement, "value", None)
        name = called(call) if not wanted and isinstance(call, ast.Call) else ""
        for item in self.statements:
            if item.cell is None or item.cell <= cell or item.cell not in sound:
                continue
            if wanted and wanted <= set(targets(item.node)):
                return True
            other = getattr(item.node, "value", None)
            if name and isinstance(other, ast.Call) and called(other) == name:
                return True
        return False

    def first(self, accept: Callable[[ast.AST], bool]) -> Place:
        """Where the first node stands that is accepted; (None, None) where none is."""
        for item in self.nodes:
            if accept(item.node):
                return item.place
        return None, None

    def call_place(self, name: str, keyword: str | None = None) -> Place:
        """Where a function is last called (and its keyword argument stands)."""
        place: Place = (None, None)
        for item, call in self.calls(name):
            if keyword is None:
                place = item.place
            for argument in call.keywords:
                if argument.arg == keyword:
                    shift = (item.line or 0) - call.lineno
                    place = item.cell, argument.value.lineno + shift
        return place


def parse(source: str) -> ast.Module | None:
    """The tree of a cell, as far as it can be read; None where nothing can."""
    tree = _parsed(source)
    if tree is not None:
        return tree
    text = without_magics(source)
    if text is None:
        return None
    return _parsed(text) or _parsed(_before_fault(text))


def _parsed(text: str) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _before_fault(text: str) -> str:
    try:
        compile(text, "<cell>", "exec", ast.PyCF_ONLY_AST)
    except SyntaxError as error:
        return "\n".join(text.split("\n")[: max((error.lineno or 1) - 1, 0)])
    except (ValueError, RecursionError, MemoryError):
        pass
    return ""


def without_magics(source: str) -> str | None:
    """The cell with IPython's own lines blanked, None for a cell of another language."""
    lines = source.split("\n")
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith("%%") and first.split()[0] not in PYTHON_CELL_MAGICS:
        return None
    return "\n".join(_blank(line) for line in lines)


def _blank(line: str) -> str:
    body = line.strip()
    indent = line[: len(line) - len(line.lstrip())]
    if body.startswith(("%", "!", "?")) or (body.endswith("?") and "#" not in body):
        return indent + "pass"
    assigned = ASSIGNED_MAGIC.match(line)
    return assigned.group(1) + "None" if assigned else line


def _line(node: ast.AST, shift: int) -> int | None:
    line = getattr(node, "lineno", None)
    return None if line is None else line + shift


def called(call: ast.Call) -> str:
    """The last name of what is called: `fit` for `model.fit(...)`."""
    return last_name(call.func)


def last_name(node: ast.AST) -> str:
    """`c` for `a.b.c`, the name itself for a name, "" otherwise."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def owner(call: ast.Call) -> str:
    """The last name before the method: `model` for `model.fit(...)`."""
    return last_name(call.func.value) if isinstance(call.func, ast.Attribute) else ""


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a keyword argument."""
    return next((item.value for item in call.keywords if item.arg == name), None)


def constant(node: ast.AST | None) -> float | None:
    """A literal number, also with a sign; None for all else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = constant(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return _as_float(node.value)
    return None


def _as_float(value: object) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        return None


def targets(statement: ast.stmt) -> tuple[str, ...]:
    """The names that an assignment writes to, left to right."""
    if isinstance(statement, ast.Assign):
        places: list[ast.expr] = list(statement.targets)
    elif isinstance(statement, (ast.AugAssign, ast.AnnAssign)):
        places = [statement.target]
    else:
        return ()
    return tuple(
        node.id for place in places for node in ordered(place) if isinstance(node, ast.Name)
    )


def ordered(place: ast.expr) -> Iterator[ast.expr]:
    """The parts of a nested tuple target, left to right."""
    stack: list[ast.expr] = [place]
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.Tuple, ast.List)):
            stack.extend(reversed(node.elts))
        elif isinstance(node, ast.Starred):
            stack.append(node.value)
        else:
            yield node


def names_in(node: ast.AST) -> set[str]:
    """Every plain name that is read or written inside a node."""
    return {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}

"""Places in a syntax tree, and what the source reads like with something else in them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import zip_longest

WIDE, AROUND = 60, 15
"""Longest line shown whole; characters kept around a change in a longer one."""

COSMETIC = frozenset(
    "verbose figsize label labels title cmap color c fontsize ha va dpi linewidth alpha marker "
    "seed random_state n_jobs name annot fmt loc".split()
)
"""Keyword arguments that change how something looks, or which random numbers are drawn."""

SHOWN = frozenset({"print", "display"})


@dataclass(frozen=True)
class Slot:
    """A node and where it hangs: `parent.field`, or item `index` of that list.

    `path` are its ancestors from the root down; `parent` is the last of them.
    """

    path: tuple[ast.AST, ...]
    field: str
    index: int | None
    node: ast.AST

    @property
    def parent(self) -> ast.AST:
        """The node that this one hangs on."""
        return self.path[-1]

    @property
    def line(self) -> int:
        """The line in the cell, counted from 1."""
        return next(
            (line for node in (self.node, *reversed(self.path)) if (line := _line(node))), 1
        )


Edit = Sequence[tuple[Slot, ast.AST | None]]
"""What goes into which places at once; None takes an item out of its list."""


def _line(node: ast.AST) -> int:
    return int(getattr(node, "lineno", 0))


def slots(root: ast.AST, path: tuple[ast.AST, ...] = ()) -> Iterator[Slot]:
    """Every place below `root` in the order of the source, but for what no mutant is made of.

    Left out: docstrings, annotations, decorators, `raise` and `assert`, and what only shows.
    """
    here = (*path, root)
    for field, value in ast.iter_fields(root):
        if field in ("annotation", "returns", "decorator_list", "ctx", "type_params"):
            continue
        items = value if isinstance(value, list) else [value]
        for index, item in enumerate(items):
            if not isinstance(item, ast.AST) or only_shows(item):
                continue
            yield Slot(here, field, index if isinstance(value, list) else None, item)
            yield from slots(item, here)


def only_shows(node: ast.AST) -> bool:
    """Whether a node has no part in what is computed: texts, prints, refusals, looks."""
    if isinstance(node, ast.Raise | ast.Assert):
        return True
    if isinstance(node, ast.keyword):
        return node.arg in COSMETIC
    if not isinstance(node, ast.Expr):
        return False
    if isinstance(node.value, ast.Constant):
        return True
    return isinstance(node.value, ast.Call) and called(node.value) in SHOWN


def called(call: ast.Call) -> str:
    """The last part of the called name: `fit` of `model.fit(…)`; empty where there is none."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def calls(places: Iterable[Slot], *names: str) -> Iterator[tuple[Slot, ast.Call]]:
    """The places that call one of these names, with the call."""
    for slot in places:
        if isinstance(slot.node, ast.Call) and called(slot.node) in names:
            yield slot, slot.node


def keywords(places: Iterable[Slot], *names: str) -> Iterator[tuple[Slot, ast.keyword]]:
    """The places that give an argument one of these names, with the argument."""
    for slot in places:
        if isinstance(slot.node, ast.keyword) and slot.node.arg in names:
            yield slot, slot.node


@contextmanager
def edited(edit: Edit) -> Iterator[None]:
    """Have an edit in the tree for a while."""
    with ExitStack() as stack:
        # From the back, lest taking an item out moves those that are still to come.
        for slot, new in sorted(edit, key=lambda part: -(part[0].index or 0)):
            stack.enter_context(_held(slot, new))
        yield


@contextmanager
def _held(slot: Slot, new: ast.AST | None) -> Iterator[None]:
    if slot.index is None:
        if new is None:
            raise ValueError(f"only an item of a list can be taken out, not {slot.field}")
        setattr(slot.parent, slot.field, new)
        try:
            yield
        finally:
            setattr(slot.parent, slot.field, slot.node)
        return
    items: list[ast.AST] = getattr(slot.parent, slot.field)
    before = list(items)
    items[slot.index : slot.index + 1] = [] if new is None else [new]
    try:
        yield
    finally:
        items[:] = before


def text_with(tree: ast.AST, edit: Edit) -> str | None:
    """The source of `tree` under an edit, or None where it is no program any more."""
    with edited(edit):
        try:
            text = ast.unparse(tree)
            compile(text, "<mutant>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return None
    return text


def first_difference(before: str, after: str) -> str:
    """One line that says what changed: the first statement that reads otherwise, cut to it."""
    old, new = before.split("\n"), after.split("\n")
    pairs = list(zip_longest(old, new, fillvalue=""))
    place = next((index for index, (one, other) in enumerate(pairs) if one != other), None)
    if place is None:
        return "nothing"
    one, other = (line.strip() for line in pairs[place])
    if max(len(one), len(other)) > WIDE:
        one, other = _cut(one, other)
    more = len(old) == len(new) and sum(one != other for one, other in pairs) - 1
    return f"{one} → {other or '(nothing)'}" + (f" (and {more} more)" if more else "")


def _cut(one: str, other: str) -> tuple[str, str]:
    """Leave out what two long lines share at both ends, but for some words around."""
    start = _shared(one, other)
    end = _shared(one[start:][::-1], other[start:][::-1])
    first, last = max(0, start - AROUND), max(0, end - AROUND)
    lead, trail = "… " if first else "", " …" if last else ""
    short = [f"{lead}{line[first : len(line) - last]}{trail}" for line in (one, other)]
    return short[0], short[1]


def _shared(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))

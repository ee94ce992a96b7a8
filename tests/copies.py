"""A made set of known copies: answers to the course's labs, disguised as copiers disguise them.

The independent answers are the labs' own: references and fixtures/right. Copies are modules with
`# %%` cells, and need not run: what is changed is what a person would change in a minute.
"""

from __future__ import annotations

import ast
import builtins
import io
import keyword
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from grader.records.submission import Submission
from grader.submissions import read

ROOT = Path(__file__).resolve().parent.parent
CELL = "# %%\n"


@dataclass(frozen=True)
class MadeClass:
    """Sources by id, and the pairs of ids of which one has code of the other."""

    lab: str
    sources: dict[str, str]
    copies: frozenset[frozenset[str]]


def labs() -> list[str]:
    """The labs that are answered in code."""
    return sorted(path.parent.name for path in (ROOT / "assignments").glob("lab*/lab.toml"))


def starter(lab: str) -> Submission:
    return read(ROOT / "assignments" / lab / "starter.ipynb")


def independent(lab: str) -> dict[str, str]:
    """The different right answers to a lab, as modules of cells."""
    files = sorted((ROOT / "assignments" / lab / "fixtures/right").iterdir())
    return {path.stem: as_module(path) for path in [*files, ROOT / "reference" / f"{lab}.ipynb"]}


def as_module(path: Path) -> str:
    return "".join(f"{CELL}{cell.source.strip()}\n\n" for cell in read(path).cells)


def made_class(lab: str) -> MadeClass:
    """The independent answers to a lab, and copies of some of them, one disguise each."""
    sources = independent(lab)
    names = list(sources)
    copied: set[frozenset[str]] = set()
    for number, (how, disguise) in enumerate(DISGUISES.items()):
        if number * 2 >= len(names) + len(DISGUISES):  # few answers: not all copied twice
            break
        original = names[number % len(names)]
        copy = f"{original}-{how}"
        sources[copy] = disguise(sources[original])
        copied |= {frozenset(pair) for pair in combinations(_family(sources, original), 2)}
    half, other = names[-1], names[-2]
    sources[f"{half}-half"] = half_and_half(sources[half], sources[other])
    copied |= {frozenset((f"{half}-half", name)) for name in _family(sources, half)}
    copied |= {frozenset((f"{half}-half", name)) for name in _family(sources, other)}
    return MadeClass(lab, sources, frozenset(pair for pair in copied if len(pair) == 2))


def _family(sources: dict[str, str], original: str) -> list[str]:
    copies = [f"{original}-{how}" for how in DISGUISES]
    return [name for name in sources if name == original or name in copies]


def cells(source: str) -> list[str]:
    return [cell for cell in re.split(r"(?m)^# %%\n", source) if cell.strip()]


def renamed(source: str) -> str:
    """Every variable, parameter and function has another name, but those of keyword arguments."""
    own = set(_own_names(source)) - set(_keywords(source)) - {"self", "cls"}
    names = {name: f"my_{name[::-1]}" for name in own if not name.startswith("__")}

    def new(item: tokenize.TokenInfo, before: str, _after: str) -> str:
        known = item.type == tokenize.NAME and before != "."
        return names.get(item.string, item.string) if known else item.string

    return _rewritten(source, new)


def _nodes(source: str) -> Iterator[ast.AST]:
    for cell in cells(source):
        yield from ast.walk(ast.parse(without_magics(cell)))


def without_magics(source: str) -> str:
    return re.sub(r"(?m)^\s*[%!].*$", "", source)


def _own_names(source: str) -> Iterator[str]:
    for node in _nodes(source):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.FunctionDef):
            yield node.name


def _keywords(source: str) -> Iterator[str]:
    for node in _nodes(source):
        if isinstance(node, ast.keyword) and node.arg:
            yield node.arg


def recommented(source: str) -> str:
    """Every comment is gone, and others stand after many lines."""
    bare = _rewritten(
        source, lambda item, _b, _a: "" if item.type == tokenize.COMMENT else item.string
    )
    told = []
    for number, line in enumerate(bare.split("\n")):
        ends = line.rstrip().endswith(("(", ",", "[", '"""', "\\")) or not line.strip()
        told.append(line if ends or number % 3 else f"{line}  # step {number}")
    return "\n".join(told)


def with_other_literals(source: str) -> str:
    """Every number and every text is another."""

    def new(item: tokenize.TokenInfo, _before: str, _after: str) -> str:
        if item.type == tokenize.NUMBER:
            return str(int(item.string) + 3) if item.string.isdecimal() else "0.12345"
        if item.type == tokenize.STRING and item.string[0] in "\"'" and item.string[:3] != '"""':
            return '"my own words"'
        return item.string

    return _rewritten(source, new)


def reordered(source: str) -> str:
    """The cells stand in another order, or the statements where there is one cell."""
    parts = cells(source)
    if len(parts) > 2:
        return "".join(f"{CELL}{part}" for part in [*parts[1::2], *parts[0::2]])
    body = ast.parse("\n".join(parts)).body
    return "\n\n".join(ast.unparse(node) for node in [*body[1::2], *body[0::2]])


def with_statements_put_in(source: str) -> str:
    """After every third statement stands one that does nothing."""
    changed = []
    for cell in cells(source):
        lines = cell.split("\n")
        ends = sorted({(node.end_lineno, node.col_offset) for node in _statements(cell)})
        for row, indent in reversed(ends[::3]):
            lines.insert(row or 0, " " * indent + "print('still here')")
        changed.append(CELL + "\n".join(lines))
    return "".join(changed)


def _statements(cell: str) -> Iterator[ast.stmt]:
    for node in _nodes(cell):
        if isinstance(node, ast.Assign | ast.Expr) and not isinstance(
            getattr(node, "value", None), ast.Constant
        ):
            yield node


def reformatted(source: str) -> str:
    """Other layout, no comments: as a formatter writes it."""
    return "".join(
        f"{CELL}{ast.unparse(ast.parse(without_magics(cell)))}\n" for cell in cells(source)
    )


def thoroughly(source: str) -> str:
    """Renamed, with other literals, other comments, and statements put in."""
    return with_statements_put_in(recommented(with_other_literals(renamed(source))))


def half_and_half(one: str, other: str) -> str:
    """The first half of one answer's lines and the second of another's."""
    first, second = one.split("\n"), other.split("\n")
    return "\n".join([*first[: len(first) // 2], *second[len(second) // 2 :]])


DISGUISES: dict[str, Callable[[str], str]] = {
    "renamed": renamed,
    "comments": recommented,
    "literals": with_other_literals,
    "reordered": reordered,
    "put-in": with_statements_put_in,
    "layout": reformatted,
    "thorough": thoroughly,
}


def _rewritten(source: str, new: Callable[[tokenize.TokenInfo, str, str], str]) -> str:
    """The source with each token put through `new`, which gets those before and after it too."""
    blanked = without_magics(source)
    items = list(tokenize.generate_tokens(io.StringIO(blanked).readline))
    lines = blanked.split("\n")
    for number in range(len(items) - 1, -1, -1):
        item = items[number]
        if item.start[0] != item.end[0] or not item.string.strip() or item.string == "# %%":
            continue
        if keyword.iskeyword(item.string) or item.string in dir(builtins):
            continue
        before = items[number - 1].string if number else ""
        after = items[number + 1].string if number + 1 < len(items) else ""
        row, (start, end) = item.start[0] - 1, (item.start[1], item.end[1])
        lines[row] = lines[row][:start] + new(item, before, after) + lines[row][end:]
    return "\n".join(lines)

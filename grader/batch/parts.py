"""What of a lab a verdict depends on, part by part: so that it can be told what has changed."""

from __future__ import annotations

import ast
import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from grader import catalogue
from grader.records.lab import Lab

RUBRIC, MESSAGES, CHECKS = "rubric", "messages", "checks"
"""What may change. The first two can be applied without running anything."""
_CHECK, _FILE = "check ", "file "
_WORDS_OF_A_LAB = ("title", "summary", "validation")
"""Keys of lab.toml that no outcome depends on."""


def parts_of(lab: Lab, files: Iterable[Path], rubric: Path) -> dict[str, str]:
    """A hash of each part: the rubric, the messages, each check, and each of the other `files`.

    A check's title is no part of it, nor is how its code is laid out.
    """
    parts = {
        RUBRIC: _hash(rubric.read_bytes()),
        MESSAGES: _hash(catalogue.FILE.read_bytes()),
    }
    checks = {*lab.public_checks, *lab.hidden_checks}
    for path in files:
        name = _FILE + path.relative_to(lab.folder).as_posix()
        if path in checks:
            parts |= _parts_of_checks(path, name)
        elif path == lab.folder / "lab.toml":
            table = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
            judged = {key: table[key] for key in table if key not in _WORDS_OF_A_LAB}
            parts[name] = _hash(json.dumps(judged, sort_keys=True, default=str).encode())
        else:
            parts[name] = _hash(path.read_bytes())
    return parts


def _parts_of_checks(path: Path, name: str) -> dict[str, str]:
    """Each check by its id, and the rest of their file."""
    parts, rest = {}, []
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        id = ""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:] or [ast.Pass()]
            id = node.name.removeprefix("test_") if node.name.startswith("test_") else ""
        source = ast.unparse(node)
        if id:
            parts[_CHECK + id] = _hash(source.encode())
        else:
            rest.append(source)
    return {**parts, name: _hash("\n".join(rest).encode())}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def unanswered(old: Mapping[str, str], new: Mapping[str, str], lab: Lab) -> list[str]:
    """What has changed so that only running the submissions again can tell what it means."""
    said = []
    for part in sorted({*old, *new} - {RUBRIC, MESSAGES}):
        if old.get(part) == new.get(part):
            continue
        kind, _, name = part.partition(" ")
        if kind == "check":
            said += _of_check(name, part in old, part in new, lab)
        elif part in new or not name.startswith("checks/test_"):
            said.append(f"{name} changed" if part in old else f"{name} is new")
    return said


def _of_check(id: str, was_there: bool, is_there: bool, lab: Lab) -> list[str]:
    if was_there and is_there:
        return [f"the code of the check {id} changed"]
    if is_there:
        return [f"the check {id} is new and was never run"]
    return [f"the check {id} is not in this course"] if id in lab.rubric.points else []


def changed(old: Mapping[str, str], new: Mapping[str, str]) -> set[str]:
    """Which of `rubric`, `messages` and `checks` differ; none where one is not known."""
    if not old or not new:
        return set()
    parts = {part for part in {*old, *new} if old.get(part) != new.get(part)}
    others = {CHECKS} if parts - {RUBRIC, MESSAGES} else set()
    return (parts & {RUBRIC, MESSAGES}) | others

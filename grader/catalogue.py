"""The catalogue of mistakes: `misconceptions.toml`, checked and ready to look things up in."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from grader.errors import LabError
from grader.records.misconception import STAGES, Misconception
from grader.records.result import Severity

FILE = Path(__file__).with_name("misconceptions.toml")
SEVERITIES: tuple[str, ...] = get_args(Severity)


@cache
def load() -> Mapping[str, Misconception]:
    """Every known mistake by its code, in the file's order. Raises LabError for a faulty file."""
    return read(FILE)


def read(path: Path) -> Mapping[str, Misconception]:
    """The catalogue in another file. Raises LabError with the entry at fault."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise LabError(f"{path}: {error}", hint="Mend the file of mistakes.") from error
    return MappingProxyType({code: _entry(path, code, table) for code, table in tables.items()})


def get(code: str) -> Misconception:
    """The entry of a code. Raises LabError, with the nearest codes, where there is none."""
    entry = load().get(code)
    if entry is None:
        near = difflib.get_close_matches(code, load(), n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"See {FILE.name}."
        raise LabError(f"no mistake is called {code!r}", hint=hint)
    return entry


def priority(code: str) -> int:
    """The rank of a code, lowest first: by stage, within a stage by severity (E, W, C, L)."""
    entry = get(code)
    return STAGES.index(entry.stage) * len(SEVERITIES) + SEVERITIES.index(entry.severity)


def _entry(path: Path, code: str, table: Any) -> Misconception:
    where = f"{path.name}: [{code}]"
    if not isinstance(table, dict):
        raise LabError(f"{where} is not a table", hint="Begin each mistake with its code in [ ].")
    hints = table.get("hints", [])
    texts = {key: table.get(key) for key in ("severity", "stage", "title", "why", "next")}
    unknown = sorted(set(table) - set(texts) - {"hints"})
    missing = sorted(key for key, text in texts.items() if not (isinstance(text, str) and text))
    if unknown or missing:
        raise LabError(
            f"{where}: missing {missing}, unknown {unknown}", hint="Compare a neighbour."
        )
    if texts["severity"] not in SEVERITIES or texts["stage"] not in STAGES:
        raise LabError(
            f"{where}: severity {texts['severity']!r} or stage {texts['stage']!r} is unknown",
            hint=f"Severities are {', '.join(SEVERITIES)}; stages are {', '.join(STAGES)}.",
        )
    if not (isinstance(hints, list) and all(isinstance(hint, str) for hint in hints)):
        raise LabError(f"{where}: hints is not a list of texts", hint='Write hints = ["…"].')
    return Misconception(code=code, hints=tuple(hints), **texts)  # type: ignore[arg-type]

"""The verdict as one page: no script, nothing fetched, the same bytes for the same input.

The page's own policy forbids everything but its one style sheet (named by its hash) and pictures
written into it, so text that slipped through as markup would still be dead.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from grader.gist import STOPPED
from grader.records.exhibits import Exhibits
from grader.records.result import Outcome, Result, Status
from grader.report import charts, words
from grader.report.clean import clean, line
from grader.report.digest import AT_MOST, BROKEN, full_marks, good_to_know, passed, to_mend
from grader.report.pictures import data_uri

RING = 52.0
"""Radius of the score ring, in its own units."""
MAX_CURVES, MAX_FINDINGS, MAX_FAULTS, MAX_CLASSES, MAX_LAYERS = 6, 30, 10, 26, 120


def render_html(result: Result, exhibits: Exhibits, hints: bool = False) -> str:
    """The whole page. With `hints`, layered hints are there to be opened one after the other."""
    style = source("report.css")
    template = environment().get_template("report.html.j2")
    return template.render(
        policy=content_policy(style),
        style=Markup(style),  # our own file
        result=result,
        exhibits=exhibits,
        graded=result.status is Status.GRADED,
        hints=hints,
        limit=result.limit and words.limit_words(result.limit, exhibits.limits),
        limits=_limits(exhibits.limits),
        **_verdict(result, exhibits),
        **_pictures(exhibits),
    )


def _verdict(result: Result, exhibits: Exhibits) -> dict[str, Any]:
    things = to_mend(result, exhibits)
    return {
        "first": things[0] if things else None,
        "then": things[1:AT_MOST],
        "waiting": max(len(things) - AT_MOST, 0),
        "ring": _ring(result),
        "passed": passed(result),
        "full_marks": full_marks(result),
        "good_to_know": good_to_know(result)[:MAX_FINDINGS],
        "broken": BROKEN,
        "stopped": STOPPED,
    }


def _pictures(exhibits: Exhibits) -> dict[str, Any]:
    return {
        "trainings": _trainings(exhibits),
        "confusion": _confusion(exhibits),
        "pictures": [(data_uri(item.image), item) for item in exhibits.mistaken],
        "faults": exhibits.faults[:MAX_FAULTS],
        "layers": exhibits.layers[:MAX_LAYERS],
        "total_parameters": sum(row.parameters for row in exhibits.layers),
    }


def content_policy(style: str, script: str = "") -> str:
    """The page's Content-Security-Policy: one style sheet and at most one script by their hashes,
    pictures inside the page.
    """
    own = f"script-src {_hashed(script)}; " if script else ""
    return (
        f"default-src 'none'; style-src {_hashed(style)}; {own}img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hashed(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"


@cache
def source(name: str) -> str:
    """The text of one of our own templates or style sheets."""
    text = files("grader.report").joinpath("templates", name).read_text(encoding="utf-8")
    return text.replace("\r\n", "\n")


@cache
def environment() -> Environment:
    """How every page is made: all that enters it is escaped, and cleaned before that."""
    made = Environment(
        loader=FunctionLoader(source),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(
        one_line=line,
        points=words.points,
        shape=_shape,
        thousands=_thousands,
        percent=_percent,
        sentence=_sentence,
    )
    made.globals.update(words=words, charts=charts, Outcome=Outcome, radius=RING, place=words.place)
    return made


def _finalize(value: Any) -> Any:
    """Every text that enters the page is cleaned, whatever the template forgot."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return clean(value, 200_000)
    return value


def _ring(result: Result) -> Mapping[str, Any]:
    around = 2 * 3.141592653589793 * RING
    share = words.share(result.score, result.max_score)
    return {"dash": f"{share * around:.2f} {around:.2f}", "share": share}


def _trainings(exhibits: Exhibits) -> list[tuple[str, Any, tuple[charts.Chart, ...]]]:
    drawn = [(item.label, item.values, charts.charts(item.values)) for item in exhibits.curves]
    return [item for item in drawn if item[2]][:MAX_CURVES]


def _confusion(exhibits: Exhibits) -> charts.Confusion | None:
    matrix = exhibits.confusion
    return charts.confusion(matrix) if matrix is not None and len(matrix) <= MAX_CLASSES else None


def _limits(limits: Mapping[str, float]) -> list[tuple[str, str]]:
    """The bounds that a student may meet, in words."""
    told = (
        ("run_seconds", "a run", "{:g} s"),
        ("call_seconds", "a call", "{:g} s"),
        ("memory", "memory", ""),
        ("processes", "processes and threads", "{:g}"),
        ("work_folder", "files", ""),
        ("text_ends_run", "printed text", ""),
    )
    return [
        (name, form.format(limits[key]) if form else words.size(limits[key]))
        for key, name, form in told
        if key in limits
    ]


def _shape(shape: tuple[int | None, ...] | None) -> str:
    if not shape:
        return "–"
    return " × ".join("any" if side is None else str(side) for side in shape[1:]) or "one number"


def _thousands(number: int) -> str:
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share == share else ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]

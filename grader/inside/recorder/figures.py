"""Figures that are shown, saved or left open, as the fields of FigureEvent."""

from __future__ import annotations

import functools
import sys
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np

from .journal import Journal, Place
from .rows import RawRows

MAX_POINTS = 2_000
MAX_SIDE = 20


def _show_nothing(*args: Any, **kwargs: Any) -> None:
    """Nothing is drawn on a screen here."""


@dataclass
class _Making:
    figure: Any
    place: Place


class Figures:
    """Records each figure once, when it is done: shown, saved and closed, or at its cell's end."""

    def __init__(
        self,
        journal: Journal,
        histories: list[dict[str, list[float | None]]],
        raw: RawRows | None = None,
    ) -> None:
        self._journal = journal
        self._raw = raw
        self._histories = histories
        self._made_at: weakref.WeakKeyDictionary[Any, Place] = weakref.WeakKeyDictionary()
        self._recorded: weakref.WeakSet[Any] = weakref.WeakSet()
        self._saved: weakref.WeakSet[Any] = weakref.WeakSet()

    def in_pyplot(self, module: Any) -> None:
        """Make `show` silent, and look at figures before they are closed."""
        module.switch_backend("Agg")
        show, close = module.show, module.close
        around = self._journal.around

        nothing = functools.wraps(show)(_show_nothing)
        module.show = around(nothing, self._before_show, self._after_show)
        module.close = around(close, self._before_close, self._after)

    def in_figure(self, module: Any) -> None:
        """See `savefig`, whichever way it is reached, and keep `Figure.show` silent."""
        figure = module.Figure
        around = self._journal.around
        figure.__init__ = around(figure.__init__, self._before_making, self._made)
        figure.savefig = around(figure.savefig, self._before_save, self._after)
        figure.show = around(_show_nothing, self._before_save, self._after)

    def harvest(self) -> None:
        """Record and close what is open: a notebook shows it at the end of the cell."""
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None:
            return
        for figure in _open_figures()[:200]:
            self._journal.safely(self.record, figure)
        pyplot.close("all")

    def record(self, figure: Any) -> None:
        """Emit one figure, unless it was before or is empty."""
        if figure in self._recorded or not figure.get_axes():
            return
        self._recorded.add(figure)
        place = self._journal.where()
        if place[1] is None:
            place = self._made_at.get(figure, place)
        self._journal.event("figure", place, **self.facts(figure))

    def facts(self, figure: Any) -> dict[str, Any]:
        """Title and axes of a figure."""
        title = getattr(figure, "_suptitle", None)
        axes = [self._journal.safely(self._axes, axes) for axes in figure.get_axes()[:200]]
        return {
            "title": "" if title is None else _text(title.get_text()),
            "axes": [facts for facts in axes if facts is not None],
        }

    def _before_making(self, args: Any, kwargs: Any) -> _Making:  # noqa: ARG002
        return _Making(args[0], self._journal.where())

    def _made(self, ticket: _Making, result: Any, error: Any) -> None:  # noqa: ARG002
        self._made_at[ticket.figure] = ticket.place

    def _before_show(self, args: Any, kwargs: Any) -> bool:  # noqa: ARG002
        for figure in _open_figures():
            self.record(figure)
        return True

    def _after_show(self, ticket: Any, result: Any, error: Any) -> None:  # noqa: ARG002
        """As a notebook or a closed window does: what is drawn next is another figure."""
        sys.modules["matplotlib.pyplot"].close("all")

    def _before_close(self, args: Any, kwargs: Any) -> bool:  # noqa: ARG002
        """A figure that is closed unsaved and unshown was thrown away."""
        for figure in _open_figures():
            if figure in self._saved:
                self.record(figure)
        return True

    def _before_save(self, args: Any, kwargs: Any) -> bool:  # noqa: ARG002
        """More may be drawn after saving, unless pyplot does not know the figure."""
        self._saved.add(args[0])
        if all(figure is not args[0] for figure in _open_figures()):
            self.record(args[0])
        return True

    def _after(self, ticket: Any, result: Any, error: Any) -> None:
        """Nothing more is known after the call; a failure to draw is the student's to see."""

    def _axes(self, axes: Any) -> dict[str, Any]:
        legend = axes.get_legend()
        titles = [axes.get_title(loc) for loc in ("center", "left", "right")]
        return {
            "title": _text(next((title for title in titles if title), "")),
            "xlabel": _text(axes.get_xlabel()),
            "ylabel": _text(axes.get_ylabel()),
            "legend": [_text(item.get_text(), 300) for item in legend.get_texts()][:50]
            if legend
            else [],
            "lines": [self._line(line) for line in axes.get_lines()[:100]],
            "bars": sum(1 for patch in axes.patches if type(patch).__name__ == "Rectangle"),
            "images": len(axes.get_images()) + len(_meshes(axes)),
            "texts": [_text(item.get_text(), 300) for item in axes.texts[:400]],
            "matrices": _matrices(axes),
            "picture": self._journal.safely(self._picture, axes),
            "coloured": self._journal.safely(_coloured, axes) or [],
        }

    def _picture(self, axes: Any) -> int | None:
        """The raw digit that is shown, where one picture is drawn and it is one of them."""
        drawn = axes.get_images()
        if self._raw is None or len(drawn) != 1:
            return None
        match = self._raw.match(np.ma.filled(np.ma.asarray(drawn[0].get_array()), 0))
        return int(match.rows[0]) if match is not None and match.rows[0] >= 0 else None

    def _line(self, line: Any) -> dict[str, Any]:
        label = str(line.get_label())
        y = np.asarray(line.get_ydata(orig=True), dtype=object).reshape(-1)
        values = [_number(value) for value in y[:MAX_POINTS]]
        return {
            "label": "" if label.startswith("_") else label[:300],
            "y": values,
            "points": len(y),
            "key": self._key(values),
        }

    def _key(self, values: list[float | None]) -> str | None:
        """The history key whose values these are, of the latest training first."""
        if len(values) < 1 or None in values:
            return None
        wanted = np.asarray(values, dtype=float)
        for history in reversed(self._histories):
            for key, kept in history.items():
                if len(kept) != len(wanted) or None in kept:
                    continue
                same = np.asarray(kept, dtype=float)
                for scale in (1.0, 100.0):
                    if np.allclose(same * scale, wanted, rtol=1e-6, atol=1e-9):
                        return key
        return None


def _open_figures() -> list[Any]:
    """The figures that pyplot holds, the oldest first."""
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    if helpers is None:
        return []
    return [manager.canvas.figure for manager in helpers.Gcf.get_all_fig_managers()]


def _text(value: Any, limit: int = 4_000) -> str:
    return str(value)[:limit]


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _meshes(axes: Any) -> list[Any]:
    return [item for item in axes.collections if type(item).__name__ == "QuadMesh"]


def _coloured(axes: Any) -> list[list[str]]:
    """(text, colour) of titles, labels and texts in a colour, and of a frame in one."""
    titles = [axes.title, axes._left_title, axes._right_title]
    written = [*titles, axes.xaxis.label, axes.yaxis.label, *axes.texts]
    found = []
    for item in [item for item in written if item.get_text().strip()][:399]:
        box = item.get_bbox_patch()
        colours = [item.get_color()] + ([] if box is None else [box.get_facecolor()])
        text = _text(item.get_text(), 300)
        found += [[text, colour] for colour in map(_hex, colours) if _is_hue(colour)][:1]
    frames = [_hex(axes.spines[side].get_edgecolor()) for side in axes.spines]
    return found + [["", colour] for colour in frames if _is_hue(colour)][:1]


def _hex(colour: Any) -> str:
    return str(sys.modules["matplotlib.colors"].to_hex(colour))


def _is_hue(colour: str) -> bool:
    """Whether a colour `#rrggbb` differs from black, white and grey to the eye."""
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return max(parts) - min(parts) >= 64


def _matrices(axes: Any) -> list[Any]:
    """Small matrices of numbers that were drawn as an image or a heatmap."""
    found = []
    for drawn in [*axes.get_images(), *_meshes(axes)]:
        matrix: Any = np.ma.filled(np.ma.asarray(drawn.get_array(), dtype=float), np.nan)
        if matrix.ndim == 1:
            side = round(matrix.size**0.5)
            matrix = matrix.reshape(side, side) if side * side == matrix.size else matrix[None]
        small = matrix.ndim == 2 and 2 <= matrix.shape[0] <= MAX_SIDE >= matrix.shape[1] >= 2
        if small and np.all(np.isfinite(matrix)):
            found.append([list(matrix.shape), [float(value) for value in matrix.reshape(-1)]])
    return found[:4]

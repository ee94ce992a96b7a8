"""The geometry of the charts: numbers in, coordinates and labels out. Templates draw them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.records.exhibits import Numbers
from grader.report.clean import line

WIDTH, HEIGHT = 400, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 92, 14, 40
"""Pixels between the edge of the drawing and its axes."""
LABEL_HEIGHT = 16
MAX_POINTS = 400
MAX_MARKERS = 12
HUGE = 1e300


@dataclass(frozen=True)
class Tick:
    """A place on an axis and what is written there."""

    at: float
    label: str


@dataclass(frozen=True)
class Line:
    """A curve: `path` is SVG path data, `label_y` where its name stands, clear of the others."""

    name: str
    role: str
    path: str
    markers: tuple[tuple[float, float], ...]
    last: str
    label_y: float
    end_y: float


@dataclass(frozen=True)
class Chart:
    """A chart of one quantity over epochs. `summary` says in words what it shows."""

    title: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    summary: str
    remark: str


@dataclass(frozen=True)
class ConfusionCell:
    """A count, with `level` 0 to 5 of its tint and whether it lies on the diagonal."""

    count: int
    level: int
    right: bool


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix ready to draw; `worst`: its largest mistakes (true, predicted, count)."""

    rows: tuple[tuple[ConfusionCell, ...], ...]
    worst: tuple[tuple[int, int, int], ...]
    total: int


def charts(values: Mapping[str, Numbers]) -> tuple[Chart, ...]:
    """A chart for the loss, then one for each metric, train and held-out together; at most four."""
    names = [key.removeprefix("val_") for key in values]
    wanted = [name for name in dict.fromkeys(names) if name not in ("lr", "learning_rate")]
    wanted.sort(key=lambda name: name != "loss")
    drawn = (chart(name, values.get(name, ()), values.get(f"val_{name}", ())) for name in wanted)
    return tuple(item for item in drawn if item is not None)[:4]


def chart(name: str, train: Numbers, held_out: Numbers) -> Chart | None:
    """The chart of one quantity, None where it has no finite value."""
    series = [("training", "train", _finite(train)), ("held-out", "held", _finite(held_out))]
    series = [item for item in series if any(value is not None for value in item[2])]
    if not series:
        return None
    known = [value for _, _, values in series for value in values if value is not None]
    ticks = nice_ticks(min(known), max(known))
    epochs = max(len(values) for _, _, values in series)
    lines = [_line(label, role, values, epochs, ticks) for label, role, values in series]
    title = line(name, 60).replace("_", " ") or "value"
    return Chart(
        title=title,
        lines=tuple(_apart(lines)),
        x_ticks=tuple(Tick(_x(epoch, epochs), str(epoch)) for epoch in _epoch_ticks(epochs)),
        y_ticks=tuple(Tick(_y(value, ticks), _label(value, ticks)) for value in ticks),
        summary=". ".join(_in_words(label, values) for label, _, values in series) + ".",
        remark=_remark(title, series),
    )


def nice_ticks(low: float, high: float, wanted: int = 4) -> tuple[float, ...]:
    """Round values (steps of 1, 2 or 5) that enclose `low` to `high`; always at least two."""
    if high - low <= max(abs(low), abs(high)) * 1e-9:
        margin = abs(low) * 0.1 or 0.5
        low, high = low - margin, high + margin
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10, 20) if factor * power >= rough)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(number * step for number in range(first, max(last, first + 1) + 1))


def confusion(matrix: Sequence[Sequence[int]]) -> Confusion:
    """Tints for a k×k matrix: the diagonal by its share of the row, the rest by the worst."""
    rows = [[max(int(count), 0) for count in row] for row in matrix]
    wrong = [
        (true, predicted, count)
        for true, row in enumerate(rows)
        for predicted, count in enumerate(row)
        if true != predicted and count
    ]
    wrong.sort(key=lambda item: -item[2])
    worst = wrong[0][2] if wrong else 1
    return Confusion(
        rows=tuple(
            tuple(_cell(count, row, worst, i == j) for j, count in enumerate(row))
            for i, row in enumerate(rows)
        ),
        worst=tuple(wrong[:3]),
        total=sum(map(sum, rows)),
    )


def _cell(count: int, row: Sequence[int], worst: int, right: bool) -> ConfusionCell:
    whole = (sum(row) or 1) if right else worst
    return ConfusionCell(count, math.ceil(5 * count / whole), right)


def _finite(values: Numbers) -> list[float | None]:
    return [
        float(value) if value is not None and abs(value) < HUGE else None  # NaN compares false
        for value in values
    ]


def _x(epoch: int, epochs: int) -> float:
    share = 0.5 if epochs == 1 else (epoch - 1) / (epochs - 1)
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 2)


def _y(value: float, ticks: tuple[float, ...]) -> float:
    share = (value - ticks[0]) / (ticks[-1] - ticks[0])
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 2)


def _epoch_ticks(epochs: int) -> list[int]:
    step = next(s for s in _steps() if math.ceil(epochs / s) <= 6)
    ticks = [1, *range(step, epochs + 1, step)] if step > 1 else list(range(1, epochs + 1))
    return list(dict.fromkeys(ticks))


def _steps() -> list[int]:
    return [factor * 10**power for power in range(12) for factor in (1, 2, 5)]


def _label(value: float, ticks: tuple[float, ...]) -> str:
    step = ticks[1] - ticks[0]
    if abs(ticks[-1]) >= 1e5 or abs(ticks[0]) >= 1e5 or step < 1e-4:
        return f"{value:.2g}"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value:.{decimals}f}" if value else "0"


def _line(
    label: str, role: str, values: list[float | None], epochs: int, ticks: tuple[float, ...]
) -> Line:
    stride = max(1, math.ceil(len(values) / MAX_POINTS))
    path, markers, broken = [], [], True
    kept = [i for i in range(len(values)) if i % stride == 0 or i == len(values) - 1]
    for index in kept:
        value = values[index]
        if value is None:
            broken = True
            continue
        x, y = _x(index + 1, epochs), _y(value, ticks)
        path.append(f"{'M' if broken else 'L'}{x:g} {y:g}")
        markers.append((x, y))
        broken = False
    last = next(value for value in reversed(values) if value is not None)
    end_y = _y(last, ticks)
    every = max(1, math.ceil(len(markers) / MAX_MARKERS))
    shown = tuple(markers[::-every][::-1])
    return Line(label, role, "".join(path), shown, f"{last:.3g}", end_y, end_y)


def _apart(lines: list[Line]) -> list[Line]:
    if len(lines) < 2 or abs(lines[0].label_y - lines[1].label_y) >= 2 * LABEL_HEIGHT:
        return lines
    upper, lower = sorted(lines, key=lambda item: item.label_y)
    middle = (upper.label_y + lower.label_y) / 2
    middle = min(max(middle, TOP + LABEL_HEIGHT), HEIGHT - BOTTOM - LABEL_HEIGHT)
    places = {upper.role: middle - LABEL_HEIGHT, lower.role: middle + LABEL_HEIGHT}
    return [Line(**{**item.__dict__, "label_y": places[item.role]}) for item in lines]


def _in_words(label: str, values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if len(known) == 1:
        return f"{label}: {known[0]:.3g}"
    return f"{label}: from {known[0]:.3g} to {known[-1]:.3g} over {len(values)} epochs"


def _remark(title: str, series: list[tuple[str, str, list[float | None]]]) -> str:
    held = next((values for _, role, values in series if role == "held"), [])
    known = [(value, epoch) for epoch, value in enumerate(held, start=1) if value is not None]
    if title != "loss" or not known:
        return ""
    best = min(known)[1]
    if best == len(held):
        return "The held-out loss was still falling at the end." if len(held) > 1 else ""
    return f"The held-out loss was lowest after epoch {best} of {len(held)}."

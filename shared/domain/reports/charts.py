"""Charts as inline SVG: no script, nothing loaded, readable by a screen reader through title and description.

Colours are classes, so that a page decides them for light and dark. Every chart stands beside a table with its numbers.
"""

from __future__ import annotations

from html import escape
from math import ceil, floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 880, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 12, 34
TICKS = 5
LABELS = 8
"""Labels under a chart; more would run into each other."""

BAR_HEIGHT, BAR_GAP, NAME_WIDTH, VALUE_WIDTH = 22, 10, 132, 140
NAME_MAX = 15
RADIUS = 3

Series = tuple[str, "Sequence[int]"]


def columns(chart: str, title: str, description: str, names: Sequence[str], series: Sequence[Series]) -> str:
    """A column chart of one series or several, beside each other. `chart` is an id that is unique on the page."""
    top = _ceiling(max((value for _, values in series for value in values), default=0))
    step = (WIDTH - LEFT - RIGHT) / max(1, len(names))
    width = min(48.0, step * 0.76 / len(series))
    parts = [_grid(top)]
    for number, (_, values) in enumerate(series):
        for index, value in enumerate(values):
            x = LEFT + step * (index + 0.5) + width * (number - len(series) / 2)
            parts.append(_column(x, width, value, top, f"s{number + 1}", f"{names[index]}: {value:,}"))
    return _svg(chart, title, description, HEIGHT, [*parts, _names(names, step)])


def line(chart: str, title: str, description: str, names: Sequence[str], values: Sequence[int]) -> str:
    """A line with the area under it."""
    top = _ceiling(max(values, default=0))
    step = (WIDTH - LEFT - RIGHT) / max(1, len(names))
    points = [(LEFT + step * (index + 0.5), _y(value, top)) for index, value in enumerate(values)]
    parts = [_grid(top)]
    if points:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        bottom = HEIGHT - BOTTOM
        area = f"{points[0][0]:.1f},{bottom} {path} {points[-1][0]:.1f},{bottom}"
        parts += [f'<polygon class="area" points="{area}"/>', f'<polyline class="line" points="{path}"/>']
        parts.append(f'<circle class="dot" cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="4"/>')
    return _svg(chart, title, description, HEIGHT, [*parts, _names(names, step)])


def bars(chart: str, title: str, description: str, rows: Sequence[tuple[str, int, str]]) -> str:
    """Horizontal bars: name, value, and what stands behind the bar."""
    height = max(1, len(rows)) * (BAR_HEIGHT + BAR_GAP) + BAR_GAP
    top = max((value for _, value, _ in rows), default=0) or 1
    room = WIDTH - NAME_WIDTH - VALUE_WIDTH
    parts = []
    for index, (name, value, label) in enumerate(rows):
        y = BAR_GAP + index * (BAR_HEIGHT + BAR_GAP)
        middle = y + BAR_HEIGHT / 2 + 4.5
        width = max(1.0, room * value / top)
        shown = name if len(name) <= NAME_MAX else name[: NAME_MAX - 1] + "…"
        parts.append(f'<text class="name" x="{NAME_WIDTH - 10}" y="{middle}" text-anchor="end">{escape(shown)}</text>')
        parts.append(
            f'<rect class="s1" x="{NAME_WIDTH}" y="{y}" width="{width:.1f}" height="{BAR_HEIGHT}" rx="{RADIUS}">'
            f"<title>{escape(name)}: {escape(label)}</title></rect>"
        )
        parts.append(f'<text class="value" x="{NAME_WIDTH + width + 8:.1f}" y="{middle}">{escape(label)}</text>')
    return _svg(chart, title, description, height, parts)


def _svg(chart: str, title: str, description: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{chart}-title {chart}-about">'
        f'<title id="{chart}-title">{escape(title)}</title><desc id="{chart}-about">{escape(description)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def _column(x: float, width: float, value: int, top: int, kind: str, label: str) -> str:
    if not value:
        return ""
    y = min(_y(value, top), HEIGHT - BOTTOM - 1.0)  # what is not nothing can be seen
    height = HEIGHT - BOTTOM - y
    radius = min(RADIUS, width / 2, height)
    shape = (
        f"M{x:.1f},{HEIGHT - BOTTOM}v{radius - height:.1f}q0,{-radius:.1f} {radius:.1f},{-radius:.1f}"
        f"h{width - 2 * radius:.1f}q{radius:.1f},0 {radius:.1f},{radius:.1f}v{height - radius:.1f}z"
    )
    return f'<path class="{kind}" d="{shape}"><title>{escape(label)}</title></path>'


def _grid(top: int) -> str:
    parts = []
    for tick in _ticks(top):
        y = _y(tick, top)
        kind = "axis" if tick == 0 else "grid"
        parts.append(f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{tick:,}</text>')
    return "".join(parts)


def _names(names: Sequence[str], step: float) -> str:
    every = max(1, ceil(len(names) / LABELS))
    return "".join(
        f'<text class="tick" x="{LEFT + step * (index + 0.5):.1f}" y="{HEIGHT - 12}" text-anchor="middle">'
        f"{escape(name)}</text>"
        for index, name in enumerate(names)
        if index % every == 0
    )


def _y(value: int, top: int) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top


def _ticks(top: int) -> range:
    return range(0, top + 1, _step(top))


def _ceiling(largest: int) -> int:
    """The end of the axis: a whole number of steps."""
    if largest <= 0:
        return 1
    step = _step(largest)
    return ceil(largest / step) * step


def _step(largest: int) -> int:
    """A distance of 1, 2 or 5 times a power of ten, with at most `TICKS` of them and none of a fraction."""
    if largest <= TICKS:
        return 1
    power = 10 ** floor(log10(largest / TICKS))
    return int(next(power * factor for factor in (1, 2, 5, 10) if power * factor * TICKS >= largest))

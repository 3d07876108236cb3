"""A graph as a picture: boxes and arrows, given as plain data, as one SVG element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from unicodedata import east_asian_width

from aiorch.views.layout import layout
from aiorch.views.markup import text

Kind = Literal["input", "model", "function"]


@dataclass(frozen=True, slots=True)
class Box:
    """One thing of the graph."""

    label: str
    kind: Kind
    note: str = ""
    """What stands below the label, smaller."""
    hint: str = ""
    """What is shown where the pointer rests."""
    many: bool = False
    """Drawn as a stack: it is done once per item."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one box to another, by number."""

    source: int
    target: int
    kind: Literal["value", "order"] = "value"
    """``value``: the source's value is taken; ``order``: it only has to be done before."""


FILLS: Mapping[Kind, str] = {"input": "#888888", "model": "#3b82f6", "function": "#22a06b"}
"""Middle tones, laid thinly over whatever the page's ground is."""

HEIGHT, APART, MARGIN = 40.0, 34.0, 8.0
LONGEST = 24
"""Columns of a label; the hint has all of it."""


def graph_svg(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> str:
    """The graph as SVG that takes on the page's colour of text. Labels are shown as text, whatever they contain."""
    if not boxes:
        return ""
    widths = [
        max(72.0, 7.2 * max(_columns(_cut(b.label)), 0.85 * _columns(_cut(b.note))) + 22) for b in boxes
    ]
    found = layout(widths, [(a.source, a.target) for a in arrows])
    step = HEIGHT + APART
    width = found.width + 2 * MARGIN + 6
    height = found.layers * step - APART + 2 * MARGIN + 6

    def top(layer: int) -> float:
        return MARGIN + layer * step

    lines: list[str] = []
    for arrow, bends in zip(arrows, found.bends, strict=True):
        points = [
            (found.x[arrow.source] + MARGIN, top(found.layer[arrow.source]) + HEIGHT),
            *((x + MARGIN, top(layer) + down) for x, layer in bends for down in (0.0, HEIGHT)),
            (found.x[arrow.target] + MARGIN, top(found.layer[arrow.target])),
        ]
        lines.append(_line(points, dashed=arrow.kind == "order"))
    drawn = [
        _box(box, x + MARGIN, top(layer), wide)
        for box, x, layer, wide in zip(boxes, found.x, found.layer, widths, strict=True)
    ]
    return (
        f'<svg role="img" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
        'font-family="sans-serif" font-size="12" fill="currentColor" stroke="none">'
        f'<g opacity=".6" stroke="currentColor" fill="none">{"".join(lines)}</g>{"".join(drawn)}</svg>'
    )


def _box(box: Box, x: float, y: float, width: float) -> str:
    left, fill = x - width / 2, FILLS[box.kind]
    round_ = HEIGHT / 2 if box.kind == "input" else 5

    def frame(by: float) -> str:
        return (
            f'<rect x="{left + by:.1f}" y="{y + by:.1f}" width="{width:.1f}" height="{HEIGHT:.0f}" rx="{round_:g}" '
            f'fill="{fill}" fill-opacity=".16" stroke="{fill}"/>'
        )

    label, note = _cut(box.label), _cut(box.note)
    hint = f"<title>{text(box.hint, 600)}</title>" if box.hint else ""
    at = f'text-anchor="middle" x="{x:.1f}"'
    said = f'<text {at} y="{y + (17 if note else 24):.1f}">{text(label)}</text>'
    if note:
        said += f'<text {at} y="{y + 31:.1f}" font-size="10" opacity=".75">{text(note)}</text>'
    return f"<g>{hint}{frame(4) if box.many else ''}{frame(0)}{said}</g>"


def _line(points: Sequence[tuple[float, float]], dashed: bool) -> str:
    (x, y), *others = points
    path = [f"M{x:.1f} {y:.1f}"]
    for to_x, to_y in others:
        middle = (y + to_y) / 2
        path.append(f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    head = f'<path fill="currentColor" stroke="none" d="M{x:.1f} {y:.1f}l-4 -7h8z"/>'
    return f'<path d="{"".join(path)}"{dash}/>{head}'


def _cut(label: str) -> str:
    """At most :data:`LONGEST` columns, in one line."""
    label = " ".join(label.split())
    if _columns(label) <= LONGEST:
        return label
    while _columns(label) >= LONGEST:
        label = label[:-1]
    return f"{label}…"


def _columns(label: str) -> int:
    """Wide letters (Chinese, Japanese, Korean) take two columns."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in label)

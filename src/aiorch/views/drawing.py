"""A graph as a picture: boxes and arrows, given as plain data, as one SVG element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from unicodedata import east_asian_width

from aiorch.views.layout import Layout, layout
from aiorch.views.markup import text

Kind = Literal["input", "model", "function", "tool", "workflow", "loop", "person", "event", "time"]
BoxState = Literal["waiting", "running", "failed", "refused", "cancelled", "done", "skipped"]


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
    """Drawn as a stack: it is done once per item, or stands for many."""
    mark: str = ""
    """What stands on the edge of the box: what it needs for itself alone."""
    state: BoxState | None = None
    """How it is, where it is carried out."""
    inside: Picture | None = None
    """What is drawn within it, as a picture of its own."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one box to another, by number."""

    source: int
    target: int
    kind: Literal["value", "order", "when"] = "value"
    """``value``: the source's value is taken; ``order``: it only has to be done before; ``when``: its value decides
    whether the target is carried out."""
    label: str = ""
    """The test that decides."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes, and the arrows between them."""

    boxes: tuple[Box, ...] = ()
    arrows: tuple[Arrow, ...] = ()


FILLS: Mapping[Kind, str] = {
    "input": "#888888",
    "model": "#3b82f6",
    "function": "#22a06b",
    "tool": "#0f9aa8",
    "workflow": "#8b5cf6",
    "loop": "#8b5cf6",
    "person": "#d98b0b",
    "event": "#d6457a",
    "time": "#7a8699",
}
"""Middle tones, laid thinly over whatever the page's ground is."""

ICONS: Mapping[Kind, str] = {
    "model": "M6 .5C6.4 4 8 5.6 11.5 6 8 6.4 6.4 8 6 11.5 5.6 8 4 6.4 .5 6 4 5.6 5.6 4 6 .5z",
    "function": "M9.5 1.5C7 .5 6.5 2 6.2 4L5.3 9C5 11 4.5 12 2.5 11M3.5 5.5h5",
    "tool": "M7.5 4.5A3 3 0 1 0 11 2.5L9.2 4.3 7.7 2.8 9.5 1A3 3 0 0 0 6 4.5L1 9.5 2.5 11z",
    "workflow": "M1 1h4v4h-4zM7 7h4v4h-4zM3 5v4h4",
    "loop": "M10.5 6A4.5 4.5 0 1 1 9 2.7M9.3 .3v2.7h-2.7",
    "person": "M6 5.5A2.3 2.3 0 1 0 6 .9 2.3 2.3 0 0 0 6 5.5zM1.5 11.3C1.5 6.2 10.5 6.2 10.5 11.3z",
    "event": "M.7 2.2h10.6v7.6h-10.6zM.7 2.5L6 6.5 11.3 2.5",
    "time": "M6 11A5 5 0 1 0 6 1 5 5 0 0 0 6 11zM6 3v3l2 1.5",
}
"""Outlines on 12 by 12, in front of the label."""

STATES: Mapping[BoxState, tuple[str, str]] = {
    "waiting": ("?", "#d98b0b"),
    "running": ("▸", "#3b82f6"),
    "failed": ("✗", "#dc4c4c"),
    "refused": ("✗", "#c98a1b"),
    "cancelled": ("■", "#c98a1b"),
    "done": ("✓", "#22a06b"),
    "skipped": ("–", "#888888"),
}
"""What stands on the corner of a box, and on what."""

HEIGHT, APART, TESTED, MARGIN, AROUND = 40.0, 34.0, 12.0, 8.0, 46.0
"""Of a box, between layers, more above a layer with tests, around everything, beside it where a line goes back."""
ICON, HEAD, PAD = 18.0, 30.0, 10.0
"""Width that an icon takes, height of the line above a picture in a box, and room around it."""
LONGEST, LONGEST_NOTE = 24, 36
"""Columns of a label, and of what is below it; the hint has all of it."""


@dataclass(slots=True)
class _Placed:
    """A picture with its measures."""

    picture: Picture
    sizes: list[tuple[float, float]]
    inside: list[_Placed | None]
    found: Layout
    tops: list[float] = field(default_factory=list[float])
    """Where each layer begins."""
    heights: list[float] = field(default_factory=list[float])
    width: float = 0.0
    height: float = 0.0


def graph_svg(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> str:
    """The graph as SVG that takes on the page's colour of text. Labels are shown as text, whatever they contain."""
    if not boxes:
        return ""
    placed = _place(Picture(tuple(boxes), tuple(arrows)))
    width, height = placed.width + 2 * MARGIN + 6, placed.height + 2 * MARGIN + 6
    return (
        f'<svg role="img" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
        'font-family="sans-serif" font-size="12" fill="currentColor" stroke="none">'
        f"{_drawn(placed, MARGIN, MARGIN)}</svg>"
    )


def columns(label: str) -> int:
    """How wide a text is: wide letters (Chinese, Japanese, Korean) take two columns."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in label)


def cut(label: str, most: int = LONGEST) -> str:
    """At most so many columns, in one line.

    >>> cut("one two three", 8)
    'one two…'
    """
    label = " ".join(label.split())
    if columns(label) <= most:
        return label
    while columns(label) >= most:
        label = label[:-1]
    return f"{label.rstrip()}…"


# --- where everything goes ---------------------------------------------------------------------------------------


def _place(picture: Picture) -> _Placed:
    boxes, arrows = picture.boxes, picture.arrows
    inside = [_place(box.inside) if box.inside and box.inside.boxes else None for box in boxes]
    room = [0.0] * len(boxes)
    for arrow in arrows:
        if arrow.label:  # it stands beside the arrow's head, above the box
            room[arrow.target] = max(room[arrow.target], 2 * _written(cut(arrow.label), 10) - 8)
    sizes = [_size(box, within, least) for box, within, least in zip(boxes, inside, room, strict=True)]
    found = layout([width for width, _ in sizes], [(a.source, a.target) for a in arrows])
    heights = [HEIGHT] * found.layers
    for layer, (_, height) in zip(found.layer, sizes, strict=True):
        heights[layer] = max(heights[layer], height)
    back = any(found.layer[a.target] <= found.layer[a.source] for a in arrows)
    placed = _Placed(picture, sizes, inside, found, [], heights, found.width + (AROUND if back else 0.0))
    tested = {found.layer[arrow.target] for arrow in arrows if arrow.label}
    for layer, height in enumerate(heights):
        placed.height += (APART + (TESTED if layer in tested else 0.0)) if layer else 0.0
        placed.tops.append(placed.height)
        placed.height += height
    return placed


def _size(box: Box, inside: _Placed | None, least: float) -> tuple[float, float]:
    note, mark = cut(box.note, LONGEST_NOTE), cut(box.mark)
    own = max(
        _written(cut(box.label), 12) + _icon(box), _written(note, 10), 2 * _written(mark, 9) if mark else 0.0
    )
    own += 22
    if inside is None:
        own += 14 if box.kind in ("person", "event") else 10 if box.kind in ("workflow", "loop") else 0
        return max(72.0, own, least), HEIGHT
    return max(own, least, inside.width + 2 * PAD), inside.height + HEAD + PAD + (8 if box.note else 0)


def _written(label: str, size: float) -> float:
    return 0.6 * size * columns(label)


def _icon(box: Box) -> float:
    return ICON if box.kind in ICONS else 0.0


# --- what is drawn -----------------------------------------------------------------------------------------------


def _drawn(placed: _Placed, left: float, top: float) -> str:
    """A placed picture with its upper left corner there."""
    found, boxes = placed.found, placed.picture.boxes

    tops = [top + placed.tops[layer] for layer in found.layer]
    lines: list[str] = []
    labels: list[str] = []
    for arrow, bends in zip(placed.picture.arrows, found.bends, strict=True):
        begin, end = found.x[arrow.source] + left, found.x[arrow.target] + left
        if found.layer[arrow.target] <= found.layer[arrow.source]:
            ends = (
                (x + placed.sizes[i][0] / 2, tops[i] + HEIGHT / 2)
                for x, i in ((begin, arrow.source), (end, arrow.target))
            )
            lines.append(_back(*ends))
            continue
        low = tops[arrow.source] + placed.heights[found.layer[arrow.source]]
        points = [
            (begin, tops[arrow.source] + placed.sizes[arrow.source][1]),
            (begin, low),  # past a neighbour that is taller
            *(
                (x + left, top + placed.tops[layer] + down)
                for x, layer in bends
                for down in (0.0, placed.heights[layer])
            ),
            (end, tops[arrow.target]),
        ]
        lines.append(_line(points, arrow.kind))
        if arrow.label:
            labels.append(_label(points, cut(arrow.label)))
    drawn = [
        _box(box, x + left, y, *size, inside)
        for box, x, y, size, inside in zip(boxes, found.x, tops, placed.sizes, placed.inside, strict=True)
    ]
    return f'<g opacity=".6" stroke="currentColor" fill="none">{"".join(lines)}</g>{"".join(drawn)}{"".join(labels)}'


def _box(box: Box, x: float, y: float, width: float, height: float, inside: _Placed | None) -> str:
    left, fill = x - width / 2, FILLS[box.kind]
    paint = f'fill="{fill}" fill-opacity="{".05" if inside else ".16"}" stroke="{fill}"'
    stack = f'<path {paint} d="{_behind(left, y, width, height)}"/>' if box.many else ""
    frame = f'<path {paint} d="{_outline("function" if inside else box.kind, left, y, width, height)}"/>'
    hint = f"<title>{text(box.hint, 600)}</title>" if box.hint else ""
    label, note, icon = cut(box.label), cut(box.note, LONGEST_NOTE), _icon(box)
    base = y + (17 if note else 24)
    middle = x + icon / 2
    said = f'<text text-anchor="middle" x="{middle:.1f}" y="{base:.1f}">{text(label)}</text>'
    if icon:
        at = middle - _written(label, 12) / 2 - icon + 1
        filled = "currentColor" if box.kind == "model" else "none"
        said += (
            f'<path transform="translate({at:.1f} {base - 10:.1f})" d="{ICONS[box.kind]}" stroke="{fill}" '
            f'fill="{fill if filled != "none" else "none"}" stroke-width="1.2"/>'
        )
    if note:
        said += (
            f'<text text-anchor="middle" x="{x:.1f}" y="{base + 14:.1f}" font-size="10" opacity=".75">'
            f"{text(note)}</text>"
        )
    if box.state:
        said += _state(box.state, left, y)
    if box.mark:
        said += _mark(cut(box.mark), left + width + 8, y, fill)
    faded = ' opacity=".5"' if box.state == "skipped" else ""
    if inside is None:
        return f"<g{faded}>{hint}{stack}{frame}{said}</g>"
    within = _drawn(inside, x - inside.width / 2, y + HEAD + (8 if note else 0))
    return f"<g{faded}>{hint}{stack}{frame}{said}</g><g{faded}>{within}</g>"


def _outline(kind: Kind, left: float, top: float, width: float, height: float) -> str:
    """The shape of a box, as a path."""
    right, low, middle = left + width, top + height, top + height / 2
    match kind:
        case "input" | "time":
            r = min(height / 2, width / 2) if kind == "input" else 12.0
            return _rounded(left, top, width, height, r)
        case "person":  # a hexagon: here the way divides
            return (
                f"M{left + 9:.1f} {top:.1f}H{right - 9:.1f}L{right:.1f} {middle:.1f}L{right - 9:.1f} {low:.1f}"
                f"H{left + 9:.1f}L{left:.1f} {middle:.1f}z"
            )
        case "event":  # a flag: something comes in from the left
            return f"M{left:.1f} {top:.1f}H{right:.1f}V{low:.1f}H{left:.1f}L{left + 9:.1f} {middle:.1f}z"
        case (
            "workflow" | "loop"
        ):  # with a bar at either side, as flow charts draw what is described elsewhere
            bars = f"M{left + 5:.1f} {top:.1f}V{low:.1f}M{right - 5:.1f} {top:.1f}V{low:.1f}"
            return _rounded(left, top, width, height, 3.0) + bars
        case _:
            return _rounded(left, top, width, height, 5.0)


def _behind(left: float, top: float, width: float, height: float) -> str:
    """What is seen of a second box below the first."""
    right, low = left + width, top + height
    return (
        f"M{right:.1f} {top + 4:.1f}H{right + 4:.1f}V{low + 4:.1f}H{left + 4:.1f}V{low:.1f}H{right - 3:.1f}"
        f"L{right:.1f} {low - 3:.1f}z"
    )


def _rounded(left: float, top: float, width: float, height: float, r: float) -> str:
    turn = f"a{r:g} {r:g} 0 0 1"
    return (
        f"M{left + r:.1f} {top:.1f}h{width - 2 * r:.1f}{turn} {r:g} {r:g}v{height - 2 * r:.1f}{turn} -{r:g} {r:g}"
        f"h-{width - 2 * r:.1f}{turn} -{r:g} -{r:g}v-{height - 2 * r:.1f}{turn} {r:g} -{r:g}z"
    )


def _state(state: BoxState, x: float, y: float) -> str:
    """On the left side of a box, where no arrow comes or goes."""
    sign, fill = STATES[state]
    y += HEIGHT / 2
    return (
        f'<path d="{_rounded(x - 7, y - 7, 14, 14, 7)}" fill="{fill}"/>'
        f'<text x="{x:.1f}" y="{y + 3.5:.1f}" text-anchor="middle" font-size="10" fill="#fff">{sign}</text>'
    )


def _mark(label: str, right: float, y: float, fill: str) -> str:
    wide = _written(label, 9) + 8
    return (
        f'<path d="{_rounded(right - wide, y - 7, wide, 13, 6)}" fill="{fill}"/>'
        f'<text x="{right - wide / 2:.1f}" y="{y + 2.5:.1f}" text-anchor="middle" font-size="9" fill="#fff">'
        f"{text(label)}</text>"
    )


DASHES: Mapping[str, str] = {"order": "4 3", "when": "8 3 2 3"}


def _line(points: Sequence[tuple[float, float]], kind: str) -> str:
    (x, y), *others = points
    path = [f"M{x:.1f} {y:.1f}"]
    for to_x, to_y in others:
        middle = (y + to_y) / 2
        if x == to_x:
            path.append(f"V{to_y:.1f}")
        else:
            path.append(f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    dash = f' stroke-dasharray="{DASHES[kind]}"' if kind in DASHES else ""
    head = f'<path fill="currentColor" stroke="none" d="M{x:.1f} {y:.1f}l-4 -7h8z"/>'
    return f'<path d="{"".join(path)}"{dash}/>{head}'


def _back(begin: tuple[float, float], end: tuple[float, float]) -> str:
    """Where a cycle closes: from a right side up to another, around what is between."""
    (x, y), (to_x, to_y) = begin, end
    far = max(x, to_x) + AROUND - 6
    low = y + (12 if y == to_y else 0)  # one that waits for itself
    head = f'<path fill="currentColor" stroke="none" d="M{to_x:.1f} {to_y:.1f}l7 -4v8z"/>'
    return (
        f'<path d="M{x:.1f} {low:.1f}C{far:.1f} {low:.1f} {far:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"/>{head}'
    )


def _label(points: Sequence[tuple[float, float]], label: str) -> str:
    """Beside the arrow's head, on the side that the line does not come from."""
    (from_x, _), (x, y) = points[-2], points[-1]
    right = from_x <= x
    anchor = "start" if right else "end"
    return (
        f'<text x="{x + (7 if right else -7):.1f}" y="{y - 5:.1f}" text-anchor="{anchor}" font-size="10" '
        f'opacity=".85">{text(label)}</text>'
    )

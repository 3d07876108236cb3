"""What ran when, as a picture: bars over seconds, given as plain data, as one SVG element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiorch.views.markup import text


@dataclass(frozen=True, slots=True)
class Bar:
    """One thing that ran."""

    label: str
    begin: float
    """Seconds after the beginning."""
    seconds: float | None
    """How long; ``None`` = it still runs."""
    state: str = "done"
    """``done``, ``running``, ``waiting``, ``refused``, ``failed`` or ``cancelled``."""
    note: str = ""
    """What is shown where the pointer rests."""
    hollow: bool = False
    """It only waits."""
    lost: float = 0.0
    """The share of what it stands for that failed, between 0 and 1."""


FILLS: Mapping[str, str] = {
    "done": "#3b82f6",
    "running": "#888888",
    "waiting": "#d98b0b",
    "failed": "#dc4c4c",
    "refused": "#c98a1b",
    "cancelled": "#c98a1b",
}

MOST = 80
"""Bars that are drawn, the longest; the rest is told by number."""
ROW, PLOT, LETTER, LONGEST, AXIS = 20, 560, 7.1, 30, 22
"""Height of a row, width of the plot and of a letter, letters of a label, height of the axis."""


def timeline_svg(bars: Sequence[Bar], seconds: float) -> str:
    """The :data:`MOST` longest bars as SVG that takes on the page's colour of text; nothing without bars.

    :param seconds: how long everything took, as far as it went.
    """
    if not bars:
        return ""
    shown = longest(bars, MOST)
    end = max(seconds, *(bar.begin + (bar.seconds or 0.0) for bar in bars), 1e-9)
    labels = [_cut(bar.label) for bar in shown]
    left = LETTER * max(map(len, labels)) + 12
    width, height = left + PLOT + 40, len(shown) * ROW + AXIS
    parts: list[str] = []
    for mark in ticks(end):
        x = left + mark / end * PLOT
        parts.append(
            f'<path d="M{x:.1f} 0V{len(shown) * ROW}" stroke="currentColor" opacity=".2"/>'
            f'<text x="{x:.1f}" y="{height - 6}" text-anchor="middle" font-size="10" opacity=".75">'
            f"{mark_text(mark, end)}</text>"
        )
    for i, (bar, label) in enumerate(zip(shown, labels, strict=True)):
        x = left + bar.begin / end * PLOT
        long = max(2.0, (end - bar.begin if bar.seconds is None else bar.seconds) / end * PLOT)
        fill = FILLS.get(bar.state, FILLS["running"])
        took = f"still {bar.state}" if bar.seconds is None else f"{bar.state}, {bar.seconds:.2f} s"
        red = bar.lost * long
        hint = ", ".join(part for part in (bar.label, took, bar.note) if part)
        parts.append(
            f"<g><title>{text(hint, 600)}</title>"
            f'<text x="{left - 8:.1f}" y="{i * ROW + 14}" text-anchor="end">{text(label)}</text>'
            f'<rect x="{x:.1f}" y="{i * ROW + 4}" width="{long:.1f}" height="{ROW - 8}" rx="2" '
            f'fill="{fill}" fill-opacity="{".12" if bar.hollow else ".6"}" stroke="{fill}"/>'
            + (
                f'<rect x="{x + long - red:.1f}" y="{i * ROW + 4}" width="{red:.1f}" height="{ROW - 8}" rx="2" '
                f'fill="{FILLS["failed"]}"/>'
                if red
                else ""
            )
            + "</g>"
        )
    return (
        f'<svg role="img" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}" '
        f'font-family="sans-serif" font-size="12" fill="currentColor">{"".join(parts)}</svg>'
    )


def longest(bars: Sequence[Bar], most: int) -> Sequence[Bar]:
    """At most so many, as they stand: what goes on before what ended, and then the longest."""
    if len(bars) <= most:
        return bars
    order = sorted(
        range(len(bars)), key=lambda i: -(bars[i].seconds or 0.0) if bars[i].seconds is not None else -1e18
    )
    return [bars[i] for i in sorted(order[:most])]


def ticks(end: float, about: int = 5) -> list[float]:
    """Round numbers from 0 to ``end``, about so many.

    >>> ticks(2.3)
    [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    step = next((step for step in _STEPS if end / step <= about * 1.5), end)
    return [round(i * step, 9) for i in range(int(end / step + 1e-9) + 1)]


_STEPS = (
    *(factor * 10.0**power for power in range(-9, 1) for factor in (1, 2, 5)),
    *(10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14_400.0, 28_800.0),
    *(86_400.0 * factor * 10**power for power in range(3) for factor in (1, 2, 5)),
)
"""Distances of marks: 1, 2, 5, then as minutes, hours and days are divided."""


def mark_text(seconds: float, end: float) -> str:
    """A place on an axis that goes so far: ``0.5 s``, and above two minutes ``2:30``.

    >>> mark_text(0.5, 2), mark_text(150, 600), mark_text(7200, 9000)
    ('0.5 s', '2:30', '2:00:00')
    """
    if end < 120:
        return f"{seconds:g} s"
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{left:02}" if end >= 3600 else f"{minutes}:{left:02}"


def _cut(label: str) -> str:
    """The end of a path says more than its beginning, and of anything else the beginning."""
    label = " ".join(label.split())
    if len(label) <= LONGEST:
        return label
    return f"…{label[1 - LONGEST :]}" if "/" in label else f"{label[: LONGEST - 1]}…"

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
    """``done``, ``running``, ``failed`` or ``cancelled``."""
    note: str = ""
    """What is shown where the pointer rests."""


FILLS: Mapping[str, str] = {
    "done": "#3b82f6",
    "running": "#888888",
    "failed": "#dc4c4c",
    "cancelled": "#c98a1b",
}

MOST = 80
"""Bars that are drawn; the rest is told by number."""
ROW, PLOT, LETTER, LONGEST, AXIS = 20, 460, 6.6, 30, 22
"""Height of a row, width of the plot and of a letter, letters of a label, height of the axis."""


def timeline_svg(bars: Sequence[Bar], seconds: float) -> str:
    """The first :data:`MOST` bars as SVG that takes on the page's colour of text; nothing without bars.

    :param seconds: how long everything took, as far as it went.
    """
    if not bars:
        return ""
    shown = bars[:MOST]
    end = max(seconds, *(bar.begin + (bar.seconds or 0.0) for bar in bars), 1e-9)
    labels = [_cut(bar.label) for bar in shown]
    left = LETTER * max(map(len, labels)) + 12
    width, height = left + PLOT + 40, len(shown) * ROW + AXIS
    parts: list[str] = []
    for mark in ticks(end):
        x = left + mark / end * PLOT
        parts.append(
            f'<path d="M{x:.1f} 0V{len(shown) * ROW}" stroke="currentColor" opacity=".2"/>'
            f'<text x="{x:.1f}" y="{height - 6}" text-anchor="middle" font-size="10" opacity=".75">{mark:g} s</text>'
        )
    for i, (bar, label) in enumerate(zip(shown, labels, strict=True)):
        x = left + bar.begin / end * PLOT
        long = max(2.0, (end - bar.begin if bar.seconds is None else bar.seconds) / end * PLOT)
        fill = FILLS.get(bar.state, FILLS["running"])
        took = "still running" if bar.seconds is None else f"{bar.state}, {bar.seconds:.2f} s"
        hint = ", ".join(part for part in (bar.label, took, bar.note) if part)
        parts.append(
            f"<g><title>{text(hint, 600)}</title>"
            f'<text x="{left - 8:.1f}" y="{i * ROW + 14}" text-anchor="end">{text(label)}</text>'
            f'<rect x="{x:.1f}" y="{i * ROW + 4}" width="{long:.1f}" height="{ROW - 8}" rx="2" '
            f'fill="{fill}" fill-opacity=".6" stroke="{fill}"/></g>'
        )
    return (
        f'<svg role="img" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}" '
        f'font-family="sans-serif" font-size="12" fill="currentColor">{"".join(parts)}</svg>'
    )


def ticks(end: float, about: int = 5) -> list[float]:
    """Round numbers from 0 to ``end``, about so many.

    >>> ticks(2.3)
    [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    step = 10.0**-9
    while end / step > about * 1.5:
        for factor in (2.0, 2.5, 2.0):  # 1, 2, 5, 10
            step *= factor
            if end / step <= about * 1.5:
                break
    return [round(i * step, 9) for i in range(int(end / step + 1e-9) + 1)]


def _cut(label: str) -> str:
    label = " ".join(label.split())
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…"

"""A workflow while it runs: a table that redraws itself on a terminal, a line a task anywhere else."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aiorch.clock import Clock, SystemClock
from aiorch.views.board import Board, Entry

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Subscribe = Callable[[Callable[[Any], None]], Callable[[], None]]
"""``ai.on``, or a bus's ``subscribe``."""

_FRAMES = ("⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏")
_PLAIN_FRAMES = ("-", "\\", "|", "/")
_SIGNS = {"done": ("✓", "+"), "failed": ("✗", "x"), "skipped": ("–", "-")}
_STYLES = {"running": "cyan", "done": "green", "failed": "red", "skipped": "dim"}

_PER_SECOND = 8
"""Redraws: enough for a spinner to turn, and too few to be felt beside a model that runs on the same cores."""


@contextmanager
def live(
    subscribe: Subscribe, *, console: Console | None = None, clock: Clock | None = None
) -> Generator[Board, None, None]:
    """Show the run that starts inside.

        with live(ai.on):
            run = await ai.execute(flow, ...)

    On a terminal the display goes when the block ends, to make room for the table of results.

    :param console: where to draw; standard error when not given, so that results can be piped on.
    """
    if console is None:
        from rich.console import Console

        console = Console(stderr=True)
    clock = clock or SystemClock()
    board = Board()
    if console.is_terminal and not console.is_dumb_terminal:
        from rich.live import Live

        drawn = Live(
            get_renderable=lambda: picture(board, console, clock.now()),
            console=console,
            refresh_per_second=_PER_SECOND,
            transient=True,
        )
        end = subscribe(lambda event: board.apply(event) and None)
        try:
            with drawn:
                yield board
        finally:
            end()
        return

    def tell(event: Any) -> None:
        entry = board.apply(event)
        if entry is not None:
            console.print(line(entry), soft_wrap=True, highlight=False, markup=False)

    end = subscribe(tell)
    try:
        yield board
    finally:
        end()
        if board.workflow is not None:
            console.print(board.headline(clock.now()), soft_wrap=True, highlight=False, markup=False)


def line(entry: Entry) -> str:
    """A finished task in a line."""
    facts = [f"{entry.state:<7} {entry.title}", entry.model or ""]
    if entry.attempts:
        facts.append(f"{entry.attempts} {'attempt' if entry.attempts == 1 else 'attempts'}")
    facts += [f"{entry.elapsed(0):.1f} s", entry.note]
    return "  ".join(fact for fact in facts if fact)


def picture(board: Board, console: Console, now: float) -> RenderableType:
    """The board as rich draws it: a headline, and as many rows as fit."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    fancy = not console.options.ascii_only and not console.legacy_windows
    most = max(3, console.height - 4)
    rows = board.shown(most)
    grid = Table(box=None, show_header=bool(rows), header_style="dim", padding=(0, 1), expand=False)
    grid.add_column("", min_width=1, no_wrap=True)
    grid.add_column("task", no_wrap=True, overflow="ellipsis", max_width=44, min_width=12)
    grid.add_column("model", no_wrap=True, overflow="ellipsis", max_width=36)
    grid.add_column("tries", justify="right", no_wrap=True)
    grid.add_column("time", justify="right", no_wrap=True, min_width=7)
    grid.add_column("", no_wrap=True, overflow="ellipsis", style="dim")
    for entry in rows:
        grid.add_row(
            Text(_sign(entry, now, fancy), style=_STYLES[entry.state]),
            Text(entry.title, style="" if entry.state != "skipped" else "dim"),
            Text(entry.model or ""),
            str(entry.attempts) if entry.attempts else "",
            "" if entry.state == "skipped" else f"{entry.elapsed(now):.1f} s",
            Text(entry.note),
        )
    hidden = len(board.entries()) - len(rows)
    parts: list[RenderableType] = [
        Text(board.headline(now), style="bold", no_wrap=True, overflow="ellipsis"),
        grid,
    ]
    if hidden:
        parts.append(Text(f"  {'…' if fancy else '...'} and {hidden} more", style="dim"))
    return Group(*parts)


def _sign(entry: Entry, now: float, fancy: bool) -> str:
    if entry.state == "running":
        frames = _FRAMES if fancy else _PLAIN_FRAMES
        return frames[int(now * _PER_SECOND) % len(frames)]
    return _SIGNS[entry.state][0 if fancy else 1]

"""A workflow while it runs: a table that redraws itself on a terminal or in a cell, a line a task anywhere else."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aiorch.clock import Clock, SystemClock
from aiorch.views.board import Board, Entry
from aiorch.views.cells import Subscribe, progress, shower
from aiorch.views.columns import fit

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

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

    :param console: where to draw; when not given, the cell of a notebook, else standard error, so that results can be
        piped on.
    """
    if console is None and shower() is not None:
        board = Board()
        end = subscribe(lambda event: board.apply(event) and None)
        try:
            with progress(subscribe, clock=clock):
                yield board
        finally:
            end()
        return
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
    times = ["" if e.state == "skipped" else f"{e.elapsed(now):.1f} s" for e in rows]
    tries = [_tries(e.attempts) for e in rows]
    fixed = [1, max(map(len, tries), default=0), max(map(len, times), default=0)]
    texts = [[e.title for e in rows], [e.model or "" for e in rows], [e.note for e in rows]]
    wanted = [max(map(len, column), default=0) for column in texts]
    title, model, note = fit(wanted, console.width - sum(fixed) - 2 * 5)
    grid = Table.grid(padding=(0, 2, 0, 0))
    for width in (fixed[0], title, model, *fixed[1:], note):
        grid.add_column(width=width, no_wrap=True, overflow="ellipsis", justify="left")
    for entry, tried, time in zip(rows, tries, times, strict=True):
        grid.add_row(
            Text(_sign(entry, now, fancy), style=_STYLES[entry.state]),
            Text(entry.title, style="dim" if entry.state == "skipped" else ""),
            Text(entry.model or ""),
            Text(tried, justify="right"),
            Text(time, justify="right"),
            Text(entry.note, style="dim"),
        )
    hidden = len(board.entries()) - len(rows)
    parts: list[RenderableType] = [
        Text(board.headline(now), style="bold", no_wrap=True, overflow="ellipsis"),
        grid,
    ]
    if hidden:
        parts.append(Text(f"  {'…' if fancy else '...'} and {hidden} more", style="dim"))
    return Group(*parts)


def _tries(attempts: int) -> str:
    return "" if not attempts else "1 try" if attempts == 1 else f"{attempts} tries"


def _sign(entry: Entry, now: float, fancy: bool) -> str:
    if entry.state == "running":
        frames = _FRAMES if fancy else _PLAIN_FRAMES
        return frames[int(now * _PER_SECOND) % len(frames)]
    return _SIGNS[entry.state][0 if fancy else 1]

"""What goes on, shown in the cell that does it, and nowhere else: one output that is written over.

rich draws in Jupyter only through ipywidgets, whose pictures are gone when a notebook is opened again. So this is plain
HTML, by the notebook's own means of replacing an output.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from aiorch.clock import Clock, SystemClock
from aiorch.views.board import answer_in_python
from aiorch.views.markup import framed, table, text
from aiorch.views.tally import Tally

Subscribe = Callable[[Callable[[Any], None]], Callable[[], None]]
"""``ai.on``, or a bus's ``subscribe``."""

EVERY = 0.5
"""Seconds between two pictures: enough to see that it lives."""
MOST = 20
"""Tasks of a run that are shown while it goes on."""


@contextmanager
def progress(
    subscribe: Subscribe, total: int | None = None, *, clock: Clock | None = None
) -> Generator[Tally, None, None]:
    """Show in the notebook's cell what goes on inside; does nothing anywhere else.

        with progress(ai.on, len(prompts)):
            outcomes = [outcome async for outcome in ai.map(prompts)]

    Workflow runs are shown task by task. A benchmark tells of itself:

        with progress(ai.on) as shown:
            report = await ai.benchmark(progress=shown.take)

    :param total: how many tasks there are going to be, where that is known.
    """
    tally = Tally(total)
    show = shower()
    if show is None:
        yield tally
        return
    clock = clock or SystemClock()
    cell = _Cell(tally, show, clock)
    end = subscribe(tally.take)
    try:
        with cell:
            yield tally
    finally:
        end()


def shower() -> Callable[[str], None] | None:
    """Makes one output of the running cell and, when called again, writes over it; ``None`` outside of notebooks."""
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if getattr(shell, "kernel", None) is None:  # nobody, or a terminal
        return None
    cells: Any = import_module("IPython.display")
    handles: list[Any] = []

    def show(html: str) -> None:
        if handles:
            handles[0].update(cells.HTML(html))
        else:
            handles.append(cells.display(cells.HTML(html), display_id=True))

    return show


def picture(tally: Tally, seconds: float, ended: str = "") -> str:
    """How far everything is, as HTML."""
    parts: list[str] = []
    asked = tally.done + tally.failed + tally.running
    if asked or not tally.boards:
        bar = ""
        if tally.expected:
            ended_ones = min(tally.done + tally.failed, tally.expected)
            bar = f'<progress max="{tally.expected}" value="{ended_ones}"></progress> '
        models = ", ".join(f"{model}: {count:,}" for model, count in tally.models.most_common(5))
        parts.append(f"<p>{bar}{text(ended)}{text(tally.headline(seconds))}</p>")
        parts.append(f'<p class="aside">{text(models)}</p>' if models else "")
    for board in tally.boards:
        now = board.started + seconds  # a board counts on the clock of its events
        parts.append(f"<p>{text(ended)}{text(board.headline(now))}</p>")
        if board.seconds is None:
            rows = [
                (e.state, "\u2003" * e.depth + e.title, e.told if e.counts else e.model or "", e.note)
                for e in board.shown(MOST)
            ]
            parts.append(table(("state", "task", "model", "note"), rows))
            parts += [f"<p>{text(e.name)}: {text(answer_in_python(e))}</p>" for e in board.waiting()[:MOST]]
    return framed(*parts)


class _Cell:
    """Draws every :data:`EVERY` seconds on the running loop, without a thread and without a task."""

    def __init__(self, tally: Tally, show: Callable[[str], None], clock: Clock) -> None:
        self._tally = tally
        self._show = show
        self._clock = clock
        self._begun = 0.0
        self._last = ""
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        self._begun = self._clock.monotonic()
        self._draw()
        self._again()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._draw("stopped: " if kind else "")

    def _tick(self) -> None:
        self._draw()
        self._again()

    def _again(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except (
            RuntimeError
        ):  # a cell without await, or trio: the first and the last picture are what there is
            return
        self._timer = loop.call_later(EVERY, self._tick)

    def _draw(self, ended: str = "") -> None:
        drawn = picture(self._tally, self._clock.monotonic() - self._begun, ended)
        if drawn != self._last:
            self._last = drawn
            self._show(drawn)

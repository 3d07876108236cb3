"""A measurement while it goes on: a table that redraws itself on a terminal, a line an answer anywhere else."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isinf
from threading import Lock
from typing import TYPE_CHECKING

from aiorch.benchmarking import Answered, Asking, Planned, Progress, Record, SetAside, Waiting

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

REDRAWS = 4
"""A second: enough to see that it lives, too few to be felt beside a model on the same cores."""


@dataclass(slots=True)
class Line:
    """One model on the board."""

    model: str
    planned: int = 0
    """Questions of this run, those that are answered among them."""
    asked: int = 0
    right: int = 0
    failed: int = 0
    asking: str = ""
    """The question that it is at."""
    note: str = ""


class Scoreboard:
    """What is known at this moment. Fed by the run, read from any thread."""

    def __init__(self) -> None:
        self.asked = 0
        self.planned = 0
        self.note = ""
        """What the whole run is doing, where it is not asking."""
        self._lines: dict[str, Line] = {}
        self._lock = Lock()

    def apply(self, event: Progress) -> str | None:
        """Take one event in. Returns what a reader of lines should be told."""
        with self._lock:
            match event:
                case Planned():
                    self._plan(event)
                case Asking():
                    self.note = ""
                    self._of(event.call.card.id).asking = event.call.item.id
                case Answered():
                    return self._answer(event.record)
                case SetAside():
                    return self._aside(event)
                case Waiting():
                    until = datetime.fromtimestamp(event.until, UTC)
                    self.note = f"everybody is limited; goes on at {until:%H:%M:%S} UTC"
                    return self.note
        return None

    def lines(self) -> tuple[Line, ...]:
        """The models, in the order in which they were planned."""
        with self._lock:
            return tuple(self._lines.values())

    def headline(self) -> str:
        """The run in a line: ``12 of 95 answers, 3 models``."""
        models = len(self._lines)
        told = f"{self.asked} of {self.planned} answers, {models} {'model' if models == 1 else 'models'}"
        return f"{told}; {self.note}" if self.note else told

    def _of(self, model: str) -> Line:
        return self._lines.setdefault(model, Line(model))

    def _plan(self, event: Planned) -> None:
        self.planned = self.asked + len(event.calls)
        for line in self._lines.values():
            line.planned = line.asked
        for call in event.calls:
            self._of(call.card.id).planned += 1

    def _answer(self, record: Record) -> str:
        line = self._of(record.card)
        self.asked += 1
        line.asked += 1
        line.asking = ""
        line.right += record.passed is True
        line.failed += record.failure is not None
        if record.failure is not None:
            line.note = f"{record.failure}: {record.note}"
        return f"{self.asked}/{self.planned}  {told(record)}"

    def _aside(self, event: SetAside) -> str:
        until = (
            "" if isinf(event.until) else f" until {datetime.fromtimestamp(event.until, UTC):%H:%M:%S} UTC"
        )
        return f"{event.who} is set aside{until}: {event.reason}"


def told(record: Record) -> str:
    """An answer in a line: ``local/smollm2-135m rolls: wrong, 1.9 s, 116 tokens/s``."""
    verdict = {True: "right", False: "wrong", None: "no answer"}[record.passed]
    facts = [verdict, f"{record.seconds:.1f} s"]
    if record.tokens_per_second is not None:
        facts.append(f"{record.tokens_per_second:.0f} tokens/s")
    why = f"{record.failure}: {record.note}" if record.failure is not None else record.note
    return f"{record.card} {record.item}: {', '.join([*facts, why] if why else facts)}"


@contextmanager
def shown(console: Console) -> Generator[Callable[[Progress], None], None, None]:
    """Show the run that is fed to what this gives. On a terminal the board goes when the block ends."""
    board = Scoreboard()
    redrawn = console.is_terminal and not console.is_dumb_terminal

    def take(event: Progress) -> None:
        text = board.apply(event)
        if text and not redrawn:
            console.print(text, soft_wrap=True, highlight=False, markup=False)

    if not redrawn:
        yield take
        return
    from rich.live import Live

    with Live(
        get_renderable=lambda: picture(board, console),
        console=console,
        refresh_per_second=REDRAWS,
        transient=True,
    ):
        yield take


def picture(board: Scoreboard, console: Console) -> RenderableType:
    """The board as rich draws it: a headline, and as many models as fit, those at work first."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    most = max(3, console.height - 4)
    lines = board.lines()
    at_work = sorted(lines, key=lambda line: (not line.asking, line.asked >= line.planned))[:most]
    grid = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(5):
        grid.add_column(no_wrap=True, overflow="ellipsis")
    for line in at_work:
        grid.add_row(
            Text(line.model, style="cyan" if line.asking else ""),
            Text(f"{line.asked}/{line.planned}", justify="right"),
            Text(f"{line.right} right", style="green" if line.right else "dim"),
            Text(line.asking),
            Text(line.note, style="dim"),
        )
    parts: list[RenderableType] = [Text(board.headline(), style="bold", no_wrap=True), grid]
    if len(lines) > most:
        parts.append(Text(f"  and {len(lines) - most} more", style="dim"))
    return Group(*parts)

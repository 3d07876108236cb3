"""A workflow while it runs: a tree that redraws itself on a terminal or in a cell, a line a task anywhere else."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aiorch.clock import Clock, SystemClock
from aiorch.views.board import Board, Entry, State, answer_in_python
from aiorch.views.cells import Subscribe, progress, shower
from aiorch.views.columns import fit
from aiorch.views.markup import clean

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

    from aiorch.workflow import Run

_FRAMES = ("⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏")
_PLAIN_FRAMES = ("-", "\\", "|", "/")
_SIGNS: dict[State, tuple[str, str]] = {
    "waiting": ("?", "?"),
    "done": ("✓", "+"),
    "failed": ("✗", "x"),
    "refused": ("✗", "x"),
    "skipped": ("–", "-"),
}
_STYLES: dict[State, str] = {
    "waiting": "bold yellow",
    "running": "cyan",
    "done": "green",
    "failed": "red",
    "refused": "yellow",
    "skipped": "dim",
}

_PER_SECOND = 8
"""Redraws: enough for a spinner to turn, and too few to be felt beside a model that runs on the same cores."""
_EACH = 100
"""Lines of a run that is not drawn until only round numbers are told."""
_QUESTION = 12
"""Lines of what a person is asked."""
_BAR = 10
"""Columns of the bar of what holds others."""

Answer = Callable[[Entry], str]
"""What to say of something that waits: how to answer it, what is asked."""


@contextmanager
def live(
    subscribe: Subscribe,
    *,
    console: Console | None = None,
    clock: Clock | None = None,
    run: Run | None = None,
    answer: Answer | None = None,
) -> Generator[Board, None, None]:
    """Show the run that starts inside.

        with live(ai.on):
            run = await ai.execute(flow, ...)

    On a terminal the display goes when the block ends, to make room for the table of results.

    :param console: where to draw; when not given, the cell of a notebook, else standard error, so that results can be
        piped on.
    :param run: the one that is handed to ``execute``: it knows what people are asked, which no event tells.
    :param answer: says how a task that waits for somebody can be answered; when not given, by the run's own methods.
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
    clock, answer = clock or SystemClock(), answer or answer_in_python
    board = Board()

    question = questions(run)

    if console.is_terminal and not console.is_dumb_terminal:
        screen = _Screen(console, lambda: picture(board, console, clock.now(), answer, question))
        board.aside = screen.away
        end = subscribe(lambda event: board.apply(event) and None)
        try:
            with screen.drawn():
                yield board
        finally:
            end()
        return

    def tell(event: Any) -> None:
        entry = board.apply(event)
        if entry is not None and _worth_a_line(entry, board.ended):
            for said in lines(entry, answer, question(entry)):
                console.print(said, soft_wrap=True, highlight=False, markup=False)

    end = subscribe(tell)
    try:
        yield board
    finally:
        end()
        if board.workflow is not None:
            console.print(board.headline(clock.now()), soft_wrap=True, highlight=False, markup=False)


class _Screen:
    """A picture that is drawn again and again, and can make room for others."""

    def __init__(self, console: Console, draw: Callable[[], RenderableType]) -> None:
        self._console = console
        self._draw = draw
        self._live: Live | None = None

    @contextmanager
    def drawn(self) -> Generator[None, None, None]:
        """It is there meanwhile, and leaves nothing behind."""
        self._begin()
        try:
            yield
        finally:
            self._end()

    @contextmanager
    def away(self) -> Generator[None, None, None]:
        """It is gone meanwhile, so that a person can be asked, and stands below what was said then."""
        self._end()
        try:
            yield
        finally:
            self._begin()

    def _begin(self) -> None:
        from rich.live import Live

        self._live = Live(
            get_renderable=self._draw,
            console=self._console,
            refresh_per_second=_PER_SECOND,
            transient=True,
        )
        self._live.start()

    def _end(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def questions(run: Run | None) -> Answer:
    """What people are asked, by entry; only the run knows, since events carry nobody's words."""

    def question(entry: Entry) -> str:
        waiting = () if run is None else run.waiting
        return next((clean(one.question) for one in waiting if one.task == entry.path), "")

    return question


def lines(entry: Entry, answer: Answer, question: str = "") -> list[str]:
    """A task that is finished, or waits for somebody, in a line; what is asked, and how to answer, below it."""
    facts = [f"{entry.state:<7} {entry.name}", entry.model or ""]
    if entry.attempts:
        facts.append(f"{entry.attempts} {'attempt' if entry.attempts == 1 else 'attempts'}")
    facts += ["" if entry.state == "waiting" else f"{entry.elapsed(0):.1f} s", entry.note]
    said = ["  ".join(fact for fact in facts if fact)]
    if entry.wants:
        said += [f"        {line}" for line in question.splitlines()[:_QUESTION] if line.strip()]
        said.append(f"        answer: {answer(entry)}")
    return said


def picture(
    board: Board,
    console: Console,
    now: float,
    answer: Answer = answer_in_python,
    question: Answer = lambda entry: "",
) -> RenderableType:
    """The board as rich draws it: a headline, as many lines of the tree as fit, how to answer who waits."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    fancy = not console.options.ascii_only and not console.legacy_windows
    asked = [entry for entry in board.waiting() if entry.wants][: max(1, console.height // 6)]
    rows = board.shown(max(3, console.height - 4 - 2 * len(asked)))
    titles = ["  " * e.depth + e.title for e in rows]
    times = ["" if e.state == "skipped" else _clock(e.elapsed(now)) for e in rows]
    tries = [_tries(e.attempts) for e in rows]
    middles = [_held(e, fancy) if e.counts else e.model or "" for e in rows]
    fixed = [1, max(map(len, tries), default=0), max(map(len, times), default=0)]
    wanted = [max(map(len, column), default=0) for column in (titles, middles, [e.note for e in rows])]
    title, middle, note = fit(wanted, console.width - sum(fixed) - 2 * 5)
    grid = Table.grid(padding=(0, 2, 0, 0))
    for width in (fixed[0], title, middle, *fixed[1:], note):
        grid.add_column(width=width, no_wrap=True, overflow="ellipsis", justify="left")
    for i, entry in enumerate(rows):
        grid.add_row(
            Text(_sign(entry, now, fancy), style=_STYLES[entry.state]),
            Text(titles[i], style="dim" if entry.state == "skipped" else ""),
            Text(middles[i]),
            Text(tries[i], justify="right"),
            Text(times[i], justify="right"),
            Text(entry.note, style="" if entry.state in ("waiting", "failed") else "dim"),
        )
    hidden = board.lines - len(rows)
    parts: list[RenderableType] = [
        Text(board.headline(now), style="bold", no_wrap=True, overflow="ellipsis"),
        grid,
    ]
    if hidden > 0:
        parts.append(Text(f"  {'…' if fancy else '...'} and {hidden:,} more", style="dim"))
    for entry in asked:
        said = " ".join(question(entry).split())
        parts.append(Text(f"{entry.name}: {said}" if said else entry.name, no_wrap=True, overflow="ellipsis"))
        parts.append(Text(f"  {answer(entry)}", style="yellow", no_wrap=True, overflow="ellipsis"))
    return Group(*parts)


def _worth_a_line(entry: Entry, ended: int) -> bool:
    """Whether a line is printed: of thousands that are done one now and then, but everybody who waits or failed."""
    return entry.state in ("waiting", "failed") or ended <= _EACH or not ended % 10 ** (len(str(ended)) - 1)


def _held(entry: Entry, fancy: bool) -> str:
    """What is inside of a line, by numbers, with a bar of how much of it is done."""
    whole = sum(entry.counts.values())
    if whole <= 1:
        return entry.told
    ended = whole - entry.counts.get("running", 0) - entry.counts.get("waiting", 0)
    full = ended * _BAR // whole
    on, off = ("━", "╌") if fancy else ("#", ".")
    return f"{on * full}{off * (_BAR - full)} {entry.told}"


def _tries(attempts: int) -> str:
    return "" if not attempts else "1 try" if attempts == 1 else f"{attempts} tries"


def _clock(seconds: float) -> str:
    """Seconds, and above two minutes hours, minutes and seconds: what waits for a person may wait for days."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}"


def _sign(entry: Entry, now: float, fancy: bool) -> str:
    if entry.state == "running":
        frames = _FRAMES if fancy else _PLAIN_FRAMES
        return frames[int(now * _PER_SECOND) % len(frames)]
    return _SIGNS[entry.state][0 if fancy else 1]

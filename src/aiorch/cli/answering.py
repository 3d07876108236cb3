"""What a run asks a person, put to whoever sits at the terminal.

The answer goes into the run's mailbox, as that of `aiorch runs approve` would: the first one counts, whoever gives it.
"""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anyio
import click

from aiorch.errors import WorkflowError
from aiorch.events import NodeFinished, NodeWaiting

if TYPE_CHECKING:
    from aiorch.views import Board
    from aiorch.views.cells import Subscribe
    from aiorch.workflow.runs import Run, Waiting

YES, NO = frozenset({"y", "yes"}), frozenset({"n", "no", ""})


def at_a_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin is not None and sys.stdin.isatty() and os.name == "posix"


async def attend(
    run: Run, board: Board, subscribe: Subscribe, redacted: Callable[[str], str], events: bool
) -> None:
    """Ask whatever the run waits for, one question after the other, until cancelled.

    :param events: True where nobody else can send what tasks wait for, so that it is asked for, too.
    """
    news = anyio.Event()

    def heard(event: object) -> None:
        if isinstance(event, NodeWaiting | NodeFinished):
            news.set()

    end = subscribe(heard)
    asked: set[str] = set()
    try:
        while True:
            news = anyio.Event()
            for one in run.waiting:
                if one.task not in asked and (events or one.kind == "approval"):
                    asked.add(one.task)
                    with board.aside():
                        await _put(run, one, redacted)
            await news.wait()
    finally:
        end()


async def _put(run: Run, one: Waiting, redacted: Callable[[str], str]) -> None:
    """Put one question, and hand its answer on."""
    person = one.kind == "approval"
    asked = one.question if person else f"{one.task} waits for the event {one.name}"
    click.echo(f"\n{click.style(redacted(asked), bold=True)}", err=True)
    while one in run.waiting:
        typed = await _typed(f"{one.task}: allow? [y/N] " if person else f"{one.name} = (JSON or text) ")
        if typed is None:  # end of input: it goes on waiting, for an answer from elsewhere
            return
        word = typed.strip().lower()
        if person and word not in YES | NO:
            continue
        try:
            if person:
                await run.approve(one.name, word in YES, by=getpass.getuser())
            else:
                await run.send(one.name, _value(typed.strip()))
        except WorkflowError as late:  # it was answered elsewhere, or waits no longer
            click.echo(redacted(str(late)), err=True)
        return


async def _typed(prompt: str) -> str | None:
    """A line from the terminal, without a thread that could not be stopped; ``None`` at the end of input."""
    click.echo(prompt, nl=False, err=True)
    descriptor = sys.stdin.fileno()
    await anyio.wait_readable(descriptor)
    line = os.read(descriptor, 65_536)
    return line.decode(errors="replace") if line else None


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text

"""Ctrl-C and SIGTERM: what runs is cancelled, and the program is gone within a second.

Cancelling is not always enough: a function in a thread is waited for, and some C code cannot be reached. So a clock
starts with the signal; when it runs out, the last words are said from its thread and the process ends at once.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any, NoReturn, TypeVar

from aiorch.cli.voice import INTERRUPTED

T = TypeVar("T")

GRACE = 0.7
"""Seconds that cancelled work gets to end by itself, so that all is over within one."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)

SHOW_CURSOR = "\x1b[?25h"
"""A live display hides the cursor; who is cut off does not get to show it again."""


class Stopped(Exception):
    """The work was interrupted, and the last words were said."""


def run(work: Callable[[], Awaitable[T]], last_words: Callable[[], None]) -> T:
    """Carry out ``work`` in an event loop until it is done or interrupted.

    :param last_words: says what was finished and what was not. Called once, and perhaps from another thread while
        ``work`` still hangs.
    :raises Stopped: when it was interrupted.
    """
    import anyio

    stop = _Stop(last_words)

    async def main() -> T:
        with anyio.CancelScope() as scope:
            stop.begin(scope.cancel)
            try:
                return await work()
            except Exception:
                if not stop.asked:
                    raise
                # what breaks while it is torn down is no news to who asked for it
        raise Stopped

    with stop:
        try:
            return anyio.run(main)
        except Stopped:
            stop.say()
            raise


class _Stop:
    """Listens for the signals while it is entered."""

    def __init__(self, last_words: Callable[[], None]) -> None:
        self.asked = False
        self._last_words = last_words
        self._said = threading.Lock()
        self._wake: Callable[[], None] | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> None:
        if (
            threading.current_thread() is threading.main_thread()
        ):  # elsewhere signals are somebody else's business
            self._before = {s: signal.signal(s, self._on_signal) for s in SIGNALS}

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def begin(self, cancel: Callable[[], None]) -> None:
        """From now on there is something to cancel."""
        import asyncio

        loop = asyncio.get_running_loop()
        self._wake = lambda: loop.call_soon_threadsafe(cancel) and None
        if self.asked:
            cancel()

    def say(self) -> None:
        """The last words, if nobody said them before."""
        if self._said.acquire(blocking=False):
            self._last_words()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.asked:  # the second time: now
            self._cut()
        self.asked = True
        clock = threading.Timer(GRACE, self._cut)
        clock.daemon = True
        clock.start()
        if self._wake is not None:
            self._wake()

    def _cut(self) -> NoReturn:
        if sys.stderr.isatty():
            sys.stderr.write(SHOW_CURSOR)
        try:
            self.say()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(INTERRUPTED)

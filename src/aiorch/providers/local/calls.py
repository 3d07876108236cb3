"""One blocking call in a thread of its own, listened to from an event loop.

The thread never waits for the loop, so a loop that is gone holds nothing up; the loop waits for the thread only in
:meth:`Call.next` and :meth:`Call.stop`. No task group and no cancel scope stays open between the pieces, so a stream
may be read under any scopes, and closed anywhere.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import anyio
from anyio.lowlevel import current_token

from aiorch.types import JSON


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


class Call:
    """``work(on_chunk)``, running.

    :param on_end: called in the event loop when the work is done, whether its chunks were read by then or not.

    >>> async def show(engine, body):
    ...     call = Call(lambda on_chunk: engine.answer(body, on_chunk))
    ...     try:
    ...         while (chunk := await call.next(30.0)) is not None:
    ...             print(chunk)
    ...     finally:
    ...         await call.stop()
    """

    def __init__(
        self, work: Callable[[Callable[[JSON], bool]], None], on_end: Callable[[], object] | None = None
    ) -> None:
        self._work = work
        self._on_end = on_end
        self._pieces: deque[JSON | _End] = deque()
        self._news = anyio.Event()
        self._token = current_token()
        self._stopping = False
        self._ended = False
        # Not a daemon: at the end of the process those are torn out of the engine's C++ code, which aborts.
        self._thread = threading.Thread(target=self._run, name="aiorch-local")
        self._thread.start()

    async def next(self, patience: float | None) -> JSON | None:
        """The next chunk; ``None`` at the end.

        :param patience: seconds to wait for it; ``None`` waits for ever.
        :raises TimeoutError: when it does not come in time.
        :raises Exception: what the work raised.
        """
        with anyio.move_on_after(patience):
            piece = await self._next()
            if not isinstance(piece, _End):
                return piece
            if piece.error is not None:
                raise piece.error
            return None
        raise TimeoutError

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to end."""
        return self._stopping

    def cancel(self) -> None:
        """Ask the work to end at its next chunk. May be called from any thread."""
        self._stopping = True

    async def stop(self) -> None:
        """End the work and wait until its thread is done, however the waiter is cancelled meanwhile."""
        self.cancel()
        with anyio.CancelScope(shield=True):
            while not self._ended:
                await self._next()

    def join(self) -> None:
        """Wait for the thread, from another one than the event loop's."""
        self._thread.join()

    async def _next(self) -> JSON | _End:
        while not self._pieces:
            self._news = anyio.Event()
            await self._news.wait()
        piece = self._pieces.popleft()
        if isinstance(piece, _End):
            self._ended = True
        return piece

    # --- in the thread

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            self._work(self._on_chunk)
        except BaseException as raised:
            error = raised
        self._deliver(_End(error))
        if self._on_end is not None:
            self._soon(self._on_end)

    def _on_chunk(self, chunk: JSON) -> bool:
        self._deliver(chunk)
        # the interpreter waits for threads such as this one when the main thread is done: then nobody listens any more
        return self._stopping or not threading.main_thread().is_alive()

    def _deliver(self, piece: JSON | _End) -> None:
        self._pieces.append(piece)
        self._soon(self._wake)

    def _soon(self, callback: Callable[[], object]) -> None:
        try:
            self._token.backend_class.run_sync_soon(callback, (), self._token.native_token)
        except anyio.RunFinishedError:
            self._stopping = True

    def _wake(self) -> None:
        self._news.set()

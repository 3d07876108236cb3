"""The engine whose runs survive: claim, carry out under the journal, write down how it ended."""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable
from functools import cache, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, TypeVar
from uuid import uuid4

import anyio
import anyio.to_thread

from aiorch.clock import Clock, SystemClock
from aiorch.errors import LeaseLost, MissingExtra, RunInUse
from aiorch.protocols import Journal
from aiorch.workflow.durable.address import Address
from aiorch.workflow.durable.identity import is_gone, this_process

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from aiorch.workflow.durable.life import Ending, Life, Shell
    from aiorch.workflow.durable.records import Claim, Held
    from aiorch.workflow.durable.storage import Storage

T = TypeVar("T")
Gone = Callable[["Connection", str], bool]
"""Whether the process that owns a run has ended."""

FAREWELL = 10.0
"""Seconds that a cancelled run is given to write down that it was cancelled."""
WATCH = 2.0
"""Seconds between two looks whether a run is still ours, where it commits nothing meanwhile."""
LONGEST_ERROR = 2000
"""Characters of an error's text that are kept."""

log = logging.getLogger("aiorch")


class Durable:
    """Keeps runs in a SQLite file or in PostgreSQL, under asyncio and trio.

        engine = Durable("sqlite:///runs.db")
        run = await ai.execute(flow, engine=engine, run_id="nightly-1")

    The same id resumes what was interrupted, and returns the stored result of what was done.

    :param url: ``sqlite:///file`` or ``postgresql://user:password@host:5432/database``.
    :param redact: takes secrets out of what failed runs said, before it is written.
    :raises MissingExtra: without the extra ``durable``. :raises ConfigurationError: for another address.
    """

    durable = True

    def __init__(
        self,
        url: str,
        *,
        redact: Callable[[str], str] = str,
        clock: Clock | None = None,
        gone: Gone | None = None,
    ) -> None:
        self.address = Address.parse(url)
        self.name: Literal["sqlite", "postgresql"] = self.address.kind
        self._redact = redact
        self._clock = clock or SystemClock()
        self._gone = gone or is_dead
        self._storage: Storage | None = None
        _needed()

    def __repr__(self) -> str:
        return f"<Durable {self.address}>"

    @property
    def storage(self) -> Storage:
        """The database; it is opened when it is first read or written."""
        if self._storage is None or self._storage.pid != os.getpid():  # a forked child has no part in it
            from aiorch.workflow.durable.storage import Storage

            self._storage = Storage.shared(self.address)
        return self._storage

    async def run(
        self, run_id: str, version: str, body: Callable[[Journal], Awaitable[T]], *, returns: type[T]
    ) -> T:
        """Carry out ``body`` as run ``run_id``; a finished run's id returns its stored result.

        :raises InputError: for an id that names no run. :raises VersionChanged: when another specification began it.
        :raises RunInUse: when somebody is at it.
        :raises LeaseLost: when it was taken over or cancelled elsewhere meanwhile. :raises StorageError: when the
            database cannot be used. What ``body`` raises passes through.
        """
        from aiorch.workflow.durable.submitting import checked_id

        return await self._once_here(checked_id(run_id), version, body, returns, _Alone(self.address))

    async def serve(
        self,
        run_id: str,
        version: str,
        body: Callable[[Journal], Awaitable[T]],
        *,
        returns: type[T],
        owner: str,
        allowed: Callable[[Connection], bool],
    ) -> T:
        """The same for a run that DBOS took from a queue and carries out itself, so that it writes down the end.

        :param owner: the worker.
        :param allowed: whether the run is still this worker's, asked in the transaction that claims it.
        """
        return await self._once_here(run_id, version, body, returns, None, owner=owner, allowed=allowed)

    async def aclose(self) -> None:
        """Close the database and end DBOS, unless another engine of this process uses them too."""
        await anyio.to_thread.run_sync(self.close)

    def close(self) -> None:
        """The same without an event loop."""
        storage, self._storage = self._storage, None
        if storage is not None:
            _let_go(storage)

    # --- one run -------------------------------------------------------------------------------------------------

    async def _once_here(
        self,
        run_id: str,
        version: str,
        body: Callable[[Journal], Awaitable[T]],
        returns: type[T],
        alone: _Alone | None,
        *,
        owner: str = "",
        allowed: Callable[[Connection], bool] | None = None,
    ) -> T:
        from aiorch.workflow.durable import records
        from aiorch.workflow.stored import read

        storage = self.storage
        me = owner or str(this_process())
        gone = self._gone if allowed is None else _always
        if run_id in storage.busy:
            raise RunInUse(run_id, me)
        storage.busy.add(run_id)
        storage.hold()
        try:
            token = uuid4().hex

            def claim(db: Connection) -> Held | records.Finished:
                if allowed is not None and not allowed(db):
                    raise LeaseLost(run_id)
                return records.claim(db, run_id, version, owner=me, token=token, gone=gone)

            found = await storage.do(claim)
            if isinstance(found, records.Finished):
                return read(run_id, returns, found.result)
            return await self._carry_out(storage, found, body, returns, alone)
        finally:
            storage.busy.discard(run_id)
            with anyio.CancelScope(
                shield=True
            ):  # the last one to leave where the engine was closed meanwhile
                await anyio.to_thread.run_sync(_let_go, storage)

    async def _carry_out(
        self,
        storage: Storage,
        held: Held,
        body: Callable[[Journal], Awaitable[T]],
        returns: type[T],
        alone: _Alone | None,
    ) -> T:
        from aiorch.workflow.durable.journal import DurableJournal
        from aiorch.workflow.durable.records import finish, holds
        from aiorch.workflow.durable.storage import here
        from aiorch.workflow.stored import written_whole

        mine = held.claim
        scope = anyio.CancelScope()
        journal = DurableJournal(storage, held, clock=self._clock, stop=scope.cancel)
        tell = here()
        stop_watching = storage.every(WATCH, lambda db: holds(db, mine) or tell(journal.lose), writes=False)
        try:
            if alone is not None:
                await alone.begin(mine.run_id)
            with scope:
                value = await body(journal)
                if journal.broken is None:
                    text = written_whole(mine.run_id, value, returns)
                    await storage.do(partial(finish, mine=mine, state="done", result=text))
            if journal.broken is not None:
                raise journal.broken
        except Exception as fault:
            why = journal.broken or fault
            await self._leave(storage, mine, alone, why)
            if why is not fault:
                raise why from fault
            raise
        except BaseException:
            await self._leave(storage, mine, alone, None)
            raise
        finally:
            stop_watching()
        if alone is not None:
            await alone.end("succeed")
        return value  # pyright: ignore[reportPossiblyUnboundVariable, reportReturnType]  # not where it was broken

    async def _leave(
        self, storage: Storage, mine: Claim, alone: _Alone | None, why: Exception | None
    ) -> None:
        """Write down that a run failed, or (``None``) was cancelled; as far as that can be written."""
        from aiorch.workflow.durable.records import finish

        error = None if why is None else self._told(why)
        ended: Ending = "abandon"
        with anyio.CancelScope(shield=True):
            if not isinstance(why, LeaseLost):
                try:
                    with anyio.fail_after(FAREWELL):
                        state = "cancelled" if why is None else "failed"
                        await storage.do(partial(finish, mine=mine, state=state, error=error))
                    ended = "cancel" if why is None else "fail"
                except LeaseLost:  # whoever took the run away, or cancelled it, wrote down how it stands
                    pass
                except Exception as fault:  # whatever it is, DBOS has to let go of the run
                    log.warning(
                        "how run %s ended could not be written: %s", mine.run_id, fault or "no time left"
                    )
            if alone is not None:
                await alone.end(ended, error or "")

    def _told(self, why: Exception) -> str:
        """What is kept of an error: its class and its words, without secrets."""
        from aiorch.workflow.stored import clean

        return clean(f"{type(why).__name__}: {self._redact(str(why))}"[:LONGEST_ERROR])


class _Alone:
    """What DBOS knows of a run that it does not carry out itself."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._life: Life | None = None
        self._shell: Shell | None = None

    async def begin(self, run_id: str) -> None:
        from aiorch.workflow.durable.life import Life

        self._life = await anyio.to_thread.run_sync(Life.hold, self._address)
        self._shell = await anyio.to_thread.run_sync(self._life.begin, run_id)

    async def end(self, how: Ending, error: str = "") -> None:
        """Tell DBOS, without failing the run over it: what counts is written in our own tables."""
        await anyio.to_thread.run_sync(self._end, how, error)

    def _end(self, how: Ending, error: str) -> None:
        try:
            if self._shell is not None:
                self._shell.end(how, error)
        except Exception as fault:
            log.warning("DBOS could not write how a run ended: %s", fault)
        finally:
            if self._life is not None:
                self._life.release()


def _let_go(storage: Storage) -> None:
    """Whoever leaves last closes the door, and ends DBOS."""
    if storage.release():
        from aiorch.workflow.durable.life import Life

        Life.end(storage.address)


def is_dead(db: Connection, owner: str) -> bool:
    """Whether the process that owns a run has ended, as far as that can be seen on this machine."""
    return is_gone(owner, this_process()) is True


def _always(db: Connection, owner: str) -> bool:
    """A queue gives a run to one worker at a time, so whoever had it before has it no longer."""
    return True


@cache
def _needed() -> None:
    """:raises MissingExtra: without DBOS, which brings SQLAlchemy."""
    if find_spec("dbos") is None:
        raise MissingExtra("durable", "keeping runs of workflows")

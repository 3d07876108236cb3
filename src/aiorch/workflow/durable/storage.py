"""One database of durable runs in this process: one thread, one connection, and everything that came in meanwhile is
one transaction.

Interface, for everybody in this folder:

    storage = Storage.shared(Address.parse("sqlite:///runs.db"))   # one object an address, opened at the first use
    value = await storage.do(work)                    # asyncio and trio; `work(db: sqlalchemy.Connection) -> value`
    value = storage.do_now(work)                      # the same for threads without an event loop
    storage.post(work)                                # the same without waiting
    storage.every(seconds, work) -> stop              # `work(db)` in the thread, again and again: leases, polls
    value = await storage.receive(run_id, name)       # waits for mail; text of JSON
    storage.release()                                 # the last one who shared it closes thread and connection

``work`` runs inside a transaction that it shares with others' (group commit): the single sync of the disk at its end
is shared too. What it returns is handed over after the commit. Rules: it may run twice (the connection was lost, or
another's work failed), so it has no effects but those on the database, and writing the same again does no harm; it
raises before its first write or not at all, so that what others do stays whole; it is short. ``writes=False`` says
that it only reads. What is done to the tables (claiming, committing ...) stands in ``records.py``, as such functions.

Failures are :class:`~aiorch.errors.StorageError`: a lost connection to PostgreSQL is made anew for ``patience``
seconds first. Nothing of a failed transaction stands.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import anyio
import anyio.lowlevel
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from aiorch.workflow.durable import records
from aiorch.workflow.durable.address import Address
from aiorch.workflow.durable.connecting import connect, is_lost
from aiorch.workflow.durable.faults import explained
from aiorch.workflow.durable.tables import migrate

T = TypeVar("T")
Work = Callable[[Connection], T]

MOST = 1000
"""Works in a transaction at the most."""
POLL = 0.5
"""Seconds between two looks for mail, where somebody waits for some."""
FIRST_WAIT, LONGEST_WAIT = 0.05, 1.0
"""Seconds between attempts to reach a server that went away."""


@dataclass(slots=True, eq=False)
class _Job(Generic[T]):
    work: Work[T]
    writes: bool
    post: Callable[[Callable[[], Any]], Any]
    """Runs a function where the one who waits is: their event loop, or right here."""
    set: Callable[[], Any]
    value: Any = None
    error: Exception | None = None


@dataclass(slots=True, eq=False)
class _Tick:
    seconds: float
    job: _Job[Any]
    due: float = 0.0


@dataclass(slots=True, eq=False)
class _Waiting:
    """Somebody who waits for mail."""

    run_id: str
    name: str
    job: _Job[str]


@dataclass(slots=True)
class _Shelf:
    lock: threading.Lock = field(default_factory=threading.Lock)
    open: dict[tuple[int, str], Storage] = field(default_factory=dict[tuple[int, str], "Storage"])


_shelf = _Shelf()


class Storage:
    """See above. ``patience``: seconds for which a server that went away is waited for."""

    def __init__(self, address: Address, *, patience: float = 30.0) -> None:
        self.address = address
        self.pid = os.getpid()
        self.patience = patience
        self._queue: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._users = 0
        self._closing = False
        self.busy: set[str] = set()
        """Ids of the runs that this process carries out."""
        # what follows belongs to the thread
        self._engine: Engine | None = None
        self._db: Connection | None = None
        self._ticks: list[_Tick] = []
        self._waiting: list[_Waiting] = []
        self._look = 0.0
        self.batches = 0
        """Transactions that wrote something."""

    @classmethod
    def shared(cls, address: Address) -> Storage:
        """The one of this process for this address; :meth:`release` gives it back."""
        key = (os.getpid(), address.url)  # a forked child may not use its parent's connection
        with _shelf.lock:
            found = _shelf.open.get(key)
            if found is None:
                found = _shelf.open[key] = cls(address)
            found._users += 1
            return found

    def hold(self) -> None:
        """Use it for somebody more: :meth:`release` gives it back."""
        with _shelf.lock:
            self._users += 1

    def release(self) -> bool:
        """Give it back; the last one closes it, after what is under way. :returns: whether it was the last one."""
        with _shelf.lock:
            self._users -= 1
            if self._users > 0:
                return False
            for key in [key for key, storage in _shelf.open.items() if storage is self]:
                del _shelf.open[key]
        self.close()
        return True

    def __repr__(self) -> str:
        return f"<Storage {self.address}>"

    # --- for whoever uses it -------------------------------------------------------------------------------------

    async def do(self, work: Work[T], *, writes: bool = True) -> T:
        """Carry out ``work`` and return what it returns, once that is committed.

        Cancelled, it is carried out all the same.

        :raises StorageError: when the database cannot be used; nothing of it stands.
        """
        event = anyio.Event()
        job = _Job[T](work, writes, here(), event.set)
        self._put(job)
        await event.wait()
        return _taken(job)

    def do_now(self, work: Work[T], *, writes: bool = True) -> T:
        """The same for a thread without an event loop."""
        event = threading.Event()
        job = _Job[T](work, writes, _at_once, event.set)
        self._put(job)
        event.wait()
        return _taken(job)

    def post(self, work: Work[Any]) -> None:
        """Carry out ``work`` some time soon, and wait for nothing."""
        self._put(_Job(work, True, _at_once, _nothing))

    def every(self, seconds: float, work: Work[Any], *, writes: bool = True) -> Callable[[], None]:
        """Carry out ``work`` in the thread every so often, first at once, until the returned function is called.

        It must not raise; a database that cannot be reached is passed over in silence, the next time comes.
        """
        tick = _Tick(seconds, _Job(work, writes, _at_once, _nothing))
        self._put(_Job(lambda _: self._ticks.append(tick), False, _at_once, _nothing))

        def stop() -> None:
            self._put(_Job(lambda _: _drop(self._ticks, tick), False, _at_once, _nothing))

        return stop

    async def receive(self, run_id: str, name: str) -> str:
        """The JSON that was sent to the run under ``name``, as soon as there is some."""
        event = anyio.Event()
        job = _Job[str](_never, False, here(), event.set)
        waiting = _Waiting(run_id, name, job)

        def wait(_: Connection) -> None:
            self._waiting.append(waiting)
            self._look = 0.0

        self._put(_Job(wait, False, _at_once, _nothing))
        try:
            await event.wait()
        finally:
            if not event.is_set():
                self._put(_Job(lambda _: _drop(self._waiting, waiting), False, _at_once, _nothing))
        return _taken(job)

    async def send(self, run_id: str, name: str, text: str) -> bool:
        """Send JSON to a run; whoever waits for it in this process is woken at once.

        :returns: False where something of that name had been sent before: the first one counts.
        """

        def work(db: Connection) -> bool:
            self._look = 0.0
            return records.send(db, run_id, name, text)

        return await self.do(work)

    def close(self) -> None:
        """End the thread and close the connection, after what is under way. Using it again opens it again."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is None:
                return
            self._closing = True
            self._queue.put(None)
            self._queue = queue.SimpleQueue()
        thread.join()
        self._closing = False

    # --- the thread ----------------------------------------------------------------------------------------------

    def _put(self, job: _Job[Any]) -> None:
        with self._lock:
            self._queue.put(job)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._live, args=(self._queue,), name="aiorch-runs", daemon=True
                )
                self._thread.start()

    def _live(self, inbox: queue.SimpleQueue[_Job[Any] | None]) -> None:
        try:
            while True:
                jobs, last = self._collect(inbox)
                if jobs:
                    self._carry_out(jobs)
                if last:
                    return
                self._tick()
        finally:
            self._disconnect()

    def _collect(self, inbox: queue.SimpleQueue[_Job[Any] | None]) -> tuple[list[_Job[Any]], bool]:
        """What came in; waits for something, or until a tick is due. True with the last there will be."""
        due = [tick.due for tick in self._ticks] + ([self._look] if self._waiting else [])
        jobs: list[_Job[Any]] = []
        try:
            job = inbox.get(timeout=max(0.0, min(due) - time.monotonic())) if due else inbox.get()
            while job is not None:
                jobs.append(job)
                if len(jobs) == MOST:
                    return jobs, False
                job = inbox.get_nowait()
            return jobs, True
        except queue.Empty:
            return jobs, False

    def _tick(self) -> None:
        """Do what is due by the clock."""
        now = time.monotonic()
        for tick in [tick for tick in self._ticks if tick.due <= now]:
            tick.due = now + tick.seconds
            self._carry_out([tick.job])
        if self._waiting and self._look <= now:
            self._look = now + POLL
            waiting = {(one.run_id, one.name): one for one in self._waiting}
            look = _Job(lambda db: records.mail_of(db, waiting.keys()), False, _at_once, _nothing)
            self._carry_out([look])
            for one in list(self._waiting):
                if look.error is not None:
                    one.job.error = look.error
                elif (text := look.value.get((one.run_id, one.name))) is not None:
                    one.job.value = text
                else:
                    continue
                self._waiting.remove(one)
                _deliver([one.job])

    def _carry_out(self, jobs: list[_Job[Any]]) -> None:
        """Do it in one transaction; one by one where that fails, so that only those to blame fail."""
        try:
            self._patiently(jobs)
        except Exception as fault:
            told = explained(fault, self.address)
            of_all = is_lost(fault) or (told is not None and self.address.kind == "sqlite")  # the file itself
            if len(jobs) > 1 and not of_all:
                for job in jobs:
                    self._carry_out([job])
                return
            for job in jobs:
                job.error = told or fault
        _deliver(jobs)

    def _patiently(self, jobs: list[_Job[Any]]) -> None:
        """Do it; where the server went away, again as soon as it is back."""
        until: float | None = None
        wait = FIRST_WAIT
        while True:
            reached = self._db is not None
            try:
                self._transact(jobs)
                return
            except DBAPIError as fault:
                self._reset()
                if not is_lost(fault):
                    raise
                if until is None:
                    if not reached:  # it was not there to begin with
                        raise
                    until = time.monotonic() + self.patience
                elif self._closing or time.monotonic() > until:
                    raise
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    def _transact(self, jobs: list[_Job[Any]]) -> None:
        db = self._connected()
        writes = any(job.writes for job in jobs)
        db.info["writes"] = writes
        db.info[records.HELD] = set()
        with db.begin():
            for job in jobs:
                job.error = None
                try:
                    job.value = job.work(db)
                except SQLAlchemyError:
                    raise
                except Exception as refused:
                    job.error = refused
        self.batches += writes

    def _connected(self) -> Connection:
        if self._db is None:
            if self._engine is None:
                self._engine = connect(self.address)
            db = self._engine.connect()
            try:
                db.info["writes"] = True
                with db.begin():
                    migrate(db)
            except BaseException:
                db.close()
                raise
            self._db = db
        return self._db

    def _reset(self) -> None:
        """After a failure: a connection that may be spent is not used again."""
        db, self._db = self._db, None
        if db is not None:
            db.invalidate()
            db.close()

    def _disconnect(self) -> None:
        db, self._db = self._db, None
        engine, self._engine = self._engine, None
        if db is not None:
            db.close()
        if engine is not None:
            engine.dispose()


def here() -> Callable[[Callable[[], Any]], Any]:
    """How another thread runs something in this event loop."""
    native: Any = anyio.lowlevel.current_token().native_token
    return getattr(native, "call_soon_threadsafe", None) or native.run_sync_soon


def _at_once(function: Callable[[], Any]) -> None:
    function()


def _nothing() -> None: ...


def _never(_: Connection) -> str:
    raise AssertionError("a waiting one is not carried out")


def _taken(job: _Job[T]) -> T:
    if job.error is not None:
        raise job.error
    return job.value


def _drop(members: list[Any], member: object) -> None:
    if member in members:
        members.remove(member)


def _deliver(jobs: Iterable[_Job[Any]]) -> None:
    """Tell those who wait, each loop in one go."""
    loops: dict[Any, list[_Job[Any]]] = {}
    for job in jobs:
        loops.setdefault(job.post, []).append(job)
    for post, theirs in loops.items():

        def tell(theirs: list[_Job[Any]] = theirs) -> None:
            for job in theirs:
                job.set()

        try:
            post(tell)
        except RuntimeError:  # that loop has ended, and with it whoever waited
            continue

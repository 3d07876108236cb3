"""DBOS, which holds the life of runs: who began, what stands, what waits in a queue, what is to be cancelled.

Interface, for everybody in this folder (blocking: for threads):

    life = Life.hold(address)                # launches DBOS, or takes the one that is launched for this database
    shell = life.begin(run_id)               # a DBOS workflow of this id, PENDING; its body is carried out by us
    shell.end("succeed" | "fail" | "cancel" | "abandon", error)
    life.release()                           # it stays launched, and can give way to another database
    Life.end(address)                        # ends DBOS, its threads and its connections
    Life.hold(address, handler=...)          # a worker: DBOS awaits handler(run_id, *input) for what comes from a queue

There is one DBOS object in a process, so one database at a time. We speak to it in a loop and a thread of its own: its
asynchronous calls exchange the thread pool of the loop they are made in, and ours may be trio's. Its journal of steps
is not used: see docs/architecture.md. It writes JSON only, never pickle: reading a shared database must not run code.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, TypeVar

from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID

from aiorch.errors import ConfigurationError, StorageError
from aiorch.workflow.durable.address import Address
from aiorch.workflow.durable.identity import this_process

NAME = "aiorch.run"
"""What DBOS calls a run of ours."""
APPLICATION = "aiorch"
VERSION = "aiorch"
"""DBOS' version of the application. The version of a run, the hash of its specification, is checked by us."""
PATIENCE = 30.0
"""Seconds to wait for DBOS, which itself waits for a lost connection without an end."""

T = TypeVar("T")
Handler = Callable[..., Awaitable[Any]]

_here: dict[str, asyncio.Future[None]] = {}
"""Runs that are carried out in this process, outside of DBOS: what it waits for, by id."""


class RecordedFailure(Exception):
    """What DBOS keeps of an error: its class and its redacted text."""


class Json(Serializer):
    """How DBOS writes inputs, results and errors."""

    def serialize(self, data: Any) -> str:
        if isinstance(data, BaseException):
            data = {"error": str(data) if isinstance(data, RecordedFailure) else type(data).__name__}
        return json.dumps(data)

    def deserialize(self, serialized_data: str) -> Any:
        data = json.loads(serialized_data)
        if isinstance(data, dict) and "error" in data:
            return RecordedFailure(data["error"])  # pyright: ignore[reportUnknownArgumentType]
        return data  # pyright: ignore[reportUnknownVariableType]

    def name(self) -> str:
        return "aiorch_json"


Ending = Literal["succeed", "fail", "cancel", "abandon"]
"""``abandon`` writes down nothing: somebody else carries it out by now, or nothing can be written."""


class Shell:
    """A run as DBOS sees it: pending until we say how it ended."""

    def __init__(
        self, life: Life, run_id: str, verdict: asyncio.Future[None], task: asyncio.Future[Any]
    ) -> None:
        self._life = life
        self._run_id = run_id
        self._verdict = verdict
        self._task = task

    def end(self, how: Ending, error: str = "") -> None:
        """Say how it ended, and wait until that is written.

        :param error: without secrets. :raises StorageError: when it takes too long.
        """
        self._life.wait_for(self._end(how, error))

    async def _end(self, how: Ending, error: str) -> None:
        _here.pop(self._run_id, None)
        if how == "succeed":
            self._verdict.set_result(None)
        elif how == "fail":
            self._verdict.set_exception(RecordedFailure(error))
        else:  # DBOS writes nothing of a workflow that is cancelled by its loop
            self._verdict.cancel()
        await asyncio.wait({self._task})
        if how == "cancel":
            await DBOS.cancel_workflow_async(self._run_id)


@dataclass(slots=True)
class _Launched:
    lock: threading.RLock = field(default_factory=threading.RLock)
    life: Life | None = None


_launched = _Launched()


class Life:
    """See above."""

    def __init__(self, address: Address, handler: Handler | None) -> None:
        self.address = address
        self.handler = handler
        self._pid = os.getpid()
        self._users = 0
        self._unwanted = False
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self._live, name="aiorch-dbos", daemon=True)

    @classmethod
    def hold(cls, address: Address, *, handler: Handler | None = None) -> Life:
        """The one of this process, for as long as a run or a worker needs it.

        :raises ConfigurationError: when DBOS is at work for another database, or launched by somebody else.
        :raises StorageError: when it cannot be launched.
        """
        with _launched.lock:
            life = _launched.life
            if life is not None and life._pid != os.getpid():
                raise ConfigurationError("DBOS was launched before this process was forked: spawn it instead")
            if life is not None and (life.address != address or handler is not None):
                if life._users:
                    raise ConfigurationError(
                        f"this process carries out durable runs in {life.address}, and DBOS serves one database a "
                        f"process: wait until they have ended, or use another process for {address}"
                    )
                life._end()
                life = None
            if life is None:
                life = cls(address, handler)
                life._launch()
                _launched.life = life
            life._users += 1
            return life

    @classmethod
    def end(cls, address: Address) -> None:
        """End DBOS where it is launched for this database, its threads and connections with it."""
        with _launched.lock:
            life = _launched.life
            if life is not None and life.address == address and life._pid == os.getpid():
                life._end()

    def begin(self, run_id: str) -> Shell:
        """Make DBOS hold this run.

        :raises StorageError: when it takes too long.
        """
        return self.wait_for(self._begin(run_id))

    async def _begin(self, run_id: str) -> Shell:
        # Whoever begins a run has claimed it, so what DBOS knew of it before is out of date.
        if await DBOS.get_workflow_status_async(run_id) is not None:
            await DBOS.delete_workflow_async(run_id)
        verdict = _here[run_id] = asyncio.get_running_loop().create_future()
        with SetWorkflowID(run_id):
            handle: Any = await DBOS.start_workflow_async(_workflow())
        task: asyncio.Future[Any] = handle.task  # begun here, so it has one
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return Shell(self, run_id, verdict, task)

    def wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        """Carry out ``work`` in DBOS' loop. :raises StorageError: when it takes too long."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(PATIENCE)
        except TimeoutError:
            future.cancel()
            raise StorageError(
                f"DBOS could not write into {self.address} within {PATIENCE:g} s: check that it runs"
            ) from None

    def release(self) -> None:
        """It is not needed any more for what it was held for."""
        with _launched.lock:
            self._users -= 1
            if self._unwanted and not self._users:
                self._end()

    def _end(self) -> None:
        """Let go of everything; as soon as nobody holds it."""
        self._unwanted = True
        if self._users:
            return
        _launched.life = None
        DBOS.destroy()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _live(self) -> None:
        """The thread of the loop."""
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def _launch(self) -> None:
        quiet()
        _workflow()
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_url": self.address.url,
            "sys_db_pool_size": 5,
            "application_version": VERSION,
            "executor_id": str(this_process()),
            "serializer": Json(),
            "enable_otlp": False,
            "notification_listener_polling_interval_sec": 0.25,
        }
        found = DBOS(config=config)
        if found._launched:  # pyright: ignore[reportPrivateUsage]
            raise ConfigurationError(
                "this process has launched a DBOS application of its own, and there is one DBOS a process: carry "
                "out durable workflows of aiorch in another process"
            )
        try:
            DBOS.listen_queues([])  # a worker takes runs from the queues itself: see queues.py
            DBOS.launch()
        except Exception as fault:
            DBOS.destroy()
            raise StorageError(
                f"DBOS cannot use {self.address}: {type(fault).__name__}. Check that it runs, lets this user in and "
                "lets it make tables"
            ) from fault
        self._loop = asyncio.new_event_loop()
        self._thread.start()


@cache
def _workflow() -> Callable[..., Coroutine[Any, Any, Any]]:
    """The one workflow that DBOS knows, registered once a process."""

    @DBOS.workflow(name=NAME, max_recovery_attempts=None)
    async def carry_out(*given: Any) -> Any:
        run_id = DBOS.workflow_id
        assert run_id is not None
        verdict = _here.get(run_id)
        if verdict is not None:
            return await verdict
        life = _launched.life
        if life is None or life.handler is None:
            raise RecordedFailure("no worker: run it again under its id, or start `aiorch worker`")
        return await life.handler(run_id, *given)

    return carry_out


@cache
def quiet() -> None:
    """DBOS logs into the logger ``dbos``, and not to the console."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:  # it adds one for the console where there is none
        logger.addHandler(logging.NullHandler())
        logger.propagate = False

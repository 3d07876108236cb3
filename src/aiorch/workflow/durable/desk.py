"""The way to the runs of a database for somebody who carries none out: DBOS' client, and our own tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.to_thread

from aiorch.errors import MissingExtra, StorageError
from aiorch.workflow.durable.address import Address

if TYPE_CHECKING:
    from dbos import DBOSClient
    from sqlalchemy import Connection

    from aiorch.workflow.durable.storage import Storage

T = TypeVar("T")


class Desk:
    """Opened at the first use, under asyncio and trio; :meth:`aclose` closes it.

    :param engine: ``sqlite:///runs.db`` or ``postgresql://...``.
    :raises ConfigurationError: for an address of something else.
    """

    def __init__(self, engine: str) -> None:
        self.address = Address.parse(engine)
        self._client: DBOSClient | None = None
        self._storage: Storage | None = None
        self._opening = anyio.Lock()
        self._threads = anyio.CapacityLimiter(4)

    async def dbos(self, work: Callable[[DBOSClient], T]) -> T:
        """Do something with DBOS' client, in a worker thread.

        :raises StorageError: when the database cannot be used. What DBOS raises otherwise passes through.
        """
        client, _ = await self._opened()
        return await self._in_thread(lambda: work(client))

    async def tables(self, work: Callable[[Connection], T], *, writes: bool = True) -> T:
        """Do something with our own tables; see ``Storage.do``."""
        _, storage = await self._opened()
        return await storage.do(work, writes=writes)

    @property
    def storage(self) -> Storage:
        """Our own tables, once the desk has been used."""
        assert self._storage is not None
        return self._storage

    async def aclose(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        storage, self._storage = self._storage, None
        if client is not None:
            await self._in_thread(client.destroy)
        if storage is not None:
            await self._in_thread(storage.release)

    async def _opened(self) -> tuple[DBOSClient, Storage]:
        async with self._opening:
            if self._client is None or self._storage is None:
                self._client, self._storage = await self._in_thread(self._open)
            return self._client, self._storage

    def _open(self) -> tuple[DBOSClient, Storage]:
        try:
            from dbos import DBOS, DBOSClient

            from aiorch.workflow.durable.life import APPLICATION, Json, quiet
            from aiorch.workflow.durable.storage import Storage
        except ImportError as fault:
            raise MissingExtra("durable", "looking after durable runs", str(fault)) from None
        quiet()
        storage = Storage.shared(self.address)
        try:
            storage.do_now(lambda _: None)  # makes our tables, and the file as it has to be
            DBOS.migrate(self.address.url)
            client = DBOSClient(
                system_database_url=self.address.url,
                serializer=Json(),
                application_name=APPLICATION,
                retry_connection_errors=False,
            )
        except StorageError:
            storage.release()
            raise
        except Exception as fault:
            storage.release()
            raise StorageError(
                f"DBOS cannot use {self.address}: {type(fault).__name__}. Check that it runs, lets this user in and "
                "lets it make tables"
            ) from fault
        return client, storage

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self._threads)

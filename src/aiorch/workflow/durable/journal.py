"""The journal of a durable run: what was committed is not done again."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio

from aiorch.clock import Clock
from aiorch.errors import LeaseLost, NeedsPermission, StorageError
from aiorch.types.serial import adapter
from aiorch.workflow.durable import records
from aiorch.workflow.durable.records import Held
from aiorch.workflow.durable.storage import Storage, Work
from aiorch.workflow.ledger import CallRecord, CallState, task_of
from aiorch.workflow.stored import AGAIN, LeftBehind, read, written

if TYPE_CHECKING:
    from aiorch.workflow.runs import Waiting

T = TypeVar("T")

LOOK = 5.0
"""Seconds for a look into the mailbox that whoever has no time left may still take."""


class DurableJournal:
    """Commits what effects return before anybody reads it, and returns it when the run is carried on.

    :param stop: cancels the body of the run: called when nothing can be committed any more.
    """

    def __init__(self, storage: Storage, held: Held, *, clock: Clock, stop: Callable[[], None]) -> None:
        self._storage = storage
        self._claim = held.claim
        self._clock = clock
        self._stop = stop
        self._done = dict(held.effects)
        self._doubtful = set(held.doubtful)
        self._open: set[str] = set()
        self._before = held.calls
        self._calls: list[CallRecord] = []
        self.broken: LeaseLost | StorageError | None = None
        """Why nothing can be committed any more."""

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        """Every call ever begun for the run, in order; one that was made again after a crash is there twice."""
        return (*self._before, *self._calls)

    def show(self, workflow: str, waiting: Sequence[Waiting]) -> None:
        """Let whoever looks at the run from outside see of which workflow it is, and for what it waits."""
        self._storage.post(partial(records.show, mine=self._claim, workflow=workflow, waiting=tuple(waiting)))

    async def once(
        self,
        key: str,
        effect: Callable[[], Awaitable[T]],
        *,
        returns: type[T],
        idempotent: bool = True,
        ledger: bool = False,
    ) -> T:
        """Run ``effect`` and commit what it returns, or return what was committed under this key.

        :raises NeedsPermission: where it is not idempotent, began before and never ended.
        :raises NotStorable: where JSON cannot hold what it returned.
        :raises LeaseLost: where somebody else carries out the run by now. :raises StorageError: where it cannot be
            committed. With either the whole run ends.
        """
        if self.broken is not None:
            raise self.broken
        if (text := self._done.get(key)) is not None:
            return read(key, returns, text)
        if key in self._open:
            raise RuntimeError(
                f"the journal's key {key!r} is under way already: give effects that run side by side keys of their own"
            )
        self._open.add(key)
        try:
            if key in self._doubtful and (given := await self._decided(key, returns)) is not None:
                return read(key, returns, given)
            if ledger or not idempotent:
                return await self._called(key, effect, returns, guarded=not idempotent)
            value = await effect()
            await self._commit(key, written(key, value, returns))
            return value
        finally:
            self._open.discard(key)

    def lose(self) -> None:
        """The run is somebody else's by now."""
        self._break(LeaseLost(self._claim.run_id))

    async def receive(self, name: str) -> Any:
        """The JSON value that was sent to the run under ``name``.

        What is there already counts, also for a run that comes back after the time to wait for it is over.
        """
        if self.broken is not None:
            raise self.broken
        try:
            with anyio.move_on_after(LOOK, shield=True):
                if (text := await self._sent(name)) is not None:
                    return json.loads(text)
            return json.loads(await self._storage.receive(self._claim.run_id, name))
        except StorageError as fault:
            self._break(fault)
            raise

    async def _called(
        self, key: str, effect: Callable[[], Awaitable[T]], returns: type[T], *, guarded: bool
    ) -> T:
        """An effect that is written down before it begins."""
        began = self._clock.now()
        number = len(self._calls)
        self._calls.append(CallRecord(key, task_of(key), began, worker=self._claim.owner))
        started = False
        try:
            await self._keep(
                partial(records.begin, mine=self._claim, number=number, key=key, guarded=guarded, at=began)
            )
            self._doubtful.discard(key)
            started = True
            value = await effect()
        except LeftBehind:  # it goes on, and nobody will know how far it came
            if guarded:
                self._doubtful.add(key)
            raise
        except Exception:
            if self.broken is None:
                await self._keep(self._ended(number, "failed"))
            raise
        except BaseException:  # cancelled: nobody knows how far it came
            if guarded and started:
                self._doubtful.add(key)
            elif self.broken is None:
                self._storage.post(self._ended(number, "failed"))
            raise
        await self._commit(key, written(key, value, returns), call=number)
        return value

    async def _commit(self, key: str, text: str, *, call: int | None = None) -> None:
        """Keep it. Cancelled or not it is on its way, and who asks again meanwhile comes behind it."""
        at = self._clock.now()
        self._done[key] = text
        if call is not None:
            self._end(call, "committed", at)
        await self._keep(partial(records.commit, mine=self._claim, key=key, value=text, at=at, call=call))

    async def _keep(self, work: Work[None]) -> None:
        try:
            await self._storage.do(work)
        except (LeaseLost, StorageError) as fault:
            self._break(fault)
            raise

    def _break(self, fault: LeaseLost | StorageError) -> None:
        """Nothing can be kept, so nothing more may be done."""
        if self.broken is None:
            self.broken = fault
            self._stop()

    def _ended(self, number: int, state: CallState) -> Work[None]:
        at = self._clock.now()
        self._end(number, state, at)
        return partial(records.end, mine=self._claim, number=number, state=state, at=at)

    def _end(self, number: int, state: CallState, at: float) -> None:
        begun = self._calls[number]
        self._calls[number] = CallRecord(begun.key, begun.task, begun.began, at, state, begun.worker)

    async def _sent(self, name: str) -> str | None:
        """What lies in the mailbox under ``name``, as JSON."""
        one = (self._claim.run_id, name)
        return (await self._storage.do(lambda db: records.mail_of(db, {one}), writes=False)).get(one)

    # --- what a person decided -----------------------------------------------------------------------------------

    async def _decided(self, key: str, returns: type[Any]) -> str | None:
        """What a person says the effect returned, as JSON; ``None`` where they allow to repeat it.

        :raises NeedsPermission: where they have not said anything that can be used.
        """
        name = key + AGAIN
        run_id = self._claim.run_id
        text = await self._sent(name)
        if text is None:
            raise self._needed(key)
        decision: Any = json.loads(text)
        if isinstance(decision, dict):
            said = cast("dict[str, Any]", decision)
            if said.get("repeat") is True:
                return None
            if "result" in said:
                result = json.dumps(said["result"])
                try:
                    adapter(returns).validate_json(result)
                except ValueError:  # what is not of the type is not an answer
                    pass
                else:
                    self._doubtful.discard(key)
                    await self._commit(key, result)
                    return result
        await self._keep(lambda db: records.discard(db, run_id, name))  # else it would count for ever
        raise self._needed(key)

    def _needed(self, key: str) -> NeedsPermission:
        began = [call.began for call in self.calls if call.key == key]
        at = datetime.fromtimestamp(began[-1], UTC).isoformat(timespec="seconds") if began else ""
        return NeedsPermission(self._claim.run_id, key, key + AGAIN, at)

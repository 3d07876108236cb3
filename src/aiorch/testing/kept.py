"""An engine that forgets nothing until the test is over: what survives a crash, without a file or a database."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import anyio

from aiorch.clock import Clock, SystemClock
from aiorch.errors import NeedsPermission, VersionChanged
from aiorch.journal import NothingKept
from aiorch.protocols import Journal
from aiorch.types import to_json
from aiorch.workflow.ledger import CallRecord, task_of
from aiorch.workflow.stored import AGAIN, LeftBehind, read, written, written_whole

T = TypeVar("T")


@dataclass
class KeptRun:
    """What is kept of one run."""

    version: str = ""
    """The hash of the workflow that began it; no other one resumes it."""
    made: list[str] = field(default_factory=list[str])
    """Effects that were carried out, by key, in the order in which they began, over all resumptions."""
    committed: dict[str, str] = field(default_factory=dict[str, str])
    """The JSON of every effect that was committed, by key, in that order."""
    result: str | None = None
    """The JSON of the whole run's result, when it is done."""
    stopped: set[str] = field(default_factory=set[str])
    """Effects that must not happen twice, were begun and not committed: here a person has to look."""
    calls: list[CallRecord] = field(default_factory=list[CallRecord])
    """Every call that costs money, over all resumptions."""
    mail: dict[str, str] = field(default_factory=dict[str, str])
    """What was sent to it, by name, as JSON."""
    begun: set[str] = field(default_factory=set[str])
    """Effects that were begun, and neither committed nor failed."""
    _arrived: dict[str, anyio.Event] = field(default_factory=dict[str, anyio.Event])

    def send(self, name: str, value: object) -> None:
        """Send it an event or a decision; the first one under a name counts."""
        if name not in self.mail:
            self.mail[name] = to_json(value)
            self._arrived.pop(name, anyio.Event()).set()

    async def arrival(self, name: str) -> Any:
        """What is sent under ``name``; waits for it."""
        if name not in self.mail:
            await self._arrived.setdefault(name, anyio.Event()).wait()
        return json.loads(self.mail[name])


class KeptRuns:
    """An engine for tests: like a durable one it stores results as JSON, and carries a run on where it was.

        kept = KeptRuns()
        run = await carry_out(flow, fakes=fakes, engine=kept, kill_after="facts")
        again = await carry_out(flow, fakes=fakes, engine=kept, run_id=run.id)
        assert kept[run.id].made == ["facts", "draft"]

    What JSON cannot hold fails here, as it would with a database. Runs on asyncio and trio.
    """

    name = "kept"
    durable = True

    def __init__(self, clock: Clock | None = None) -> None:
        """:param clock: the time that ``calls`` tell."""
        self._clock = clock or SystemClock()
        self._runs: dict[str, KeptRun] = {}

    def __getitem__(self, run_id: str) -> KeptRun:
        """What is kept of a run. :raises KeyError: where there is none of that id."""
        return self._runs[run_id]

    def at(self, run_id: str) -> KeptRun:
        """What is kept of a run, or will be."""
        return self._runs.setdefault(run_id, KeptRun())

    @property
    def runs(self) -> Mapping[str, KeptRun]:
        """All that were ever begun, by their ids."""
        return self._runs

    async def run(
        self, run_id: str, version: str, body: Callable[[Journal], Awaitable[T]], *, returns: type[T]
    ) -> T:
        """Begin a run or carry it on. :raises VersionChanged: where another version of the workflow began it."""
        kept = self.at(run_id)
        kept.version = kept.version or version
        if kept.version != version:
            raise VersionChanged(run_id, kept.version, version)
        if kept.result is None:
            value = await body(KeptJournal(kept, run_id, self._clock))
            kept.result = kept.result or written_whole(run_id, value, returns)
        return read(run_id, returns, kept.result)


class KeptJournal:
    """The :class:`~aiorch.protocols.Journal` and :class:`~aiorch.protocols.Mailbox` of one :class:`KeptRun`."""

    def __init__(self, kept: KeptRun, run_id: str, clock: Clock) -> None:
        self._kept = kept
        self._run_id = run_id
        self._clock = clock

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        """Every call that was ever begun for the run."""
        return tuple(self._kept.calls)

    async def once(
        self,
        key: str,
        effect: Callable[[], Awaitable[T]],
        *,
        returns: type[T],
        idempotent: bool = True,
        ledger: bool = False,
    ) -> T:
        """The stored result, or what ``effect`` returns now.

        :raises NeedsPermission: where it was begun before, never committed, and must not happen twice.
        :raises NotStorable: where JSON cannot hold what it returned.
        """
        kept = self._kept
        if key not in kept.committed:
            if idempotent or key not in kept.begun or self._allowed(key):
                kept.begun.add(key)
                if not key.startswith("!"):  # what the run itself writes down is no effect of a task
                    kept.made.append(key)
                value = await (self._told(key, effect) if ledger else self._tried(key, effect))
                kept.committed.setdefault(key, written(key, value, returns))
            kept.begun.discard(key)
        return read(key, returns, kept.committed[key])

    async def receive(self, name: str) -> Any:
        """What was sent to the run under ``name``; waits for it."""
        return await self._kept.arrival(name)

    async def send(self, name: str, value: object) -> None:
        """Send the run something; the first one under a name counts."""
        self._kept.send(name, value)

    def _allowed(self, key: str) -> bool:
        """Whether a person said that it may be repeated; where they said what came of it, that is committed."""
        said = json.loads(self._kept.mail.get(key + AGAIN, "{}"))
        if "result" in said:
            self._kept.committed[key] = json.dumps(said["result"])
        elif said.get("repeat") is not True:
            self._kept.stopped.add(key)
            raise NeedsPermission(self._run_id, key, key + AGAIN)
        return "result" not in said

    async def _tried(self, key: str, effect: Callable[[], Awaitable[T]]) -> T:
        """What ``effect`` returns; one that raises has ended, and may be made again."""
        try:
            return await effect()
        except LeftBehind:
            raise
        except Exception as wrong:
            self._kept.begun.discard(key)
            if isinstance(wrong, NothingKept):  # somebody only looked
                del self._kept.made[-1 - self._kept.made[::-1].index(key)]
            raise

    async def _told(self, key: str, effect: Callable[[], Awaitable[T]]) -> T:
        """The same, written down before it begins."""
        calls, number = self._kept.calls, len(self._kept.calls)
        calls.append(CallRecord(key, task_of(key), self._clock.now()))
        try:
            value = await self._tried(key, effect)
        except Exception:
            calls[number] = replace(calls[number], ended=self._clock.now(), state="failed")
            raise
        calls[number] = replace(calls[number], ended=self._clock.now(), state="committed")
        return value

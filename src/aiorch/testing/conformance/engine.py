"""What every engine promises: it carries a run's body out under a journal, and hands on what comes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ClassVar, TypeVar, cast

import anyio
import pytest

from aiorch.protocols import Engine, Journal, Mailbox
from aiorch.testing.conformance.suite import (
    Suite,
    check_members,
    check_name,
    hold,
    in_patience,
    in_time,
    missing,
    not_looked_at,
    raised,
    wrong,
)
from aiorch.types import Usage, new_id

T = TypeVar("T")

VERSION = "1"
RUNS = "an engine carries out the body of a run and returns what it returns, in the type that was asked for"
PASSES = "what the body raises arrives as it was raised: the scheduler and the caller know what to do with it"
ONCE = "journal.once() runs the effect and returns its result in the type that was asked for"
INSIDE = "an effect may go through the journal inside of another one's: a question to a model holds its tools' effects"

Send = Callable[[str, str, object], Coroutine[Any, Any, object]]
"""Sends a value to a run: its id, the name under which, the value."""


class OurFault(Exception):
    """What a body raises in these tests."""


class EngineConformance(Suite):
    """Tests of an :class:`~aiorch.protocols.Engine`. A test class inherits them and says what is tested:

        class TestInProcess(EngineConformance):
            @pytest.fixture
            def engine(self):
                return InProcess()

    An engine that survives its process inherits :class:`DurableEngineConformance` instead. Where something can be sent
    to its runs, the fixture ``send`` does so: ``await send(run_id, name, value)``.
    """

    durable: ClassVar[bool] = False
    """What the engine is to say of itself."""

    @pytest.fixture
    def engine(self) -> Engine:
        """What is tested."""
        missing("engine", "InProcess()")

    @pytest.fixture
    def send(self) -> Send | None:
        """How a value is sent to a run."""
        return None

    def test_it_has_what_an_engine_has(self, engine: Engine) -> None:
        check_members(engine, Engine, ("name", "durable", "run"))
        check_name(engine.name, type(engine).__name__)
        hold(
            engine.durable is self.durable,
            f"{type(engine).__name__}.durable is {engine.durable!r}",
            "durable is True where results are stored, since those have to be what JSON can hold, and otherwise False",
            f"set durable = {self.durable}, or inherit "
            + ("EngineConformance" if self.durable else "DurableEngineConformance"),
        )

    @pytest.mark.anyio
    async def test_it_runs_the_body_once_and_returns_its_value(self, engine: Engine) -> None:
        begun: list[object] = []

        async def body(journal: Journal) -> dict[str, Any]:
            begun.append(journal)
            return {"draft": "text", "numbers": [1, 2.5, None]}

        value = await run(engine, body, returns=dict[str, Any])
        hold(
            len(begun) == 1, f"the body was carried out {len(begun)} times", RUNS, "await body(journal) once"
        )
        hold(
            hasattr(begun[0], "once"),
            f"the body was given {begun[0]!r:.60}, which is no journal",
            "an engine runs the body under a journal",
            "await body(NullJournal()), or a journal of your own",
        )
        hold(
            value == {"draft": "text", "numbers": [1, 2.5, None]},
            f"the run returned {value!r:.80}, the body something else",
            RUNS,
            "return what the body returned",
        )

    @pytest.mark.anyio
    async def test_results_keep_their_type(self, engine: Engine) -> None:
        async def body(journal: Journal) -> Usage:
            async def effect() -> Usage:
                return Usage(3, 4)

            seen.append(await journal.once("call/1", effect, returns=Usage))
            return Usage(1, 2)

        seen: list[object] = []
        value: object = await run(engine, body, returns=Usage)
        cure = "read stored JSON back with aiorch.types.from_json(returns, text)"
        hold(
            value == Usage(1, 2) and type(value) is Usage,
            f"a run of Usage returned {value!r:.80}",
            RUNS,
            cure,
        )
        hold(seen == [Usage(3, 4)], f"an effect of Usage gave {seen!r:.80}", ONCE, cure)

    @pytest.mark.anyio
    async def test_what_the_body_raises_arrives(self, engine: Engine) -> None:
        async def body(journal: Journal) -> str:
            raise OurFault("no data")

        arrived: Exception | None = None
        try:
            await in_time(
                lambda: engine.run(new_id(), VERSION, body, returns=str), "the run", PASSES, "let it pass"
            )
        except Exception as error:
            arrived = error
        hold(arrived is not None, "the body failed and the run did not", PASSES, "let the exception pass")
        hold(
            isinstance(arrived, OurFault) and str(arrived) == "no data",
            f"the body raised OurFault('no data'), and {arrived!r:.80} arrived",
            PASSES,
            "do not wrap it: `except` only what is the engine's own",
        )

    @pytest.mark.anyio
    async def test_cancellation_passes_through(self, engine: Engine) -> None:
        promise = "cancelling a run cancels its body, and whoever waits is cancelled too"
        cure = "run the body in the caller's task or in a task group, without a shield; do not catch BaseException"
        ended: list[str] = []
        begun = anyio.Event()

        async def body(journal: Journal) -> str:
            begun.set()
            try:
                await anyio.sleep_forever()
            finally:
                ended.append("body")
            return "never"

        failed: list[Exception] = []

        async def caller() -> None:
            try:
                await engine.run(new_id(), VERSION, body, returns=str)
            except Exception as error:
                failed.append(error)
            ended.append("not cancelled")

        with in_patience():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(caller)
                await begun.wait()
                tasks.cancel_scope.cancel()
        hold(ended, "the run was cancelled, and its body went on running", promise, cure)
        hold(not failed, f"a cancelled run raised {raised(failed[0]) if failed else ''}", promise, cure)
        hold(ended == ["body"], "the cancelled run returned as if it were done", promise, cure)

    @pytest.mark.anyio
    async def test_effects_run_and_fail_as_they_are(self, engine: Engine) -> None:
        made: list[str] = []

        async def body(journal: Journal) -> list[str]:
            said: list[str] = []
            for key in ("a", "b"):

                async def effect(key: str = key) -> str:
                    made.append(key)
                    return key.upper()

                said.append(await journal.once(key, effect, returns=str, ledger=key == "b"))

            async def fails() -> str:
                raise OurFault("no answer")

            try:
                await journal.once("c", fails, returns=str)
            except OurFault as fault:
                said.append(str(fault))
            return said

        said = await run(engine, body, returns=list[str])
        hold(
            made == ["a", "b"],
            f"two effects were asked for, and {made} were made",
            ONCE,
            "await effect() once",
        )
        hold(
            said[:2] == ["A", "B"],
            f"effects that returned 'A' and 'B' gave {said[:2]}",
            ONCE,
            "return what the effect returned, by its own key",
        )
        hold(
            said[2:] == ["no answer"],
            f"an effect that raised gave {said[2:]}",
            "what an effect raises arrives at its caller",
            "let the exception pass, and store nothing",
        )

    @pytest.mark.anyio
    async def test_effects_go_inside_of_effects(self, engine: Engine) -> None:
        made: list[str] = []

        async def body(journal: Journal) -> str:
            async def outer() -> str:
                inner = await journal.once("ask:tool", counted(made, "tool", "rain"), returns=str)
                return f"it says {inner}"

            return await journal.once("ask", outer, returns=str)

        value: object = None
        with in_patience():
            value = await run(engine, body, returns=str)
        hold(
            (value, made) == ("it says rain", ["tool"]),
            f"an effect inside of another one gave {value!r}, and the inner one was made {len(made)} times",
            INSIDE,
            "hold no lock while an effect is awaited, and keep no note of which effect is the current one",
        )

    @pytest.mark.anyio
    async def test_what_is_sent_is_received(self, engine: Engine, send: Send | None) -> None:
        if send is None:
            not_looked_at("send", "what its journal receives")
        promise = (
            "journal.receive(name) waits for what is sent to the run, and the first one under a name counts"
        )
        run_id = new_id()
        waiting = anyio.Event()
        value: object = "nothing, for it never ended"

        async def body(journal: Journal) -> list[Any]:
            hold(isinstance(journal, Mailbox), "its journal has no receive()", promise, "add receive(name)")
            waiting.set()
            return [await cast("Mailbox", journal).receive(name) for name in ("paid", "paid")]

        async def sender() -> None:
            await waiting.wait()
            for name, amount in (("other", 1), ("paid", 2), ("paid", 3)):
                await send(run_id, name, {"amount": amount})

        with in_patience():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(sender)
                value = await engine.run(run_id, VERSION, body, returns=list[Any])
        hold(
            value == [{"amount": 2}] * 2,
            f"2 was sent, then 3, and asked for twice the journal received {value!r:.80}",
            promise,
            "keep what is sent by run and name, the first one for ever",
        )

    @pytest.mark.anyio
    async def test_runs_and_effects_go_side_by_side(self, engine: Engine) -> None:
        promise = "runs, and the effects of one run, go on at the same time: none waits for another to end"
        cure = "hold no lock while a body or an effect is awaited"
        results: dict[str, object] = {}

        async def one(name: str) -> None:
            met = anyio.Event()

            async def body(journal: Journal) -> list[str]:
                said: list[str] = []

                async def waits() -> str:
                    await met.wait()
                    return "waited"

                async def meets() -> str:
                    met.set()
                    return "met"

                async def through(key: str, effect: Callable[[], Awaitable[str]]) -> None:
                    said.append(f"{name} {await journal.once(key, effect, returns=str)}")

                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(through, "waits", waits)
                    tasks.start_soon(through, "meets", meets)
                return sorted(said)

            results[name] = await engine.run(new_id(), VERSION, body, returns=list[str])

        with in_patience():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(one, "first")
                tasks.start_soon(one, "second")
        wanted = {name: [f"{name} met", f"{name} waited"] for name in ("first", "second")}
        hold(results == wanted, f"two runs at the same time gave {results!r:.160}", promise, cure)


async def run(
    engine: Engine,
    body: Callable[[Journal], Awaitable[T]],
    *,
    returns: type[T],
    run_id: str | None = None,
    version: str = VERSION,
) -> T:
    """What the run returns; the test fails where it raises."""
    try:
        return await in_time(
            lambda: engine.run(run_id or new_id(), version, body, returns=returns),
            "the run",
            RUNS,
            "return when the body has",
        )
    except Exception as error:
        wrong(f"the run raised {raised(error)}", RUNS, "mend run()")


def counted(made: list[str], name: str, value: T) -> Callable[[], Awaitable[T]]:
    """An effect that is written down each time that it is made."""

    async def effect() -> T:
        made.append(name)
        return value

    return cast("Callable[[], Awaitable[T]]", effect)

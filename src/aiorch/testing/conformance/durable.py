"""What an engine promises that survives its process: nothing that was committed happens twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import anyio
import pytest

from aiorch.errors import AiorchError
from aiorch.protocols import Engine, Journal, Mailbox
from aiorch.testing.conformance.engine import PASSES, EngineConformance, OurFault, Send, counted, run
from aiorch.testing.conformance.suite import (
    hold,
    in_patience,
    in_time,
    missing,
    not_looked_at,
    raised,
    wrong,
)
from aiorch.types import Usage, new_id

STORED = "a finished run's id returns its stored result, and carries out nothing"
LATE = "a run has one truth: whoever comes second is refused, or is given what was committed first"
COMMITTED = "an effect that was committed is not made again: its stored result is returned on resume"


class DurableEngineConformance(EngineConformance):
    """Tests of an engine that keeps its runs. ``reopened`` makes another engine over the same storage, as a restarted
    process would:

        class TestOurs(DurableEngineConformance):
            @pytest.fixture
            def engine(self, tmp_path):
                return Ours(tmp_path / "runs.db")

            @pytest.fixture
            def reopened(self, tmp_path):
                return lambda: Ours(tmp_path / "runs.db")
    """

    durable = True

    @pytest.fixture
    def reopened(self) -> Callable[[], Engine]:
        """Makes another engine over the storage of ``engine``."""
        missing("reopened", "lambda: Ours(tmp_path / 'runs.db')")

    @pytest.mark.anyio
    async def test_a_finished_run_returns_its_stored_result(
        self, engine: Engine, reopened: Callable[[], Engine]
    ) -> None:
        run_id = new_id()
        made: list[str] = []

        async def body(journal: Journal) -> Usage:
            made.append("body")
            return Usage(len(made), 2)

        first = await run(engine, body, returns=Usage, run_id=run_id)
        second: object = await run(reopened(), body, returns=Usage, run_id=run_id)
        cure = "store the result under the run's id before returning it, and look there first"
        hold(len(made) == 1, f"the body of a finished run was carried out {len(made)} times", STORED, cure)
        hold(
            second == first and type(second) is Usage,
            f"the run returned {first!r:.60}, and {second!r:.60} when asked again",
            STORED,
            "read the stored JSON back with aiorch.types.from_json(returns, text)",
        )

    @pytest.mark.anyio
    async def test_a_resumed_run_repeats_no_committed_effect(
        self, engine: Engine, reopened: Callable[[], Engine]
    ) -> None:
        run_id = new_id()
        made: list[str] = []
        broken = True

        async def body(journal: Journal) -> list[Usage]:
            paid = await journal.once(
                "paid", counted(made, "paid", Usage(1, 1)), returns=Usage, idempotent=False
            )
            if broken:
                raise OurFault("the machine went down")
            later = await journal.once("later", counted(made, "later", Usage(2, 2)), returns=Usage)
            return [paid, later]

        await _fails(engine, run_id, body)
        broken = False
        value = await run(reopened(), body, returns=list[Usage], run_id=run_id)
        cure = "commit the result under the run's id and the key before returning it from once()"
        hold(
            made == ["paid", "later"],
            f"over a failed and a resumed run the effects made were {', '.join(made)}",
            COMMITTED,
            cure,
        )
        hold(value == [Usage(1, 1), Usage(2, 2)], f"the resumed run returned {value!r:.80}", COMMITTED, cure)

    @pytest.mark.anyio
    async def test_effects_are_known_by_their_keys(
        self, engine: Engine, reopened: Callable[[], Engine]
    ) -> None:
        run_id = new_id()
        made: list[str] = []
        order = ["left", "right"]

        async def body(journal: Journal) -> dict[str, str]:
            said = {
                key: await journal.once(key, counted(made, key, key.upper()), returns=str) for key in order
            }
            if order[0] == "left":
                raise OurFault("the machine went down")
            return said

        await _fails(engine, run_id, body)
        order = ["right", "new", "left"]
        value = await run(reopened(), body, returns=dict[str, str], run_id=run_id)
        hold(
            value == {"right": "RIGHT", "new": "NEW", "left": "LEFT"} and made == ["left", "right", "new"],
            f"a resumed run that asked in another order was given {value!r:.80}",
            "keys name effects, their order is free: after a restart tasks become ready in another one",
            "store and look up by the key, never by how many effects there were before",
        )

    @pytest.mark.anyio
    async def test_an_inner_effect_is_committed_before_the_outer_one(
        self, engine: Engine, reopened: Callable[[], Engine]
    ) -> None:
        run_id = new_id()
        made: list[str] = []

        async def body(journal: Journal) -> str:
            async def outer() -> str:
                made.append("outer")
                inner = await journal.once("ask:call", counted(made, "inner", "paid"), returns=str)
                if len(made) == 2:
                    raise OurFault("the machine went down")
                return inner

            return await journal.once("ask", outer, returns=str)

        await _fails(engine, run_id, body)
        value = await run(reopened(), body, returns=str, run_id=run_id)
        hold(
            made == ["outer", "inner", "outer"] and value == "paid",
            f"an effect failed behind one inside of it; over both runs those made were {', '.join(made)}",
            COMMITTED,
            "commit each effect when it is done, not when the one around it is",
        )

    @pytest.mark.anyio
    async def test_what_was_sent_is_received_again(
        self, engine: Engine, reopened: Callable[[], Engine], send: Send | None
    ) -> None:
        if send is None:
            not_looked_at("send", "what its journal receives after a restart")
        run_id = new_id()
        received: list[Any] = []
        begun = anyio.Event()

        async def body(journal: Journal) -> str:
            begun.set()
            received.append(await cast("Mailbox", journal).receive("ok"))
            if len(received) == 1:
                raise OurFault("the machine went down")
            return "sent"

        async def sender() -> None:
            await begun.wait()
            await send(run_id, "ok", {"allowed": True})

        with in_patience():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(sender)
                await _fails(engine, run_id, body)
        await run(reopened(), body, returns=str, run_id=run_id)
        hold(
            received == [{"allowed": True}] * 2,
            f"a decision was sent once, and the run and its resumption received {received!r:.80}",
            "what was sent to a run stays there: a resumed run receives it again",
            "do not take away what is received",
        )

    @pytest.mark.anyio
    async def test_every_call_is_told_of(self, engine: Engine, reopened: Callable[[], Engine]) -> None:
        run_id = new_id()
        told: list[tuple[str, str]] = []
        broken = True

        async def body(journal: Journal) -> str:
            async def fails() -> str:
                raise OurFault("the machine went down")

            await journal.once("paid", counted([], "paid", "x"), returns=str, ledger=True)
            if broken:
                await journal.once("lost", fails, returns=str, ledger=True)
            calls = getattr(journal, "calls", None)
            told.extend((call.key, call.state) for call in calls or ())
            return "none" if calls is None else "some"

        await _fails(engine, run_id, body)
        broken = False
        if await run(reopened(), body, returns=str, run_id=run_id) == "none":
            pytest.skip("not looked at: its journal has no calls, which tell what a run has begun")
        hold(
            sorted(told) in ([("lost", state), ("paid", "committed")] for state in ("failed", "begun")),
            f"one call was committed and one failed, and journal.calls tells of {told}",
            "with ledger=True journal.calls has every call that a run ever began, and how it ended",
            "write down that it begins, before it does",
        )

    @pytest.mark.anyio
    async def test_a_late_result_changes_nothing(
        self, engine: Engine, reopened: Callable[[], Engine]
    ) -> None:
        run_id = new_id()
        release, paused, second = anyio.Event(), anyio.Event(), anyio.Event()
        values: list[str] = []
        refused: list[Exception] = []

        async def one(at: Engine, name: str, pause: anyio.Event | None) -> None:
            async def body(journal: Journal) -> str:
                async def effect() -> str:
                    if pause is not None:
                        paused.set()
                        await pause.wait()
                    return name

                return await journal.once("call", effect, returns=str)

            try:
                values.append(await at.run(run_id, "1", body, returns=str))
            except Exception as error:
                refused.append(error)
            second.set()

        with in_patience():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(one, engine, "late", release)
                await paused.wait()
                tasks.start_soon(one, reopened(), "early", None)
                with anyio.move_on_after(1):  # one that waits for the first to end is right, too
                    await second.wait()
                release.set()
        told = {type(error).__name__ for error in refused if not isinstance(error, AiorchError)}
        cure = "let one process at a time have a run, and refuse the commit of whoever had it before"
        hold(not told, f"two processes were at one run, and one ended with {', '.join(told)}", LATE, cure)
        hold(values, "two processes were at one run, and neither came to an end", LATE, cure)
        hold(
            len({*values}) == 1,
            f"two processes were at one run, and came to {' and '.join(values)}",
            LATE,
            cure,
        )
        kept = await run(reopened(), _never, returns=str, run_id=run_id)
        hold(
            kept == values[0],
            f"two processes were at one run and came to {values[0]!r}; kept is {kept!r}",
            LATE,
            cure,
        )

    @pytest.mark.anyio
    async def test_a_failed_effect_is_made_again(
        self, engine: Engine, reopened: Callable[[], Engine]
    ) -> None:
        run_id = new_id()
        made: list[str] = []

        async def body(journal: Journal) -> str:
            async def effect() -> str:
                made.append("try")
                if len(made) == 1:
                    raise OurFault("overloaded")
                return "well"

            return await journal.once("call", effect, returns=str)

        await _fails(engine, run_id, body)
        value = await run(reopened(), body, returns=str, run_id=run_id)
        hold(
            value == "well" and len(made) == 2,
            f"an effect that had raised gave {value!r} after {len(made)} tries",
            "what failed is not committed: a resumed run makes it again",
            "store results, not exceptions",
        )

    @pytest.mark.anyio
    async def test_runs_share_nothing(self, engine: Engine) -> None:
        made: list[str] = []

        async def body(journal: Journal) -> str:
            return await journal.once("call", counted(made, "call", str(len(made))), returns=str)

        said = [await run(engine, body, returns=str) for _ in range(2)]
        hold(
            len(made) == 2 and said == ["0", "1"],
            f"the same key in two runs was made {len(made)} times and gave {said}",
            "a key names an effect within its run",
            "store under the run's id and the key together",
        )

    @pytest.mark.anyio
    async def test_another_version_does_not_resume(
        self, engine: Engine, reopened: Callable[[], Engine]
    ) -> None:
        run_id = new_id()
        made: list[str] = []

        async def body(journal: Journal) -> str:
            made.append("body")
            raise OurFault("the machine went down")

        await _fails(engine, run_id, body)
        promise = (
            "a run is resumed only under the version that began it: another specification has other keys"
        )
        cure = "keep the version with the run, and raise WorkflowError where it differs"
        refused: Exception | None = None
        try:
            await in_time(lambda: reopened().run(run_id, "2", body, returns=str), "the run", promise, cure)
        except Exception as error:
            refused = error
        hold(len(made) == 1, "the run was carried on under another version", promise, cure)
        hold(
            isinstance(refused, AiorchError),
            f"under another version the run {'raised ' + raised(refused) if refused else 'returned'}",
            promise,
            cure,
        )

    @pytest.mark.anyio
    async def test_an_unfinished_effect_is_not_repeated_unasked(
        self, engine: Engine, reopened: Callable[[], Engine]
    ) -> None:
        run_id = new_id()
        made: list[str] = []
        begun = anyio.Event()

        async def body(journal: Journal) -> str:
            async def send() -> str:
                made.append("sent")
                begun.set()
                if len(made) == 1:
                    await anyio.sleep_forever()
                return "sent"

            return await journal.once("send", send, returns=str, idempotent=False)

        async def caller() -> None:
            await engine.run(run_id, "1", body, returns=str)

        with in_patience():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(caller)
                await begun.wait()
                tasks.cancel_scope.cancel()
        promise = "an effect that is not idempotent and was begun, but not committed, waits for a person"
        cure = (
            "write down that it begins before it does; where that is found and no result, raise WorkflowError"
        )
        refused: Exception | None = None
        try:
            await in_time(lambda: reopened().run(run_id, "1", body, returns=str), "the run", promise, cure)
        except Exception as error:
            refused = error
        hold(len(made) == 1, f"the effect was made {len(made)} times, and nobody was asked", promise, cure)
        hold(
            isinstance(refused, AiorchError),
            f"the resumed run {'raised ' + raised(refused) if refused else 'returned without it'}",
            promise,
            cure,
        )


async def _never(journal: Journal) -> str:
    return "carried out again"


async def _fails(engine: Engine, run_id: str, body: Callable[[Journal], object]) -> None:
    """The first, broken carrying-out of a run."""
    try:
        await in_time(
            lambda: engine.run(run_id, "1", body, returns=str),  # type: ignore[arg-type]
            "the run",
            PASSES,
            "let the exception pass",
        )
    except OurFault:
        return
    except Exception as error:
        wrong(f"the body raised OurFault, and {raised(error)} arrived", PASSES, "do not wrap it")
    wrong("the body failed and the run did not", PASSES, "let the exception pass")

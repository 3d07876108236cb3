"""What the journal promises beyond the conformance suite: ledger, permission, mail, one key at a time."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from pydantic import BaseModel, Field

from aiorch.errors import NeedsPermission, NotStorable, WorkflowError
from aiorch.types import Usage
from aiorch.workflow.durable import Durable, records
from aiorch.workflow.stored import LeftBehind

pytestmark = pytest.mark.anyio

Open = Callable[[], Durable]


class Named(BaseModel):
    kind: str | None = Field(None, alias="class")


def gives(value: Any, made: list[str] | None = None) -> Callable[[], Awaitable[Any]]:
    async def effect() -> Any:
        if made is not None:
            made.append("made")
        return value

    return effect


async def interrupted(engine: Durable, run_id: str, made: list[str]) -> None:
    """A run whose guarded effect began and was cancelled in the middle."""
    begun = anyio.Event()

    async def body(journal: Any) -> str:
        async def hangs() -> str:
            made.append("begun")
            begun.set()
            await anyio.sleep_forever()
            return ""

        return await journal.once("send:mail", hangs, returns=str, idempotent=False)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: engine.run(run_id, "1", body, returns=str))
        await begun.wait()
        tasks.cancel_scope.cancel()


async def guarded(journal: Any, made: list[str]) -> str:
    return await journal.once("send:mail", gives("sent", made), returns=str, idempotent=False)


# --- permission --------------------------------------------------------------------------------------------------


async def test_an_interrupted_call_says_what_to_send_to_the_run(opened: Open) -> None:
    made: list[str] = []
    await interrupted(opened(), "r", made)
    with pytest.raises(NeedsPermission) as refused:
        await opened().run("r", "1", lambda journal: guarded(journal, made), returns=str)
    assert refused.value.name == "send:mail!again"
    assert refused.value.key == "send:mail"
    assert made == ["begun"]
    assert '{"repeat": true}' in str(refused.value)
    assert '{"result": ...}' in str(refused.value)


async def test_a_permission_to_repeat_counts_once(opened: Open) -> None:
    made: list[str] = []
    engine = opened()
    await interrupted(engine, "r", made)
    await engine.storage.send("r", "send:mail!again", '{"repeat": true}')
    begun = anyio.Event()

    async def again(journal: Any) -> str:
        async def hangs() -> str:
            made.append("again")
            begun.set()
            await anyio.sleep_forever()
            return ""

        return await journal.once("send:mail", hangs, returns=str, idempotent=False)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: engine.run("r", "1", again, returns=str))
        await begun.wait()
        tasks.cancel_scope.cancel()
    with pytest.raises(NeedsPermission):
        await engine.run("r", "1", lambda journal: guarded(journal, made), returns=str)
    await engine.storage.send("r", "send:mail!again", '{"repeat": true}')
    assert await engine.run("r", "1", lambda journal: guarded(journal, made), returns=str) == "sent"
    assert made == ["begun", "again", "made"]


async def test_a_person_may_say_what_the_result_was(opened: Open) -> None:
    made: list[str] = []
    engine = opened()
    await interrupted(engine, "r", made)
    await engine.storage.send("r", "send:mail!again", '{"result": "sent by hand"}')
    said = await engine.run("r", "1", lambda journal: guarded(journal, made), returns=str)
    assert said == "sent by hand"
    assert made == ["begun"]


@pytest.mark.parametrize("text", ['{"result": 7}', '"yes"', '{"repeat": false}'])
async def test_a_decision_that_cannot_be_used_is_asked_for_again(opened: Open, text: str) -> None:
    made: list[str] = []
    engine = opened()
    await interrupted(engine, "r", made)
    await engine.storage.send("r", "send:mail!again", text)
    with pytest.raises(NeedsPermission):
        await engine.run("r", "1", lambda journal: guarded(journal, made), returns=str)
    assert await engine.storage.send("r", "send:mail!again", '{"result": "well"}'), (
        "the first one still counts"
    )
    assert await engine.run("r", "1", lambda journal: guarded(journal, made), returns=str) == "well"


async def test_a_guarded_call_that_was_cancelled_is_not_repeated_within_its_run_either(opened: Open) -> None:
    async def body(journal: Any) -> str:
        async def slow() -> str:
            scope.cancel()
            await anyio.sleep_forever()
            return ""

        with anyio.CancelScope() as scope:
            await journal.once("send", slow, returns=str, idempotent=False)
        with pytest.raises(NeedsPermission):
            await journal.once("send", gives("sent"), returns=str, idempotent=False)
        return "asked"

    assert await opened().run("r", "1", body, returns=str) == "asked"


async def test_a_guarded_call_that_raised_is_tried_again(opened: Open) -> None:
    async def body(journal: Any) -> str:
        async def fails() -> str:
            raise ValueError("refused")

        with pytest.raises(ValueError):
            await journal.once("send", fails, returns=str, idempotent=False)
        return await journal.once("send", gives("sent"), returns=str, idempotent=False)

    assert await opened().run("r", "1", body, returns=str) == "sent"


async def test_a_guarded_call_that_was_left_behind_is_not_repeated_unasked(opened: Open) -> None:
    async def body(journal: Any) -> str:
        async def outlasts() -> str:
            raise LeftBehind("its thread goes on")

        with pytest.raises(LeftBehind):
            await journal.once("send", outlasts, returns=str, idempotent=False)
        with pytest.raises(NeedsPermission):
            await journal.once("send", gives("sent"), returns=str, idempotent=False)
        return "asked"

    assert await opened().run("r", "1", body, returns=str) == "asked"


# --- the ledger --------------------------------------------------------------------------------------------------


async def test_every_call_that_ever_began_is_in_the_ledger(opened: Open) -> None:
    async def first(journal: Any) -> str:
        async def fails() -> str:
            raise ValueError("busy")

        await journal.once("ask:1/model", gives("a"), returns=str, ledger=True)
        await journal.once("quiet", gives("q"), returns=str)
        await journal.once("ask:2/model", fails, returns=str, ledger=True)
        return ""

    with pytest.raises(ValueError):
        await opened().run("r", "1", first, returns=str)
    seen: list[Any] = []

    async def second(journal: Any) -> str:
        assert await journal.once("ask:1/model", gives("other"), returns=str, ledger=True) == "a"
        await journal.once("ask:2/model", gives("b"), returns=str, ledger=True)
        seen.extend(journal.calls)
        return ""

    engine = opened()
    await engine.run("r", "1", second, returns=str)
    assert [(c.key, c.task, c.state) for c in seen] == [
        ("ask:1/model", "ask", "committed"),
        ("ask:2/model", "ask", "failed"),
        ("ask:2/model", "ask", "committed"),
    ]
    assert all(call.ended >= call.began and call.seconds >= 0 and call.worker for call in seen)
    kept = await engine.storage.do(lambda db: records.calls_of(db, "r"), writes=False)
    assert [(c.key, c.state) for c in kept] == [(c.key, c.state) for c in seen]


async def test_a_call_is_written_down_before_it_begins(opened: Open) -> None:
    engine = opened()
    found: list[Any] = []

    async def body(journal: Any) -> str:
        async def looks() -> str:
            found.extend(await engine.storage.do(lambda db: records.calls_of(db, "r"), writes=False))
            return ""

        return await journal.once("ask:model", looks, returns=str, ledger=True)

    await engine.run("r", "1", body, returns=str)
    assert [(call.key, call.state, call.seconds) for call in found] == [("ask:model", "begun", None)]


# --- keys and values ---------------------------------------------------------------------------------------------


async def test_a_key_that_is_under_way_twice_is_a_mistake(opened: Open) -> None:
    async def body(journal: Any) -> str:
        async def nested() -> str:
            return await journal.once("a", gives("inner"), returns=str)

        return await journal.once("a", nested, returns=str)

    with pytest.raises(RuntimeError, match="'a' is under way already"):
        await opened().run("r", "1", body, returns=str)


async def test_asked_twice_in_one_run_it_is_made_once(opened: Open) -> None:
    made: list[str] = []

    async def body(journal: Any) -> list[Usage]:
        return [await journal.once("a", gives(Usage(1, 2), made), returns=Usage) for _ in range(2)]

    assert await opened().run("r", "1", body, returns=list[Usage]) == [Usage(1, 2), Usage(1, 2)]
    assert made == ["made"]


@pytest.mark.parametrize("value", [object(), "text where a number was promised"])
async def test_what_json_cannot_hold_is_refused_by_name(opened: Open, value: object) -> None:
    async def body(journal: Any) -> int:
        return await journal.once("facts", gives(value), returns=int)

    with pytest.raises(NotStorable, match="'facts' gave a value of type"):
        await opened().run("r", "1", body, returns=int)


async def test_a_result_of_the_run_that_cannot_be_kept_fails_it(opened: Open) -> None:
    engine = opened()
    with pytest.raises(NotStorable, match="'r' gave"):
        await engine.run("r", "1", lambda journal: gives(object())(), returns=object)
    row = await engine.storage.do(lambda db: records.run_row(db, "r"), writes=False)
    assert row is not None
    assert row.state == "failed"


@pytest.mark.parametrize(
    "value", [(1, 2), {1}, {1: 2}, [Path("a")], datetime(2026, 1, 1, tzinfo=UTC), math.inf]
)
async def test_what_would_come_back_as_something_else_is_refused(opened: Open, value: Any) -> None:
    async def body(journal: Any) -> Any:
        return await journal.once("a", gives(value), returns=Any)

    with pytest.raises(NotStorable, match="would come back as something else"):
        await opened().run("r", "1", body, returns=object)


async def test_fields_with_another_name_in_json_come_back(opened: Open) -> None:
    value = Named.model_validate({"class": "owl"})

    async def body(journal: Any) -> Named:
        return await journal.once("a", gives(value), returns=Named)

    assert await opened().run("r", "1", body, returns=Named) == value
    assert await opened().run("r", "1", body, returns=Named) == value


async def test_what_does_not_fit_any_more_says_that_the_code_changed(opened: Open) -> None:
    async def first(journal: Any) -> str:
        await journal.once("a", gives("text"), returns=str)
        raise ValueError

    with pytest.raises(ValueError):
        await opened().run("r", "1", first, returns=str)
    with pytest.raises(WorkflowError, match="'a' is not of type int any more"):
        await opened().run("r", "1", lambda journal: journal.once("a", gives(1), returns=int), returns=int)


async def test_numbers_that_json_has_no_word_for_are_refused(opened: Open) -> None:
    async def body(journal: Any) -> float:
        return await journal.once("a", gives(math.nan), returns=float)

    with pytest.raises(NotStorable):
        await opened().run("r", "1", body, returns=float)


# --- mail --------------------------------------------------------------------------------------------------------


async def test_what_was_sent_in_time_counts_where_it_is_read_too_late(opened: Open) -> None:
    engine = opened()
    await engine.storage.send("r", "ok", '"yes"')

    async def body(journal: Any) -> Any:
        with anyio.CancelScope() as over:
            over.cancel()
            return await journal.receive("ok")

    assert await engine.run("r", "1", body, returns=object) == "yes"


async def test_what_is_sent_wakes_whoever_waits_and_stays(opened: Open) -> None:
    engine = opened()
    waiting = anyio.Event()

    async def body(journal: Any) -> Any:
        waiting.set()
        return await journal.receive("paid")

    async def sends() -> None:
        await waiting.wait()
        assert await engine.storage.send("r", "paid", '{"sum": 3}')
        assert not await engine.storage.send("r", "paid", '{"sum": 4}'), "the first one counts"

    got: list[Any] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sends)
        got.append(await engine.run("r", "1", body, returns=dict[str, int]))
    assert got == [{"sum": 3}]

    async def later(journal: Any) -> Any:
        return [await journal.receive("paid"), await journal.receive("paid")]

    await engine.storage.send("s", "paid", "7")
    assert await engine.run("s", "1", later, returns=list[int]) == [7, 7]


async def test_one_that_waits_can_be_cancelled(opened: Open) -> None:
    engine = opened()

    async def body(journal: Any) -> str:
        with anyio.move_on_after(0.05):
            await journal.receive("never")
        return "went on"

    assert await engine.run("r", "1", body, returns=str) == "went on"


async def test_mail_from_another_process_is_found(opened: Open, url: str) -> None:
    """Another storage over the same database is what another process has."""
    from aiorch.workflow.durable.address import Address
    from aiorch.workflow.durable.storage import Storage

    elsewhere = Storage(Address.parse(url))
    waiting = anyio.Event()

    async def body(journal: Any) -> Any:
        waiting.set()
        return await journal.receive("paid")

    async def sends() -> None:
        await waiting.wait()
        await anyio.to_thread.run_sync(
            lambda: elsewhere.do_now(lambda db: records.send(db, "r", "paid", "5"))
        )

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sends)
            assert await opened().run("r", "1", body, returns=int) == 5
    finally:
        elsewhere.close()

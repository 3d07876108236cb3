"""Mirrored traffic: measured, and never felt by the answer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

import aiorch
from aiorch.errors import InputError
from aiorch.events import AttemptFinished, Event, Mirrored, TaskErred, TaskFinished, TaskStarted
from aiorch.routing import ProfileMatcher
from aiorch.testing import FakeClock, ScriptedProvider
from aiorch.types import (
    Budget,
    Deployment,
    Failure,
    FailureKind,
    FreeTerms,
    Limit,
    Message,
    ModelCard,
    Price,
    Profile,
    Request,
    Response,
    Task,
    Verdict,
)

Make = Callable[..., aiorch.Orchestrator]
BROKEN = Failure(FailureKind.OVERLOADED, "model", "busy")
PROFILES = {"general": {"system": "I am general."}, "shadow": {"system": "I am shadow."}}


def shadowy(request: Request) -> bool:
    return "shadow" in request.messages[0].text


def who(request: Request) -> str:
    return request.messages[0].text


class Divided(ScriptedProvider):
    """Answers tasks at once; what it does with copies is up to the test."""

    async def complete(self, deployment: Deployment, request: Request, *more: Any, **named: Any) -> Response:
        if shadowy(request):
            await self.copied(request)
        return await super().complete(deployment, request, *more, **named)

    async def copied(self, request: Request) -> None:
        pass


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(*providers: ScriptedProvider, **more: Any) -> aiorch.Orchestrator:
        given = {"data_dir": tmp_path, "profiles": PROFILES, "cache": "off", "clock": FakeClock(), **more}
        return aiorch.Orchestrator(providers=providers, **given)

    return made


class Heard(list[Any]):
    """Events, and a way to wait for so many."""

    async def come(self, many: int = 1) -> None:
        with anyio.fail_after(10):
            while len(self) < many:
                await anyio.sleep(0.001)


@pytest.mark.anyio
async def test_a_copy_is_done_by_the_shadow_and_told_with_its_purpose(make: Make) -> None:
    provider = ScriptedProvider([who])
    heard = Heard()
    async with make(provider) as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow")
        outcome = await ai.run("hi")
        await heard.come()
        (status,) = (await ai.traffic()).mirrors
    (mirrored,) = heard
    assert (outcome.text, outcome.profile, outcome.route, len(outcome.attempts)) == (
        "I am general.",
        "general",
        "",
        1,
    )
    assert (mirrored.purpose, mirrored.profile, mirrored.to) == ("mirror", "general", "shadow")
    assert (mirrored.task_id, mirrored.model, mirrored.error) == (outcome.task_id, "scripted/model", None)
    assert (mirrored.accepted, mirrored.score, mirrored.cost) == (True, 1.0, 0)
    assert [m.text for m in provider.asked[1][1].messages] == ["I am shadow.", "hi"]
    assert (status.done, status.failed, status.dropped) == (1, 0, 0)


@pytest.mark.anyio
async def test_listeners_of_tasks_hear_nothing_of_copies(make: Make) -> None:
    heard, copies = Heard(), Heard()
    async with make(ScriptedProvider([who])) as ai:
        ai.on(heard.append, TaskStarted, TaskFinished, TaskErred, AttemptFinished)
        ai.on(copies.append, Mirrored)
        await ai.mirror("general", to="shadow")
        await ai.run("hi")
        await copies.come()
    assert [type(e).__name__ for e in heard] == ["TaskStarted", "AttemptFinished", "TaskFinished"]


@pytest.mark.anyio
async def test_streams_are_copied_too(make: Make) -> None:
    heard = Heard()
    async with make(ScriptedProvider([who])) as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow")
        async with ai.stream("hi") as stream:
            assert (await stream.outcome()).text == "I am general."
        await heard.come()


@pytest.mark.anyio
@pytest.mark.parametrize("fault", [BROKEN, RuntimeError("a bug"), OSError("no network"), SystemError()])
async def test_a_copy_that_fails_is_told_and_changes_nothing(make: Make, fault: Any) -> None:
    def script(request: Request) -> Any:
        if shadowy(request):
            if isinstance(fault, Exception):
                raise fault
            return fault
        return "fine"

    heard = Heard()
    async with make(ScriptedProvider([script])) as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow")
        for i in range(6):
            outcome = await ai.run(f"p{i}")
            assert (outcome.text, len(outcome.attempts)) == ("fine", 1)
            await heard.come(i + 1)
        assert (await ai.traffic()).mirrors[0].failed == 6
    assert {m.error for m in heard} <= {"AllAttemptsFailed", "NoModelAvailable", "DeadlineExceeded"}


@pytest.mark.anyio
async def test_a_bug_in_what_ranks_or_begins_copies_is_logged_and_changes_nothing(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    class Careless(ProfileMatcher):
        async def match(self, task: Task, profile: Profile, candidates: Any) -> Any:
            if profile.name == "shadow":
                raise KeyError("shadow")
            return await super().match(task, profile, candidates)

    heard = Heard()
    async with make(ScriptedProvider([who]), matcher=Careless()) as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow")
        assert (await ai.run("one")).text == "I am general."
        await heard.come()
        assert heard[0].error == "KeyError"
        control: Any = ai._house.line.traffic()
        control.mirrored = None
        assert (await ai.run("two")).text == "I am general."
    assert "a copy of task" in caplog.text
    assert "could not be begun; its answer goes on" in caplog.text


@pytest.mark.anyio
@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
async def test_a_mirror_that_is_none_is_refused(make: Make, share: float) -> None:
    async with make(ScriptedProvider()) as ai:
        with pytest.raises(InputError, match="share"):
            await ai.mirror("general", to="shadow", share=share)
        with pytest.raises(InputError, match="itself"):
            await ai.mirror("general", to="general")


@pytest.mark.anyio
async def test_what_a_copy_learns_of_a_deployment_is_not_held_against_it(make: Make) -> None:
    """A shadow whose requests are refused for a whole day leaves the deployment to everybody else."""
    refused = Failure(FailureKind.RATE_DAY, "account", "used up", retry_at=4_000_000_000.0)
    heard = Heard()
    async with make(ScriptedProvider([lambda r: refused if shadowy(r) else "fine"])) as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow")
        for i in range(3):
            assert (await ai.run(f"p{i}")).text == "fine"
            await heard.come(i + 1)


@pytest.mark.anyio
async def test_an_answer_never_waits_for_a_slow_copy_and_what_does_not_fit_is_dropped(make: Make) -> None:
    begun: list[str] = []

    class Slow(Divided):
        async def copied(self, request: Request) -> None:
            begun.append(request.messages[-1].text)
            await anyio.sleep_forever()

    with anyio.fail_after(20):
        async with make(Slow(["fine"])) as ai:
            await ai.mirror("general", to="shadow")
            for i in range(30):
                assert (await ai.run(f"p{i}")).text == "fine"
            while len(begun) < 2:
                await anyio.sleep(0.001)
            (status,) = (await ai.traffic()).mirrors
            assert len(begun) == 2
            assert status.dropped == 30 - 2 - 16


@pytest.mark.anyio
async def test_closing_ends_a_copy_that_never_returns(make: Make) -> None:
    begun: list[str] = []
    ended: list[str] = []

    class Endless(Divided):
        async def copied(self, request: Request) -> None:
            begun.append(request.messages[-1].text)
            try:
                await anyio.sleep_forever()
            finally:
                ended.append(request.messages[-1].text)

    heard = Heard()
    with anyio.fail_after(20):
        ai = make(Endless(["fine"]))
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow")
        for i in range(5):
            await ai.run(f"p{i}")
        while len(begun) < 2:
            await anyio.sleep(0.001)
        await ai.aclose()
        assert sorted(ended) == ["p0", "p1"]
        await anyio.sleep(0.01)
    assert ended == ended[:2]  # those that waited were never begun
    assert heard == []


@pytest.mark.anyio
async def test_after_closing_it_can_be_used_again(make: Make) -> None:
    heard = Heard()
    ai = make(ScriptedProvider([who]))
    ai.on(heard.append, Mirrored)
    await ai.mirror("general", to="shadow")
    await ai.run("one")
    await heard.come(1)
    await ai.aclose()
    await ai.run("two")
    await heard.come(2)
    await ai.aclose()


@pytest.mark.anyio
async def test_a_copy_has_its_own_patience(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(Divided):
        async def copied(self, request: Request) -> None:
            await anyio.sleep_forever()

    heard = Heard()
    monkeypatch.setattr("aiorch.mirroring.PATIENCE", 0.02)
    async with make(Endless(["fine"])) as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow")
        await ai.run("hi")
        await heard.come()
    assert heard[0].error in ("DeadlineExceeded", "AllAttemptsFailed", "TimeoutError")


# --- what is never copied ----------------------------------------------------------------------------------------


async def copies(make: Make, provider: ScriptedProvider, prompt: str | Task, **more: Any) -> int:
    """How many copies one task led to."""
    heard = Heard()
    async with make(provider, **more) as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow")
        await ai.run(prompt)
        await anyio.sleep(0.02)
        (status,) = (await ai.traffic()).mirrors
    return len(heard) + status.dropped


@pytest.mark.anyio
async def test_tasks_that_may_use_tools_are_never_copied(make: Make) -> None:
    @aiorch.tool
    def send() -> str:
        """Send it."""
        return "sent"

    tooled = {**PROFILES, "general": {"tools": ["send"]}}
    assert await copies(make, ScriptedProvider([who]), "hi", profiles=tooled, tools=[send]) == 0
    spec = Task((Message.user("hi"),), tools=(send.spec,))
    assert await copies(make, ScriptedProvider([who]), spec) == 0


@pytest.mark.anyio
async def test_tools_of_the_shadow_are_left_out(make: Make) -> None:
    @aiorch.tool
    def send() -> str:
        """Send it."""
        return "sent"

    provider = ScriptedProvider([who])
    tooled = {**PROFILES, "shadow": {"system": "I am shadow.", "tools": ["send"]}}
    assert await copies(make, provider, "hi", profiles=tooled, tools=[send]) == 1
    assert provider.asked[1][1].tools == ()


@pytest.mark.anyio
async def test_tasks_that_name_a_model_are_never_copied(make: Make) -> None:
    assert (
        await copies(make, ScriptedProvider([who]), Task((Message.user("hi"),), model="scripted/model")) == 0
    )


@pytest.mark.anyio
async def test_answers_from_the_cache_are_not_copied(make: Make) -> None:
    heard = Heard()
    async with make(ScriptedProvider([who]), cache="memory") as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow")
        await ai.run("hi")
        assert (await ai.run("hi")).cached
        await heard.come()
        await anyio.sleep(0.01)
    assert len(heard) == 1


@pytest.mark.anyio
async def test_a_share_is_copied_and_the_rest_is_not(make: Make) -> None:
    heard = Heard()
    async with make(ScriptedProvider([who])) as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow", share=0.2)
        for i in range(60):
            await ai.run(f"p{i}")
            await anyio.sleep(0.001)
        await anyio.sleep(0.05)
        (status,) = (await ai.traffic()).mirrors
    assert 2 <= len(heard) + status.dropped <= 30


@pytest.mark.anyio
async def test_work_that_the_shadow_does_anyway_is_not_copied_to_it(make: Make) -> None:
    heard = Heard()
    async with make(ScriptedProvider([who])) as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow")
        await ai.divert("general", to="shadow", until=60, reason="x")
        await ai.run("hi")
        await anyio.sleep(0.02)
    assert heard == []


@pytest.mark.anyio
async def test_what_cannot_be_audited_is_not_sent_again(make: Make, tmp_path: Path) -> None:
    heard = Heard()
    provider = ScriptedProvider([who])
    async with make(provider) as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow")

        def refuse(event: Event) -> None:
            shutil.rmtree(tmp_path / "audit")
            (tmp_path / "audit").write_text("in the way")

        ai.on(refuse, TaskFinished)
        await ai.run("hi")
        await heard.come()
    assert heard[0].error == "AuditError"
    assert len(provider.asked) == 1


# --- what a copy may cost, and where it may go -------------------------------------------------------------------

PAID = ModelCard("scripted", "model", context=8_192, price=Price(Decimal(1_000), Decimal(1_000)))


@pytest.mark.anyio
async def test_without_a_budget_of_its_own_a_copy_costs_nothing(make: Make) -> None:
    heard = Heard()
    provider = ScriptedProvider([who], cards=[PAID])
    async with make(provider, allow_paid=True, budget_usd=10) as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow")
        assert (await ai.run("hi")).cost > 0
        await heard.come()
    assert heard[0].error == "NoModelAvailable"
    assert len(provider.asked) == 1


@pytest.mark.anyio
async def test_with_a_budget_of_its_own_copies_go_on_until_it_is_spent(make: Make) -> None:
    heard = Heard()
    short = {**PROFILES, "shadow": {"system": "I am shadow.", "parameters": {"max_tokens": 10}}}
    async with make(
        ScriptedProvider([who], cards=[PAID]), allow_paid=True, budget_usd=10, profiles=short
    ) as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow", budget=Budget(usd=Decimal("0.05")))
        for i in range(8):
            await ai.run(f"p{i}")
            await heard.come(i + 1)
    done = [m for m in heard if m.error is None]
    assert 1 <= len(done) < 8
    assert sum(m.cost for m in done) <= Decimal("0.05")
    assert {m.error for m in heard if m.error} == {"BudgetExceeded"}


@pytest.mark.anyio
async def test_a_budget_alone_allows_nothing_paid(make: Make) -> None:
    free = ModelCard("scripted", "free", context=8_192, free="local")
    provider = ScriptedProvider([who], cards=[PAID, free])
    profiles = {
        **PROFILES,
        "shadow": Profile("shadow", system="shadow", primary="scripted/model", any_free=False),
    }
    heard = Heard()
    async with make(provider, profiles=profiles) as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow", budget=Budget(usd=10))
        await ai.run("hi")
        await heard.come()
    assert heard[0].error == "NoModelAvailable"


@pytest.mark.anyio
async def test_copies_are_charged_to_no_scope(make: Make) -> None:
    heard = Heard()
    async with make(ScriptedProvider([who])) as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow")
        mine = ai.scoped(user="u1", tenant="acme", budget=Budget(attempts=2))
        await mine.run("one")
        await heard.come(1)
        await mine.run("two")
        await heard.come(2)
    assert [m.error for m in heard] == [None, None]


@pytest.mark.anyio
async def test_a_private_task_is_not_copied_to_the_network(make: Make) -> None:
    profiles = {
        "general": Profile("general", route_policy="private"),
        "shadow": Profile("shadow", system="shadow"),
    }

    near = ScriptedProvider([who], name="local")
    far = ScriptedProvider([who], name="far", cards=[ModelCard("far", "m", free="zero_price")])
    heard = Heard()
    async with make(near, far, profiles=profiles) as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow")
        await ai.run("hi")
        await heard.come()
    assert heard[0].model == "local/model"
    assert far.asked == []


@pytest.mark.anyio
async def test_copies_leave_small_daily_allowances_and_sick_deployments_to_the_tasks(make: Make) -> None:
    terms = FreeTerms("plan", (Limit(50, "requests", "day"),))
    scarce = ModelCard("scripted", "scarce", free="free_quota", terms=terms)
    plenty = ModelCard("scripted", "plenty", free="free_quota")
    provider = ScriptedProvider([who], cards=[scarce, plenty])
    profiles = {
        "general": Profile("general", primary="scripted/scarce"),
        "shadow": Profile("shadow", system="shadow", primary="scripted/scarce"),
    }
    heard = Heard()
    async with make(provider, profiles=profiles) as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow")
        assert (await ai.run("one")).model == "scripted/scarce"
        await heard.come(1)
        health = ai._house.line.executor.experience.health
        for _ in range(20):
            health.failed("scripted/plenty", BROKEN, 1_800_000_000.0)
        await ai.run("two")
        await heard.come(2)
    assert (heard[0].model, heard[1].error) == ("scripted/plenty", "NoModelAvailable")


@pytest.mark.anyio
async def test_copies_count_for_the_same_limits_as_tasks_and_leave_half_of_them(make: Make) -> None:
    """Ten requests a minute: a task and a copy each, until the copies are at the half; the tasks get all the rest."""
    limits = FreeTerms("plan", (Limit(10, "requests", "minute"),))
    clock = FakeClock()
    heard = Heard()
    async with make(
        ScriptedProvider([who], cards=[ModelCard("scripted", "m", free="free_quota", terms=limits)]),
        clock=clock,
    ) as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow")
        began = clock.now()
        for i in range(8):
            await ai.run(f"p{i}")
            await heard.come(i + 1)
            clock.advance(1)
        assert clock.now() == began + 8  # nobody waited
        errors = [m.error for m in heard]
    assert errors == [None] * 2 + ["NoModelAvailable"] * 6


@pytest.mark.anyio
async def test_what_the_guard_replaced_stays_replaced_in_the_copy(make: Make) -> None:
    class Hide:
        name = "hide"
        stages = frozenset({"input"})

        async def validate(self, stage: Any, content: Any, task: Task) -> Verdict:
            hidden = tuple(Message.user("[hidden]") if m.role == "user" else m for m in content)
            return Verdict(stage, "redact", replacement=hidden)

    provider = ScriptedProvider(["fine"])
    heard = Heard()
    async with make(provider, validators=[Hide()]) as ai:
        ai.on(heard.append, Mirrored)
        await ai.mirror("general", to="shadow")
        await ai.run("my secret")
        await heard.come()
    assert "my secret" not in str([[m.text for m in r.messages] for _, r in provider.asked])
    assert len(provider.asked) == 2

"""Which profile really serves a task: splits, shifts with a way back, and diversions, from the public face."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner

import aiorch
from aiorch.cli import app
from aiorch.errors import (
    AllAttemptsFailed,
    AuditError,
    BudgetExceeded,
    ConfigurationError,
    InputError,
    UnknownAgent,
    UnknownModel,
)
from aiorch.events import Event, TaskStarted, TrafficChanged
from aiorch.protocols import RouteControl
from aiorch.routing.routes import Rollback, ShiftStatus
from aiorch.store import FILE_NAME
from aiorch.testing import FakeClock, ScriptedProvider
from aiorch.types import (
    Capabilities,
    Failure,
    FailureKind,
    Message,
    ModelCard,
    Parameters,
    Profile,
    Request,
    Task,
)

Make = Callable[..., aiorch.Orchestrator]
NAIVE = datetime(2027, 1, 15, 9, tzinfo=UTC).replace(tzinfo=None)
BROKEN = Failure(FailureKind.BAD_REQUEST, "request", "nonsense")
PROFILES = {
    "stable": {"system": "I am stable."},
    "candidate": {"system": "I am candidate."},
    "spare": {"system": "I am spare."},
}


def who(request: Request) -> str:
    """Answers with the system text: the profile that really served."""
    return request.messages[0].text


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make(tmp_path: Path, clock: FakeClock) -> Make:
    def made(script: Any = who, **more: Any) -> aiorch.Orchestrator:
        script = script if isinstance(script, list) else [script]
        provider = script[0] if isinstance(script[0], ScriptedProvider) else ScriptedProvider(script)
        given = {"data_dir": tmp_path, "clock": clock, "profiles": PROFILES, "cache": "off", **more}
        return aiorch.Orchestrator(providers=[provider], **given)

    return made


def task(text: str = "hi", agent: str = "stable", **more: Any) -> Task:
    return Task((Message.user(text),), agent=agent, **more)


def audited(folder: Path, event: str) -> list[dict[str, Any]]:
    lines = [line for file in (folder / "audit").glob("*.jsonl") for line in file.read_text().splitlines()]
    return [record for record in map(json.loads, lines) if record["event"] == event]


def refuse(folder: Path) -> None:
    """Let nothing be recorded from now on, whoever runs the tests: where the audit's folder was, there is a file."""
    audit = folder / "audit"
    if audit.is_dir():
        shutil.rmtree(audit)
    audit.write_text("in the way")


# --- nothing moves -----------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_where_nothing_is_declared_the_agents_own_profile_serves(make: Make) -> None:
    async with make() as ai:
        outcome = await ai.run(task())
    assert (outcome.text, outcome.profile, outcome.route) == ("I am stable.", "stable", "")


@pytest.mark.anyio
async def test_a_task_that_names_a_model_is_never_moved(make: Make) -> None:
    async with make() as ai:
        await ai.divert("stable", to="spare", until=600, reason="trouble")
        await ai.split("stable", {"candidate": 1})
        outcome = await ai.run(task(model="scripted/model"))
    assert outcome.profile == "stable"


# --- split -------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_split_shares_work_out_and_every_user_stays_on_a_side(make: Make) -> None:
    async with make() as ai:
        await ai.split("stable", {"stable": 3, "candidate": 1})
        first = [(await ai.run(task(user=f"u{i}"))).profile for i in range(80)]
        again = [(await ai.run(task("another", user=f"u{i}"))).profile for i in range(80)]
        scoped = [(await ai.scoped(user=f"u{i}").run(task())).profile for i in range(20)]
    assert first == again
    assert first[:20] == scoped
    assert 5 < first.count("candidate") < 40


@pytest.mark.anyio
async def test_a_tenant_stays_together_and_users_of_two_tenants_are_two_people(make: Make) -> None:
    async with make() as ai:
        await ai.split("stable", {"stable": 1, "candidate": 1})
        tenant = {(await ai.run(task(f"p{i}", tenant="acme"))).profile for i in range(20)}
        others = {(await ai.run(task(user="u1", tenant=f"t{i}"))).profile for i in range(40)}
        strangers = {(await ai.run(task(f"p{i}"))).profile for i in range(40)}
    assert len(tenant) == 1
    assert others == strangers == {"stable", "candidate"}


@pytest.mark.anyio
async def test_the_outcome_and_the_events_say_who_served_and_why(make: Make) -> None:
    seen: list[TaskStarted] = []
    async with make() as ai:
        ai.on(seen.append, TaskStarted)
        await ai.split("stable", {"candidate": 1})
        outcome = await ai.run(task())
    assert outcome.text == "I am candidate."
    assert (outcome.profile, outcome.route) == ("candidate", "the work of stable is split: candidate 100%")
    (started,) = seen
    assert (started.agent, started.profile, started.route) == ("stable", "candidate", outcome.route)


@pytest.mark.anyio
@pytest.mark.parametrize("weights", [{}, {"stable": 0}, {"stable": -1, "spare": 2}, {"stable": float("nan")}])
async def test_weights_that_are_none_are_refused(make: Make, weights: dict[str, float]) -> None:
    async with make() as ai:
        with pytest.raises(InputError, match="weights"):
            await ai.split("stable", weights)


@pytest.mark.anyio
async def test_profiles_that_nobody_described_are_refused_everywhere(make: Make) -> None:
    async with make() as ai:
        for wrong in (
            ai.split("stabel", {"stable": 1}),
            ai.split("stable", {"stabel": 1}),
            ai.shift(from_="stabel", to="candidate"),
            ai.shift(from_="stable", to="candidat"),
            ai.mirror("stable", to="candidat"),
            ai.divert("stabel", to="spare", until=60, reason="x"),
            ai.revoke("stabel", reason="x"),
        ):
            with pytest.raises(UnknownAgent, match="did you mean|nearest|stable|candidate"):
                await wrong


@pytest.mark.anyio
async def test_the_stream_goes_the_same_way_as_the_run(make: Make) -> None:
    async with make() as ai:
        await ai.split("stable", {"candidate": 1})
        async with ai.stream(task()) as stream:
            outcome = await stream.outcome()
    assert (outcome.text, outcome.profile) == ("I am candidate.", "candidate")


# --- what the other profile brings along -------------------------------------------------------------------------


@pytest.mark.anyio
async def test_the_minima_are_those_of_the_profile_that_serves(make: Make) -> None:
    profiles = {
        "strict": Profile("strict"),
        "lenient": Profile("lenient", minima={"score": 0.1}),
    }
    script = ScriptedProvider([lambda r: "word " * 400])  # fails the check for repetition, and only that
    async with make(script, profiles=profiles) as ai:
        assert (await ai.run(task(agent="strict"))).accepted is False
        await ai.split("strict", {"lenient": 1})
        moved = await ai.run(task(agent="strict"))
    assert (moved.profile, moved.accepted) == ("lenient", True)


@pytest.mark.anyio
async def test_the_tools_are_those_of_the_profile_that_serves_and_those_handed_in(make: Make) -> None:
    @aiorch.tool
    def old() -> str:
        """Of the old profile."""
        return "old"

    @aiorch.tool
    def new() -> str:
        """Of the new one."""
        return "new"

    @aiorch.tool
    def mine() -> str:
        """Handed in."""
        return "mine"

    provider = ScriptedProvider()
    profiles = {"a": {"tools": ["old"]}, "b": {"tools": ["new"]}, "c": {"tools": ["nobodys"]}}
    async with make(provider, profiles=profiles, tools=[old, new]) as ai:
        await ai.split("a", {"b": 1})
        await ai.run(task(agent="a"), tools=[mine])
        assert {t.name for t in provider.asked[0][1].tools} == {"new", "mine"}
        for change in (
            ai.split("a", {"c": 1}),
            ai.shift(from_="a", to="c"),
            ai.divert("a", to="c", until=60, reason="x"),
        ):
            with pytest.raises(ConfigurationError, match="nobodys"):
                await change


@pytest.mark.anyio
async def test_parameters_of_the_task_win_over_those_of_the_profile_that_serves(make: Make) -> None:
    provider = ScriptedProvider()
    profiles = {"a": {"parameters": {"max_tokens": 5}}, "b": {"parameters": {"max_tokens": 7, "top_p": 0.5}}}
    async with make(provider, profiles=profiles) as ai:
        await ai.split("a", {"b": 1})
        await ai.run(task(agent="a"))
        await ai.run(task(agent="a", parameters=Parameters(max_tokens=9)))
    sent = [(r.parameters.max_tokens, r.parameters.top_p) for _, r in provider.asked]
    assert sent == [(7, 0.5), (9, 0.5)]


# --- shift -------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_shift_only_ever_moves_people_forward(make: Make, clock: FakeClock) -> None:
    async with make() as ai:
        status = await ai.shift(from_="stable", to="candidate", start=0.1, end=1.0, over=100, rollback=False)
        assert status.share == 0.1
        over: set[int] = set()
        grown: list[int] = []
        for _ in range(6):
            now = {i for i in range(60) if (await ai.run(task(user=f"u{i}"))).profile == "candidate"}
            assert over <= now
            over = now
            grown.append(len(now))
            clock.advance(20)
    assert grown[0] < 20
    assert grown[-1] == 60


@pytest.mark.anyio
@pytest.mark.parametrize(
    "wrong", [{"start": 0}, {"start": 0.5, "end": 0.2}, {"end": 1.5}, {"over": -1}, {"over": float("nan")}]
)
async def test_a_shift_that_is_none_is_refused(make: Make, wrong: dict[str, Any]) -> None:
    async with make() as ai:
        with pytest.raises(InputError, match="a shift from a share of"):
            await ai.shift(from_="stable", to="candidate", **wrong)


@pytest.mark.anyio
async def test_a_shift_to_itself_is_refused(make: Make) -> None:
    async with make() as ai:
        with pytest.raises(InputError, match="itself"):
            await ai.shift(from_="stable", to="stable")


def failing_candidate(request: Request) -> str | Failure:
    return BROKEN if "candidate" in request.messages[0].text else "fine"


async def asked(ai: aiorch.Orchestrator, many: int) -> list[str]:
    """Which profile served, or ``failed``."""
    got: list[str] = []
    for i in range(many):
        try:
            got.append((await ai.run(task(f"p{i}"))).profile)
        except AllAttemptsFailed:
            got.append("failed")
    return got


@pytest.mark.anyio
async def test_a_new_side_that_fails_goes_back_by_itself_and_it_is_audited_and_told(
    make: Make, tmp_path: Path
) -> None:
    told: list[TrafficChanged] = []
    async with make(failing_candidate) as ai:
        ai.on(told.append, TrafficChanged)
        await ai.shift(from_="stable", to="candidate", start=0.5, end=0.5, rollback=Rollback(least=10))
        got = await asked(ai, 120)
        (status,) = (await ai.traffic()).shifts
        late = await ai.run(task())
    assert 10 <= got.count("failed") <= 40
    assert "failed" not in got[-40:]
    assert status.undone is not None
    assert status.share == 0.0
    assert "taken back" in late.route
    assert [t.action for t in told] == ["shifted", "rolled_back"]
    (record,) = audited(tmp_path, "traffic.rolled_back")
    assert (record["profile"], record["to"], record["reason"]) == ("stable", "candidate", status.undone.why)


@pytest.mark.anyio
async def test_no_shift_goes_back_before_the_minimum_sample(make: Make) -> None:
    async with make(failing_candidate) as ai:
        await ai.shift(from_="stable", to="candidate", start=1.0, end=1.0, rollback=Rollback(least=15))
        assert await asked(ai, 14) == ["failed"] * 14
        assert (await ai.traffic()).shifts[0].undone is None
        assert await asked(ai, 3) == ["failed", "stable", "stable"]


@pytest.mark.anyio
async def test_a_shift_without_rollback_goes_on_whatever_happens(make: Make) -> None:
    async with make(failing_candidate) as ai:
        await ai.shift(from_="stable", to="candidate", start=1.0, end=1.0, rollback=False)
        assert await asked(ai, 40) == ["failed"] * 40


@pytest.mark.anyio
async def test_bad_answers_go_back_by_the_minima_of_the_old_profile(make: Make) -> None:
    def script(request: Request) -> str:
        return "word " * 400 if "candidate" in request.messages[0].text else "fine"

    profiles = {**PROFILES, "candidate": Profile("candidate", system="candidate", minima={"score": 0.1})}
    async with make(script, profiles=profiles) as ai:
        await ai.shift(from_="stable", to="candidate", start=1.0, end=1.0, rollback=Rollback(least=10))
        outcomes = [await ai.run(task(f"p{i}")) for i in range(11)]
    assert all(o.accepted for o in outcomes)  # by its own minima
    assert [o.profile for o in outcomes] == ["candidate"] * 10 + ["stable"]


@pytest.mark.anyio
async def test_what_says_nothing_about_a_profile_is_not_held_against_it(make: Make) -> None:
    """A budget too small, and tasks that ask for the new profile themselves."""
    paid = ModelCard("scripted", "model", context=8_192, capabilities=Capabilities(chat=True), free="local")
    async with make(ScriptedProvider([failing_candidate], cards=[paid])) as ai:
        await ai.shift(from_="stable", to="candidate", start=1.0, end=1.0, rollback=Rollback(least=5))
        for i in range(8):
            with pytest.raises(AllAttemptsFailed):
                await ai.run(task(f"p{i}", agent="candidate"))
            with pytest.raises(BudgetExceeded):
                await ai.run(task(f"p{i}"), budget=aiorch.Budget(tokens=1))
        assert (await ai.traffic()).shifts[0].undone is None


@pytest.mark.anyio
async def test_the_next_process_goes_on_where_a_shift_was(make: Make, clock: FakeClock) -> None:
    async def said(ai: aiorch.Orchestrator) -> ShiftStatus:
        return await ai.shift(from_="stable", to="candidate", start=0.01, end=1.0, over=1_000)

    async with make() as ai:
        began = await said(ai)
        clock.advance(500)
        again = await said(ai)
    async with make() as ai:
        later = await said(ai)
        changed = await ai.shift(from_="stable", to="candidate", start=0.5, end=1.0, over=1_000)
    assert began.shift == again.shift == later.shift
    assert later.share == pytest.approx(0.1)
    assert changed.share == 0.5


@pytest.mark.anyio
async def test_a_shift_that_was_taken_back_stays_so_until_it_is_revoked(make: Make) -> None:
    async def said(ai: aiorch.Orchestrator) -> ShiftStatus:
        return await ai.shift(
            from_="stable", to="candidate", start=1.0, end=1.0, rollback=Rollback(least=5, ceiling=0.2)
        )

    async with make(failing_candidate) as ai:
        await said(ai)
        await asked(ai, 6)
        assert (await said(ai)).undone is not None
    async with make(failing_candidate) as ai:
        assert (await said(ai)).undone is not None
        assert await asked(ai, 2) == ["stable", "stable"]
        (ended,) = await ai.revoke("stable", reason="mended")
        assert ended.profile == "stable"
        assert (await said(ai)).undone is None
        assert await asked(ai, 1) == ["failed"]


@pytest.mark.anyio
async def test_another_process_that_shifts_too_learns_that_it_was_taken_back(
    make: Make, clock: FakeClock
) -> None:
    terms = {"from_": "stable", "to": "candidate", "start": 1.0, "end": 1.0}
    async with make(failing_candidate) as one, make(failing_candidate) as other:
        await one.shift(**terms, rollback=Rollback(least=3))
        await other.shift(**terms, rollback=Rollback(least=1_000))
        assert (await asked(one, 4))[-1] == "stable"
        clock.advance(6)
        assert await asked(other, 1) == ["stable"]


# --- divert ------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_diversion_sends_work_elsewhere_and_expires(
    make: Make, clock: FakeClock, tmp_path: Path
) -> None:
    async with make() as ai:
        made = await ai.divert("stable", to="spare", until=600, reason="error rate 0.3")
        moved = await ai.run(task())
        assert await ai.diversions() == (made,)
        clock.advance(601)
        back = await ai.run(task())
        assert await ai.diversions() == ()
    assert (moved.profile, moved.text) == ("spare", "I am spare.")
    assert moved.route == "stable is diverted to spare until 2027-01-15T08:10:00Z: error rate 0.3"
    assert (back.profile, back.route) == ("stable", "")
    (record,) = audited(tmp_path, "traffic.diverted")
    assert record["until"] == "2027-01-15T08:10:00Z"


@pytest.mark.anyio
async def test_what_cannot_be_audited_is_not_diverted_split_shifted_or_mirrored(
    make: Make, tmp_path: Path
) -> None:
    told: list[Event] = []
    async with make() as ai:
        await ai.run(task())
        ai.on(told.append, TrafficChanged)
        refuse(tmp_path)
        for change in (
            ai.divert("stable", to="spare", until=600, reason="x"),
            ai.split("stable", {"spare": 1}),
            ai.shift(from_="stable", to="spare"),
            ai.mirror("stable", to="spare"),
        ):
            with pytest.raises(AuditError):
                await change
        traffic = await ai.traffic()
        ranking = await ai.route(task())
    assert traffic.to_records() == []
    assert told == []
    assert "diverted" not in ranking.reason
    async with make() as ai:  # nor in the store
        assert await ai.diversions() == ()


@pytest.mark.anyio
async def test_what_cannot_be_audited_is_not_revoked(make: Make, tmp_path: Path) -> None:
    async with make() as ai:
        await ai.divert("stable", to="spare", until=600, reason="x")
        refuse(tmp_path)
        with pytest.raises(AuditError):
            await ai.revoke("stable", reason="y")
        assert len(await ai.diversions()) == 1


@pytest.mark.anyio
async def test_a_rollback_happens_also_where_it_cannot_be_audited(make: Make, tmp_path: Path) -> None:
    warned: list[Any] = []
    async with make(failing_candidate, audit="required") as ai:
        ai.on(warned.append, aiorch.events.Warned)
        await ai.shift(from_="stable", to="candidate", start=1.0, end=1.0, rollback=Rollback(least=1))
        control: Any = ai._house.line.traffic()
        route = control.route(task(), 1_800_000_000.0)
        refuse(tmp_path)
        await control.ended(route, failed=True)
        assert (await ai.traffic()).shifts[0].undone is not None
    assert [w.code for w in warned] == ["audit"]


@pytest.mark.anyio
async def test_every_diversion_ends_within_a_day_unless_it_says_otherwise(
    make: Make, clock: FakeClock
) -> None:
    async with make() as ai:
        with pytest.raises(InputError, match=r"longer than 86,400 seconds.*longest="):
            await ai.divert("stable", to="spare", until=timedelta(hours=25), reason="x")
        with pytest.raises(InputError, match="longer than"):
            await ai.divert("stable", to="spare", until=float("inf"), reason="x")
        with pytest.raises(InputError, match="longer than"):
            await ai.divert("stable", to="spare", until=clock.now() + 60, reason="epoch seconds by mistake")
        for never in (-5, float("nan"), datetime(2026, 1, 1, tzinfo=UTC)):
            with pytest.raises(InputError, match="must end at some time to come"):
                await ai.divert("stable", to="spare", until=never, reason="x")
        with pytest.raises(InputError, match="time zone"):
            await ai.divert("stable", to="spare", until=NAIVE, reason="x")
        with pytest.raises(InputError, match="no reason"):
            await ai.divert("stable", to="spare", until=60, reason=" ")
        assert await ai.diversions() == ()
        made = await ai.divert(
            "stable", to="spare", until=timedelta(days=2), reason="x", longest=timedelta(days=3)
        )
        dated = await ai.divert(
            "spare", to="candidate", until=datetime(2027, 1, 15, 9, tzinfo=UTC), reason="x"
        )
    assert made.until == clock.now() + 2 * 86_400
    assert dated.until == clock.now() + 3_600


@pytest.mark.anyio
async def test_the_newest_diversion_counts_and_an_older_one_comes_back(make: Make, clock: FakeClock) -> None:
    async with make() as ai:
        await ai.divert("stable", to="spare", until=600, reason="first")
        clock.advance(1)
        await ai.divert("stable", to="candidate", until=60, reason="second")
        assert (await ai.run(task())).profile == "candidate"
        assert [d.reason for d in await ai.diversions()] == ["second", "first"]
        clock.advance(60)
        assert (await ai.run(task())).profile == "spare"


@pytest.mark.anyio
async def test_diversions_are_followed_to_their_end_and_never_in_a_circle(make: Make) -> None:
    async with make() as ai:
        await ai.divert("stable", to="candidate", until=600, reason="one")
        await ai.divert("candidate", to="spare", until=600, reason="two")
        moved = await ai.run(task())
        with pytest.raises(InputError, match="leads back"):
            await ai.divert("spare", to="stable", until=600, reason="three")
    assert moved.profile == "spare"
    assert moved.route.index("one") < moved.route.index("two")


@pytest.mark.anyio
async def test_the_side_that_a_split_chose_may_be_diverted_and_then_counts_for_no_shift(make: Make) -> None:
    async with make(failing_candidate) as ai:
        await ai.shift(from_="stable", to="candidate", start=1.0, end=1.0, rollback=Rollback(least=1))
        await ai.divert("candidate", to="spare", until=600, reason="under repair")
        moved = await ai.run(task())
        assert (await ai.traffic()).shifts[0].undone is None
    assert moved.profile == "spare"
    assert moved.route.startswith(
        "100% of the work of stable is shifted to candidate; candidate is diverted to spare"
    )


@pytest.mark.anyio
async def test_work_can_be_diverted_to_a_model_which_is_asked_first(make: Make) -> None:
    cards = [ModelCard("scripted", name, context=8_192, free="local") for name in ("first", "second")]
    provider = ScriptedProvider([lambda r: "ok"], cards=cards)
    profiles = {
        "stable": Profile(
            "stable", primary="scripted/first", complexity_overrides={"simple": "scripted/first"}
        )
    }
    async with make(provider, profiles=profiles) as ai:
        assert (await ai.run(task())).model == "scripted/first"
        with pytest.raises(UnknownModel):
            await ai.divert("stable", to="scripted/nobody-ever", until=600, reason="x")
        await ai.divert("stable", to="scripted/second", until=600, reason="first is ill")
        moved = await ai.run(task())
        ranking = await ai.route(task())
    assert (moved.model, moved.profile) == ("scripted/second", "stable")
    assert [c.card.model for c in ranking.candidates] == ["second", "first"]


@pytest.mark.anyio
async def test_the_next_process_knows_of_a_diversion_and_one_that_runs_learns_of_it(
    make: Make, clock: FakeClock
) -> None:
    async with make() as running:
        assert (await running.run(task())).profile == "stable"
        async with make() as ai:
            made = await ai.divert("stable", to="spare", until=600, reason="x")
        async with make() as ai:
            assert (await ai.run(task())).profile == "spare"
            assert await ai.diversions() == (made,)
        clock.advance(6)
        assert (await running.run(task())).profile == "spare"
        async with make() as ai:
            assert await ai.revoke("stable", reason="over") == (made,)
        clock.advance(6)
        assert (await running.run(task())).profile == "stable"
        async with make() as ai:
            await ai.divert("stable", to="spare", until=10, reason="short")
        clock.advance(11)
        async with make() as ai:
            assert (await ai.run(task())).profile == "stable"


@pytest.mark.anyio
async def test_a_store_that_cannot_be_used_costs_the_memory_and_not_the_diversion(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE_NAME).mkdir()
    async with make() as ai:
        await ai.divert("stable", to="spare", until=600, reason="x")
        await ai.shift(from_="candidate", to="spare", start=1.0, end=1.0)
        assert (await ai.run(task())).profile == "spare"
        assert (await ai.run(task(agent="candidate"))).profile == "spare"
    assert caplog.text.count("diversions and shifts are forgotten") == 1


@pytest.mark.anyio
async def test_alerts_come_through_the_same_door(make: Make, clock: FakeClock) -> None:
    async with make() as ai:
        control = ai._house.control
        assert isinstance(control, RouteControl)
        await control.divert("stable", "spare", clock.now() + 600, "error rate 0.3")
        with pytest.raises(InputError, match="longer than"):
            await control.divert("stable", "spare", clock.now() + 90_000, "error rate 0.3")
        assert (await ai.run(task())).profile == "spare"


@pytest.mark.anyio
async def test_the_route_shows_a_diversion_also_at_another_time(make: Make, clock: FakeClock) -> None:
    async with make() as ai:
        await ai.divert("stable", to="spare", until=600, reason="error rate 0.3")
        now = await ai.route(task())
        later = await ai.route(task(), at=datetime.fromtimestamp(clock.now() + 601, UTC))
    assert now.reason.startswith(
        "stable is diverted to spare until 2027-01-15T08:10:00Z: error rate 0.3; profile spare"
    )
    assert later.reason.startswith("profile stable")


@pytest.mark.anyio
async def test_a_reason_never_carries_a_key(make: Make, tmp_path: Path) -> None:
    async with make(keys={"groq": "gsk_0123456789abcdef0123"}) as ai:
        made = await ai.divert("stable", to="spare", until=60, reason="401 for gsk_0123456789abcdef0123")
        outcome = await ai.run(task())
        await ai.revoke("stable", reason="gsk_0123456789abcdef0123 is back")
    assert "gsk_" not in made.reason + outcome.route
    assert not any(b"gsk_0123" in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


@pytest.mark.anyio
async def test_work_that_may_not_leave_this_machine_does_not_leave_it_by_a_detour(make: Make) -> None:
    cloud = ScriptedProvider([who], cards=[ModelCard("scripted", "far", free="free_quota")])
    profiles = {"secret": Profile("secret", route_policy="private"), "open": Profile("open")}
    async with make(cloud, profiles=profiles) as ai:
        await ai.divert("secret", to="open", until=60, reason="x")
        with pytest.raises(aiorch.NoModelAvailable, match="this machine"):
            await ai.run(task(agent="secret"))
    assert cloud.asked == []


# --- revoking and looking ----------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_everything_is_shown_as_flat_rows_and_revoked_by_kind(make: Make, tmp_path: Path) -> None:
    async with make() as ai:
        await ai.divert("stable", to="spare", until=600, reason="x")
        await ai.split("candidate", {"candidate": 1, "spare": 1})
        await ai.shift(from_="stable", to="candidate", start=0.5, end=1.0)
        await ai.mirror("stable", to="candidate", share=0.5)
        rows = (await ai.traffic()).to_records()
        assert [(r["kind"], r["profile"], r["to"], r["share"]) for r in rows] == [
            ("diversion", "stable", "spare", 1.0),
            ("split", "candidate", "candidate", 0.5),
            ("split", "candidate", "spare", 0.5),
            ("shift", "stable", "candidate", 0.5),
            ("mirror", "stable", "candidate", 0.5),
        ]
        assert len({tuple(r) for r in rows}) == 1
        assert len(await ai.revoke("stable", reason="y", only="mirror")) == 1
        assert len(await ai.revoke("stable", reason="y", only="diversion")) == 1
        assert len(await ai.revoke("stable", reason="y")) == 1
        assert await ai.revoke("stable", reason="y") == ()
        assert len(await ai.revoke("candidate", reason="y", only="split")) == 1
        assert (await ai.traffic()).to_records() == []
        with pytest.raises(InputError, match="nothing of the kind|there is no"):
            await ai.revoke("stable", reason="y", only="detour")  # type: ignore[arg-type]
    assert len(audited(tmp_path, "traffic.revoked")) == 4


@pytest.mark.anyio
async def test_a_profile_has_a_split_or_a_shift_the_last_one_said(make: Make) -> None:
    async with make() as ai:
        await ai.split("stable", {"spare": 1})
        await ai.shift(from_="stable", to="candidate", start=1.0, end=1.0)
        assert (await ai.run(task())).profile == "candidate"
        await ai.split("stable", {"spare": 1})
        assert (await ai.run(task())).profile == "spare"
        assert len((await ai.traffic()).to_records()) == 1


@pytest.mark.parametrize(
    "wrong", [{"least": 0}, {"alpha": 0}, {"alpha": 1}, {"margin": -0.1}, {"ceiling": 0}]
)
def test_terms_of_a_rollback_that_are_none_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="least is 1 or more"):
        Rollback(**wrong)


@pytest.mark.anyio
async def test_rules_for_the_agent_that_was_asked_hold_also_where_another_profile_serves(
    make: Make, tmp_path: Path
) -> None:
    rules = tmp_path / "routes.toml"
    rules.write_text('[[rules]]\nname = "here"\nagent = "stable"\npool = ["scripted/near"]\nonly = true\n')
    cards = [ModelCard("scripted", name, context=8_192, free="local") for name in ("near", "far")]
    profiles = {"stable": Profile("stable"), "spare": Profile("spare", primary="scripted/far")}
    async with make(ScriptedProvider(["ok"], cards=cards), profiles=profiles, routing_rules=rules) as ai:
        assert (await ai.run(task(agent="spare"))).model == "scripted/far"
        await ai.divert("stable", to="spare", until=60, reason="x")
        outcome = await ai.run(task())
    assert (outcome.profile, outcome.model) == ("spare", "scripted/near")


@pytest.mark.anyio
async def test_answers_from_the_cache_speak_neither_for_nor_against_a_shift(make: Make) -> None:
    async with make(["fine"], cache="memory") as ai:
        await ai.shift(from_="stable", to="candidate", start=1.0, end=1.0)
        control: Any = ai._house.line.traffic()
        told: list[bool] = []

        async def ended(*args: Any, **more: Any) -> None:
            told.append(True)

        control.ended = ended
        await ai.run(task(user="u"))
        assert (await ai.run(task(user="u"))).cached
    assert told == [True]


def test_aiorch_route_shows_a_diversion_that_another_process_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIORCH_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("AIORCH_OFFLINE", "true")
    monkeypatch.setenv("AIORCH_WEIGHTS_DIR", str(tmp_path / "none"))

    async def divert() -> None:
        async with aiorch.Orchestrator() as ai:
            await ai.divert("coding_agent", to="analysis_agent", until=600, reason="error rate 0.3")

    anyio.run(divert)
    done = CliRunner().invoke(app, ["route", "hi", "--agent", "coding_agent"], prog_name="aiorch")
    assert "coding_agent is diverted to analysis_agent until" in done.stdout
    assert "error rate 0.3; profile analysis_agent" in done.stdout

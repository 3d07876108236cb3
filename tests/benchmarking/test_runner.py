"""A run keeps what it gets, leaves alone whoever asks for it, and says what it does."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.benchmarking.conftest import MINI, NOW, ProcessSandbox, candidate, item, right

from aiorch.benchmarking import (
    MIGRATIONS,
    Answered,
    Asking,
    Planned,
    Progress,
    Report,
    SetAside,
    Suite,
    Waiting,
    benchmark,
)
from aiorch.benchmarking.records import Records
from aiorch.errors import (
    AuditError,
    InputError,
    NoModelAvailable,
    StorageError,
    UnknownModel,
    UnknownProvider,
)
from aiorch.routing import Rules
from aiorch.safety import AuditLog
from aiorch.store import Store
from aiorch.testing import FakeClock, ScriptedProvider
from aiorch.types import (
    Candidate,
    Capabilities,
    Failure,
    FailureKind,
    FailureScope,
    FreeTerms,
    Limit,
    Message,
    Price,
    Request,
    Response,
    Usage,
)

pytestmark = pytest.mark.anyio

TEN = Suite("mini", tuple(item(f"q{n}") for n in range(10)))
PAID = {"free": "none", "price": Price(Decimal(10), Decimal(10))}


class House:
    """Everything that a run needs, with every call and event kept."""

    def __init__(self, *candidates: Candidate, suite: Suite = TEN, **answers: Any) -> None:
        self.candidates = candidates or (candidate(),)
        names = dict.fromkeys(c.deployment.provider for c in self.candidates)
        self.providers = {name: ScriptedProvider([answers.get(name, right)], name=name) for name in names}
        self.store = Store.in_memory(MIGRATIONS)
        self.clock = FakeClock(NOW)
        self.suite = suite
        self.events: list[Progress] = []

    async def run(self, **more: Any) -> Report:
        return await benchmark(
            self.candidates,
            self.providers.values(),
            self.store,
            **{"clock": self.clock, "progress": self.events.append, "suite": self.suite, **more},
        )

    def asked(self) -> Counter[str]:
        return Counter(d.model for p in self.providers.values() for d, _ in p.asked)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def failing(
    kind: FailureKind, scope: FailureScope = "account", after: int = 0, **more: Any
) -> Callable[[Request], Any]:
    """Right answers first, then this failure."""
    count = [0]

    def answer(request: Request) -> str | Failure:
        count[0] += 1
        return right(request) if count[0] <= after else Failure(kind, scope, "no", **more)

    return answer


async def test_a_run_measures_and_reports(sandbox: ProcessSandbox):
    house = House(suite=MINI)
    report = await house.run(sandbox=sandbox)
    (one,) = report.measured
    assert (report.asked, report.waiting, report.skipped) == (5, 0, ())
    assert (one.card, one.right, one.answered) == ("acme/small", 5, 5)
    assert report.to_records()[0]["score"] == 1.0
    assert (report.suite, report.spent) == ("mini", Decimal(0))
    assert sandbox.runs == 1


async def test_a_sandbox_that_holds_nothing_back_is_none(sandbox: ProcessSandbox):
    sandbox.level = "none"
    report = await House(suite=MINI).run(sandbox=sandbox)
    assert sandbox.runs == 0
    assert [s.items for s in report.skipped] == [("code",)]


async def test_what_is_stored_is_not_asked_again():
    house = House()
    first = await house.run(calls=6)
    assert (first.asked, first.waiting) == (6, 4)
    second = await house.run()
    assert second.asked == 4
    third = await house.run()
    assert (third.asked, third.waiting) == (0, 0)
    assert third.measured[0].answered == 10
    prompts = [r.messages[-1].text for _, r in house.providers["acme"].asked]
    assert len(prompts) == len(set(prompts)) == 10


async def test_again_asks_all_once_more_and_old_answers_grow_stale():
    house = House()
    await house.run()
    house.clock.advance(60)
    assert (await house.run(again=True)).asked == 10
    assert (await house.run()).asked == 0
    house.clock.advance(31 * 86_400)
    assert (await house.run()).asked == 10
    house.clock.advance(60)
    assert (await house.run(kept=0.0)).asked == 10


async def test_again_ends_where_answers_turn_into_failures():
    house = House()
    await house.run()
    house.clock.advance(60)
    house.providers["acme"].script = [failing(FailureKind.BAD_REQUEST, "request")]
    report = await house.run(again=True)
    assert report.asked == 10, "a failure leaves the old answer in its place, and is still not tried for ever"
    assert report.measured[0].answered == 10


async def test_no_more_calls_than_allowed_whoever_is_quick():
    house = House(candidate("a", "x"), candidate("b", "y"), candidate("c", "z"))
    house.providers["a"].delay = 0.02
    report = await house.run(calls=16)
    assert report.asked == sum(house.asked().values()) == 16
    assert set(house.asked().values()) == {5, 6}


async def test_nothing_is_asked_where_no_call_is_allowed():
    house = House()
    await house.run(calls=7)
    report = await house.run(calls=0)
    assert (report.asked, report.waiting) == (0, 3)
    assert report.measured[0].answered == 7


async def test_one_call_at_a_time_of_each_provider_and_providers_side_by_side():
    house = House(candidate("a", "x"), candidate("a", "y"), candidate("b", "z"))
    at_once: Counter[str] = Counter()
    most: Counter[str] = Counter()

    def follow(event: Progress) -> None:
        if isinstance(event, Asking):
            at_once[event.call.candidate.deployment.provider] += 1
        elif isinstance(event, Answered):
            at_once[event.record.provider] -= 1
        for name in ("a", "b"):
            most[name] = max(most[name], at_once[name])
        most["all"] = max(most["all"], at_once.total())

    for provider in house.providers.values():
        provider.delay = 0.002
    await house.run(progress=follow)
    assert (most["a"], most["b"], most["all"]) == (1, 1, 2)


# --- failures


async def test_a_limited_account_is_set_aside_and_its_calls_go_to_others():
    house = House(
        candidate("a", "x"), candidate("a", "y"), candidate("b", "z"),
        a=failing(FailureKind.RATE_MINUTE, after=3, retry_at=NOW + 3_000),
    )  # fmt: skip
    report = await house.run(calls=15)
    assert house.asked() == {"x": 2, "y": 2, "z": 10}
    assert [(e.who, e.until) for e in house.of(SetAside)] == [("a", NOW + 3_000)]
    assert [p.id for p in report.aside] == ["a"]
    assert report.waiting == 17, "what failed is still open"
    (x,) = [m for m in report.measured if m.model == "x"]
    assert x.failures in ({}, {"rate_minute": 1})


async def test_waiting_goes_on_when_the_limit_has_passed():
    house = House(acme=failing(FailureKind.RATE_MINUTE, after=3, retry_at=NOW + 40))
    once = house.providers["acme"].script[0]

    def passes(request: Request) -> Any:
        return right(request) if house.clock.now() >= NOW + 40 else once(request)  # type: ignore[operator]

    house.providers["acme"].script = [passes]
    report = await house.run(wait=True)
    assert [e.until for e in house.of(Waiting)] == [NOW + 40]
    assert house.clock.slept == [40.0]
    assert (report.asked, report.waiting, report.measured[0].answered) == (11, 0, 10)
    assert report.measured[0].failures == {}


@pytest.mark.parametrize(
    ("kind", "retry_at", "wait"),
    [
        (FailureKind.RATE_MINUTE, NOW + 40, False),  # nobody wants to wait
        (FailureKind.RATE_DAY, NOW + 20_000, True),  # too long
        (FailureKind.RATE_DAY, None, True),
        (FailureKind.AUTH, None, True),  # does not pass
    ],
)
async def test_what_does_not_pass_soon_ends_the_run(kind: FailureKind, retry_at: float | None, wait: bool):
    house = House(acme=failing(kind, after=2, retry_at=retry_at))
    report = await house.run(wait=wait)
    assert (report.asked, house.clock.slept, house.of(Waiting)) == (3, [], [])
    assert report.waiting == 8


async def test_a_run_does_not_wait_when_its_calls_are_used_up():
    house = House(acme=failing(FailureKind.RATE_MINUTE, retry_at=NOW + 40))
    assert (await house.run(wait=True, calls=1)).asked == 1
    assert house.clock.slept == []


async def test_a_model_that_is_gone_leaves_its_siblings_alone():
    house = House(
        candidate(model="x"), candidate(model="y"),
        acme=lambda r: right(r) if house.providers["acme"].asked[-1][0].model == "y"
        else Failure(FailureKind.MODEL_GONE, "model", "no such model"),
    )  # fmt: skip
    report = await house.run()
    assert house.asked() == {"x": 1, "y": 10}
    assert [p.id for p in report.aside] == ["acme/x"]


@pytest.mark.parametrize(
    "kind", [FailureKind.OVERLOADED, FailureKind.TIMEOUT, FailureKind.MALFORMED, FailureKind.EMPTY]
)
async def test_three_failures_in_a_row_are_enough(kind: FailureKind):
    house = House(acme=failing(kind, "model", after=2))
    report = await house.run()
    assert report.asked == 5
    assert "3 failures in a row" in report.aside[0].reason
    assert report.measured[0].failures == {kind.value: 3}


async def test_three_broken_connections_speak_of_the_whole_provider():
    house = House(candidate(model="x"), candidate(model="y"), acme=failing(FailureKind.TRANSPORT, "upstream"))
    report = await house.run()
    assert report.asked == 3
    assert [p.id for p in report.aside] == ["acme"]


async def test_an_answer_in_between_begins_the_row_anew():
    turns = [0]

    def every_third(request: Request) -> Any:
        turns[0] += 1
        return right(request) if turns[0] % 3 == 0 else Failure(FailureKind.OVERLOADED, "model", "busy")

    house = House(acme=every_third)
    assert (await house.run()).asked == 10
    assert house.of(SetAside) == []


@pytest.mark.parametrize("kind", [FailureKind.BAD_REQUEST, FailureKind.CONTEXT, FailureKind.POLICY])
async def test_a_refused_question_says_nothing_about_the_next(kind: FailureKind):
    house = House(acme=failing(kind, "request"))
    report = await house.run()
    assert (report.asked, report.aside) == (10, ())
    assert (await house.run()).asked == 0, "a later run would only see it again"


async def test_an_ambiguous_failure_condemns_nobody():
    house = House(acme=failing(FailureKind.AUTH, "account", after=0, ambiguous=True))
    report = await house.run()
    assert report.asked == 3
    assert [p.id for p in report.aside] == ["acme/small"]


async def test_failures_are_kept_with_their_kind_and_without_secrets():
    house = House(acme=Failure(FailureKind.AUTH, "account", "wrong key sk-123"))
    report = await house.run(redact=lambda text: text.replace("sk-123", "***"))
    (stored,) = await Records(house.store).of("mini")
    assert (stored.passed, stored.failure, stored.note) == (None, "auth", "wrong key ***")
    assert "sk-123" not in f"{report}{house.events}"


async def test_a_model_found_to_think_gets_another_try_with_room():
    def thinks(request: Request) -> Any:
        if (request.parameters.max_tokens or 0) < 1_000:
            return Response(Message.assistant(""), "length", Usage(9, 50))
        return f"<think>hm</think>{right(request)}"

    house = House(acme=thinks)
    report = await house.run()
    assert report.measured[0].answered == 10
    assert report.asked == 11, "one was thought away, and none after it"
    house.clock.advance(60)
    assert (await house.run(again=True)).asked == 10, "from now on it is known"


# --- limits


async def test_calls_are_spaced_as_the_limits_want_it():
    house = House(candidate(terms=FreeTerms("", (Limit(20, "requests", "minute"),))))
    report = await house.run()
    assert report.asked == 10
    assert sum(house.clock.slept) == pytest.approx(27.0), "nine times three seconds"


async def test_paid_models_are_measured_within_the_money_only():
    usage = Usage(1_000, 100)
    house = House(candidate(**PAID), acme=Response(Message.assistant("Q0"), "stop", usage))
    with pytest.raises(NoModelAvailable, match="free"):
        await house.run(rules=Rules(allow_paid=True))
    with pytest.raises(NoModelAvailable):
        await house.run(usd=Decimal(1))
    report = await house.run(usd=Decimal("0.03"), rules=Rules(allow_paid=True))
    assert Decimal(0) < report.spent == PAID["price"].cost(usage) * report.asked  # type: ignore[union-attr]
    # Each answer was far dearer than was to be expected; the next round sees that and stops.
    assert report.asked == 10
    assert (await house.run(usd=Decimal("0.0001"), rules=Rules(allow_paid=True), again=True)).asked == 0


# --- what is refused, and what ends a run


async def test_nobody_to_measure_is_an_error_that_says_why():
    house = House(candidate(**PAID))
    with pytest.raises(NoModelAvailable, match="has to be named, and allowed with a budget"):
        await house.run()
    with pytest.raises(NoModelAvailable) as error:
        await house.run(models=["acme/small"])
    assert error.value.passed_over[0].id == "acme/small"
    with pytest.raises(UnknownProvider, match="'acme'"):
        await house.run(provider="acne")
    with pytest.raises(NoModelAvailable, match="set GROQ_API_KEY"):
        await house.run(provider="groq")
    with pytest.raises(NoModelAvailable, match="set OLLAMA_HOST"):
        await house.run(provider="ollama")
    with pytest.raises(UnknownModel):
        await house.run(models=["acne/small"])
    house.candidates = ()
    with pytest.raises(NoModelAvailable, match="No provider can be used"):
        await house.run()


async def test_candidates_of_providers_that_are_not_handed_in_are_left_out():
    house = House(candidate("a", "x"))
    house.candidates = (*house.candidates, candidate("b", "y"))
    assert [m.card for m in (await house.run()).measured] == ["a/x"]


@pytest.mark.parametrize("wrong", [{"calls": -1}, {"top": 0}])
async def test_senseless_numbers_are_refused(wrong: dict[str, int]):
    with pytest.raises(InputError):
        await House().run(**wrong)


async def test_a_store_that_fails_ends_the_run_with_its_own_error(monkeypatch: pytest.MonkeyPatch):
    house = House(candidate("a", "x"), candidate("b", "y"))
    house.providers["b"].delay = 30.0
    keep = Records.keep
    kept: list[str] = []

    async def full(self: Records, record: Any) -> None:
        if len(kept) == 2:
            raise StorageError("the disk is full")
        kept.append(record.item)
        await keep(self, record)

    monkeypatch.setattr(Records, "keep", full)
    with anyio.fail_after(10), pytest.raises(StorageError, match="disk is full"):
        await house.run()
    assert len(await Records(house.store).of("mini")) == 2


async def test_what_cannot_be_recorded_is_not_asked(tmp_path: Path):
    (tmp_path / "audit").write_text("a file where a folder should be")
    house = House()
    with pytest.raises(AuditError):
        await house.run(audit=AuditLog(tmp_path / "audit"))
    assert house.asked() == {}


async def test_every_call_is_in_the_audit_log(tmp_path: Path):
    log = AuditLog(tmp_path / "audit", clock=FakeClock(NOW))
    await House(candidate(key="KEY")).run(audit=log, calls=3)
    assert log.path is not None
    lines = log.path.read_text().splitlines()
    assert len(lines) == 3
    assert '"deployment":"acme/small#KEY","event":"benchmark.asked","item":"q0","suite":"mini"' in lines[0]


async def test_a_run_that_is_cancelled_keeps_what_was_answered():
    house = House()

    def slow(event: Progress) -> None:
        if isinstance(event, Answered) and event.record.item == "q3":
            house.providers["acme"].delay = 60.0

    with anyio.move_on_after(2) as scope:
        await house.run(progress=slow)
    assert scope.cancelled_caught
    assert len(await Records(house.store).of("mini")) == 4
    house.providers["acme"].delay = 0.0
    assert (await house.run()).asked == 6


async def test_events_tell_the_whole_story():
    house = House()
    await house.run(calls=3)
    kinds: Sequence[type] = [type(event) for event in house.events]
    assert kinds == [Planned, *[Asking, Answered] * 3]
    assert [call.item.id for call in house.of(Planned)[0].calls] == ["q0", "q1", "q2"]


async def test_a_model_that_says_it_thinks_is_given_room_at_once():
    house = House(candidate(capabilities=Capabilities(reasoning=True)))
    await house.run(calls=1)
    assert house.providers["acme"].asked[0][1].parameters.max_tokens == 50 + 4_096


async def test_a_dead_account_is_set_aside_for_good():
    house = House(acme=failing(FailureKind.BILLING))
    await house.run()
    assert math.isinf(house.of(SetAside)[0].until)

"""From a request to an answer over scripted providers, in virtual time, on both event loops."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from decimal import Decimal
from typing import Any

import anyio
import pytest
from tests.routing.rig import ASK, DEAR, K, Odd, Rig, Slow, at, failing, rig, trail, wholly

from aiorch.errors import (
    AllAttemptsFailed,
    BudgetExceeded,
    DeadlineExceeded,
    LocalModelError,
    NoModelAvailable,
    StreamInterrupted,
)
from aiorch.events import AttemptFinished, AttemptStarted, Bus, Waiting
from aiorch.routing import Answer, Executor, Spent
from aiorch.routing.attempts import PAUSE
from aiorch.routing.bench import MENDED_AFTER
from aiorch.testing import FakeClock, ScriptedProvider
from aiorch.types import (
    Budget,
    Deployment,
    Failure,
    FailureKind,
    Parameters,
    ReasoningDelta,
    Response,
    TextDelta,
    Timeouts,
    Usage,
)

pytestmark = pytest.mark.anyio

# --- one answer --------------------------------------------------------------------------------------------------


async def test_the_first_is_asked_and_its_answer_returned() -> None:
    house = rig(a=[wholly("It is resistance.")], b=["never"])
    answer = await house.complete(at("a"), at("b"))
    assert answer.response.message.text == "It is resistance."
    assert answer.candidate.card.id == "a/m"
    assert (answer.usage, answer.cost) == (Usage(10, 20), 0)
    assert trail(answer) == [("a/m", "answer", "accept")]
    assert house.asked() == {"a": 1, "b": 0}
    assert house.providers["a"].asked == [(Deployment("a", "m"), ASK)]  # type: ignore[attr-defined]


async def test_an_answer_that_costs_says_what() -> None:
    answer = await rig(a=[wholly("x", Usage(1_000, 100))]).complete(at("a", price=DEAR))
    assert answer.cost == Decimal("0.11")
    assert answer.attempts[0].cost == Decimal("0.11")
    free = await rig(a=[wholly("x", Usage(1_000, 100))]).complete(
        at("a", price=DEAR), free=frozenset({"a/m"})
    )
    assert free.cost == 0


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_failure_is_followed_by_the_next_and_the_trail_tells_all(streaming: bool) -> None:
    house = rig(a=[failing()], b=[failing(K.AUTH, "account", "no")], c=["Here."])
    them = at("a"), at("b", key="K1"), at("b", key="K2"), at("c")
    answer = (await house.stream(*them))[1] if streaming else await house.complete(*them)
    assert trail(answer) == [
        ("a/m", "overloaded", "next_deployment"),
        ("b/m#K1", "auth", "next_key"),
        ("b/m#K2", "auth", "next_deployment"),
        ("c/m", "answer", "accept"),
    ]
    assert [a.number for a in answer.attempts] == [1, 2, 3, 4]
    assert [a.usage.total > 0 for a in answer.attempts] == [False, False, False, True]


async def test_the_trail_knows_when_each_attempt_began_and_how_long_it_took() -> None:
    clock = FakeClock()
    slow = Slow(clock, 3.0, failing())
    house = Rig({"slow": slow, "b": ScriptedProvider(name="b")}, clock=clock)
    began = clock.now()
    answer = await house.complete(at("slow"), at("b"))
    first, second = answer.attempts
    assert (first.started_at, first.seconds) == (began, 3.0)
    assert (second.started_at, second.seconds) == (began + 3.0, 0.0)


async def test_numbers_go_on_where_an_earlier_round_left_off() -> None:
    answer = await rig(a=["x"]).complete(at("a"), spent=Spent(attempts=3))
    assert answer.attempts[0].number == 4


async def test_listeners_hear_of_each_attempt() -> None:
    house = rig(a=[failing()], b=["x"])
    answer = await house.complete(at("a"), at("b"))
    kinds = [type(e) for e in house.events]
    assert kinds == [AttemptStarted, AttemptFinished] * 2
    assert all(e.task_id == "t1" for e in house.events)
    assert [e.attempt for e in house.events if isinstance(e, AttemptFinished)] == list(answer.attempts)
    assert [(e.deployment.id, e.number) for e in house.events if isinstance(e, AttemptStarted)] == [
        ("a/m", 1),
        ("b/m", 2),
    ]


@pytest.mark.parametrize("streaming", [False, True])
async def test_it_works_when_nobody_listens(streaming: bool) -> None:
    executor = Executor({"a": ScriptedProvider([failing(), "x"], name="a")}, clock=FakeClock(), bus=Bus())
    terms = Rig({}).terms()
    if streaming:
        assert [isinstance(p, Answer) async for p in executor.stream(ASK, [at("a")], terms)][-1]
    else:
        assert (await executor.complete(ASK, [at("a")], terms)).response.message.text == "x"


# --- waiting -----------------------------------------------------------------------------------------------------


async def test_when_all_are_blocked_and_the_wait_fits_it_is_waited_for() -> None:
    house = rig(a=[failing(K.RATE_MINUTE, "account", "slow down", retry_at=1_800_000_007.0), "Here."])
    answer = await house.complete(at("a", key="K"))
    assert trail(answer) == [("a/m#K", "rate_minute", "wait"), ("a/m#K", "answer", "accept")]
    assert house.clock.slept == [7.0]
    assert [a.waited for a in answer.attempts] == [0.0, 7.0]
    (waiting,) = [e for e in house.events if isinstance(e, Waiting)]
    assert (waiting.seconds, waiting.reason) == (7.0, "rate_minute: slow down")


async def test_a_passing_trouble_without_siblings_is_tried_again_after_a_pause() -> None:
    house = rig(a=[failing(), "Here."])
    answer = await house.complete(at("a"))
    assert trail(answer) == [("a/m", "overloaded", "wait"), ("a/m", "answer", "accept")]
    assert house.clock.slept == [PAUSE]


async def test_a_wait_that_does_not_fit_is_not_begun() -> None:
    house = rig(a=[failing(K.RATE_MINUTE, "account", "slow down", retry_at=1_800_000_061.0)])
    with pytest.raises(
        AllAttemptsFailed, match=r"the first to come back is a/m#K in 61 s .* past the deadline"
    ) as failed:
        await house.complete(at("a", key="K"))
    assert trail(failed.value) == [("a/m#K", "rate_minute", "fail")]
    assert house.clock.slept == []


# --- the end of it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [False, True])
async def test_when_all_failed_each_is_told(streaming: bool) -> None:
    house = rig(
        a=[failing(K.BILLING, "account", "no credit")],
        b=[failing(K.MODEL_GONE, "model", "never heard of it")],
    )
    with pytest.raises(AllAttemptsFailed) as failed:
        await (house.stream if streaming else house.complete)(at("a"), at("b"))
    assert trail(failed.value) == [("a/m", "billing", "next_deployment"), ("b/m", "model_gone", "fail")]
    assert "a/m: billing: no credit" in str(failed.value)
    assert "b/m: model_gone: never heard of it" in str(failed.value)


async def test_a_failure_that_every_sibling_would_repeat_asks_nobody_else() -> None:
    house = rig(a=[failing(K.POLICY, "request", "not nice")], b=["x"])
    with pytest.raises(AllAttemptsFailed, match="policy: not nice"):
        await house.complete(at("a"), at("b"))
    assert house.asked() == {"a": 1, "b": 0}


async def test_no_more_attempts_are_made_than_are_left_to_the_task() -> None:
    house = rig(a=[failing(K.EMPTY)], b=[failing(K.EMPTY)], c=["x"])
    with pytest.raises(AllAttemptsFailed, match="all attempts are used up"):
        await house.complete(at("a"), at("b"), at("c"), attempts=2)
    assert house.asked() == {"a": 1, "b": 1, "c": 0}


async def test_without_candidates_nobody_is_asked_and_that_is_said() -> None:
    with pytest.raises(NoModelAvailable, match="nobody may be asked now"):
        await rig().complete()


async def test_without_attempts_nobody_is_asked_and_that_is_said() -> None:
    with pytest.raises(NoModelAvailable, match="all attempts are used up") as error:
        await rig(a=["x"]).complete(at("a"), attempts=0)
    assert error.value.passed_over == ()


# --- deadlines ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_provider_that_hangs_ends_with_the_deadline_and_what_was_tried(streaming: bool) -> None:
    house = Rig(
        {
            "a": ScriptedProvider([failing()], name="a"),
            "odd": Odd(60.0),
            "c": ScriptedProvider(name="c", delay=60),
        }
    )
    with pytest.raises(DeadlineExceeded, match=r"not finished within 0\.05 s; pass timeout=") as late:
        if streaming:
            await house.stream(at("a"), at("odd"), timeout=0.05)
        else:
            await house.complete(at("a"), at("c"), timeout=0.05)
    assert [d for d, _, _ in trail(late.value)] == ["a/m", "odd/m" if streaming else "c/m"]
    assert late.value.attempts[-1].failure == Failure(K.TIMEOUT, "request", "the task's time was up")
    assert house.executor.benched == {}


async def test_nobody_is_asked_after_the_deadline() -> None:
    clock = FakeClock()
    house = Rig({"slow": Slow(clock, 61.0, failing()), "b": ScriptedProvider(name="b")}, clock=clock)
    with pytest.raises(DeadlineExceeded) as late:
        await house.complete(at("slow"), at("b"))
    assert trail(late.value) == [("slow/m", "overloaded", "fail")]
    assert house.asked()["b"] == 0


async def test_a_deadline_that_has_passed_asks_nobody() -> None:
    house = rig(a=["x"])
    with pytest.raises(DeadlineExceeded) as late:
        await house.complete(at("a"), timeout=0.0)
    assert late.value.attempts == ()
    assert house.asked() == {"a": 0}


@pytest.mark.parametrize(
    "broken", [TimeoutError("read timed out"), anyio.BrokenResourceError(), OSError("no route")]
)
async def test_a_timeout_of_the_providers_own_is_not_the_tasks(broken: Exception) -> None:
    house = rig(a=[broken])
    with pytest.raises(AllAttemptsFailed) as failed:
        await house.complete(at("a"), attempts=2)
    assert len(failed.value.attempts) == 2


async def test_a_provider_gets_no_more_patience_than_is_left() -> None:
    clock = FakeClock()
    slow = Slow(clock, 55.0, failing(K.EMPTY))
    house = Rig({"slow": slow}, timeouts=Timeouts(connect=10.0, first_byte=60.0, idle=None), clock=clock)
    with pytest.raises(DeadlineExceeded):
        await house.complete(at("slow"), at("slow", "n"))
    assert slow.timeouts == [Timeouts(10.0, 60.0, 60.0), Timeouts(5.0, 5.0, 5.0)]


async def test_patience_that_fits_is_handed_on_as_it_is() -> None:
    clock = FakeClock()
    slow, given = Slow(clock, 1.0), Timeouts(1.0, 2.0, 3.0)
    await Rig({"slow": slow}, timeouts=given, clock=clock).complete(at("slow"))
    assert slow.timeouts[0] is given


# --- providers at fault ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize(
    ("raised", "kind", "says"),
    [
        (KeyError("choices"), "malformed", "the provider raised KeyError: 'choices'"),
        (
            LocalModelError("no weights: run `aiorch local install`"),
            "model_gone",
            "no weights: run `aiorch local install`",
        ),
        (TimeoutError("read"), "timeout", "the provider raised TimeoutError: read"),
        (ConnectionResetError("peer"), "transport", "the provider raised ConnectionResetError: peer"),
        (ExceptionGroup("two", [ValueError("a")]), "malformed", "the provider raised ExceptionGroup"),
    ],
)
async def test_whatever_a_provider_raises_is_classified_and_another_is_asked(
    streaming: bool, raised: Exception, kind: str, says: str
) -> None:
    house = rig(a=[raised], b=["Here."])
    answer = (
        (await house.stream(at("a"), at("b")))[1] if streaming else await house.complete(at("a"), at("b"))
    )
    assert trail(answer) == [("a/m", kind, "next_deployment"), ("b/m", "answer", "accept")]
    failure = answer.attempts[0].failure
    assert failure is not None
    assert failure.message.startswith(says)


async def test_an_answer_that_is_none_is_the_providers_fault() -> None:
    class Empty(ScriptedProvider):
        async def complete(self, *given: Any, **more: Any) -> Response:
            return None  # type: ignore[return-value]

    house = Rig({"a": Empty(name="a"), "b": ScriptedProvider(name="b")})
    answer = await house.complete(at("a"), at("b"))
    assert trail(answer) == [("a/m", "malformed", "next_deployment"), ("b/m", "answer", "accept")]


async def test_a_stream_that_refuses_before_it_begins_is_replaced() -> None:
    class Refuses(ScriptedProvider):
        def stream(self, *given: Any, **more: Any) -> Any:
            raise ValueError("no streams here")

    house = Rig({"a": Refuses(name="a"), "b": ScriptedProvider(["Here."], name="b")})
    shown, answer = await house.stream(at("a"), at("b"))
    assert shown == "Here."
    assert trail(answer)[0] == ("a/m", "malformed", "next_deployment")


async def test_a_provider_that_is_not_there_is_passed_over() -> None:
    house = rig(b=["Here."])
    assert trail(await house.complete(at("missing"), at("b")))[0] == (
        "missing/m",
        "malformed",
        "next_deployment",
    )
    assert (await house.stream(at("missing"), at("b")))[0] == "Here."


# --- streams -----------------------------------------------------------------------------------------------------


async def test_a_stream_comes_in_pieces_and_ends_with_the_answer() -> None:
    clock = FakeClock()
    odd = Odd(
        ReasoningDelta("hm"), TextDelta("Hel"), TextDelta("lo"), wholly("Hello"), clock=clock, seconds=2.0
    )
    house = Rig({"odd": odd}, clock=clock)
    pieces = [p async for p in house.executor.stream(ASK, [at("odd")], house.terms())]
    assert pieces[:-1] == [ReasoningDelta("hm"), TextDelta("Hel"), TextDelta("lo")]
    answer = pieces[-1]
    assert isinstance(answer, Answer)
    assert answer.attempts[0].first_token == 2.0
    assert answer.attempts[0].seconds == 8.0
    assert odd.closed_streams == 1


async def test_a_failure_before_the_first_piece_is_not_seen() -> None:
    house = rig(a=[failing()], b=["Here it is."])
    shown, answer = await house.stream(at("a"), at("b"))
    assert shown == "Here it is."
    assert trail(answer) == [("a/m", "overloaded", "next_deployment"), ("b/m", "answer", "accept")]


async def test_empty_pieces_commit_to_nothing() -> None:
    house = Rig(
        {
            "odd": Odd(TextDelta(""), ReasoningDelta(""), KeyError("x")),
            "b": ScriptedProvider(["Here."], name="b"),
        }
    )
    shown, answer = await house.stream(at("odd"), at("b"))
    assert shown == "Here."
    assert [a.first_token is None for a in answer.attempts] == [True, False]


@pytest.mark.parametrize("first", [TextDelta("Half an "), ReasoningDelta("hm")], ids=["text", "reasoning"])
async def test_a_failure_after_the_first_piece_ends_the_stream_with_what_was_shown(first: Any) -> None:
    broken = failing(K.TRANSPORT, "upstream", "reset")
    odd = Odd(first, TextDelta("answer"), ConnectionResetError("reset"))
    house = Rig({"odd": odd, "b": ScriptedProvider(name="b")})
    with pytest.raises(StreamInterrupted) as interrupted:
        await house.stream(at("odd", price=DEAR), at("b"))
    error = interrupted.value
    assert error.partial == ("Half an answer" if isinstance(first, TextDelta) else "answer")
    assert error.failure.kind is broken.kind
    assert error.usage == Usage(10, len(error.partial) // 4, estimated=True)
    assert house.asked()["b"] == 0
    (finished,) = [e for e in house.events if isinstance(e, AttemptFinished)]
    assert (finished.attempt.decision, finished.attempt.usage) == ("fail", error.usage)
    assert finished.attempt.cost == DEAR.cost(error.usage)
    assert odd.closed_streams == 1


async def test_a_scripted_break_in_the_middle_keeps_the_partial_text() -> None:
    house = Rig({"a": ScriptedProvider([failing(K.RATE_DAY, "account")], name="a", break_after=2)})
    with pytest.raises(StreamInterrupted) as interrupted:
        await house.stream(at("a", key="K"))
    assert interrupted.value.partial == "partial partial "
    assert "a#K" in house.executor.benched


async def test_a_stream_without_an_answer_was_cut() -> None:
    house = Rig({"odd": Odd(), "b": ScriptedProvider(["Here."], name="b")})
    assert trail((await house.stream(at("odd"), at("b")))[1])[0] == ("odd/m", "truncated", "next_deployment")
    cut = Rig({"odd": Odd(TextDelta("Half"))})
    with pytest.raises(StreamInterrupted, match="the stream ended without an answer"):
        await cut.stream(at("odd"))


async def test_a_stream_that_falls_silent_ends_at_the_deadline_with_what_was_shown() -> None:
    odd = Odd(TextDelta("Half"), 60.0, wholly("Half of it"))
    with pytest.raises(StreamInterrupted) as interrupted:
        await Rig({"odd": odd}).stream(at("odd"), timeout=0.05)
    assert (interrupted.value.partial, interrupted.value.failure.kind) == ("Half", K.TIMEOUT)
    assert odd.closed_streams == 1


async def test_who_stops_reading_closes_the_providers_stream() -> None:
    odd = Odd(TextDelta("a"), TextDelta("b"), 60.0)
    house = Rig({"odd": odd})
    async with aclosing(house.executor.stream(ASK, [at("odd")], house.terms())) as pieces:
        async for _ in pieces:
            break
    assert odd.closed_streams == 1


# --- cancelling --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [False, True])
async def test_cancelling_passes_through_and_closes_the_providers_stream(streaming: bool) -> None:
    odd = Odd(TextDelta("a"), 60.0)
    house = Rig(
        {"odd": odd, "slow": ScriptedProvider(name="slow", delay=60.0), "b": ScriptedProvider(name="b")}
    )
    with anyio.move_on_after(0.05) as scope:
        if streaming:
            await house.stream(at("odd"), at("b"))
        else:
            await house.complete(at("slow"), at("b"))
    assert scope.cancelled_caught
    assert odd.closed_streams == (1 if streaming else 0)
    assert house.asked()["b"] == 0
    assert house.executor.benched == {}


# --- budgets -----------------------------------------------------------------------------------------------------


async def test_a_call_that_could_cost_too_much_is_not_made() -> None:
    house = rig(a=["x"])
    with pytest.raises(
        BudgetExceeded, match=r"the next call was not made, a larger budget would allow it: a/m: "
    ) as spent:
        await house.complete(at("a", price=DEAR), budget=Budget(usd=1))
    assert spent.value.attempts == ()
    assert house.asked() == {"a": 0}


@pytest.mark.parametrize("free_first", [True, False])
async def test_a_budget_is_the_reason_whoever_is_left_out_first(free_first: bool) -> None:
    house = rig(free=[failing(K.EMPTY)], dear=["x"])
    them = [at("free"), at("dear", price=DEAR)]
    with pytest.raises(BudgetExceeded, match="dear/m: it could cost") as spent:
        await house.complete(
            *(them if free_first else reversed(them)), budget=Budget(usd=0), free=frozenset({"free/m"})
        )
    assert trail(spent.value) == [("free/m", "empty", "fail")]
    assert house.asked()["dear"] == 0


async def test_a_final_failure_is_told_though_somebody_was_too_dear() -> None:
    house = rig(dear=["x"], free=[failing(K.POLICY, "request", "not nice")])
    with pytest.raises(AllAttemptsFailed, match="policy: not nice"):
        await house.complete(
            at("dear", price=DEAR), at("free"), budget=Budget(usd=0), free=frozenset({"free/m"})
        )


async def test_who_is_too_dear_makes_way_for_who_is_not() -> None:
    house = rig(dear=["x"], free=["Here."])
    answer = await house.complete(at("dear", price=DEAR), at("free"), budget=Budget(usd=0))
    assert trail(answer) == [("free/m", "answer", "accept")]


async def test_what_a_paid_answer_may_cost_is_made_sure_of() -> None:
    """The worst case that was reckoned with is also what the model is told."""
    house = rig(a=["x"])
    await house.complete(at("a", price=DEAR), budget=Budget(usd=5))
    ((_, request),) = house.providers["a"].asked  # type: ignore[attr-defined]
    assert request.parameters.max_tokens == 4_096


async def test_an_answer_gets_no_more_tokens_than_the_budget_has_left() -> None:
    house = rig(a=["x"])
    request = replace(ASK, parameters=Parameters(temperature=0.5))
    spent = Spent(Usage(100, 50))
    await house.complete(at("a"), request=request, budget=Budget(tokens=1_000), spent=spent)
    ((_, sent),) = house.providers["a"].asked  # type: ignore[attr-defined]
    assert sent.parameters == Parameters(temperature=0.5, max_tokens=840)


async def test_the_attempts_of_a_budget_are_counted() -> None:
    house = rig(a=[failing(K.EMPTY)], b=["x"])
    with pytest.raises(BudgetExceeded, match=r"the budget of 1 attempt\(s\) is used up") as spent:
        await house.complete(at("a"), at("b"), budget=Budget(attempts=1))
    assert trail(spent.value) == [("a/m", "empty", "fail")]


# --- what the next request knows ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [K.RATE_MINUTE, K.RATE_DAY])
async def test_a_limit_is_kept_by_the_next_request_until_it_ends(kind: FailureKind) -> None:
    house = rig(a=[failing(kind, "account", "enough", retry_at=1_800_001_000.0), "again"], b=["b"])
    them = at("a", key="K"), at("b")
    assert trail(await house.complete(*them))[0][1] == kind.value
    for seconds in (0.0, 999.0):
        house.clock.advance(seconds)
        assert trail(await house.complete(*them)) == [("b/m", "answer", "accept")]
    house.clock.advance(1.0)
    assert trail(await house.complete(*them)) == [("a/m#K", "answer", "accept")]


async def test_a_limit_of_an_account_holds_for_models_that_the_first_request_did_not_know() -> None:
    house = rig(a=[failing(K.RATE_MINUTE, "account", "enough", retry_at=1_800_000_100.0), "again"], b=["b"])
    await house.complete(at("a", "one", key="K"), at("b"))
    assert trail(await house.complete(at("a", "two", key="K"), at("b"))) == [("b/m", "answer", "accept")]
    assert trail(await house.complete(at("a", "two", key="K2"), at("b"))) == [
        ("a/two#K2", "answer", "accept")
    ]


@pytest.mark.parametrize(
    ("kind", "scope", "name"),
    [
        (K.AUTH, "account", "a#K"),
        (K.BILLING, "account", "a#K"),
        (K.MODEL_GONE, "model", "a/m"),
        (K.RATE_DAY, "key_model", "a/m#K"),
    ],
)
async def test_what_people_mend_is_tried_again_after_a_while(
    kind: FailureKind, scope: str, name: str
) -> None:
    house = rig(a=[failing(kind, scope, "bad"), "mended"], b=["b"])
    them = at("a", key="K"), at("b")
    await house.complete(*them)
    assert house.executor.benched == {name: (house.clock.now() + MENDED_AFTER, f"{kind.value}: bad")}
    house.clock.advance(MENDED_AFTER - 1)
    assert trail(await house.complete(*them)) == [("b/m", "answer", "accept")]
    house.clock.advance(1)
    assert trail(await house.complete(*them)) == [("a/m#K", "answer", "accept")]
    assert house.executor.benched == {}
    assert MENDED_AFTER == 300.0


async def test_nobody_waits_for_a_key_to_be_mended() -> None:
    house = rig(a=[failing(K.AUTH, "account", "wrong key")])
    with pytest.raises(AllAttemptsFailed):
        await house.complete(at("a", key="K"))
    with pytest.raises(NoModelAvailable, match="nobody is left to ask") as error:
        await house.complete(at("a", key="K"), timeout=3600.0)
    assert [(p.id, p.reason) for p in error.value.passed_over] == [("a/m#K", "auth: wrong key")]
    assert house.clock.slept == []


async def test_a_limit_that_the_first_request_met_is_waited_for_by_the_second() -> None:
    house = rig(a=[failing(K.RATE_MINUTE, "account", "enough", retry_at=1_800_000_100.0), "again"])
    with pytest.raises(AllAttemptsFailed):
        await house.complete(at("a", key="K"), timeout=50.0)
    answer = await house.complete(at("a", key="K"), timeout=150.0)
    assert house.clock.slept == [100.0]
    assert answer.attempts[0].waited == 100.0


async def test_in_a_later_round_the_error_is_that_of_attempts() -> None:
    house = rig(a=[failing(K.AUTH, "account", "wrong key")])
    with pytest.raises(AllAttemptsFailed):
        await house.complete(at("a", key="K"))
    with pytest.raises(AllAttemptsFailed):
        await house.complete(at("a", key="K"), spent=Spent(attempts=2))


@pytest.mark.parametrize(
    "passing",
    [
        failing(K.OVERLOADED),
        failing(K.TRANSPORT, "upstream"),
        failing(K.AUTH, "account", ambiguous=True),
        failing(K.MODEL_GONE, "model", ambiguous=True),
        failing(K.RATE_MINUTE, "request"),
        failing(K.EMPTY, "request", ambiguous=True),
        failing(K.CONTEXT, "request"),
    ],
    ids=lambda f: f"{f.kind.value}-{f.scope}",
)
async def test_what_says_nothing_of_other_requests_is_not_kept(passing: Failure) -> None:
    house = rig(a=[passing, "again"], b=["b"])
    await house.complete(at("a"), at("b"))
    assert house.executor.benched == {}
    assert trail(await house.complete(at("a"), at("b"))) == [("a/m", "answer", "accept")]


async def test_a_shorter_limit_does_not_end_a_longer_one() -> None:
    house = rig(
        a=[
            failing(K.RATE_MINUTE, "account", "long", retry_at=1_800_000_100.0),
            failing(K.RATE_MINUTE, "account", "short", retry_at=1_800_000_010.0),
        ],
        b=["b"],
    )
    first, second = at("a", "one", key="K"), at("a", "two", key="K")
    # Both are under way when the limit strikes.
    release = anyio.Event()

    class Both(ScriptedProvider):
        async def complete(self, *given: Any, **more: Any) -> Response:
            if len(self.asked) == 0 and not release.is_set():
                release.set()
                await anyio.sleep(0.01)
            return await super().complete(*given, **more)

    house.providers["a"] = Both(house.providers["a"].script, name="a")  # type: ignore[attr-defined]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(house.complete, first, at("b"))
        await release.wait()
        tasks.start_soon(house.complete, second, at("b"))
    assert house.executor.benched == {"a#K": (1_800_000_100.0, "rate_minute: long")}


async def test_it_is_known_who_is_left_alone_for_now() -> None:
    them = [at("a", key="K"), at("b"), at("c")]
    busy = rig(a=["yes"], b=["yes"], c=["yes"])
    whom = [c.deployment for c in them]
    assert list(busy.executor.barred(whom)) == []  # nobody has asked anything
    await busy.complete(*them)
    assert list(busy.executor.barred(whom)) == []
    now = busy.clock.now()
    busy.experience.bench.remember(them[0], failing(K.AUTH, "account"), now)
    assert list(busy.executor.barred(whom)) == ["a/m#K"]
    for _ in range(20):
        busy.experience.health.failed(
            "b/m",
            failing(K.OVERLOADED, "upstream", status=503),
            now,
            busy.experience.health.begun("b/m", now),
        )
    assert sorted(busy.executor.barred(whom)) == ["a/m#K", "b/m"]

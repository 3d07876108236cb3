"""Lists are asked for when they are too old, used while that is done, and used instead when it fails."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.catalog import gathering
from aiorch.catalog.gathering import ASK_AGAIN, ASK_LATER, LONGEST, SHORTEST, USABLE, Gatherer, believed
from aiorch.catalog.lists import MIGRATIONS, StoredLists
from aiorch.catalog.sources import Source
from aiorch.errors import AiorchError
from aiorch.store import Store
from aiorch.testing import FakeClock
from aiorch.types import Listing, ModelCard

pytestmark = pytest.mark.anyio


def listing(*models: str, **more: Any) -> Listing:
    return Listing(tuple(ModelCard("p", m, source="live", as_of=1.0) for m in models), **more)


UNCHANGED = Listing(unchanged=True, etag='"1"')


class Script:
    """Answers in turn, the last for ever: listings, exceptions, or seconds to take before the one after."""

    def __init__(self, *said: Any) -> None:
        self.said = list(said)
        self.asked: list[Listing | None] = []

    async def __call__(self, known: Listing | None) -> Listing:
        self.asked.append(known)
        while True:
            answer = self.said.pop(0) if len(self.said) > 1 else self.said[0]
            if isinstance(answer, float):
                await anyio.sleep(answer)
            elif isinstance(answer, Exception):
                raise answer
            else:
                return answer


def source(script: Script, **more: Any) -> Source:
    return Source("p", script, **more)


@pytest.fixture
def store() -> Generator[Store]:
    store = Store.in_memory(MIGRATIONS)
    yield store
    store.close()


def gatherer(clock: FakeClock, store: Store | None = None, **more: Any) -> Gatherer:
    given = {"ttl": 1_000.0, "offline": False, "redact": str, "stands_in": lambda name: False, **more}
    return Gatherer(clock=clock, store=StoredLists(store) if store else None, **given)


def models(subject: Gatherer) -> list[str]:
    return [card.model for card in subject.known["p"].cards]


# --- how long ----------------------------------------------------------------------------------------------------


@given(st.none() | st.floats(0, 1e9), st.floats(0, 1e6))
def test_an_answers_own_word_counts_within_bounds_and_the_setting_where_it_says_nothing(
    max_age: float | None, ttl: float
) -> None:
    held = believed(Listing(max_age=max_age), None, ttl)
    assert held == ttl if max_age is None else SHORTEST <= held <= LONGEST
    assert believed(Listing(max_age=max_age), 7.0, ttl) == 7.0


async def test_a_list_is_asked_for_again_when_its_own_time_is_up() -> None:
    clock, script = FakeClock(), Script(listing("a", max_age=400.0), listing("b", max_age=1.0), listing("c"))
    subject, mine = gatherer(clock), [source(script)]
    await subject.gather(mine)
    clock.advance(399.0)
    assert not subject.due(mine)
    clock.advance(1.0)
    assert subject.due(mine)
    await subject.gather(mine)
    assert models(subject) == ["b"]
    clock.advance(SHORTEST - 1)  # OpenRouter's list is made anew every five minutes: sooner is no use
    await subject.gather(mine)
    assert models(subject) == ["b"]
    clock.advance(1.0)
    await subject.gather(mine)
    assert models(subject) == ["c"]


# --- nothing has changed -----------------------------------------------------------------------------------------


async def test_a_source_is_told_what_is_known_and_may_say_that_it_holds() -> None:
    clock, script = FakeClock(), Script(listing("a", etag='"1"', max_age=400.0), UNCHANGED)
    subject = gatherer(clock)
    await subject.gather([source(script)])
    first = subject.known["p"]
    clock.advance(400.0)
    await subject.gather([source(script)])
    assert script.asked[0] is None
    assert script.asked[1] is not None
    assert script.asked[1].etag == '"1"'
    assert subject.known["p"].cards is first.cards
    assert first.at is not None
    assert subject.known["p"].at == first.at + 400.0


async def test_the_next_process_is_told_that_the_stored_list_holds(store: Store) -> None:
    clock = FakeClock()
    await gatherer(clock, store).gather([source(Script(listing("a", etag='"1"')))])
    clock.advance(1_000.0)
    later, script = gatherer(clock, store), Script(UNCHANGED)
    await later.gather([source(script)])
    assert models(later) == ["a"]
    assert script.asked[0] is not None
    assert script.asked[0].etag == '"1"'
    third, unasked = gatherer(clock, store), Script(AiorchError("not again"))
    await third.gather([source(unasked)])  # the second has written down that it holds
    assert models(third) == ["a"]
    assert unasked.asked == []


async def test_who_says_unchanged_to_somebody_who_knows_nothing_is_not_believed() -> None:
    subject = gatherer(FakeClock())
    await subject.gather([source(Script(UNCHANGED))])
    assert "since a list that nobody has" in (subject.known["p"].problem or "")


async def test_a_provider_that_suddenly_lists_nothing_is_not_believed() -> None:
    clock, script = FakeClock(), Script(listing("a"), listing(), listing("b"))
    subject = gatherer(clock)
    await subject.gather([source(script)])
    clock.advance(1_000.0)
    await subject.gather([source(script)])
    assert models(subject) == ["a"]
    assert "lists no model at all" in (subject.known["p"].problem or "")
    clock.advance(ASK_AGAIN)
    await subject.gather([source(script)])
    assert models(subject) == ["b"]
    assert subject.known["p"].problem is None


async def test_a_server_on_this_machine_may_have_no_models_left() -> None:
    clock, script = FakeClock(), Script(listing("a"), listing())
    subject, mine = gatherer(clock), [source(script, stored=False)]
    await subject.gather(mine)
    clock.advance(1_000.0)
    await subject.gather(mine)
    assert models(subject) == []


# --- used while it is asked for ----------------------------------------------------------------------------------


async def test_nobody_waits_long_for_news_of_a_list_that_is_good_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gathering, "MOMENT", 0.05)
    clock, script = FakeClock(), Script(listing("old"), 60.0, listing("new"))
    subject, mine = gatherer(clock), [source(script)]
    await subject.gather(mine)
    clock.advance(1_000.0)
    with anyio.fail_after(5):
        await subject.gather(mine)
    assert models(subject) == ["old"]
    assert subject.known["p"].problem is None
    clock.advance(ASK_LATER - 1)
    assert not subject.due(mine)  # and is not asked again at once
    clock.advance(1)
    await subject.gather(mine)
    assert models(subject) == ["new"]


async def test_news_that_come_within_a_moment_are_used_at_once() -> None:
    clock, script = FakeClock(), Script(listing("old"), 0.01, listing("new"))
    subject = gatherer(clock)
    await subject.gather([source(script)])
    clock.advance(1_000.0)
    await subject.gather([source(script)])
    assert models(subject) == ["new"]


async def test_news_have_as_long_as_those_whose_answer_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOMENT", 0.0)
    clock, script = FakeClock(), Script(listing("old"), 0.01, listing("new"))
    subject = gatherer(clock)
    await subject.gather([source(script)])
    clock.advance(1_000.0)
    await subject.gather([source(script), Source("slow", Script(0.2, Listing()))])
    assert models(subject) == ["new"]


async def test_who_is_patient_waits_for_the_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOMENT", 0.0)
    clock, script = FakeClock(), Script(listing("old"), 0.1, listing("new"))
    subject = gatherer(clock)
    await subject.gather([source(script)])
    clock.advance(1_000.0)
    await subject.gather([source(script)], patient=True)
    assert models(subject) == ["new"]


async def test_after_a_day_the_answer_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOMENT", 0.0)
    clock, script = FakeClock(), Script(listing("old"), 0.1, listing("new"))
    subject = gatherer(clock)
    await subject.gather([source(script)])
    clock.advance(1_000.0 + USABLE)
    await subject.gather([source(script)])
    assert models(subject) == ["new"]


async def test_whoever_wants_the_lists_anew_gets_them_though_they_are_believed() -> None:
    script = Script(listing("a"), listing("b"))
    subject, clock = gatherer(FakeClock()), [source(script)]
    await subject.gather(clock)
    await subject.gather(clock, anew=True, patient=True)
    assert models(subject) == ["b"]


async def test_nothing_runs_on_after_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOMENT", 0.01)
    ended: list[str] = []

    async def ask(known: Listing | None) -> Listing:
        if known is None:
            return listing("a")
        try:
            await anyio.sleep(60)
        finally:
            ended.append("ended")
        return listing("b")

    clock = FakeClock()
    subject = gatherer(clock)
    await subject.gather([Source("p", ask)])
    clock.advance(1_000.0)
    await subject.gather([Source("p", ask)])
    assert ended == ["ended"]


# --- used instead ------------------------------------------------------------------------------------------------


async def test_a_source_that_fails_with_something_in_its_place_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gathering, "MOMENT", 0.01)
    clock, script = FakeClock(), Script(AiorchError("refused"), 60.0, listing("a"))
    subject = gatherer(clock, stands_in=lambda name: True)
    await subject.gather([source(script)])
    assert (subject.known["p"].problem or "").endswith("(refused); the embedded list is used")
    clock.advance(ASK_AGAIN)
    with anyio.fail_after(5):
        await subject.gather([source(script)])
    assert models(subject) == []


async def test_what_cannot_be_had_is_logged_unless_nobody_asked_for_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await gatherer(FakeClock()).gather([source(Script(AiorchError("refused")))], quiet=True)
    assert caplog.text == ""
    await gatherer(FakeClock()).gather([source(Script(AiorchError("refused")))])
    assert "refused" in caplog.text


async def test_a_list_without_cards_of_its_own_date_says_when_and_that_it_is_live() -> None:
    clock = FakeClock(now=500.0)
    said = Listing((ModelCard("p", "plain"), ModelCard("p", "dated", source="embedded", as_of=7.0)))
    subject = gatherer(clock)
    await subject.gather([source(Script(said))])
    assert [(c.source, c.as_of) for c in subject.known["p"].cards] == [("live", 500.0), ("embedded", 7.0)]


# --- another process ---------------------------------------------------------------------------------------------


async def test_a_list_that_another_process_has_fetched_meanwhile_is_used(store: Store) -> None:
    clock = FakeClock()
    mine, script = gatherer(clock, store), Script(listing("a"))
    await mine.gather([source(script)])
    clock.advance(999.0)
    await gatherer(clock, store).gather([source(Script(listing("b")))], anew=True)
    clock.advance(1.0)
    await mine.gather([source(script)])
    assert models(mine) == ["b"]
    assert len(script.asked) == 1

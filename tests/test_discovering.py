"""What exists, what of it can be used now, and why the rest cannot."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aiorch
from aiorch.catalog import Discovered, Liveness
from aiorch.discovering import (
    ORDERS,
    PAID,
    Circumstances,
    DiscoveredModel,
    DiscoveredProvider,
    Discovery,
    day,
    join,
    standings,
)
from aiorch.errors import InputError, UnknownModel, UnknownProvider
from aiorch.providers import SPECS
from aiorch.routing import Rules
from aiorch.settings import Settings
from aiorch.testing import ScriptedProvider
from aiorch.types import (
    ZERO_PRICE,
    Capabilities,
    Failure,
    FailureKind,
    FreeTerms,
    Lifecycle,
    Limit,
    ModelCard,
    PassedOver,
    Price,
    Score,
)

HERE = Circumstances(Rules(), {"groq": ("A", "B")})
GROQ = DiscoveredProvider("groq", "Groq")


def found(*cards: ModelCard, **more: Any) -> Discovered:
    return Discovered(cards=cards, configured=frozenset({"groq"}), **more)


def look(*cards: ModelCard, here: Circumstances = HERE, **more: Any) -> Discovery:
    known = (GROQ, DiscoveredProvider("openai", "OpenAI", "no OPENAI_API_KEY"))
    return join(found(*cards, **more), known, here)


def free(model: str, **more: Any) -> ModelCard:
    return ModelCard("groq", model, free="free_quota", **more)


# --- usable now --------------------------------------------------------------------------------------------------


def test_a_free_model_of_a_configured_provider_is_usable() -> None:
    (model,) = look(free("a"))
    assert (model.usable_now, model.why_not, model.free) == (True, "", True)


@pytest.mark.parametrize(
    ("card", "why"),
    [
        (free("a", lifecycle=Lifecycle("retired")), "retired by its provider"),
        (
            free("a", lifecycle=Lifecycle("retired", successor="b")),
            "retired by its provider, which names b instead",
        ),
        (free("a", capabilities=Capabilities(chat=False)), "not a chat model"),
        (ModelCard("groq", "a", free="none"), PAID),
        (ModelCard("groq", "a"), PAID),
        (ModelCard("openai", "a", free="none"), f"no OPENAI_API_KEY; {PAID}"),
        (ModelCard("openai", "a", free="none", lifecycle=Lifecycle("retired")), "retired by its provider"),
        (ModelCard("acme", "a", free="local"), "unknown provider"),
    ],
)
def test_everything_that_stands_in_the_way_is_told(card: ModelCard, why: str) -> None:
    (model,) = look(card)
    assert not model.usable_now
    assert model.why_not == why


def test_paid_models_are_usable_where_paying_is_allowed() -> None:
    (model,) = look(ModelCard("groq", "a", free="none"), here=replace(HERE, rules=Rules(allow_paid=True)))
    assert (model.usable_now, model.free) == (True, False)


def test_an_allowance_is_none_where_the_key_is_billed() -> None:
    (model,) = look(free("a"), here=replace(HERE, rules=Rules(billed=frozenset({"groq"}))))
    assert (model.free, model.why_not) == (False, PAID)


def test_an_excluded_provider_is_not_usable() -> None:
    (model,) = look(free("a"), here=replace(HERE, rules=Rules(excluded=frozenset({"groq"}))))
    assert model.why_not == "its provider is excluded by the settings"


def test_what_refused_a_call_is_not_usable_and_what_was_unclear_is() -> None:
    tried = {
        "groq/a": Liveness("refused", 0.0, "no access"),
        "groq/b": Liveness("unclear", 0.0, "busy"),
        "groq/c": Liveness("callable", 0.0),
        "groq/d": Liveness("retired", 0.0, "gone"),
    }
    models = look(free("a"), free("b"), free("c"), free("d"), callable=tried)
    told = {m.card.model: m.why_not for m in models}
    assert told == {"a": "refused a call: no access", "b": "", "c": "", "d": "refused a call: gone"}


@pytest.mark.parametrize(
    ("benched", "why"),
    [
        ({"groq#A": (60.0, "rate_day: used up")}, ""),
        ({"groq#A": (60.0, "slow"), "groq#B": (30.0, "fast")}, "left alone for 20 s (fast)"),
        ({"groq/a": (15.0, "broken")}, "left alone for 5 s (broken)"),
        ({"groq/a#A": (60.0, "x"), "groq#B": (10.2, "y")}, "left alone for 1 s (y)"),
        ({"groq/b": (60.0, "other")}, ""),
        ({"openai": (60.0, "other")}, ""),
    ],
)
def test_a_model_is_benched_when_all_its_keys_are(benched: dict[str, tuple[float, str]], why: str) -> None:
    (model,) = look(free("a"), here=replace(HERE, benched=benched, now=10.0))
    assert model.why_not == why


def test_the_bench_says_nothing_of_who_is_not_configured() -> None:
    card = ModelCard("openai", "a", free="zero_price")
    (model,) = look(card, here=replace(HERE, benched={"openai/a": (9.0, "x")}))
    assert model.why_not == "no OPENAI_API_KEY"


# --- providers ---------------------------------------------------------------------------------------------------


def why_not(settings: Settings, configured: frozenset[str] = frozenset()) -> dict[str, str]:
    return {one.id: one.why_not for one in standings(settings, SPECS, configured)}


def test_each_provider_says_what_it_lacks() -> None:
    told = why_not(Settings(), frozenset({"groq", "acme"}))
    assert told["groq"] == told["acme"] == ""
    assert told["openrouter"] == "no OPENROUTER_API_KEY"
    assert told["ollama"] == "no OLLAMA_HOST"
    assert told["local"] == "no weights or no engine: aiorch local install"
    assert set(SPECS) < set(told)


def test_offline_is_told_where_nothing_else_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789")
    told = why_not(Settings(offline=True))
    assert (told["groq"], told["openrouter"]) == ("offline", "no OPENROUTER_API_KEY")


def test_the_setting_providers_leaves_the_others_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789")
    told = why_not(Settings(providers=("groq",)))
    assert told["openrouter"] == told["local"] == "not among the setting providers"
    assert told["groq"] == "not among the providers that this orchestrator was given"


# --- numbers -----------------------------------------------------------------------------------------------------

CARDS = (
    free(
        "tiny",
        name="Tiny",
        context=8_192,
        family="tiny",
        parameters=7_000_000_000,
        terms=FreeTerms("an allowance", (Limit(30, "requests", "minute"), Limit(1_000, "requests", "day"))),
        scores=(Score("mmlu", 50.0, "2025"), Score("mmlu", 55.0, "2026")),
        capabilities=Capabilities(tools=True),
        created=86_400.0,
    ),
    ModelCard(
        "openai",
        "big",
        context=200_000,
        family="big-1",
        price=Price(Decimal("0.30"), Decimal("2.50"), Decimal("0.03"), Decimal("0.01")),
        free="none",
        scores=(Score("mmlu", 90.0),),
        capabilities=Capabilities(tools=False, vision=True, json_schema=True, reasoning=True),
        inputs=("text", "image"),
        outputs=("text",),
        lifecycle=Lifecycle("deprecated", retires_at=172_800.0, successor="bigger"),
        as_of=0.0,
    ),
    ModelCard("openai", "embed", free="none", capabilities=Capabilities(embeddings=True, chat=False)),
    ModelCard(
        "openai", "old", free="none", lifecycle=Lifecycle("retired"), family="big-1", inputs=("image",)
    ),
)
FOUND = look(
    *CARDS, problems=(PassedOver("openai", "HTTP 500"),), as_of={"groq": 60.0}, embedded_as_of="2026-11-22"
)


def test_the_summary_has_the_guides_numbers_without_retired_models() -> None:
    assert FOUND.summary == {
        "total_models": {"listed": 3, "usable_now": 1},
        "free_models": {"listed": 1, "usable_now": 1},
        "providers": {"listed": 2, "usable_now": 1},
        "benchmarked": {"listed": 2, "usable_now": 1},
    }
    assert repr(FOUND) == (
        "<aiorch.Discovery: 3 models (1 usable now), 1 free (1 usable now), 2 providers (1 usable now), "
        "2 benchmarked (1 usable now)>"
    )


def test_providers_are_counted_most_usable_first() -> None:
    told = [(p.id, p.listed, p.free, p.usable_now) for p in FOUND.providers]
    assert told == [("groq", 1, 1, 1), ("openai", 2, 0, 0)]


def test_problems_and_date_come_along() -> None:
    kept = FOUND.where(usable=True).sorted("name")
    assert kept.problems == (PassedOver("openai", "HTTP 500"),)
    assert kept.embedded_as_of == "2026-11-22"
    assert [(p.as_of, p.live) for p in FOUND.providers] == [(60.0, True), (None, False)]


def test_without_a_list_the_newest_fact_dates_what_is_known() -> None:
    (groq, openai) = look(free("a", as_of=5.0), free("b", as_of=9.0), free("c")).standings
    assert (groq.as_of, groq.live, openai.as_of) == (9.0, False, None)


# --- fewer -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "models"),
    [
        ({}, "tiny big old embed"),
        ({"free": True}, "tiny"),
        ({"free": False}, "big old embed"),
        ({"usable": True}, "tiny"),
        ({"provider": "openai"}, "big old embed"),
        ({"provider": ("openai", "groq")}, "tiny big old embed"),
        ({"tools": True}, "tiny"),
        ({"tools": False}, "big old embed"),
        ({"json_schema": True}, "big"),
        ({"reasoning": True}, "big"),
        ({"vision": True}, "big old"),
        ({"embeddings": True}, "embed"),
        ({"retired": True}, "old"),
        ({"min_context": 8_192}, "tiny big"),
        ({"min_context": 8_193}, "big"),
        ({"family": "BIG-*"}, "big old"),
        ({"family": "tiny"}, "tiny"),
        ({"benchmark": "mmlu"}, "tiny big"),
        ({"free": True, "provider": "openai"}, ""),
    ],
)
def test_filters_keep_what_is_like_that(asked: dict[str, Any], models: str) -> None:
    assert {m.card.model for m in FOUND.where(**asked)} == set(models.split())


def test_a_provider_that_was_asked_for_is_shown_also_without_models() -> None:
    assert [p.id for p in FOUND.where(free=True, provider="openai").providers] == ["openai"]
    assert [p.id for p in FOUND.where(free=True).providers] == ["groq"]


def test_an_unknown_provider_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownProvider, match="'groq'"):
        FOUND.where(provider="gorq")
    with pytest.raises(UnknownProvider, match="HTTP 410"):
        FOUND.where(provider="github-models")


def test_an_unknown_benchmark_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'mmlu'"):
        FOUND.where(benchmark="mmul")
    with pytest.raises(InputError, match="none of these models has a score"):
        FOUND.where(benchmark="zzzz")


TRISTATE = st.sampled_from([True, False, None])


@given(st.lists(st.builds(Capabilities, tools=TRISTATE, vision=TRISTATE), max_size=6), st.booleans())
def test_a_filter_and_its_opposite_share_the_models_out(cans: list[Capabilities], usable: bool) -> None:
    cards = [free(f"m{i}", capabilities=can) for i, can in enumerate(cans)]
    all_of_them = look(*cards)
    for name in ("tools", "vision", "free", "usable", "retired", "reasoning"):
        asked: list[dict[str, Any]] = [{name: True}, {name: False}]
        yes, no = (all_of_them.where(**one) for one in asked)
        assert sorted(m.card.id for m in (*yes, *no)) == sorted(c.id for c in cards)


# --- in order ----------------------------------------------------------------------------------------------------

ROUTES = (
    ModelCard("nova", "n", free="zero_price"),
    ModelCard("openrouter", "o:free", free="zero_price"),
    ModelCard("nvidia", "z", free="zero_price"),
    ModelCard("groq", "q", free="free_quota"),
    ModelCard("local", "l", free="local"),
    ModelCard("kilo", "y", free="anonymous"),
    ModelCard("cohere", "t", free="trial"),
    ModelCard("openai", "p", free="none", price=Price(Decimal(1), Decimal(2))),
)


def everybody(*cards: ModelCard) -> Discovery:
    known = tuple(DiscoveredProvider(name, name) for name in {c.provider for c in cards})
    return join(found(*cards), known, replace(HERE, rules=Rules(allow_paid=True)))


@given(st.permutations(ROUTES))
def test_models_come_in_the_order_in_which_they_would_be_asked(cards: list[ModelCard]) -> None:
    assert [m.card for m in everybody(*cards)] == list(ROUTES)


def test_what_can_be_used_now_comes_before_what_cannot() -> None:
    better = ModelCard("openai", "better", free="zero_price")
    assert [m.card.model for m in look(better, free("worse"))] == ["worse", "better"]


@pytest.mark.parametrize(
    ("order", "first", "last"),
    [
        ("price", "tiny", "old"),
        ("name", "tiny", "old"),
        ("context", "big", "old"),
        ("size", "tiny", "old"),
        ("new", "tiny", "old"),
        ("mmlu", "big", "old"),
    ],
)
def test_unknown_comes_last_in_every_order(order: str, first: str, last: str) -> None:
    models = [m.card.model for m in FOUND.sorted(order)]
    assert (models[0], models[-1]) == (first, last)


def test_an_unknown_order_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="'price'"):
        FOUND.sorted("prise")


def test_the_newest_score_of_a_benchmark_counts() -> None:
    records = {r["model"]: r for r in FOUND.to_records()}
    assert records["tiny"]["score_mmlu"] == 55.0


# --- one ---------------------------------------------------------------------------------------------------------


def test_a_model_is_found_by_its_whole_and_its_bare_id() -> None:
    assert FOUND.model("openai/big") is FOUND.model("big")
    with pytest.raises(UnknownModel, match="'openai/big'"):
        FOUND.model("openai/bgi")
    with pytest.raises(UnknownModel, match="'tiny'"):
        FOUND.model("tyni")


def test_at_most_three_names_are_offered() -> None:
    many = look(*(free(f"model-{i}") for i in range(9)))
    with pytest.raises(UnknownModel) as unknown:
        many.model("model-x")
    assert len(unknown.value.nearest) == 3


def test_relatives_are_the_other_deployments_of_a_family() -> None:
    assert [m.card.model for m in FOUND.relatives(FOUND.model("big"))] == ["old"]
    assert FOUND.relatives(FOUND.model("embed")) == ()


def test_a_discovery_is_a_sequence_of_models() -> None:
    assert len(FOUND) == 4
    assert FOUND[0] is FOUND.models[0]
    assert isinstance(FOUND[:2], Discovery)
    assert len(FOUND[:2]) == 2


# --- as plain data -----------------------------------------------------------------------------------------------


def test_records_are_flat_and_all_alike() -> None:
    records = FOUND.to_records()
    assert len({tuple(r) for r in records}) == 1
    values = [v for r in records for v in r.values()]
    assert all(v is None or type(v) in (str, int, float, bool) for v in values)


def test_records_have_usd_per_million_and_none_for_unknown() -> None:
    tiny, big = (next(r for r in FOUND.to_records() if r["model"] == name) for name in ("tiny", "big"))
    prices = ("input_price", "output_price", "cached_input_price", "request_price")
    assert [big[p] for p in prices] == [0.3, 2.5, 0.03, 0.01]
    assert [tiny[p] for p in prices] == [None] * 4
    assert (tiny["limits"], big["limits"]) == ("30 requests a minute, 1,000 requests a day", None)
    assert (tiny["created"], big["retires_at"], big["as_of"]) == ("1970-01-02", "1970-01-03", "1970-01-01")
    assert (big["inputs"], tiny["inputs"], big["successor"]) == ("text,image", None, "bigger")
    assert (tiny["usable_now"], tiny["why_not"], tiny["free_kind"]) == (True, None, "free_quota")


def test_no_discovery_has_no_records() -> None:
    assert look().to_records() == []
    assert look().summary["total_models"] == {"listed": 0, "usable_now": 0}


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_date_that_nobody_can_have_meant_is_unknown(epoch: float) -> None:
    told = day(epoch)
    assert told is None or len(told) == 10


# --- for real ----------------------------------------------------------------------------------------------------


def here(provider: ScriptedProvider) -> ScriptedProvider:
    """The provider as one on this machine, which is asked offline, too."""
    provider.local = True  # pyright: ignore[reportAttributeAccessIssue]
    return provider


@pytest.mark.anyio
async def test_an_orchestrator_discovers_with_its_own_providers(tmp_path: Path) -> None:
    card = ModelCard("parrot", "p", free="local", capabilities=Capabilities(chat=True))
    provider = here(ScriptedProvider(name="parrot", cards=[card]))
    async with aiorch.Orchestrator(providers=[provider], data_dir=tmp_path, offline=True) as ai:
        everything = await ai.discover()
        own = await ai.discover(only_configured=True)
    assert everything.model("parrot/p").usable_now
    assert everything.summary["total_models"]["usable_now"] == 1
    assert everything.summary["total_models"]["listed"] > 20
    assert [m.card.id for m in own] == ["parrot/p"]
    assert isinstance(everything, aiorch.Discovery)


@pytest.mark.anyio
async def test_a_model_that_is_benched_after_a_failure_is_not_usable_now(tmp_path: Path) -> None:
    limit = Failure(FailureKind.RATE_DAY, "model", "used up", retry_at=4e9)
    provider = ScriptedProvider([limit], name="parrot", key_names=("KEY",))
    async with aiorch.Orchestrator(providers=[provider], data_dir=tmp_path, max_attempts=1) as ai:
        with pytest.raises(aiorch.AllAttemptsFailed):
            await ai.run("hello", timeout=5)
        (model,) = await ai.discover(only_configured=True)
    assert "rate_day: used up" in model.why_not


@pytest.mark.anyio
async def test_a_model_that_refuses_a_probe_is_not_usable_now(tmp_path: Path) -> None:
    refused = Failure(FailureKind.AUTH, "key_model", "no access to this model")
    provider = here(ScriptedProvider([refused], name="parrot"))
    async with aiorch.Orchestrator(providers=[provider], data_dir=tmp_path, offline=True) as ai:
        found = await ai.discover(probe=1, only_configured=True)
        again = await ai.discover(only_configured=True)
    assert len(provider.asked) == 1
    for models in (found, again):
        assert [m.why_not for m in models] == ["refused a call: no access to this model"]


@pytest.mark.anyio
async def test_one_line_opens_and_closes_its_own_orchestrator(tmp_path: Path) -> None:
    provider = ScriptedProvider(name="parrot")
    found = await aiorch.discover(providers=[provider], data_dir=tmp_path, only_configured=True)
    assert found.summary["providers"] == {"listed": 1, "usable_now": 1}
    assert provider.closed


def test_a_price_of_zero_and_an_allowance_are_both_free() -> None:
    zero = ModelCard("groq", "z", free="zero_price", price=ZERO_PRICE)
    assert {m.free for m in look(zero, free("a"))} == {True}
    assert isinstance(look(zero)[0], DiscoveredModel)
    assert set(ORDERS) == {"route", "price", "name", "context", "size", "new"}

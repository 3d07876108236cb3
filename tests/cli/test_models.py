"""``aiorch models``."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from aiorch.cli.columns import columns
from aiorch.cli.models import ORDERS, table
from aiorch.types import Capabilities, Lifecycle, ModelCard, Price

CARDS = (
    ModelCard(
        "a", "paid", context=200_000, free="none", price=Price(Decimal("0.30"), Decimal("2.50")), created=3
    ),
    ModelCard(
        "b", "free", context=8_192, free="zero_price", price=Price(Decimal(0), Decimal(0)), parameters=7
    ),
    ModelCard(
        "c", "unknown", capabilities=Capabilities(tools=True), demo=True, lifecycle=Lifecycle("retired")
    ),
    ModelCard("d", "trial", context=1_048_576, free="trial", parameters=70),
    ModelCard(
        "e", "quota", context=512, free="free_quota", capabilities=Capabilities(tools=False), created=9
    ),
)


@pytest.fixture
def groq(server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789abcdefghij")
    monkeypatch.setenv("AIORCH_BASE_URLS", f"groq={server.url}")
    return server


@pytest.mark.parametrize(
    ("order", "first", "last"),
    [("price", "b", "c"), ("name", "a", "e"), ("context", "d", "c"), ("size", "d", "e"), ("new", "e", "d")],
)
def test_unknown_comes_last_in_every_order(order: str, first: str, last: str):
    cards = sorted(CARDS, key=ORDERS[order])
    assert (cards[0].provider, cards[-1].provider) == (first, last)


def test_the_table_claims_no_more_than_is_known():
    rows = {line.split()[0]: line.split() for line in table(CARDS)[1:]}
    assert rows["a/paid"] == ["a/paid", "200k", "0.3", "2.5", "no", "?"]
    assert rows["b/free"] == ["b/free", "8k", "0", "0", "zero", "price", "?"]
    assert rows["c/unknown"] == [
        "c/unknown",
        "?",
        "?",
        "?",
        "no",
        "yes",
        "demo:",
        "often",
        "wrong,",
        "retired",
    ]
    assert rows["d/trial"] == ["d/trial", "1.05M", "?", "?", "trial", "?"]
    assert rows["e/quota"] == ["e/quota", "512", "0", "0", "free", "quota", "no"]


def test_columns_are_as_wide_as_their_widest_cell():
    assert columns([("a", "bb"), ("ccc", "d")]) == ["a    bb", "ccc  d"]


def test_the_models_of_a_provider_with_a_key_are_listed(aiorch, groq):
    done = aiorch("models")
    assert done.exit_code == 0
    assert "groq/llama-3.3-70b" in done.stdout
    assert "2 of 2 models" in done.stderr
    assert "gemini (no GEMINI_API_KEY)" in done.stderr


def test_json_has_models_problems_and_who_is_left_out(aiorch, groq):
    document = json.loads(aiorch("models", "--json").stdout)
    assert [m["id"] for m in document["models"]] == ["groq/gpt-oss-20b", "groq/llama-3.3-70b"]
    assert document["models"][0]["costs_nothing"] is True
    assert document["problems"] == []
    left_out = {one["provider"]: one["reason"] for one in document["left_out"]}
    assert left_out["openrouter"] == "no OPENROUTER_API_KEY"
    assert left_out["ollama"] == "no OLLAMA_HOST"
    assert left_out["vllm"] == "no base_urls.vllm"
    assert "groq" not in left_out


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--free",), 2),
        (("--provider", "groq"), 2),
        (("--provider", "gemini"), 0),
        (("--min-context", "1M"), 0),
    ],
)
def test_filters_leave_out_what_does_not_fit(aiorch, groq, options: tuple[str, ...], count: int):
    done = aiorch("models", "--json", *options)
    assert done.exit_code == 0
    assert len(json.loads(done.stdout)["models"]) == count
    assert count or "leave an option out" in done.stderr


def test_tools_shows_those_that_are_known_to_have_them(aiorch, scripted):
    scripted()
    assert "parrot/model" in aiorch("models", "--tools", "--min-context", "32k").stdout
    assert aiorch("models", "--min-context", "33k").stdout == ""


def test_an_unknown_provider_is_told_with_the_nearest(aiorch, groq):
    done = aiorch("models", "--provider", "gorq")
    assert done.exit_code == 2
    assert "'groq'" in done.stderr


def test_a_provider_that_no_longer_serves_is_told_with_what_became_of_it(aiorch, groq):
    done = aiorch("models", "--provider", "github-models")
    assert done.exit_code == 2
    assert "HTTP 410" in " ".join(done.stderr.split())


def test_a_provider_that_cannot_be_asked_is_told_with_why(aiorch, groq):
    groq.status = 401
    done = aiorch("models")
    assert done.exit_code == 0
    assert done.stderr.count("groq: its list of models could not be had") == 1


def test_nobody_is_an_error_that_says_what_to_do(aiorch):
    done = aiorch("models")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "aiorch local install" in done.stderr
    assert json.loads(aiorch("models", "--json").stdout)["models"] == []


def test_offline_asks_nobody(aiorch, groq):
    document = json.loads(aiorch("models", "--offline", "--json").stdout)
    assert groq.seen == []
    assert {"provider": "groq", "reason": "offline"} in document["left_out"]


def test_the_setting_providers_is_given_as_the_reason(aiorch, groq, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIORCH_PROVIDERS", "groq")
    left_out = {
        one["provider"]: one["reason"] for one in json.loads(aiorch("models", "--json").stdout)["left_out"]
    }
    assert left_out["local"] == left_out["openrouter"] == "not among the setting providers"

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.catalog.modelsdev import PROVIDERS, card_of, moment, read_api
from aiorch.providers import SPECS
from aiorch.types import ModelCard, Price

SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "discovery" / "samples" / "modelsdev_api.json"
ITEM = {
    "id": "llama-3.1-8b-instant",
    "name": "Llama 3.1 8B",
    "family": "llama",
    "attachment": False,
    "reasoning": False,
    "tool_call": True,
    "structured_output": True,
    "knowledge": "2023-12",
    "release_date": "2024-07-23",
    "open_weights": True,
    "modalities": {"input": ["text", "image"], "output": ["text"]},
    "limit": {"context": 131072, "output": 8192},
    "cost": {"input": 0.05, "output": 0.08, "cache_read": 0.025},
}


def read(models: dict[str, Any], provider: str = "groq") -> tuple[ModelCard, ...]:
    body = json.dumps({provider: {"id": provider, "models": models}}).encode()
    return read_api(body, 7.0)[PROVIDERS[provider]]


def one(**changed: Any) -> ModelCard:
    return read({"m": {**ITEM, **changed}})[0]


def test_a_model_is_read_with_all_that_is_said_of_it() -> None:
    card = one()
    assert (card.id, card.name) == ("groq/llama-3.1-8b-instant", "Llama 3.1 8B")
    assert (card.context, card.max_output) == (131072, 8192)
    assert card.price == Price(Decimal("0.05"), Decimal("0.08"), Decimal("0.025"))
    can = card.capabilities
    assert (can.tools, can.json_schema, can.vision, can.reasoning) == (True, True, True, False)
    assert (can.chat, can.streaming, can.embeddings) == (True, True, False)
    assert (card.inputs, card.outputs) == (("image", "text"), ("text",))
    assert (card.knowledge, card.open_weights, card.parameters) == ("2023-12", True, 8_000_000_000)
    assert (card.family, card.variant) == ("llama-3.1-8b", "instant")
    assert card.created == moment("2024-07-23")
    assert (card.source, card.as_of) == ("models.dev", 7.0)


def test_being_listed_proves_no_life_but_deprecated_is_believed() -> None:
    assert one().lifecycle.state == "unknown"
    assert one(status="beta").lifecycle.state == "unknown"
    assert one(status="deprecated").lifecycle.state == "deprecated"


def test_what_is_free_is_decided_by_our_row_not_by_its_price() -> None:
    assert one().free == "free_quota"  # Groq's plan, whatever the price
    zero = {"m": {**ITEM, "id": "a/b", "cost": {"input": 0, "output": 0}}}
    assert read(zero, "openai")[0].free == "none"
    assert read(zero, "openrouter")[0].free == "unknown"
    assert read({"m": {**ITEM, "id": "a/b:free", "cost": {"input": 0, "output": 0}}}, "openrouter")[
        0
    ].costs_nothing


def test_subscriptions_are_left_out() -> None:
    assert not [theirs for theirs in PROVIDERS if theirs.endswith("-plan")]
    body = json.dumps({"zai-coding-plan": {"models": {"m": ITEM}}, "groq": {"models": {"m": ITEM}}}).encode()
    assert set(read_api(body, 0.0)) == {"groq"}


def test_every_provider_is_one_of_ours() -> None:
    assert set(PROVIDERS.values()) <= set(SPECS)


@pytest.mark.parametrize(
    ("output", "model"), [(["image"], "flux-1"), (["audio"], "some-tts"), (["video"], "veo-3")]
)
def test_what_gives_no_text_is_left_out(output: list[str], model: str) -> None:
    assert read({model: {"modalities": {"input": ["text"], "output": output}}, "x": {}})[0].model == "x"


def test_embeddings_stay_and_do_not_chat() -> None:
    card = read({"text-embedding-3-small": {"modalities": {"input": ["text"], "output": ["text"]}}})[0]
    assert (card.capabilities.embeddings, card.capabilities.chat) == (True, False)


def test_what_takes_no_text_does_not_chat() -> None:
    assert one(modalities={"input": ["video"], "output": ["text"]}).capabilities.chat is False


@pytest.mark.parametrize("model", ["openai/gpt-5:batch", "claude-opus-5-batch"])
def test_what_only_takes_batches_is_left_out(model: str) -> None:
    assert card_of("openrouter", model, {}, 0.0) is None


def test_two_of_theirs_can_be_one_of_ours() -> None:
    body = json.dumps(
        {
            "google-vertex": {"models": {"gemini-3-pro": ITEM | {"id": "gemini-3-pro"}}},
            "google-vertex-anthropic": {"models": {"claude-opus-5": ITEM | {"id": "claude-opus-5"}}},
        }
    ).encode()
    assert [card.model for card in read_api(body, 0.0)["vertex"]] == ["gemini-3-pro", "claude-opus-5"]


def test_nothing_said_is_nothing_known() -> None:
    card = read({"m": {}})[0]
    assert (card.model, card.name, card.context, card.price, card.created) == ("m", None, None, None, None)
    assert (card.capabilities.tools, card.capabilities.vision, card.inputs) == (None, None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": {"context": "many", "output": -1}},
        {"limit": []},
        {"limit": {"context": True}},
        {"cost": {"input": "x", "output": 1}},
        {"cost": {"input": -1, "output": 1}},
        {"cost": {"input": True, "output": 1}},
        {"cost": {"input": "NaN", "output": 1}},
    ],
)
def test_what_cannot_be_read_is_treated_as_not_said(wrong: dict[str, Any]) -> None:
    card = one(**({"limit": {}} | {"cost": {}} | wrong))
    assert (card.context, card.max_output, card.price) == (None, None, None)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"groq": {}}', b"[" * 100_000])
def test_what_is_no_catalogue_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        read_api(body, 0.0)


@pytest.mark.parametrize(
    ("text", "same"), [("2024", "2024-01-01"), ("2024-09", "2024-09-01"), ("2024-09-05", "2024-09-05")]
)
def test_days_months_and_years_are_moments(text: str, same: str) -> None:
    assert moment(text) == moment(same) is not None


@pytest.mark.parametrize("text", ["", "soon", "2024-13-01", None, 5, "99999-01-01"])
def test_other_things_are_no_moments(text: object) -> None:
    assert moment(text) is None


@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda s: st.dictionaries(st.text(), s))
)
def test_whatever_stands_in_a_model_gives_a_card_or_nothing(item: Any) -> None:
    known = (
        item if isinstance(item, dict) else {"limit": item, "cost": item, "modalities": item, "status": item}
    )
    card = card_of("groq", "m", known, 0.0)
    assert card is None or card.provider == "groq"


if SAMPLE.exists():

    def test_a_recorded_part_of_it_is_read() -> None:
        held = json.loads(SAMPLE.read_text(encoding="utf-8"))
        found = read_api(json.dumps(held["body"]).encode(), 1.0)
        assert {provider: len(cards) for provider, cards in found.items()} == {
            "cerebras": 4,
            "groq": 25,
            "nova": 2,
        }
        assert all(card.price is not None for card in found["groq"] if card.capabilities.chat)

"""The table of dead ids: whom each gives, when that was looked over, and that nothing in it costs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from aiorch.catalog import SUCCESSORS, index, resolve, successor_of
from aiorch.catalog.embedded import embedded_all
from aiorch.catalog.successors import AS_OF, NEVER_LISTED
from aiorch.providers import SPECS
from aiorch.types import ZERO_PRICE, Candidate, Deployment, ModelCard

ALIVE = """
    cohere/north-mini-code google/gemma-4-26b-a4b-it google/gemma-4-31b-it liquid/lfm-2.5-2.6b liquid/lfm-3-1.7b
    nvidia/nemotron-3-nano-omni-30b-a3b-reasoning nvidia/nemotron-3-ultra-550b-a55b nvidia/nemotron-3.5-content-safety
    nvidia/nemotron-3.5-lightning nvidia/nemotron-3.5-super-vl thinkingmachines/inkling-2-small
    xingchen-agi/xing4.0-29b-a4b
"""
"""Free ids of OpenRouter that somebody succeeds to and that lived on 2026-11-10 (the classifier: on 2026-09-18)."""
AT_OPENROUTER = {f"openrouter/{model}:free" for model in ALIVE.split()}
HISTORY = Path(__file__).parents[3] / "shared" / "data" / "discovery" / "openrouter_free_history.json"


def served(*names: str) -> list[Candidate]:
    return [
        Candidate(
            Deployment(provider, model), ModelCard(provider, model, price=ZERO_PRICE, free="zero_price")
        )
        for provider, _, model in (name.partition("/") for name in names)
    ]


OPENROUTER_ALONE = index(served(*AT_OPENROUTER))


@pytest.mark.parametrize("name", list(SUCCESSORS))
def test_a_row_says_when_and_why(name: str) -> None:
    row = SUCCESSORS[name]
    assert row.id == name
    assert name.endswith(":free")
    assert row.why
    assert re.fullmatch(r"20\d\d-\d\d(?: to 20\d\d-\d\d)?|never listed", row.seen)


def test_the_table_is_as_large_as_it_is_said_to_be() -> None:
    assert len(SUCCESSORS) == 184
    assert sum(row.seen == NEVER_LISTED for row in SUCCESSORS.values()) == 4
    assert [row.id for row in SUCCESSORS.values() if not row.free] == [
        "deepseek/deepseek-v3-base:free",
        "google/gemini-2.5-flash-image-preview:free",
        "meta-llama/llama-3.1-405b:free",
        "openrouter/cypher-alpha:free",
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", AS_OF)


def test_whoever_has_ended_since_is_followed_by_one_who_lives() -> None:
    dead = {f"openrouter/{name}" for name in SUCCESSORS}
    for row in SUCCESSORS.values():
        assert row.id not in row.free
        assert not row.free or (AT_OPENROUTER & set(row.free))
    at_openrouter = {
        name for row in SUCCESSORS.values() for name in row.free if name.startswith("openrouter/")
    }
    assert at_openrouter == AT_OPENROUTER | (dead & at_openrouter)


def test_every_successor_is_free_by_its_providers_own_policy() -> None:
    for row in SUCCESSORS.values():
        for name in row.free:
            provider, _, model = name.partition("/")
            spec = SPECS[provider]
            own = spec.anonymous if spec.free.kind in ("none", "trial") else spec.free
            assert own is not None, name
            assert own.covers(model), name
            assert name != f"openrouter/{row.paid}"


def test_one_openrouter_key_is_enough_for_every_id_that_has_a_successor() -> None:
    for name, row in SUCCESSORS.items():
        resolved = resolve(name, OPENROUTER_ALONE)
        assert bool(resolved.candidates) is bool(row.free), name
        assert row.why in resolved.note
        if row.free:
            assert AS_OF in resolved.note


def test_by_the_embedded_catalogue_every_id_that_has_a_successor_has_a_living_one() -> None:
    cards = [card for cards in embedded_all().values() for card in cards]
    known = index(Candidate(Deployment(card.provider, card.model), card) for card in cards)
    for name, row in SUCCESSORS.items():
        found = resolve(name, known).candidates
        assert bool(found) is bool(row.free), name
        assert all(c.card.costs_nothing and not c.card.retired for c in found), name


def test_purposes_are_kept() -> None:
    def first(name: str) -> str:
        return resolve(f"{name}:free", OPENROUTER_ALONE).candidates[0].card.model

    assert first("qwen/qwen-2.5-coder-32b-instruct") == "cohere/north-mini-code:free"
    assert first("meta-llama/llama-guard-4-12b") == "nvidia/nemotron-3.5-content-safety:free"
    assert (
        first("allenai/molmo-2-8b")
        == first("qwen/qwen-2.5-vl-7b-instruct")
        == "google/gemma-4-26b-a4b-it:free"
    )
    assert first("nousresearch/hermes-3-llama-3.1-405b") == "nvidia/nemotron-3-ultra-550b-a55b:free"


def test_the_same_model_elsewhere_goes_before_a_relative() -> None:
    both = index(served("groq/openai/gpt-oss-20b", *AT_OPENROUTER))
    assert resolve("openai/gpt-oss-20b:free", both).candidates[0].card.id == "groq/openai/gpt-oss-20b"


def test_a_row_is_found_by_the_name_it_has_at_the_router() -> None:
    preview = successor_of("openrouter/cypher-alpha:free")  # the router's own name is a part of it
    assert preview is not None
    assert preview is successor_of("openrouter/openrouter/cypher-alpha:free")
    assert preview.fate == "no longer free (it was at OpenRouter, 2025-07)"


if HISTORY.exists():

    def test_every_id_of_the_recorded_history_lives_or_has_a_successor_or_a_reason() -> None:
        ids = list(json.loads(HISTORY.read_text()))
        alive = json.loads(HISTORY.with_name("openrouter_free_latest.json").read_text())["ids"]
        listed = {f"openrouter/{m['id']}" for m in alive}
        known = index(served(*listed))
        resolved = {name: resolve(name, known) for name in ids}
        free = [name for name, r in resolved.items() if r.candidates]
        assert all(c.card.id in listed for r in resolved.values() for c in r.candidates)
        assert all(r.candidates or "it has no free successor: " in r.note for r in resolved.values())
        assert len(free) >= 0.95 * len(ids) > 130

"""What every source says of a provider's models, put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from aiorch.catalog import assembly
from aiorch.catalog.assembly import Said, assemble, scores_in, with_scores
from aiorch.catalog.cards import Cards
from aiorch.catalog.gathering import Known
from aiorch.catalog.overrides import Overrides, read
from aiorch.catalog.sources import MODELS_DEV
from aiorch.testing import FakeClock
from aiorch.types import Capabilities, Lifecycle, Listing, ModelCard, Origin, Score

NOW = 1_000.0


def card(model: str, source: str = "embedded", provider: str = "p", **said: Any) -> ModelCard:
    return ModelCard(provider, model, source=source, **{"as_of": 1.0, **said})


@pytest.fixture
def snapshot(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[ModelCard, ...]]:
    """The embedded snapshot, in the tests' hands."""
    held: dict[str, tuple[ModelCard, ...]] = {}
    monkeypatch.setattr(assembly, "embedded", lambda provider: held.get(provider, ()))
    monkeypatch.setattr(assembly, "scores_of", lambda family, variant=None: ())
    return held


def put(said: Said, overrides: Overrides | None = None) -> Mapping[str, ModelCard]:
    return {c.model: c for c in assemble(said, (overrides or Overrides()).cards, NOW)}


Snapshot = dict[str, tuple[ModelCard, ...]]


def test_a_providers_own_list_says_which_models_it_has(snapshot: Snapshot) -> None:
    snapshot["p"] = (card("a", context=5), card("gone"))
    found = put(
        Said("p", (card("b", "live"), card("a", "live")), models_dev=(card("also gone", "models.dev"),))
    )
    assert list(found) == ["b", "a"]
    assert found["a"].context == 5


def test_without_its_list_everything_that_is_known_is_there(snapshot: Snapshot) -> None:
    snapshot["p"] = (card("a"), card("b"))
    found = put(Said("p", None, models_dev=(card("b", "models.dev"), card("c", "models.dev"))))
    assert list(found) == ["a", "b", "c"]


def test_an_empty_list_of_its_own_is_a_list(snapshot: Snapshot) -> None:
    snapshot["p"] = (card("a"),)
    assert put(Said("p", ())) == {}


def test_to_a_list_that_leaves_models_out_the_others_are_added(snapshot: Snapshot) -> None:
    snapshot["p"] = (card("a"),)
    assert list(put(Said("p", (card("b", "live"),), complete=False))) == ["b", "a"]


def test_trust_goes_from_the_user_to_the_name(snapshot: Snapshot) -> None:
    overlay = {"context": Origin("openrouter", 1.0, 0.9)}
    snapshot["p"] = (card("m-7b", context=3, max_output=3, knowledge="kept", origins=overlay),)
    said = Said(
        "p",
        (card("m-7b", "live", name="Live"),),
        models_dev=(card("m-7b", "models.dev", name="Dev", context=4, max_output=4),),
    )
    mine = read('[models."p/m-7b"]\nvariant = "mine"', "file", ("p",))
    found = put(said, mine)["m-7b"]
    assert (found.variant, found.name, found.context, found.max_output, found.knowledge) == (
        *("mine", "Live", 3, 4, "kept"),
    )
    assert found.origin("variant").source == "user"
    assert found.origin("context").source == "openrouter"
    assert found.origin("max_output").source == "models.dev"
    assert found.source == "live"


def test_what_only_the_id_tells_is_told_as_such(snapshot: Snapshot) -> None:
    found = put(Said("p", (card("qwen3-vl-8b-thinking", "live"),)))["qwen3-vl-8b-thinking"]
    assert found.capabilities.vision
    assert found.origin("capabilities.vision").source == "name"
    assert found.origin("capabilities.vision").confidence < 0.5


def test_the_same_model_at_several_providers_is_one_family(snapshot: Snapshot) -> None:
    families = {
        put(Said(provider, (card(model, "live", provider),)))[model].family
        for provider, model in {
            "groq": "llama-3.3-70b-versatile",
            "together": "meta-llama/Llama-3.3-70B-Instruct-Turbo",
            "openrouter": "meta-llama/llama-3.3-70b-instruct:free",
        }.items()
    }
    assert len(families) == 1


def test_scores_that_one_list_shows_are_given_to_all_deployments_of_the_model(snapshot: Snapshot) -> None:
    scores = (Score("coding", 37.6, "2026-11-22", "live"),)
    shared = scores_in([[card("meta-llama/llama-3.3-70b-instruct", "live", "openrouter", scores=scores)], []])
    own = Score("own", 1.0)
    newer = Score("coding", 40.0, "2026-11-22", "live")
    listed = (
        card("llama-3.3-70b-versatile", "live", scores=(own,)),
        card("llama-3.1-8b-instant", "live"),
        card("llama-3.3-70b", "live", scores=(newer,)),
        card("llama-3.3-70b-instruct", "live", scores=(Score("coding", 1.0, "2025", "embedded"),)),
    )
    found = {c.model: c.scores for c in with_scores(assemble(Said("p", listed), {}, NOW), shared)}
    assert found["llama-3.3-70b-versatile"] == (own, *scores)
    assert found["llama-3.1-8b-instant"] == ()
    assert found["llama-3.3-70b"] == (newer,)
    assert found["llama-3.3-70b-instruct"] == scores


def test_the_embedded_scores_of_a_family_are_shown_where_no_list_has_newer_ones(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = (Score("coding", 1.0), Score("maths", 2.0))
    monkeypatch.setattr(assembly, "scores_of", lambda family, variant=None: kept if family == "f" else ())
    found = put(Said("p", (card("m", "live", family="f", scores=(Score("coding", 9.0),)), card("n", "live"))))
    assert found["m"].scores == (Score("coding", 9.0), Score("maths", 2.0))
    assert found["n"].scores == ()


def test_a_model_whose_last_day_has_passed_is_gone_unless_a_list_still_has_it(snapshot: Snapshot) -> None:
    snapshot["p"] = (
        card("past", lifecycle=Lifecycle("deprecated", retires_at=NOW, successor="next")),
        card("future", lifecycle=Lifecycle("deprecated", retires_at=NOW + 1)),
        card("open", lifecycle=Lifecycle("deprecated")),
    )
    found = put(Said("p"))
    assert {m: c.retired for m, c in found.items()} == {"past": True, "future": False, "open": False}
    assert found["past"].lifecycle.successor == "next"
    assert not put(Said("p", (card("past", "live", as_of=NOW),)))["past"].retired


# --- only what has changed ---------------------------------------------------------------------------------------


def known(*cards: ModelCard, at: float | None = 1.0) -> Known:
    return Known(Listing(cards), at, 0.0, 0.0)


def test_an_unchanged_list_is_not_merged_twice(snapshot: Snapshot) -> None:
    cards = Cards({}, FakeClock())
    lists = {"p": known(card("a", "live")), MODELS_DEV: known(card("a", "models.dev", context=4))}
    first = cards.of("p", lists)
    assert first[0].context == 4
    assert cards.of("p", dict(lists)) is first
    assert cards.of("p", lists | {"p": known(card("b", "live"))})[0].model == "b"
    assert cards.of("q", lists) == ()


def test_news_of_models_dev_and_new_scores_are_noticed(snapshot: Snapshot) -> None:
    cards = Cards({}, FakeClock())
    lists = {"p": known(card("llama-3.1-8b", "live"))}
    assert cards.of("p", lists)[0].context is None
    lists[MODELS_DEV] = known(card("llama-3.1-8b", "models.dev", context=9))
    assert cards.of("p", lists)[0].context == 9
    scores = (Score("coding", 1.0),)
    lists["q"] = known(card("meta/llama-3.1-8b", "live", "q", scores=scores))
    assert cards.of("p", lists)[0].scores == scores
    assert cards.told(lists).keys() == {"p"}


def test_a_list_that_was_never_had_leaves_the_embedded_models(snapshot: Snapshot) -> None:
    snapshot["p"] = (card("a", capabilities=Capabilities(tools=True)),)
    assert [c.model for c in Cards({}, FakeClock()).of("p", {"p": known(at=None)})] == ["a"]

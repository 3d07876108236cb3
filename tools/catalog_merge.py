"""Of several sources one catalogue: which claim counts for which field, and what is alive. Pure.

The newest source that says something counts, with three exceptions: a price that a provider's own page shows counts
before models.dev's where the page is cited; what a model takes is not taken from the live lists, which know texts and
images only; and a context at OpenRouter, see :func:`_routed`. A model is in the catalogue when one of the two newest
sources has it; older ones only add fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from catalog_sources import Claims

from aiorch.catalog.free_routes import free_kind
from aiorch.catalog.guesses import guess
from aiorch.catalog.merge import FLAGS, PLAIN, merge
from aiorch.catalog.modelsdev import SOURCE, card_of
from aiorch.providers import SPECS
from aiorch.types import ZERO_PRICE, Lifecycle, ModelCard, Origin

ORDER = ("corrections", "live", "models.dev", "models.dev-openrouter", "models.dev-before")
"""Whose word counts first, by reader."""
LISTED = ("live", "models.dev")
"""A model that neither has is no longer offered."""
CONFIDENCE = {"openrouter": 0.9, "vercel": 0.9, "model-prices": 0.9, SOURCE: 0.8}

Known = Mapping[str, Claims]
"""What is known, by reader."""


def catalogue(known: Known) -> dict[str, list[ModelCard]]:
    """Cards by provider, without scores."""
    found: dict[str, dict[str, ModelCard]] = {}
    for provider in SPECS:
        models = {model for reader in LISTED for model in known[reader].cards.get(provider, {})}
        found[provider] = {model: _card(provider, model, known) for model in models}
    _end(found, known)
    for provider in SPECS:
        for card in unlisted(provider, found):
            found[provider][card.model] = card
    return {p: sorted(cards.values(), key=lambda c: c.model) for p, cards in found.items() if cards}


def _card(provider: str, model: str, known: Known) -> ModelCard:
    card = based(merge(_claims(provider, model, known)), known["models.dev"].at)
    free = free_kind(SPECS[provider].free, model, card.price)
    if card.price is not None and card.price.zero and free in ("none", "unknown"):
        return replace(card, price=None)  # "varies", "by plan" or "not said": not what a call would cost
    return card


def _claims(provider: str, model: str, known: Known) -> Sequence[ModelCard]:
    said = {reader: known[reader].cards.get(provider, {}).get(model) for reader in ORDER}
    if provider == "openrouter":
        said = _routed(said, known["live-then"].cards["openrouter"].get(model))
    return tuple(card for card in said.values() if card is not None)


def _routed(said: Mapping[str, ModelCard | None], then: ModelCard | None) -> Mapping[str, ModelCard | None]:
    """The claims on a model of OpenRouter, with the context that OpenRouter lists first.

    models.dev has what is listed, the live lists the smaller of that and of one host's. So a live list counts where the
    one of models.dev's days agreed with models.dev: there it spoke of the model, and what it says since is news.
    """
    live, older = said["live"], said["models.dev"]
    if live is None or older is None or (then is not None and then.context == older.context):
        return said
    return {**said, "live": replace(live, context=None), "last": live}


def based(card: ModelCard, at: float) -> ModelCard:
    """The card as models.dev's of that day, with whoever else says a field named for that field."""
    fields = [f for f in (*PLAIN, "price") if f != "parameters" and getattr(card, f) is not None]
    fields += [f"capabilities.{flag}" for flag in FLAGS if getattr(card.capabilities, flag) is not None]
    if card.lifecycle.state != "unknown":
        fields.append("lifecycle")
    origins: dict[str, Origin] = {}
    for name in fields:
        said = card.origin(name)
        if (said.source, said.as_of) != (SOURCE, at):
            origins[name] = Origin(said.source, said.as_of, CONFIDENCE.get(said.source, 0.5))
    return replace(card, source=SOURCE, as_of=at, origins=origins)


# --- what has ended ----------------------------------------------------------------------------------------------


def _end(found: dict[str, dict[str, ModelCard]], known: Known) -> None:
    """Mark what is gone. OpenRouter's newest list has every model of its that takes tools: who is missing has ended."""
    live = known["live"]
    listed = live.cards.get("openrouter", {})
    router = found["openrouter"]
    for model, card in router.items():
        if model not in listed and card.capabilities.tools:
            router[model] = ended(card, "retired", Origin("openrouter", live.at, CONFIDENCE["openrouter"]))
    for card in _tombstones(known, router):
        router[card.model] = card
    for model, card in found["kilo"].items():  # sells OpenRouter's free models on
        twin = router.get(model)
        if model.endswith(":free") and twin is not None and twin.retired:
            found["kilo"][model] = ended(card, "deprecated", Origin("openrouter", live.at, 0.5))
    zen = live.cards.get("opencode-zen", {})
    for model, card in found["opencode-zen"].items():  # models.dev's newest day has those of its that live
        if zen and model not in zen and model.endswith("-free") and card.lifecycle.state == "unknown":
            found["opencode-zen"][model] = ended(
                card, "deprecated", Origin(SOURCE, live.at, CONFIDENCE[SOURCE])
            )


def ended(card: ModelCard, state: str, origin: Origin) -> ModelCard:
    """No longer offered on the day of the list that would name it; when exactly that began is not known."""
    life = Lifecycle("retired", retires_at=origin.as_of) if state == "retired" else Lifecycle("deprecated")
    return replace(card, lifecycle=life, origins={**card.origins, "lifecycle": origin})


def _tombstones(known: Known, router: Mapping[str, ModelCard]) -> Iterator[ModelCard]:
    """Free ids of the months before that no newer list has: people still write them down."""
    seen: dict[str, float] = {}
    lists = [claims for claims in known.values() if claims.cards.get("openrouter") or claims.seen_free]
    for claims in lists:
        for model in {*claims.seen_free, *claims.cards.get("openrouter", {})}:
            if model.endswith(":free") and model not in router:
                seen[model] = max(seen.get(model, 0.0), claims.at)
    at = known["models.dev"].at
    for model, last in sorted(seen.items()):
        told = _claims("openrouter", model, known) or (_bare(model, last),)
        missed = min(claims.at for claims in lists if claims.at > last)
        origin = Origin("openrouter", missed, CONFIDENCE["openrouter"])
        yield ended(based(replace(merge(told), price=ZERO_PRICE), at), "retired", origin)


def _bare(model: str, at: float) -> ModelCard:
    card = card_of("openrouter", model, {"cost": {"input": 0, "output": 0}}, at)
    assert card is not None
    return card


# --- what no catalogue lists -------------------------------------------------------------------------------------

SAME = {"codestral": "mistral"}
"""Providers whose ids are another's: the same models at another address, under other conditions."""


def unlisted(provider: str, found: Mapping[str, Mapping[str, ModelCard]]) -> Iterator[ModelCard]:
    """Models that a provider's row names and no source has."""
    spec = SPECS[provider]
    twins = found.get(SAME.get(provider, ""), {})
    for model in spec.unlisted if not spec.local else ():
        if model in found[provider]:
            continue
        if model in twins:
            yield replace(twins[model], provider=provider)
        else:
            yield replace(guess(ModelCard(provider, model)), source="provider row")

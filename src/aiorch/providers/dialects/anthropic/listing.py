"""Anthropic's list of models as :class:`~aiorch.types.ModelCard`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from aiorch.providers.decode import as_object, as_text
from aiorch.providers.lifecycles import moment_of
from aiorch.providers.listing import cards_of, items_of
from aiorch.providers.spec import ProviderSpec
from aiorch.types import Capabilities, Lifecycle, ModelCard

_STATES: Mapping[str, Literal["active", "deprecated", "retired"]] = {
    "active": "active",
    "deprecated": "deprecated",
    "retired": "retired",
}


def read_models(body: bytes, spec: ProviderSpec, now: float) -> Sequence[ModelCard]:
    """One page of it. :raises AttemptFailed: when it is none."""
    items = items_of(body)
    told = {as_text(item.get("id")): item for item in map(as_object, items)}
    return [_card(card, told.get(card.model, {})) for card in cards_of(items, spec, now)]


def _card(card: ModelCard, item: Mapping[str, Any]) -> ModelCard:
    vision = _supported(item, "image_input")
    return replace(
        card,
        capabilities=Capabilities(
            tools=True,  # all of its models
            json_schema=_supported(item, "structured_outputs"),
            vision=vision,
            reasoning=_supported(item, "thinking"),
            streaming=True,
            chat=True,
            embeddings=False,
        ),
        inputs=None if vision is None else ("image", "text") if vision else ("text",),
        outputs=("text",),
        lifecycle=_lifecycle(card.lifecycle, item),
        created=_created(item),
    )


def _supported(item: Mapping[str, Any], name: str) -> bool | None:
    said = as_object(as_object(item.get("capabilities")).get(name)).get("supported")
    return said if isinstance(said, bool) else None


def _lifecycle(general: Lifecycle, item: Mapping[str, Any]) -> Lifecycle:
    """A date that has passed does not retire a model here: ``lifecycle`` alone does, by its documentation."""
    state = _STATES.get(as_text(item.get("lifecycle")))
    if state is None:
        return general
    return Lifecycle(state, moment_of(item.get("deprecated_at")), moment_of(item.get("retires_at")))


def _created(item: Mapping[str, Any]) -> float | None:
    """An epoch stands for a date that is not known."""
    moment = moment_of(item.get("created_at"))
    return moment if moment else None

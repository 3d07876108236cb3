"""What an id alone tells of a model: little, and believed little. Pure."""

from __future__ import annotations

import re

from aiorch.catalog.families import family_of
from aiorch.providers.abilities import capabilities_of
from aiorch.providers.listing import parameters_of
from aiorch.types import Capabilities, ModelCard

SOURCE = "name"
CONFIDENCE = 0.3

_SEES = re.compile(
    r"(?:^|[-/_.\d])(?:vl|vision|omni|multimodal|pixtral|llava|gpt-4o|4v|5v|6v)(?:[-/_.:\d]|$)|gemini-[2-9]|claude-(?!2|instant)",
    re.IGNORECASE,
)
_REASONS = re.compile(
    r"(?:^|[-/_.:])(?:(?<!non-)(?:reasoning|thinking)|reasoner|r1|qwq|magistral|o[134](?:-mini|-pro)?)(?:[-/_.:\d]|$)",
    re.IGNORECASE,
)
_SAYS_NOT = re.compile(r"non-?(?:reasoning|thinking)", re.IGNORECASE)


def guess(card: ModelCard) -> ModelCard:
    """A card with only what the id of ``card`` tells: kind, size, family.

    A word in an id shows that a model can do something; its absence shows nothing.

    >>> guess(ModelCard("acme", "qwen3-vl-8b-thinking")).capabilities.vision
    True
    """
    shown = capabilities_of(card.model, {}, (), ())
    kin = family_of(card.model, card.name)
    # An id that neither embeds nor says what else it does is a chat model's, as nearly all are.
    chat = not shown.embeddings and shown.chat is not False
    return ModelCard(
        card.provider,
        card.model,
        capabilities=Capabilities(
            vision=True if chat and _SEES.search(card.model) else None,
            reasoning=_reasons(card.model) if chat else None,
            chat=chat,
            embeddings=True if shown.embeddings else None,
        ),
        family=kin.family,
        variant=kin.variant,
        parameters=parameters_of(card.model),
        source=SOURCE,
        as_of=card.as_of,
    )


def _reasons(model: str) -> bool | None:
    if _SAYS_NOT.search(model):
        return False
    return True if _REASONS.search(model) else None

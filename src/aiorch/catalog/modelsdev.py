"""What models.dev says, in the form of its ``api.json``, as cards under our providers' ids. Pure.

Its prices of zero are facts about a price, not about a free route: what is free is decided by the provider's row. Its
list is kept by hand and by scripts, so being listed proves no life; only ``deprecated`` is believed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from aiorch.catalog.families import family_of
from aiorch.catalog.free_routes import as_policy_says
from aiorch.providers import SPECS
from aiorch.providers.abilities import capabilities_of
from aiorch.providers.decode import as_list, as_object, as_text
from aiorch.providers.listing import parameters_of
from aiorch.types import Capabilities, Lifecycle, ModelCard, Price

SOURCE = "models.dev"

PROVIDERS: Mapping[str, str] = MappingProxyType(
    {
        "alibaba": "dashscope",
        "ai21": "ai21",
        "amazon-bedrock": "bedrock",
        "anthropic": "anthropic",
        "azure": "azure",
        "cerebras": "cerebras",
        "chutes": "chutes",
        "cloudflare-workers-ai": "cloudflare",
        "cohere": "cohere",
        "deepinfra": "deepinfra",
        "deepseek": "deepseek",
        "fireworks-ai": "fireworks",
        "google": "gemini",
        "google-vertex": "vertex",
        "google-vertex-anthropic": "vertex",
        "groq": "groq",
        "huggingface": "huggingface",
        "kilo": "kilo",
        "minimax": "minimax",
        "mistral": "mistral",
        "modelscope": "modelscope",
        "moonshotai": "moonshot",
        "nebius": "nebius",
        "nova": "nova",
        "novita-ai": "novita",
        "nvidia": "nvidia",
        "ollama-cloud": "ollama-cloud",
        "openai": "openai",
        "opencode": "opencode-zen",
        "openrouter": "openrouter",
        "ovhcloud": "ovhcloud",
        "perplexity": "perplexity",
        "scaleway": "scaleway",
        "siliconflow": "siliconflow",
        "togetherai": "together",
        "venice": "venice",
        "vercel": "vercel",
        "watsonx": "watsonx",
        "xai": "xai",
        "zai": "zai",
        "zhipuai": "zhipuai",
    }
)
"""Our id by models.dev's. Left out: whom we do not speak to, and subscriptions (``*-coding-plan``, ``*-token-plan``),
whose price of zero is somebody's monthly fee."""

_NO_CHATS = frozenset({"meta/esm2-650m", "meta/esmfold", "nvidia/studiovoice", "nvidia/usdvalidate"})
"""Models of other crafts that are listed as taking and giving text."""

# models.dev says no more than that a model is offered: it goes on listing what its provider has quietly ended.
_STATES = {"deprecated": Lifecycle("deprecated")}


def read_api(body: bytes, as_of: float) -> Mapping[str, tuple[ModelCard, ...]]:
    """Cards by our provider ids.

    :param as_of: epoch seconds of the data.
    :raises ValueError: when it is no JSON object of providers.

    An example::

        read_api(b'{"groq": {"models": {"llama-3.1-8b-instant": {"tool_call": true}}}}', 0.0)["groq"][0].model
    """
    try:
        parsed: object = json.loads(body)
    except RecursionError:
        raise ValueError("models.dev's catalogue is nested too deeply") from None
    listed = as_object(parsed)
    if not any(as_object(as_object(listed.get(theirs)).get("models")) for theirs in PROVIDERS):
        raise ValueError("models.dev's catalogue holds none of the known providers")
    found: dict[str, dict[str, ModelCard]] = {}
    for theirs, ours in PROVIDERS.items():
        for key, item in as_object(as_object(listed.get(theirs)).get("models")).items():
            card = card_of(ours, key, as_object(item), as_of)
            if card is not None:
                found.setdefault(ours, {}).setdefault(card.model, card)
    return {ours: tuple(cards.values()) for ours, cards in found.items()}


def card_of(provider: str, key: str, item: Mapping[str, Any], as_of: float) -> ModelCard | None:
    """One model of one provider; ``None`` where it gives no text and embeds nothing, or only takes batches."""
    model = as_text(item.get("id")) or key
    inputs, outputs = _modalities(item, "input"), _modalities(item, "output")
    if not model or model.endswith((":batch", "-batch")):
        return None
    capabilities = _capabilities(model, item, inputs, outputs)
    if not (outputs is None or "text" in outputs or capabilities.embeddings):
        return None
    limit = as_object(item.get("limit"))
    name = as_text(item.get("name")) or None
    kin = family_of(model, name)
    card = ModelCard(
        provider,
        model,
        name=None if name == model else name,
        context=_whole(limit.get("context")),
        max_output=_whole(limit.get("output")),
        price=_price(as_object(item.get("cost"))),
        capabilities=capabilities,
        inputs=inputs,
        outputs=outputs,
        lifecycle=_STATES.get(as_text(item.get("status")), Lifecycle()),
        family=kin.family,
        variant=kin.variant,
        knowledge=as_text(item.get("knowledge")) or None,
        open_weights=_flag(item, "open_weights"),
        parameters=parameters_of(model),
        created=moment(item.get("release_date")),
        source=SOURCE,
        as_of=as_of,
    )
    spec = SPECS.get(provider)
    return card if spec is None else as_policy_says(card, spec)


def moment(value: object) -> float | None:
    """Epoch seconds of a day, a month or a year as models.dev writes them; ``None`` for anything else.

    >>> moment("2024-09") == moment("2024-09-01")
    True
    """
    parts = as_text(value).split("-")
    try:
        year, month, day = (*map(int, parts), 1, 1)[:3]
        return datetime(year, month, day, tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _modalities(item: Mapping[str, Any], side: str) -> tuple[str, ...] | None:
    named = {as_text(m).lower() for m in as_list(as_object(item.get("modalities")).get(side))} - {""}
    return tuple(sorted(named)) or None


def _capabilities(
    model: str, item: Mapping[str, Any], inputs: tuple[str, ...] | None, outputs: tuple[str, ...] | None
) -> Capabilities:
    shown = capabilities_of(model, {"output_modalities": list(outputs)} if outputs else {}, (), ())
    return Capabilities(
        tools=_flag(item, "tool_call"),
        json_schema=_flag(item, "structured_output"),
        vision=None if inputs is None else "image" in inputs,
        reasoning=_flag(item, "reasoning"),
        streaming=shown.streaming,
        chat=False
        if shown.embeddings or model in _NO_CHATS or (inputs and "text" not in inputs)
        else shown.chat,
        embeddings=shown.embeddings,
    )


def _flag(item: Mapping[str, Any], name: str) -> bool | None:
    value = item.get(name)
    return value if isinstance(value, bool) else None


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e12:
        return None
    return int(value)


def _price(cost: Mapping[str, Any]) -> Price | None:
    """In USD per million tokens, as models.dev has it."""
    sent, made = _amount(cost.get("input")), _amount(cost.get("output"))
    if sent is None or made is None:
        return None
    return Price(sent, made, _amount(cost.get("cache_read")))


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return None if not amount.is_finite() or amount < 0 else amount.normalize() + 0

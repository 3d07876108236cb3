"""A provider's list of models, in any of its shapes, as :class:`~aiorch.types.ModelCard`. Pure.

What a list does not say stays ``None``; what it says in a way that cannot be read is treated as not said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

from aiorch.errors import AttemptFailed
from aiorch.providers.abilities import capabilities_of, modalities
from aiorch.providers.benchmarks import scores_in
from aiorch.providers.cloudflare_list import plain
from aiorch.providers.decode import as_list, as_object, as_text
from aiorch.providers.failures import malformed
from aiorch.providers.lifecycles import lifecycle_of
from aiorch.providers.prices import dearest, places, price_of
from aiorch.providers.spec import ProviderSpec
from aiorch.types import ZERO_PRICE, FreeKind, ModelCard, Price

NAME_FIELDS = ("display_name", "displayName", "title", "name")
"""How providers call the name that people use, in the order in which they are believed."""
CONTEXT_FIELDS = (
    "context_length",
    "context_window",
    "max_context_length",
    "max_model_len",
    "max_input_tokens",
    "inputTokenLimit",
    "context_size",
    "max_sequence_length",
    "max_prompt_length",
    "contextLength",
    "availableContextTokens",
)
"""How providers call the number of tokens that a model takes, in the order in which they are believed."""

OUTPUT_FIELDS = (
    "max_completion_tokens",
    "outputTokenLimit",
    "max_output_length",
    "maxCompletionTokens",
    "max_tokens",
)
"""The same for the longest answer."""

_HOLDERS = ("data", "models", "publisherModels")  # the last is Google Cloud's
_IDS = ("id", "model_id", "key", "name")  # the second is Heroku's, the third LM Studio's
_BATCH = ":batch"  # OpenRouter lists ids that only its batch interface takes
_SIZE = re.compile(r"(?<![a-z\d.])(?:(\d{1,3})x)?(\d{1,4}(?:\.\d+)?)([bm])(?![a-z\d])", re.IGNORECASE)
_EARLIEST = 1_500_000_000.0  # mid-2017: a creation date before the first of these models is a placeholder


def read_models(body: bytes, spec: ProviderSpec, now: float) -> Sequence[ModelCard]:
    """The models that ``body`` lists.

    :param now: epoch seconds, for what has been retired by then and for ``as_of``.
    :raises AttemptFailed: when it is no list of models.
    """
    return cards_of(items_of(body), spec, now)


def items_of(body: bytes) -> Sequence[object]:
    """What ``body`` lists, as it stands there. :raises AttemptFailed: when it is no list of models."""
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        raise AttemptFailed(malformed("the list of models is no valid JSON")) from None
    holder = as_object(parsed)
    result = holder.get("result")  # Cloudflare's envelope, around a list or around another envelope
    held = (parsed, *(holder.get(name) for name in _HOLDERS), result, as_object(result).get("data"))
    listed = next((cast("list[object]", h) for h in held if isinstance(h, list)), None)
    if listed is None:
        raise AttemptFailed(malformed("the list of models is JSON, but holds no list"))
    return listed


def cards_of(items: Sequence[object], spec: ProviderSpec, now: float) -> Sequence[ModelCard]:
    """A card for each item, and for each id that the row adds."""
    listed = [*items, *({"id": model} for model in spec.unlisted)]
    cards = (_card(plain(as_object(item)), spec, now) for item in listed)
    return _unique(card for card in cards if card is not None)


def _unique(cards: Iterable[ModelCard]) -> Sequence[ModelCard]:
    return tuple({card.model: card for card in cards}.values())


def _card(item: Mapping[str, Any], spec: ProviderSpec, now: float) -> ModelCard | None:
    model = next((m for name in _IDS if (m := as_text(item.get(name)))), "")
    model = model.removeprefix(spec.quirks.strip_id)
    if not model or model.endswith(_BATCH):
        return None
    hosts = [as_object(h) for h in as_list(item.get("providers"))]
    hosts = [h for h in hosts if h.get("status", "live") == "live"] or hosts
    price = price_of(item, spec.price_unit) or dearest(hosts, spec.price_unit)
    free = _free(model, item, price, spec)
    card = ModelCard(
        spec.id,
        model,
        name=next((n for name in NAME_FIELDS if (n := as_text(item.get(name)))), None),
        context=_context(item, hosts),
        max_output=_max_output(item),
        price=ZERO_PRICE if free in ("local", "zero_price") else price,
        free=free,
        terms=spec.free.terms(model) if free not in ("none", "unknown", "local") else None,
        capabilities=capabilities_of(model, item, hosts, spec.chat_types),
        inputs=modalities(item, "input"),
        outputs=modalities(item, "output"),
        lifecycle=lifecycle_of(item, now),
        scores=scores_in(item, now),
        parameters=_whole(as_object(item.get("meta")).get("n_params")) or parameters_of(model),
        created=_created(item.get("created")),
        source="live",
        as_of=now,
    )
    return replace(card, name=None) if card.name == model else card


# --- numbers -----------------------------------------------------------------------------------------------------


def _whole(value: object) -> int | None:
    """A positive whole number, or nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e15:
        return None
    return int(value)


def _context(item: Mapping[str, Any], hosts: Sequence[Mapping[str, Any]]) -> int | None:
    for place in places(item):
        for name in CONTEXT_FIELDS:
            found = _whole(place.get(name))
            if found:
                return found
    meta = as_object(item.get("meta"))
    # What a running llama.cpp was given counts before what the model was trained for.
    told = _whole(meta.get("n_ctx")) or _whole(meta.get("n_ctx_train"))
    return told or min((c for h in hosts if (c := _whole(h.get("context_length")))), default=None)


def _max_output(item: Mapping[str, Any]) -> int | None:
    for place in (as_object(item.get("top_provider")), *places(item)):
        for name in OUTPUT_FIELDS:
            found = _whole(place.get(name))
            if found:
                return found
    return None


def _created(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _EARLIEST < value < 1e11:
        return None
    return float(value)


def parameters_of(model: str) -> int | None:
    """The number of weights that an id tells: the first size in it (``26b-a4b`` is 26 billion, 4 of them active).

    >>> parameters_of("qwen2.5-coder-1.5b"), parameters_of("mixtral-8x7b"), parameters_of("gpt-4o")
    (1500000000, 56000000000, None)
    """
    found = _SIZE.search(model)
    if not found:
        return None
    experts, size, unit = found.groups()
    return int(Decimal(size) * (10**9 if unit in "bB" else 10**6) * int(experts or 1))


# --- what it costs -----------------------------------------------------------------------------------------------


def _free(model: str, item: Mapping[str, Any], price: Price | None, spec: ProviderSpec) -> FreeKind:
    policy = spec.free
    named = policy.covers(model) and (policy.listed is None or item.get(policy.listed[0]) == policy.listed[1])
    if named and (not policy.zero_price or (price is not None and price.zero)):
        return policy.kind
    if policy.zero_price and (price is None or price.zero):
        return "unknown"  # called free and not listed so, or the other way round
    return "none"

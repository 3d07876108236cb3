"""A provider's list of models, in any of its shapes, as :class:`~aiorch.types.ModelCard`. Pure.

What a list does not say stays ``None``; what it says in a way that cannot be read is treated as not said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from aiorch.errors import AttemptFailed
from aiorch.providers.decode import as_list, as_object, as_text
from aiorch.providers.failures import malformed
from aiorch.providers.spec import PriceUnit, ProviderSpec
from aiorch.types import ZERO_PRICE, Capabilities, FreeKind, ModelCard, Price
from aiorch.types.models import MILLION

CONTEXT_FIELDS = (
    "context_length",
    "context_window",
    "max_context_length",
    "max_model_len",
    "max_input_tokens",
    "inputTokenLimit",
    "context_size",
    "max_sequence_length",
)
"""How providers call the number of tokens that a model takes, in the order in which they are believed."""

_EMBEDS = re.compile(r"embed|\bbge\b|\be5\b|(?:^|[/-])(?:gte|minilm|arctic-embed)(?:-|$)", re.IGNORECASE)
# Ids of models that are listed beside chat models and do not chat.
_NOT_CHAT = re.compile(
    r"embed|whisper|(?:^|[-/_])(?:tts|asr|ocr|stt|clip|nsfw|sora|veo|imagen|flux|lyria|dall-e|riva|aqa|reward|parse)(?:[-/_.]|\d|$)"
    r"|guard|moderation|content-safety|re-?rank|transcri|speech|text-to-|stable-diffusion|-image(?:-|$)|realtime|-audio(?:-|$)|orpheus"
    r"|babbage|davinci|detector|retriever|(?:^|/)(?:bge|e5|gte)-",
    re.IGNORECASE,
)
_BATCH = ":batch"  # OpenRouter lists ids that only its batch interface takes
_SIZE = re.compile(r"(?<![a-z\d.])(?:(\d{1,3})x)?(\d{1,4}(?:\.\d+)?)([bm])(?![a-z\d])", re.IGNORECASE)
_EARLIEST = 1_500_000_000.0  # mid-2017: a creation date before the first of these models is a placeholder


def read_models(body: bytes, spec: ProviderSpec, now: float) -> Sequence[ModelCard]:
    """The models that ``body`` lists.

    :param now: epoch seconds, for what has been retired by then and for ``as_of``.
    :raises AttemptFailed: when it is no list of models.
    """
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        raise AttemptFailed(malformed("the list of models is no valid JSON")) from None
    holder = as_object(parsed)
    held = (parsed, holder.get("data"), holder.get("models"))
    listed = next((cast("list[object]", h) for h in held if isinstance(h, list)), None)
    if listed is None:
        raise AttemptFailed(malformed("the list of models is JSON, but holds no list"))
    cards = (_card(as_object(item), spec, now) for item in listed)
    return _unique(card for card in cards if card is not None)


def _unique(cards: Iterable[ModelCard]) -> Sequence[ModelCard]:
    return tuple({card.model: card for card in cards}.values())


def _card(item: Mapping[str, Any], spec: ProviderSpec, now: float) -> ModelCard | None:
    model = as_text(item.get("id")) or as_text(item.get("name"))
    model = model.removeprefix(spec.quirks.strip_id)
    if not model or model.endswith(_BATCH):
        return None
    hosts = [as_object(h) for h in as_list(item.get("providers"))]
    hosts = [h for h in hosts if h.get("status", "live") == "live"] or hosts
    price = _price(as_object(item.get("pricing")), spec.price_unit) or _dearest(hosts, spec.price_unit)
    free = _free(model, price, spec)
    card = ModelCard(
        spec.id,
        model,
        name=as_text(item.get("display_name")) or as_text(item.get("name")) or None,
        context=_context(item, hosts),
        max_output=_whole(as_object(item.get("top_provider")).get("max_completion_tokens"))
        or _whole(item.get("max_completion_tokens"))
        or _whole(item.get("outputTokenLimit")),
        price=ZERO_PRICE if free in ("local", "zero_price") else price,
        free=free,
        capabilities=_capabilities(model, item, hosts),
        retired=_retired(item, now),
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
    for name in CONTEXT_FIELDS:
        found = _whole(item.get(name))
        if found:
            return found
    meta = as_object(item.get("meta"))
    # What a running llama.cpp was given counts before what the model was trained for.
    told = _whole(meta.get("n_ctx")) or _whole(meta.get("n_ctx_train"))
    return told or min((c for h in hosts if (c := _whole(h.get("context_length")))), default=None)


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


# --- prices ------------------------------------------------------------------------------------------------------


def _amount(value: object, unit: PriceUnit) -> Decimal | None:
    """USD per million tokens; ``None`` for -1 (it varies) and what is no number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    if not amount.is_finite() or amount < 0:
        return None
    return (amount * MILLION if unit == "usd_per_token" else amount).normalize() + 0


def _price(pricing: Mapping[str, Any], unit: PriceUnit | None) -> Price | None:
    if unit is None:
        return None
    sent = _amount(pricing.get("prompt", pricing.get("input")), unit)
    made = _amount(pricing.get("completion", pricing.get("output")), unit)
    if sent is None or made is None:
        return None
    per_call = _amount(pricing.get("request", 0), "usd_per_million")
    if per_call is None:
        return None
    return Price(sent, made, _amount(pricing.get("input_cache_read"), unit), per_call)


def _dearest(hosts: Sequence[Mapping[str, Any]], unit: PriceUnit | None) -> Price | None:
    """The highest price of several hosts: the router may choose any of them, and a budget must hold with each."""
    prices = [p for h in hosts if (p := _price(as_object(h.get("pricing")), unit))]
    if not prices:
        return None
    return Price(max(p.input for p in prices), max(p.output for p in prices))


def _free(model: str, price: Price | None, spec: ProviderSpec) -> FreeKind:
    policy = spec.free
    if policy.covers(model) and (not policy.zero_price or (price is not None and price.zero)):
        return policy.kind
    if policy.zero_price and (price is None or price.zero):
        return "unknown"  # called free and not listed so, or the other way round
    return "none"


# --- what it can do ----------------------------------------------------------------------------------------------


def _capabilities(model: str, item: Mapping[str, Any], hosts: Sequence[Mapping[str, Any]]) -> Capabilities:
    parameters = _names(item.get("supported_parameters"))
    own = as_object(item.get("capabilities"))
    architecture = as_object(item.get("architecture"))
    chat = _chats(model, item)
    return Capabilities(
        tools=_first(_has(parameters, "tools"), own.get("function_calling"), _any(hosts, "supports_tools")),
        json_schema=_first(_schemas(parameters), _any(hosts, "supports_structured_output")),
        vision=_first(_takes(architecture, "image"), own.get("vision")),
        reasoning=_first(_has(parameters, "reasoning"), own.get("reasoning")),
        streaming=True if chat else None,
        chat=chat,
        embeddings=True
        if _EMBEDS.search(model) or item.get("type") == "embedding"
        else False
        if chat
        else None,
    )


def _chats(model: str, item: Mapping[str, Any]) -> bool | None:
    kind = item.get("type")
    if kind in ("chat", "llm", "vlm"):
        return True
    if kind in (
        "embedding",
        "embeddings",
        "image",
        "audio",
        "video",
        "moderation",
        "rerank",
        "language",
        "code",
        "transcribe",
    ):
        return False
    if _NOT_CHAT.search(model):
        return False
    outputs = _names(as_object(item.get("architecture")).get("output_modalities"))
    if outputs is not None:
        return "text" in outputs
    told = as_object(item.get("capabilities")).get("completion_chat")
    return told if isinstance(told, bool) else None


def _names(value: object) -> frozenset[str] | None:
    if not isinstance(value, list):
        return None
    return frozenset(as_text(name) for name in cast("list[object]", value))


def _has(names: frozenset[str] | None, name: str) -> bool | None:
    return None if names is None else name in names


def _schemas(parameters: frozenset[str] | None) -> bool | None:
    """``response_format`` alone is the older JSON mode: neither a promise nor a refusal."""
    has = _has(parameters, "structured_outputs")
    return None if has is False and _has(parameters, "response_format") else has


def _any(hosts: Sequence[Mapping[str, Any]], name: str) -> bool | None:
    said = [h[name] for h in hosts if isinstance(h.get(name), bool)]
    return any(said) if said else None


def _takes(architecture: Mapping[str, Any], kind: str) -> bool | None:
    return _has(_names(architecture.get("input_modalities")), kind)


def _first(*said: object) -> bool | None:
    """What the first who says anything says."""
    return next((s for s in said if isinstance(s, bool)), None)


# --- whether it still lives --------------------------------------------------------------------------------------


def _retired(item: Mapping[str, Any], now: float) -> bool:
    if item.get("active") is False:
        return True
    for name in ("expiration_date", "deprecation", "shutdown_date"):
        ends = _day(item.get(name))
        if ends is not None and ends <= now:
            return True
    return False


def _day(value: object) -> float | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

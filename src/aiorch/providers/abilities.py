"""What a model can do, by what its provider's list says in its own words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from aiorch.providers.decode import as_object, as_text
from aiorch.types import Capabilities

_TOOLS = (
    "function_calling",
    "trained_for_tool_use",
    "supports_tools",
    "supportsTools",
    "supportsFunctionCalling",
)
_SCHEMA = ("supportsResponseSchema",)
_VISION = ("vision", "supports_image_in", "supports_image_input", "supportsImageInput", "supportsVision")
_REASONING = ("reasoning", "supports_reasoning", "supportsReasoning")
_OTHER_TYPES = (
    *("embedding", "embeddings", "image", "audio", "video", "moderation"),
    *("rerank", "reranking", "language", "code", "transcribe", "other"),
)

_EMBEDS = re.compile(r"embed|\bbge\b|\be5\b|(?:^|[/-])(?:gte|minilm|arctic-embed)(?:-|$)", re.IGNORECASE)
# Ids of models that are listed beside chat models and do not chat.
_NOT_CHAT = re.compile(
    r"embed|whisper|(?:^|[-/_])(?:tts|asr|ocr|stt|clip|nsfw|sora|veo|imagen|flux|lyria|dall-e|riva|aqa|reward|parse)(?:[-/_.]|\d|$)"
    r"|guard|moderation|content-safety|re-?rank|transcri|speech|text-to-|stable-diffusion|-image(?:-|$)|realtime|-audio(?:-|$)|orpheus"
    r"|babbage|davinci|detector|retriever|(?:^|/)(?:bge|e5|gte)-",
    re.IGNORECASE,
)


def capabilities_of(
    model: str, item: Mapping[str, Any], hosts: Sequence[Mapping[str, Any]], chat_types: Sequence[str]
) -> Capabilities:
    """What a list says of one model.

    :param hosts: what it says of those that serve it (a router's list). :param chat_types: see ``ProviderSpec``.
    """
    features = _features(item)
    told = (
        item,
        as_object(item.get("capabilities")),
        as_object(as_object(item.get("model_spec")).get("capabilities")),
    )
    tags = _names(item.get("tags")) or frozenset()
    chat = _chats(model, item, chat_types)
    return Capabilities(
        tools=_first(
            _has(features, "tools"),
            _said(told, _TOOLS),
            _any(hosts, "supports_tools"),
            _tagged(tags, "tool-use"),
        ),
        json_schema=_first(
            _schemas(features), _said(told, _SCHEMA), _any(hosts, "supports_structured_output")
        ),
        vision=_first(
            _takes(item, "image"), _said(told, _VISION), _tagged(tags, "vision"), _tagged(features, "vision")
        ),
        reasoning=_first(_reasons(item), _said(told, _REASONING), _tagged(tags, "reasoning")),
        streaming=True if chat else None,
        chat=chat,
        embeddings=_embeds(model, item) or (False if chat else None),
    )


def _embeds(model: str, item: Mapping[str, Any]) -> Literal[True] | None:
    named = _EMBEDS.search(model) or item.get("type") == "embedding"
    return True if named or "embed" in (_names(item.get("endpoints")) or ()) else None


def _chats(model: str, item: Mapping[str, Any], chat_types: Sequence[str]) -> bool | None:
    kind = item.get("type") or item.get("model_type")
    if isinstance(kind, str) and kind in chat_types:
        return True
    if isinstance(kind, str) and kind in _OTHER_TYPES:
        return False
    endpoints = _names(item.get("endpoints"))  # Cohere's
    if endpoints is not None:
        return "chat" in endpoints
    if _NOT_CHAT.search(model):
        return False
    outputs = _modalities(item, "output_modalities")
    if outputs is not None:
        return "text" in outputs
    return _said(
        (item, as_object(item.get("capabilities"))), ("completion_chat", "supports_chat", "chat_completion")
    )


def _features(item: Mapping[str, Any]) -> frozenset[str] | None:
    """What a list says by naming all that a model can do."""
    lists = (_names(item.get(name)) for name in ("supported_parameters", "supported_features", "features"))
    return next((names for names in lists if names is not None), None)


def _reasons(item: Mapping[str, Any]) -> bool | None:
    # Cohere's features are silent about it.
    return _first(
        *(_has(_names(item.get(n)), "reasoning") for n in ("supported_parameters", "supported_features"))
    )


def _names(value: object) -> frozenset[str] | None:
    if not isinstance(value, list):
        return None
    return frozenset(as_text(name) for name in cast("list[object]", value))


def _has(names: frozenset[str] | None, name: str) -> bool | None:
    return None if names is None else name in names


def _tagged(names: frozenset[str] | None, name: str) -> bool | None:
    """True when a list of tags has it; a tag that is missing refuses nothing."""
    return True if _has(names, name) else None


def _schemas(features: frozenset[str] | None) -> bool | None:
    """The older JSON mode alone is neither a promise nor a refusal."""
    if features is None:
        return None
    if features & {"structured_outputs", "json_schema"}:
        return True
    return None if features & {"response_format", "json_mode"} else False


def _any(hosts: Sequence[Mapping[str, Any]], name: str) -> bool | None:
    said = [h[name] for h in hosts if isinstance(h.get(name), bool)]
    return any(said) if said else None


def _said(places: Sequence[Mapping[str, Any]], names: Sequence[str]) -> bool | None:
    return _first(*(place.get(name) for place in places for name in names))


def _modalities(item: Mapping[str, Any], name: str) -> frozenset[str] | None:
    return _names(as_object(item.get("architecture")).get(name, item.get(name)))


def modalities(item: Mapping[str, Any], side: Literal["input", "output"]) -> tuple[str, ...] | None:
    """What a list says that a model takes or gives: ``text``, ``image`` ...; ``None`` where it says nothing."""
    named = _modalities(item, f"{side}_modalities") or _names(item.get(f"{side}Modalities"))
    return tuple(sorted(name.lower() for name in named if name)) if named else None


def _takes(item: Mapping[str, Any], kind: str) -> bool | None:
    return _has(_modalities(item, "input_modalities"), kind)


def _first(*said: object) -> bool | None:
    """What the first who says anything says."""
    return next((s for s in said if isinstance(s, bool)), None)

"""Bedrock's two lists: the foundation models, and the inference profiles by which most of them are called. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiorch.errors import AttemptFailed
from aiorch.providers.abilities import capabilities_of
from aiorch.providers.decode import as_list, as_object, as_text
from aiorch.providers.failures import malformed
from aiorch.providers.lifecycles import moment_of
from aiorch.providers.listing import parameters_of
from aiorch.providers.spec import ProviderSpec
from aiorch.types import Capabilities, FreeKind, Lifecycle, ModelCard

_MODELS, _PROFILES = "modelSummaries", "inferenceProfileSummaries"


def read_list(body: bytes, spec: ProviderSpec, now: float) -> Sequence[ModelCard]:
    """The models of a page of either list. :raises AttemptFailed: when it is neither."""
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        raise AttemptFailed(malformed("the list of models is no valid JSON")) from None
    told = as_object(parsed)
    if isinstance(told.get(_MODELS), list):
        made = (_model(as_object(item), spec, now) for item in as_list(told[_MODELS]))
    elif isinstance(told.get(_PROFILES), list):
        made = (_profile(as_object(item), spec, now) for item in as_list(told[_PROFILES]))
    else:
        raise AttemptFailed(malformed("the list of models holds no models"))
    return tuple({card.model: card for card in made if card is not None}.values())


def _model(item: Mapping[str, Any], spec: ProviderSpec, now: float) -> ModelCard | None:
    model = as_text(item.get("modelId"))
    if not model:
        return None
    inputs, outputs = _kinds(item.get("inputModalities")), _kinds(item.get("outputModalities"))
    can = capabilities_of(model, _modalities(inputs, outputs), (), spec.chat_types)
    if "embedding" in outputs:
        can = replace(can, chat=False, embeddings=True)
    streams = item.get("responseStreamingSupported")
    return ModelCard(
        spec.id,
        model,
        name=as_text(item.get("modelName")) or None,
        free=_free(model, spec),
        capabilities=replace(can, streaming=streams if isinstance(streams, bool) else None),
        inputs=inputs or None,
        outputs=outputs or None,
        lifecycle=_lifecycle(as_object(item.get("modelLifecycle")), now),
        parameters=parameters_of(model),
        source="live",
        as_of=now,
    )


def _profile(item: Mapping[str, Any], spec: ProviderSpec, now: float) -> ModelCard | None:
    """A profile serves one model out of several regions. Its own list says nothing of what that can do."""
    of_ours = item.get("type") == "SYSTEM_DEFINED"
    # A profile that somebody made for an application is called by its ARN.
    model = as_text(item.get("inferenceProfileId" if of_ours else "inferenceProfileArn"))
    if not model:
        return None
    arns = [as_text(as_object(m).get("modelArn")) for m in as_list(item.get("models"))]
    behind = next((arn.rpartition("/")[2] for arn in arns if arn), model)
    can = capabilities_of(behind, {}, (), spec.chat_types)
    active = item.get("status") == "ACTIVE"
    return ModelCard(
        spec.id,
        model,
        name=as_text(item.get("inferenceProfileName")) or None,
        free=_free(model, spec),
        capabilities=Capabilities(chat=can.chat, embeddings=can.embeddings),
        lifecycle=Lifecycle("active" if active else "unknown"),
        parameters=parameters_of(behind),
        source="live",
        as_of=now,
    )


def _free(model: str, spec: ProviderSpec) -> FreeKind:
    return spec.free.kind if spec.free.covers(model) else "none"


def _kinds(value: object) -> tuple[str, ...]:
    return tuple(sorted({as_text(kind).lower() for kind in as_list(value)} - {""}))


def _modalities(inputs: Sequence[str], outputs: Sequence[str]) -> Mapping[str, Any]:
    """As the other lists tell them, so that one reader serves all."""
    told: dict[str, Any] = {}
    if inputs:
        told["input_modalities"] = list(inputs)
    if outputs:
        told["output_modalities"] = list(outputs)
    return told


def _lifecycle(told: Mapping[str, Any], now: float) -> Lifecycle:
    ends = moment_of(told.get("endOfLifeTime"))
    since = moment_of(told.get("legacyTime"))
    if ends is not None and ends <= now:
        return Lifecycle("retired", since, ends)
    match told.get("status"):
        case "ACTIVE":  # an end that is told already is the earliest day
            return Lifecycle("active", since, ends)
        case "LEGACY":
            return Lifecycle("deprecated", since, ends)
        case _:
            return Lifecycle("unknown", since, ends)

"""Vectors from models on Bedrock: asked for in the words of each maker, through ``InvokeModel``. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from aiorch.errors import AttemptFailed
from aiorch.providers.decode import ErrorReader, as_list, as_object, raise_error_in, read_vectors
from aiorch.providers.dialect import EmbedCall
from aiorch.providers.dialects.bedrock.asking import path_of
from aiorch.providers.failures import not_sent
from aiorch.providers.spec import ProviderSpec

MOST_TEXTS = 96
"""Texts of one call to a model of Cohere's (its page in Bedrock's guide)."""


def embed_calls(model: str, texts: Sequence[str], spec: ProviderSpec) -> Sequence[EmbedCall]:
    """One call a text for Titan, one a bundle for Cohere.

    :raises AttemptFailed: ``bad_request``, for makers whose words are not known here.
    """
    path = path_of(spec.embeddings_path or "/model/{model}/invoke", model)
    if "amazon.titan-embed" in model:
        return tuple(EmbedCall(path, {"inputText": text}, 1) for text in texts)
    if "cohere.embed" in model:
        bundles = (texts[n : n + MOST_TEXTS] for n in range(0, len(texts), MOST_TEXTS))
        return tuple(EmbedCall(path, _cohere(bundle), len(bundle)) for bundle in bundles)
    raise AttemptFailed(
        not_sent(f"how {model} is asked for vectors is not known: Titan's and Cohere's models are")
    )


def _cohere(texts: Sequence[str]) -> Mapping[str, Any]:
    return {"texts": list(texts), "input_type": "search_document", "embedding_types": ["float"]}


def vectors_of(answer: Mapping[str, Any], count: int, read_error: ErrorReader) -> Sequence[Sequence[float]]:
    """The vectors in the order of the texts. :raises AttemptFailed: when there are not ``count`` of them."""
    raise_error_in(answer, read_error)
    several: object = answer.get("embeddings")
    if isinstance(several, dict):
        several = as_object(cast("object", several)).get("float")
    found = as_list(several) if several is not None else [answer.get("embedding")]
    return read_vectors({"data": [{"embedding": vector} for vector in found]}, count, read_error)

"""Embeddings of the Gemini API: many texts in one call. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiorch.errors import AttemptFailed
from aiorch.providers.decode import ErrorReader, as_list, as_object
from aiorch.providers.dialect import EmbedCall
from aiorch.providers.failures import malformed

MOST_TEXTS = 100
"""Texts of one call; more are refused."""


def embed_calls(path: str, model: str, texts: Sequence[str]) -> Sequence[EmbedCall]:
    """The calls that bring a vector for each text. :param path: of the model."""
    named = model if "/" in model else f"models/{model}"
    calls: list[EmbedCall] = []
    for start in range(0, len(texts), MOST_TEXTS):
        some = texts[start : start + MOST_TEXTS]
        body = {"requests": [{"model": named, "content": {"parts": [{"text": text}]}} for text in some]}
        calls.append(EmbedCall(f"{path}:batchEmbedContents", body, len(some)))
    return calls


def read_vectors(answer: Mapping[str, Any], count: int, read_error: ErrorReader) -> Sequence[Sequence[float]]:
    """The vectors of one call, in the order of its texts. :raises AttemptFailed: when they are not ``count``."""
    if answer.get("error"):
        raise AttemptFailed(read_error(answer))
    vectors = [_vector(as_object(entry)) for entry in as_list(answer.get("embeddings"))]
    if len(vectors) != count or not all(vectors):
        raise AttemptFailed(malformed(f"{count} texts were sent and {len(vectors)} vectors came back"))
    return vectors


def _vector(entry: Mapping[str, Any]) -> Sequence[float]:
    """Empty where it holds something that is no number."""
    values = as_list(entry.get("values"))
    numbers = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    return numbers if len(numbers) == len(values) else ()

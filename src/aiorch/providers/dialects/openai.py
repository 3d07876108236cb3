"""OpenAI's chat dialect, with the quirks that a provider's row names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiorch.providers.decode import ErrorReader, read_response, read_vectors
from aiorch.providers.dialect import Call, Dialect, EmbedCall, Framing, ListSaysAll
from aiorch.providers.encode import chat_body
from aiorch.providers.listing import read_models
from aiorch.providers.spec import ProviderSpec
from aiorch.providers.streaming import StreamReader
from aiorch.types import ModelCard, Request, Response


class OpenAI(ListSaysAll):
    """See :class:`~aiorch.providers.dialect.Dialect`."""

    framing: Framing = "sse"

    def chat(self, model: str, request: Request, spec: ProviderSpec, *, stream: bool = False) -> Call:
        """A question."""
        return Call(spec.chat_path, chat_body(model, request, spec, stream=stream))

    def answer(
        self, answer: Mapping[str, Any], request: Request, model: str, read_error: ErrorReader
    ) -> Response:
        """A whole answer."""
        return read_response(answer, request, model, read_error)

    def reader(self, request: Request, model: str, read_error: ErrorReader) -> StreamReader:
        """For an answer in pieces."""
        return StreamReader(request, model, read_error)

    def models(self, body: bytes, spec: ProviderSpec, now: float) -> Sequence[ModelCard]:
        """One page of a list of models, in any of the shapes in which such providers answer."""
        return read_models(body, spec, now)

    def embed(self, model: str, texts: Sequence[str], spec: ProviderSpec) -> Sequence[EmbedCall]:
        """One call for all."""
        return (
            EmbedCall(
                spec.embeddings_path or "/embeddings", {"model": model, "input": list(texts)}, len(texts)
            ),
        )

    def vectors(
        self, answer: Mapping[str, Any], count: int, read_error: ErrorReader
    ) -> Sequence[Sequence[float]]:
        """In the order of the texts."""
        return read_vectors(answer, count, read_error)


DIALECT: Dialect = OpenAI()

"""Bedrock's Converse: one way of speaking to all the models that Amazon serves, whoever made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiorch.providers.decode import ErrorReader
from aiorch.providers.dialect import Call, Dialect, EmbedCall, Framing, ListSaysAll
from aiorch.providers.dialects.bedrock.answering import read_answer
from aiorch.providers.dialects.bedrock.asking import converse_body, path_of
from aiorch.providers.dialects.bedrock.embedding import embed_calls, vectors_of
from aiorch.providers.dialects.bedrock.listing import read_list
from aiorch.providers.dialects.bedrock.streaming import ConverseReader
from aiorch.providers.spec import ProviderSpec
from aiorch.types import ModelCard, Request, Response


class Bedrock(ListSaysAll):
    """See :class:`~aiorch.providers.dialect.Dialect`."""

    framing: Framing = "aws"

    def chat(self, model: str, request: Request, spec: ProviderSpec, *, stream: bool = False) -> Call:
        """A question."""
        path = path_of(spec.chat_path, model)
        return Call(f"{path}-stream" if stream else path, converse_body(model, request, spec))

    def answer(
        self, answer: Mapping[str, Any], request: Request, model: str, read_error: ErrorReader
    ) -> Response:
        """A whole answer."""
        return read_answer(answer, request, model, read_error)

    def reader(self, request: Request, model: str, read_error: ErrorReader) -> ConverseReader:
        """For an answer in pieces."""
        return ConverseReader(request, model, read_error)

    def models(self, body: bytes, spec: ProviderSpec, now: float) -> Sequence[ModelCard]:
        """A page of foundation models, or of inference profiles."""
        return read_list(body, spec, now)

    def embed(self, model: str, texts: Sequence[str], spec: ProviderSpec) -> Sequence[EmbedCall]:
        """In the words of the model's maker, since Converse has none for it."""
        return embed_calls(model, texts, spec)

    def vectors(
        self, answer: Mapping[str, Any], count: int, read_error: ErrorReader
    ) -> Sequence[Sequence[float]]:
        """In the order of the texts."""
        return vectors_of(answer, count, read_error)


DIALECT: Dialect = Bedrock()

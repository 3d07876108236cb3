"""Anthropic's Messages API as a dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiorch.errors import AttemptFailed
from aiorch.providers.decode import ErrorReader
from aiorch.providers.dialect import Call, Dialect, EmbedCall, Framing, ListSaysAll
from aiorch.providers.dialects.anthropic.answers import StreamReader, read_response
from aiorch.providers.dialects.anthropic.listing import read_models
from aiorch.providers.dialects.anthropic.requests import chat_body
from aiorch.providers.failures import not_sent
from aiorch.providers.spec import ProviderSpec
from aiorch.types import ModelCard, Request, Response


class Anthropic(ListSaysAll):
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
        """One page of its list."""
        return read_models(body, spec, now)

    def embed(self, model: str, texts: Sequence[str], spec: ProviderSpec) -> Sequence[EmbedCall]:
        """This API has none. :raises AttemptFailed: ``bad_request``."""
        raise AttemptFailed(not_sent(f"{spec.name} has no embeddings"))

    def vectors(
        self, answer: Mapping[str, Any], count: int, read_error: ErrorReader
    ) -> Sequence[Sequence[float]]:
        """None were asked for. :raises AttemptFailed: whatever came."""
        raise AttemptFailed(read_error(answer))


DIALECT: Dialect = Anthropic()

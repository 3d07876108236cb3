"""What a dialect is: how a question is written for a family of providers, and how their answers are read. Pure.

:class:`~aiorch.providers.http.HTTPProvider` is the ring of I/O around it: keys, addresses, one attempt, its failure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Literal, Protocol, cast

from aiorch.net import ServerSentEvent
from aiorch.providers.decode import ErrorReader
from aiorch.providers.spec import DialectName, ProviderSpec
from aiorch.types import Delta, ModelCard, Request, Response

Framing = Literal["sse", "ndjson", "aws"]
"""How a stream is cut into events: server-sent events, a JSON document a line, or Amazon's binary event stream. The
last two are handed on as :class:`~aiorch.net.ServerSentEvent` as well: a line or a payload is its ``data``, and
Amazon's ``:event-type`` or ``:exception-type`` its ``event`` (an exception's as ``error:`` and its type)."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call to be made."""

    path: str
    """After the base URL, or a whole URL."""
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EmbedCall:
    """One call of those that a question for vectors takes."""

    path: str
    body: Mapping[str, Any]
    count: int
    """How many of the texts, in their order, it holds."""


class Reader(Protocol):
    """Reads one stream: feed it the events, ask for the whole response at the end."""

    @property
    def finished(self) -> bool:
        """True once the model has said why it stopped; only usage may follow."""
        ...

    def feed(self, event: ServerSentEvent) -> Sequence[Delta]:
        """The deltas of one event. :raises AttemptFailed: for an error in it, or when it cannot be read."""
        ...

    def response(self) -> Response:
        """What came of it. :raises AttemptFailed: when it broke off, or nothing came."""
        ...


class Dialect(Protocol):
    """One way of speaking. Stateless: one object serves all providers that speak it.

    ``read_error`` classifies an error object found inside an answer that came as HTTP 200.
    """

    framing: Framing

    def chat(self, model: str, request: Request, spec: ProviderSpec, *, stream: bool = False) -> Call:
        """A question. :raises AttemptFailed: ``bad_request``, for what this dialect has no words for."""
        ...

    def answer(
        self, answer: Mapping[str, Any], request: Request, model: str, read_error: ErrorReader
    ) -> Response:
        """A whole answer. :raises AttemptFailed: when it is none."""
        ...

    def reader(self, request: Request, model: str, read_error: ErrorReader) -> Reader:
        """For an answer in pieces."""
        ...

    def models(self, body: bytes, spec: ProviderSpec, now: float) -> Sequence[ModelCard]:
        """One page of a list of models. :raises AttemptFailed: when it is none."""
        ...

    def about(self, card: ModelCard, spec: ProviderSpec) -> Call | None:
        """A question about one listed model, where its list says too little; ``None`` where nothing is to be asked."""
        ...

    def enriched(self, card: ModelCard, answer: Mapping[str, Any]) -> ModelCard:
        """The card, with what the answer to :meth:`about` adds."""
        ...

    def embed(self, model: str, texts: Sequence[str], spec: ProviderSpec) -> Sequence[EmbedCall]:
        """A question for vectors; asked only of providers with an ``embeddings_path``."""
        ...

    def vectors(
        self, answer: Mapping[str, Any], count: int, read_error: ErrorReader
    ) -> Sequence[Sequence[float]]:
        """The vectors of one call. :raises AttemptFailed: when they are not ``count`` vectors."""
        ...


class ListSaysAll:
    """For the dialects of providers whose list leaves no question about a single model."""

    def about(self, card: ModelCard, spec: ProviderSpec) -> Call | None:
        """Nothing is asked."""
        return None

    def enriched(self, card: ModelCard, answer: Mapping[str, Any]) -> ModelCard:
        """The card as it is."""
        return card


_MODULES: Mapping[DialectName, str] = {
    "openai": "openai",
    "openrouter": "openrouter",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "cohere": "cohere",
    "ollama": "ollama",
    "bedrock": "bedrock",
    "watsonx": "watsonx",
}


@cache
def dialect_named(name: DialectName) -> Dialect:
    """The dialect of that name; its code is loaded when it is first used."""
    module = import_module(f"aiorch.providers.dialects.{_MODULES[name]}")
    return cast(Dialect, module.DIALECT)

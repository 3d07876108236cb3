"""Google's generateContent as a dialect."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from aiorch.providers.decode import ErrorReader
from aiorch.providers.dialect import Call, Dialect, EmbedCall, Framing, ListSaysAll
from aiorch.providers.dialects.gemini.answers import StreamReader, read_response
from aiorch.providers.dialects.gemini.listing import read_models
from aiorch.providers.dialects.gemini.requests import chat_body
from aiorch.providers.dialects.gemini.vectors import embed_calls, read_vectors
from aiorch.providers.spec import ProviderSpec
from aiorch.types import ModelCard, Request, Response

_CLOUD = re.compile(r"https://aiplatform\.googleapis\.com(/\w+/projects/[^/]+/locations/([\w-]+))")
_CONTINENTS = ("us", "eu")


class Gemini(ListSaysAll):
    """See :class:`~aiorch.providers.dialect.Dialect`."""

    framing: Framing = "sse"

    def chat(self, model: str, request: Request, spec: ProviderSpec, *, stream: bool = False) -> Call:
        """A question; how the answer comes is part of its address."""
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return Call(f"{_path(spec.chat_path, model, spec)}:{method}", chat_body(model, request, spec))

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
        """A call for every hundred."""
        return embed_calls(_path(spec.embeddings_path or spec.chat_path, model, spec), model, texts)

    def vectors(
        self, answer: Mapping[str, Any], count: int, read_error: ErrorReader
    ) -> Sequence[Sequence[float]]:
        """In the order of the texts."""
        return read_vectors(answer, count, read_error)


def _path(path: str, model: str, spec: ProviderSpec) -> str:
    """The model's address: a path, or the whole of it where its region of Google's cloud has a host of its own.

    >>> from aiorch.providers.specs import SPECS
    >>> _path("/models/{model}", "gemini-3.5-flash", SPECS["gemini"])
    '/models/gemini-3.5-flash'
    """
    named = model.removeprefix(spec.quirks.strip_id)
    path = path.replace("{model}", quote(named, safe=""))
    place = _CLOUD.fullmatch(spec.base_url)
    if place is None or place[2] == "global":
        return path
    rest, location = place.groups()
    if location in _CONTINENTS:
        return f"https://aiplatform.{location}.rep.googleapis.com{rest}{path}"
    return f"https://{location}-aiplatform.googleapis.com{rest}{path}"


DIALECT: Dialect = Gemini()

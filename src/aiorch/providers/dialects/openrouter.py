"""OpenRouter's way of speaking: OpenAI's, with fallback models, helpers, answers from a cache, and a bill beside each.

Its own here is what keeps a free model free, and what its answers and lists tell beyond OpenAI's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from aiorch.errors import AttemptFailed
from aiorch.providers.decode import ErrorReader, as_list, as_object, as_text
from aiorch.providers.dialect import Call, Dialect
from aiorch.providers.dialects.openai import OpenAI
from aiorch.providers.failures import not_sent
from aiorch.providers.listing import cards_of, items_of
from aiorch.providers.openrouter.charges import NOTHING, agreed, charged
from aiorch.providers.openrouter.ids import costs_nothing
from aiorch.providers.spec import ProviderSpec
from aiorch.providers.streaming import StreamReader
from aiorch.types import Delta, ModelCard, Request, Response, Usage


class OpenRouter(OpenAI):
    """See :class:`~aiorch.providers.dialect.Dialect`."""

    def chat(self, model: str, request: Request, spec: ProviderSpec, *, stream: bool = False) -> Call:
        """A question.

        :raises AttemptFailed: ``bad_request``, when the model is free and something beside it is charged, unless the
            request has a ``provider.max_price`` that says how much may be.
        """
        given = request.parameters.extra
        theirs = [*as_list(spec.body.get("tools")), *as_list(given.get("tools"))]
        own = {name: value for name, value in given.items() if name != "tools"}
        row = replace(spec, body={name: value for name, value in spec.body.items() if name != "tools"})
        asked = replace(request, parameters=replace(request.parameters, extra=own))
        call = super().chat(model, asked, row, stream=stream)
        body = dict(call.body)
        if theirs:  # tools that OpenRouter carries out go beside those that the caller does
            body["tools"] = [*as_list(body.get("tools")), *theirs]
        if costs_nothing(model):
            body = _kept_free(model, body)
        return replace(call, body=body)

    def answer(
        self, answer: Mapping[str, Any], request: Request, model: str, read_error: ErrorReader
    ) -> Response:
        """A whole answer."""
        return _told(super().answer(answer, request, model, read_error), answer)

    def reader(self, request: Request, model: str, read_error: ErrorReader) -> StreamReader:
        """For an answer in pieces."""
        return _Reader(request, model, read_error)

    def models(self, body: bytes, spec: ProviderSpec, now: float) -> Sequence[ModelCard]:
        """One page of its list, with what it tells of knowledge and weights."""
        items = items_of(body)
        told = {as_text(item.get("id")): item for item in map(as_object, items)}
        return tuple(_listed(card, told.get(card.model, {})) for card in cards_of(items, spec, now))


def _kept_free(model: str, body: dict[str, Any]) -> dict[str, Any]:
    """The request, if nothing in it is charged; with fallbacks, a price limit of nothing holds it to that."""
    why = f"its field model names {body['model']}" if body["model"] != model else charged(body)
    if why and not agreed(body):
        raise AttemptFailed(not_sent(f"{model} is free, but {why}"))
    if not body.get("models") or as_object(body.get("provider")).get("max_price"):
        return body
    return {**body, "provider": {**as_object(body.get("provider")), "max_price": dict(NOTHING)}}


# --- what an answer tells beyond OpenAI's ------------------------------------------------------------------------


class _Reader(StreamReader):
    """Keeps the last chunks' bill and route, which are beside the answer."""

    __slots__ = ("_beside",)

    def __init__(self, request: Request, model: str, read_error: ErrorReader) -> None:
        super().__init__(request, model, read_error)
        self._beside: dict[str, Any] = {}

    def _read(self, chunk: Mapping[str, Any], is_error: bool) -> list[Delta]:
        for name in ("usage", "openrouter_metadata"):
            if name in chunk:
                self._beside[name] = chunk[name]
        return super()._read(chunk, is_error)

    def response(self) -> Response:
        return _told(super().response(), self._beside)


def _told(response: Response, answer: Mapping[str, Any]) -> Response:
    """The response with what it cost and how it was routed. Usage of nothing is that: it came from the cache."""
    usage, route = as_object(answer.get("usage")), as_object(answer.get("openrouter_metadata"))
    told: dict[str, str] = {}
    cost = usage.get("cost")
    if isinstance(cost, int | float) and not isinstance(cost, bool):
        told["cost_usd"] = format(Decimal(str(cost)), "f")
    for name, key in (("strategy", "routing"), ("summary", "route"), ("region", "region")):
        if as_text(route.get(name)):
            told[key] = as_text(route.get(name))
    tried = route.get("attempt")
    if isinstance(tried, int) and not isinstance(tried, bool):
        told["hosts_tried"] = str(tried)
    counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    spent = Usage() if counts == [0, 0] else response.usage
    return replace(response, usage=spent, details={**response.details, **told})


# --- what its list tells beyond OpenAI's -------------------------------------------------------------------------


def _listed(card: ModelCard, item: Mapping[str, Any]) -> ModelCard:
    return replace(
        card,
        knowledge=as_text(item.get("knowledge_cutoff")) or card.knowledge,
        open_weights=True if as_text(item.get("hugging_face_id")) else card.open_weights,
    )


DIALECT: Dialect = OpenRouter()

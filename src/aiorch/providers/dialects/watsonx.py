"""watsonx.ai: OpenAI's words with names of its own, a place for the project, and an address a way of answering."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiorch.errors import AttemptFailed
from aiorch.providers.decode import ErrorReader, as_list, as_object, as_text, read_response, read_vectors
from aiorch.providers.dialect import Call, Dialect, EmbedCall, Framing, ListSaysAll
from aiorch.providers.encode import chat_body
from aiorch.providers.failures import malformed
from aiorch.providers.listing import parameters_of, read_models
from aiorch.providers.spec import ProviderSpec
from aiorch.providers.streaming import StreamReader
from aiorch.types import Delta, Failure, FailureKind, ModelCard, Request, Response

MOST_TEXTS = 1000
"""Texts of one call for vectors (API reference of ``/ml/v1/text/embeddings``)."""

_CHATS, _SEES = "text_chat", "image_chat"
_EMBEDS = frozenset({"embedding", "text_embedding"})


class Watsonx(ListSaysAll):
    """See :class:`~aiorch.providers.dialect.Dialect`."""

    framing: Framing = "sse"

    def chat(self, model: str, request: Request, spec: ProviderSpec, *, stream: bool = False) -> Call:
        """A question. :raises AttemptFailed: ``bad_request``, when it belongs to no project and no space."""
        body = chat_body(model, request, spec)
        choice = body.pop("tool_choice", "auto" if request.tools else None)
        if choice is not None:
            body["tool_choice_option" if isinstance(choice, str) else "tool_choice"] = choice
        path = spec.chat_path.replace("/text/chat", "/text/chat_stream", 1) if stream else spec.chat_path
        return Call(path, _placed(body, spec))

    def answer(
        self, answer: Mapping[str, Any], request: Request, model: str, read_error: ErrorReader
    ) -> Response:
        """A whole answer."""
        _raise_errors_in(answer, read_error)
        return read_response(_named(answer), request, model, read_error)

    def reader(self, request: Request, model: str, read_error: ErrorReader) -> WatsonxReader:
        """For an answer in pieces."""
        return WatsonxReader(request, model, read_error)

    def models(self, body: bytes, spec: ProviderSpec, now: float) -> Sequence[ModelCard]:
        """One page of its list, translated into the words that other lists use."""
        try:
            parsed: object = json.loads(body)
        except (ValueError, RecursionError):
            raise AttemptFailed(malformed("the list of models is no valid JSON")) from None
        told = as_object(parsed)
        if not isinstance(told.get("resources"), list):
            raise AttemptFailed(malformed("the list of models is JSON, but holds no list"))
        items = [
            _listed(item) for it in as_list(told["resources"]) if (item := as_object(it)).get("model_id")
        ]
        return read_models(json.dumps({"data": items}).encode(), spec, now)

    def embed(self, model: str, texts: Sequence[str], spec: ProviderSpec) -> Sequence[EmbedCall]:
        """As few calls as its limit allows."""
        path = spec.embeddings_path or "/ml/v1/text/embeddings"
        bundles = (texts[n : n + MOST_TEXTS] for n in range(0, len(texts), MOST_TEXTS))
        return tuple(
            EmbedCall(path, _placed({"model": model, "inputs": list(b), **spec.body}, spec), len(b))
            for b in bundles
        )

    def vectors(
        self, answer: Mapping[str, Any], count: int, read_error: ErrorReader
    ) -> Sequence[Sequence[float]]:
        """In the order of the texts."""
        _raise_errors_in(answer, read_error)
        return read_vectors({"data": answer.get("results")}, count, read_error)


class WatsonxReader(StreamReader):
    """OpenAI's chunks, with errors as watsonx writes them."""

    __slots__ = ()

    def _read(self, chunk: Mapping[str, Any], is_error: bool) -> list[Delta]:
        _raise_errors_in(chunk, self._read_error)
        return super()._read(_named(chunk), is_error)


def _raise_errors_in(told: Mapping[str, Any], read_error: ErrorReader) -> None:
    if told.get("errors"):
        raise AttemptFailed(read_error(told))


def _named(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The model under the name that OpenAI has for it."""
    return told if "model" in told or "model_id" not in told else {**told, "model": told["model_id"]}


def _placed(body: dict[str, Any], spec: ProviderSpec) -> Mapping[str, Any]:
    """The body with the model and with exactly one place that is charged for it."""
    body["model_id"] = body.pop("model")
    if body.get("project_id"):
        body.pop("space_id", None)  # of two, one is refused
    elif not body.get("space_id"):
        what = f"{spec.name} wants a project or a space: set WATSONX_PROJECT_ID or WATSONX_SPACE_ID; nothing was sent"
        raise AttemptFailed(Failure(FailureKind.BAD_REQUEST, "account", what))
    return body


def _listed(item: Mapping[str, Any]) -> Mapping[str, Any]:
    functions = {as_text(as_object(f).get("id")) for f in as_list(item.get("functions"))}
    tasks = {as_text(as_object(t).get("id")) for t in as_list(item.get("tasks"))}
    tasks.update(as_text(t) for t in as_list(item.get("task_ids")))
    limits = as_object(item.get("model_limits"))
    made: dict[str, Any] = {
        "id": item.get("model_id"),
        "name": item.get("label"),
        "context_length": limits.get("max_sequence_length"),
        "max_completion_tokens": limits.get("max_output_tokens"),
        "lifecycle": item.get("lifecycle"),
        "meta": {"n_params": parameters_of(as_text(item.get("number_params")))},
    }
    if functions:
        made["endpoints"] = [
            *(["chat"] if _CHATS in functions else []),
            *(["embed"] if _EMBEDS & functions else []),
        ]
    made["tags"] = [
        *(["tool-use"] if "function_calling" in tasks else []),
        *(["vision"] if _SEES in functions else []),
    ]
    return made


DIALECT: Dialect = Watsonx()
